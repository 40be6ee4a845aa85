using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo process is told to stop, and something in it does not end.</summary>
public sealed class ShutdownTests
{
    [Theory]
    [InlineData("exit")]
    [InlineData("thread")]
    public async Task A_process_that_hangs_at_its_end_is_ended_at_the_shutdown_timeout_with_a_line_and_a_code(string hang)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SIGTERM is sent by kill.");
        var folder = Directory.CreateTempSubdirectory("kor-stop-");
        var url = $"http://127.0.0.1:{FreePorts.Next()}";
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.FullName };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"));
        start.ArgumentList.Add("run");
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
            Assert.True(process.ExitCode == 70, $"{process.ExitCode}: {await output} {await error}");
            Assert.Contains("did not stop within Kor:ShutdownTimeout (2 s)", await error, StringComparison.Ordinal);
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
