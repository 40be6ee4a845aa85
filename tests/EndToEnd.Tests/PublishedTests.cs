using System.Diagnostics;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>The published program, away from its sources.</summary>
public sealed class PublishedTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task The_demo_of_a_published_silo_runs_in_an_empty_folder()
    {
        var folder = Directory.CreateTempSubdirectory("kor-published-").FullName;
        try
        {
            var program = Path.Combine(folder, "program");
            var empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
            // What was built for these tests is published as it is.
            var build = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            var (code, output) = await RunAsync(
                folder, "publish", RepoPaths.Under("Silo", "Silo.csproj"), "--no-build", "--nologo", "-v", "q", "-c", build, "-o", program);
            Assert.True(code == 0, output);
            (code, output) = await RunAsync(
                empty, Path.Combine(program, "KafkaOracleOrleans.Silo.dll"), "demo", "--seconds", "2", "--rate", "200", "--url", $"http://127.0.0.1:{FreePorts.Next()}");
            Assert.True(code == 0, output);
            Assert.Contains("adds up", output, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
            Assert.DoesNotContain("warn", output, StringComparison.OrdinalIgnoreCase);
            Assert.Empty(Directory.EnumerateFileSystemEntries(empty));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static async Task<(int Code, string Output)> RunAsync(string folder, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            var output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, output + await error);
        }
        finally
        {
            if (!process.HasExited) process.Kill(true);
        }
    }
}
