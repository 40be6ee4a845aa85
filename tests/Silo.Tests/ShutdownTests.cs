using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo process is told to stop, and something in it does not end.</summary>
public sealed class ShutdownTests
{
    private static readonly string Product = Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll");

    // The kernel's SIGALRM, as a shell tells it.
    private const int Alarm = 128 + 14;

    /// <summary>The sample of docs/transforms.md: a program of somebody's own, with the silo in it.</summary>
    private static string OwnHost
    {
        get
        {
            var configuration = new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;
            return RepoPaths.Under("samples", "OwnHost", "bin", configuration, "net10.0", "KafkaOracleOrleans.OwnHost.dll");
        }
    }

    [Theory]
    [InlineData("exit", false)]
    [InlineData("thread", false)]
    [InlineData("exit", true)]
    [InlineData("thread", true)]
    public async Task A_process_that_hangs_at_its_end_is_ended_at_the_shutdown_timeout_with_a_line_and_a_code(string hang, bool ownHost)
    {
        var (code, output) = await EndAsync(ownHost ? OwnHost : Product, hang);
        Assert.True(code == 70, $"{code}: {output}");
        Assert.Contains("did not stop within Kor:ShutdownTimeout (2 s)", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_process_in_which_no_managed_code_runs_any_more_is_ended_by_the_kernel(bool ownHost)
    {
        var (code, output) = await EndAsync(ownHost ? OwnHost : Product, "runtime");
        Assert.True(code == Alarm, $"{code}: {output}");
    }

    [Fact]
    public async Task A_host_of_ones_own_that_is_told_to_stop_and_does_ends_by_itself()
    {
        var (code, output) = await EndAsync(OwnHost, "");
        Assert.True(code == 0, $"{code}: {output}");
        Assert.Contains("Stopped in order", output, StringComparison.Ordinal);
    }

    /// <summary>Starts a silo, tells it to stop, and waits for the end of the process.</summary>
    private static async Task<(int Code, string Output)> EndAsync(string program, string hang)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SIGTERM is sent by kill.");
        var folder = Directory.CreateTempSubdirectory("kor-stop-");
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName };
        start.ArgumentList.Add(program);
        if (program == Product) start.ArgumentList.Add("run");
        foreach (var (name, value) in new Dictionary<string, string>
        {
            ["DOTNET_STARTUP_HOOKS"] = typeof(FreePorts).Assembly.Location,
            ["KOR_TEST_HANG"] = hang,
            ["Kor__Url"] = url,
            ["Kor__Pipelines"] = folder.FullName,
            ["Kor__ShutdownTimeout"] = "00:00:02",
            ["Kor__Kafka__main__BootstrapServers"] = "127.0.0.1:1",
            ["Kor__Connections__state__Provider"] = "Sqlite",
            ["Kor__Connections__state__Database"] = Path.Combine(folder.FullName, "state.db"),
            ["Kor__State__Create"] = "true",
            ["Kor__Cluster__SiloPort"] = "0",
            ["Kor__Cluster__GatewayPort"] = "0",
            ["Logging__LogLevel__KafkaOracleOrleans"] = "Information",
        })
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await WaitUntilLiveAsync(url, process);
            using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            return (process.ExitCode, $"{await output} {await error}");
        }
        finally
        {
            if (!process.HasExited) process.Kill(true);
            await process.WaitForExitAsync(CancellationToken.None);
            folder.Delete(true);
        }
    }

    private static async Task WaitUntilLiveAsync(string url, Process process)
    {
        using var http = new HttpClient();
        var clock = Stopwatch.StartNew();
        while (true)
        {
            Assert.False(process.HasExited, "The silo ended before it was told to.");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(90), "The silo did not come up.");
            try
            {
                using var answer = await http.GetAsync($"{url}/health/live", TestContext.Current.CancellationToken);
                if (answer.IsSuccessStatusCode) return;
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }
}
