using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>Starts that cannot be: the code, the reason, and no stack trace.</summary>
public sealed class StartFailureTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_second_silo_on_one_state_database_says_why_it_does_not_start_and_a_killed_one_is_followed_at_once()
    {
        using var kafka = EmbeddedKafka.Start();
        var folder = Directory.CreateTempSubdirectory("kor-sole-").FullName;
        try
        {
            var settings = Settings(kafka, folder);
            await using var first = new SiloProcess("sole-1", settings);
            first.Start();
            await LogAsync(first, "Next: ");

            await using (var second = new SiloProcess("sole-2", settings))
            {
                second.Start();
                Assert.True(await second.ExitsWithinAsync(Deadline), second.LogText);
                var log = await LogAsync(second, "Kor:Cluster:Connection");
                AssertTold(second, log, 78, $"Another silo runs on the state database of connection 'state': process {first.ProcessId} on");
                Assert.Contains($"API {first.Url}", log, StringComparison.Ordinal);
            }

            await first.KillAsync();
            await using var third = new SiloProcess("sole-3", settings);
            third.Start();
            var followed = await LogAsync(third, "Next: ");
            Assert.DoesNotContain("did not end in order", followed, StringComparison.Ordinal);
            Assert.Equal(0, await third.TerminateAsync(Deadline));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Theory]
    [InlineData("Kor__Connections__dwh__Port", "54x32", 78, "Kor:Connections:dwh:Port is '54x32'")]
    [InlineData("Kor__Connections__dwh__PasswordFile", "/does/not/exist", 78, "PasswordFile is '/does/not/exist', which cannot be read")]
    [InlineData("Kor__Connections__state__Database", "/does/not/exist/state.db", 69, "'doctor' looks at every connection")]
    public async Task What_is_wrong_is_the_last_that_is_said(string key, string value, int code, string told)
    {
        using var kafka = EmbeddedKafka.Start();
        var folder = Directory.CreateTempSubdirectory("kor-fault-").FullName;
        try
        {
            var settings = Settings(kafka, folder);
            settings["Kor__Connections__dwh__Provider"] = "PostgreSql";
            settings["Kor__Connections__dwh__Host"] = "127.0.0.1";
            settings["Kor__Connections__dwh__Database"] = "dwh";
            settings[key] = value;
            await using var silo = new SiloProcess("fault", settings);
            silo.Start();
            Assert.True(await silo.ExitsWithinAsync(Deadline), silo.LogText);
            AssertTold(silo, await LogAsync(silo, told), code, told);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static void AssertTold(SiloProcess silo, string log, int code, string told)
    {
        Assert.Equal(code, silo.ExitCode);
        Assert.Contains(told, log.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", log, StringComparison.Ordinal);
    }

    private static async Task<string> LogAsync(SiloProcess silo, string text) => (await Eventually.GetAsync(
        () => Task.FromResult(silo.LogText), log => log.Contains(text, StringComparison.Ordinal), Deadline, log => $"no '{text}' in\n{log}"))!;

    private static Dictionary<string, string> Settings(EmbeddedKafka kafka, string folder) => new()
    {
        ["Kor__Pipelines"] = folder,
        ["Kor__Kafka__main__BootstrapServers"] = kafka.BootstrapServers,
        ["Kor__Connections__state__Provider"] = "Sqlite",
        ["Kor__Connections__state__Database"] = Path.Combine(folder, "state.db"),
        ["Kor__State__Create"] = "true",
    };
}
