using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>
/// <c>kor run</c>: one pipeline in a process of its own, while it is being written. The command line does not contain the engine, so it starts the
/// server's program, which it finds by <c>KOR_SILO</c>, beside itself, or in a checkout around the working directory.
/// </summary>
internal static partial class RunVerb
{
    private const string Variable = "KOR_SILO";
    private const string Program = "KafkaOracleOrleans.Silo.dll";
    private const int SigTerm = 15;

    public static void AddTo(KorCommand kor)
    {
        var file = new Argument<string>("file") { Description = "A pipeline file; what is saved to it takes effect while it runs." };
        var state = new Option<string?>("--state") { Description = "A SQLite file that keeps the state. Default: state that is gone at the end." };
        kor.Add(
            new Command("run", "Runs one pipeline in a process of its own, with the server's configuration and the real topics and tables.") { file, state },
            async (context, cancellation) =>
            {
                var path = context.Host.FullPath(context.Args.GetValue(file)!);
                // Every fault of the file, before a process is started for it.
                PipelineFiles.Load(context, path, context.Host.Variable);
                List<string> arguments = ["run-file", path];
                if (context.Args.GetValue(state) is { } kept) arguments.AddRange(["--state", context.Host.FullPath(kept)]);
                if (context.Args.GetResult(context.Globals.Url) is { Implicit: false }) arguments.AddRange(["--url", context.Url.ToString()]);
                return await RunAsync(Find(context.Host), arguments, context.Host, cancellation);
            });
    }

    /// <summary>The program to start and its first arguments.</summary>
    private static (string Program, string[] Arguments) Find(CliHost host)
    {
        if (host.Variable(Variable) is { Length: > 0 } named)
        {
            var path = host.FullPath(named);
            if (!File.Exists(path)) throw new CliException(ExitCodes.NotFound, $"{Variable} names '{path}', and there is no such file.");
            return path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? ("dotnet", [path]) : (path, []);
        }

        var beside = Path.Combine(AppContext.BaseDirectory, Program);
        if (File.Exists(beside)) return ("dotnet", [beside]);
        for (var folder = host.WorkingDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            var project = Path.Combine(folder, "Silo", "Silo.csproj");
            if (File.Exists(project)) return ("dotnet", ["run", "--project", project, "--"]);
        }

        throw new CliException(
            ExitCodes.NotFound, $"The server's program was not found. Set {Variable} to {Program}, or run this in a checkout of the project.");
    }

    private static async Task<int> RunAsync(
        (string Program, string[] Arguments) program, List<string> arguments, CliHost host, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program.Program, [.. program.Arguments, .. arguments]) { WorkingDirectory = host.WorkingDirectory, UseShellExecute = false };
        // As in the image: the runtime takes it from the environment only.
        start.Environment.TryAdd("DOTNET_GCgen0size", "0x4000000");
        try
        {
            using var process = Process.Start(start)!;
            // A terminal sends Ctrl-C to both; a supervisor's SIGTERM reaches only this process. Either way the server ends in order.
            await using (cancellation.Register(() => Terminate(process)))
            {
                await process.WaitForExitAsync(CancellationToken.None);
            }

            return process.ExitCode;
        }
        catch (Win32Exception e)
        {
            throw new CliException(ExitCodes.Unavailable, $"'{program.Program}' could not be started: {e.Message}");
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
