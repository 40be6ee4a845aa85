using KafkaOracleOrleans.Silo.Tests.Support;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What a database says is in the metrics by its code.</summary>
public sealed class SinkErrorMetricsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_sink_whose_table_is_gone_shows_the_databases_code()
    {
        // What cannot be written is not waited for at the end.
        await using var silo = await TestSilo.StartAsync(o => o.ShutdownTimeout = TimeSpan.FromSeconds(3));
        silo.Produce(20);
        // Of both lanes: one that opens after the table was dropped would make it again.
        await silo.WaitForAsync(s => s.GetProperty("sinks").EnumerateArray().Count(k =>
            k.GetProperty("sink").GetString() == "clean" && k.GetProperty("written").GetInt64() > 0) == 2);
        await DropAsync(Path.Combine(silo.Folder, "dwh.db"));
        silo.Produce(20, 100);
        using var client = silo.Client(TestSilo.Viewer);
        for (var i = 0; i < 300; i++)
        {
            var families = PrometheusText.Parse(await client.GetStringAsync("/metrics", Cancel));
            if (families.TryGetValue("kor_sink_errors_total", out var errors)
                && errors.Samples.FirstOrDefault(s => s.Labels["sink"] == "clean") is { } sample)
            {
                Assert.StartsWith("SQLITE ", sample.Labels["code"], StringComparison.Ordinal);
                Assert.Contains(sample.Labels["retryable"], new[] { "true", "false" });
                return;
            }

            await Task.Delay(200, Cancel);
        }

        Assert.Fail("No error was counted.\n" + silo.Log);
    }

    private static async Task DropAsync(string file)
    {
        await using var connection = new SqliteConnection($"Data Source={file}");
        await connection.OpenAsync(Cancel);
        await using var command = connection.CreateCommand();
        command.CommandText = "DROP TABLE EVENTS";
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
