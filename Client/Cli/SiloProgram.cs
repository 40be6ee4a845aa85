using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>
/// The server's program, for verbs that run it here. It is found by <c>KOR_SILO</c>, beside this program, or in a checkout around the working directory,
/// where it is built first.
/// </summary>
internal static partial class SiloProgram
{
    private const string Variable = "KOR_SILO";
    private const string Program = "KafkaOracleOrleans.Silo.dll";
    private const int SigTerm = 15;

    /// <summary>Runs it with arguments, on this terminal, and returns its exit code.</summary>
    public static async Task<int> RunAsync(VerbContext context, IReadOnlyList<string> arguments, CancellationToken cancellation)
    {
        var host = context.Host;
        var path = Find(host) ?? await BuildAsync(context, Project(host), cancellation);
        string[] first = path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? [path] : [];
        var program = first.Length == 0 ? path : "dotnet";
        var start = new ProcessStartInfo(program, [.. first, .. arguments]) { WorkingDirectory = host.WorkingDirectory, UseShellExecute = false };
        // As in the image: the runtime takes it from the environment only.
        start.Environment.TryAdd("DOTNET_GCgen0size", "0x4000000");
        using var process = Start(start);
        // A terminal sends Ctrl-C to both; a supervisor's SIGTERM reaches only this process. Either way the server ends in order.
        await using (cancellation.Register(() => Terminate(process)))
        {
            await process.WaitForExitAsync(CancellationToken.None);
        }

        return process.ExitCode;
    }

    /// <summary>The program that is there already, or null.</summary>
    private static string? Find(CliHost host)
    {
        if (host.Variable(Variable) is { Length: > 0 } named)
        {
            var path = host.FullPath(named);
            return File.Exists(path) ? path : throw new CliException(ExitCodes.NotFound, $"{Variable} names '{path}', and there is no such file.");
        }

        var beside = Path.Combine(AppContext.BaseDirectory, Program);
        return File.Exists(beside) ? beside : null;
    }

    private static string Project(CliHost host)
    {
        for (var folder = host.WorkingDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var project = Path.Combine(folder, "Silo", "Silo.csproj");
            if (File.Exists(project)) return project;
        }

        throw new CliException(
            ExitCodes.NotFound, $"The server's program was not found. Set {Variable} to {Program}, or run this in a checkout of the project.");
    }

    /// <summary>Builds the server and returns its program. Says so, since the first time takes a while.</summary>
    private static async Task<string> BuildAsync(VerbContext context, string project, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var say = $"Building the server ({project}); the first time takes a minute or two ...";
        if (!context.Output.ShowsProgress) context.Output.Talk(say);
        var (code, output) = await context.Output.WaitAsync(say, () => CaptureAsync(["build", project, "--nologo", "-v", "q", "-getProperty:TargetPath"], cancellation));
        if (code != 0) throw new CliException(ExitCodes.Failed, $"The server could not be built:{Environment.NewLine}{output}{Environment.NewLine}'dotnet build {project}' shows it again.");
        context.Output.Talk(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Built in {clock.Elapsed.TotalSeconds:0} s; starting ..."));
        return output.Trim().Split('\n')[^1].Trim();
    }

    private static async Task<(int Code, string Output)> CaptureAsync(string[] arguments, CancellationToken cancellation)
    {
        using var process = Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false });
        await using (cancellation.Register(() => Terminate(process)))
        {
            var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
            var output = await process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellation.ThrowIfCancellationRequested();
            return (process.ExitCode, process.ExitCode == 0 ? output : output + await error);
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new CliException(ExitCodes.Unavailable, $"'{start.FileName}' could not be started: {e.Message}");
        }
    }

    private static void Terminate(Process process)
    {
        if (OperatingSystem.IsWindows() || process.HasExited) return;
        _ = Kill(process.Id, SigTerm);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
