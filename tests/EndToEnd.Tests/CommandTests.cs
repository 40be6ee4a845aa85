using System.Diagnostics;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>What the silo's program answers without running: each in a process of its own, where nothing was loaded before.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-commands-").FullName;

    public void Dispose() => Directory.Delete(_folder, true);

    [Fact]
    public async Task Drivers_are_listed_with_their_versions()
    {
        var (code, output) = await RunAsync("drivers");
        Assert.True(code == 0, output);
        Assert.Matches(@"postgresql\s+Npgsql\s+\d", output);
        Assert.Matches(@"sqlite\s+Microsoft\.Data\.Sqlite\s+\d+\S*\s+SQLite 3\.", output);
        Assert.Contains("-p:WithOracleDriver=true", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_doctor_names_a_missing_driver_and_looks_at_the_other_connections_all_the_same()
    {
        var (code, output) = await RunAsync("doctor");
        Assert.True(code == 1, output);
        Assert.Matches(@"FAIL  dwh +driver +Oracle\.ManagedDataAccess is not part of this build.*-p:WithOracleDriver=true", output);
        Assert.Matches(@"ok    state +reachable", output);
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var info = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        info.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"));
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        info.Environment["Kor__Pipelines"] = _folder;
        info.Environment["Kor__Connections__state__Provider"] = "Sqlite";
        info.Environment["Kor__Connections__state__Database"] = Path.Combine(_folder, "state.db");
        info.Environment["Kor__State__Connection"] = "state";
        info.Environment["Kor__State__Create"] = "true";
        info.Environment["Kor__Connections__dwh__Provider"] = "Oracle";
        info.Environment["Kor__Connections__dwh__Host"] = "localhost";
        info.Environment["Kor__Connections__dwh__Database"] = "FREEPDB1";
        using var process = Process.Start(info) ?? throw new InvalidOperationException("The program did not start.");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(1));
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        await process.WaitForExitAsync(deadline.Token);
        return (process.ExitCode, await output + await error);
    }
}
