using KafkaOracleOrleans.EndToEnd.Tests.Walk;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>A proof of the tables of a pipeline that runs, on a real Kafka, whose silo was killed: what is right is called right, and planted faults are found and nothing else.</summary>
public sealed class ReconcileTests
{
    [Fact]
    public async Task Planted_faults_are_found_and_nothing_else_on_a_silo_that_was_killed()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        await using var stage = await WalkStage.SetUpAsync();
        stage.Send(1_000);
        stage.Silo.Start();
        using var kor = new Walker(stage.Silo.Url, stage.Folder);
        await Harness.Eventually.GetAsync(
            () => stage.Silo.TryGetStatusAsync("orders"), s => s?.Counts.Consumed > 0, TimeSpan.FromSeconds(60), _ => stage.Silo.LogText);
        await stage.Silo.KillAsync();
        stage.Send(1_000);
        stage.Silo.Start();
        await stage.DrainAsync();

        var right = await kor.JsonAsync("reconcile", "orders");
        Assert.Equal("equal", right.GetProperty("result").GetString());
        Assert.True(right.GetProperty("countsAgree").GetBoolean());
        Assert.Equal(stage.Sent, right.GetProperty("log").GetProperty("consumed").GetInt64());
        Assert.Equal((0, 0, 0), Faults(right, "clean"));
        Assert.Equal((0, 0, 0), Faults(right, "revenue"));
        Assert.True(Sink(right, "clean").GetProperty("matched").GetInt64() > 1_000);
        Assert.True(Sink(right, "revenue").GetProperty("matched").GetInt64() > 50);
        Assert.Equal(0, Sink(right, "revenue").GetProperty("undecidable").GetInt64());
        Assert.Contains("The tables are what the log says.", (await kor.KorAsync(0, "reconcile", "orders", "--since", "2020-01-01T00:00:00Z")).Out, StringComparison.Ordinal);

        Run(stage, "DELETE FROM REVENUE_5M WHERE rowid = (SELECT MIN(rowid) FROM REVENUE_5M)");
        Run(stage, "UPDATE REVENUE_5M SET REVENUE = REVENUE + 1 WHERE rowid = (SELECT MIN(rowid) + 1 FROM REVENUE_5M)");
        // The first record of partition 3 was refused.
        Run(
            stage,
            "CREATE TEMP TABLE x AS SELECT * FROM ORDERS_CLEAN LIMIT 1; UPDATE x SET KOR_PARTITION = 3, KOR_OFFSET = 0; INSERT INTO ORDERS_CLEAN SELECT * FROM x");
        var wrong = (await kor.KorAsync(3, "reconcile", "orders", "-o", "json")).Json;
        Assert.Equal("different", wrong.GetProperty("result").GetString());
        Assert.Equal((0, 1, 0), Faults(wrong, "clean"));
        Assert.Equal((1, 0, 1), Faults(wrong, "revenue"));
        Assert.Equal(
            Sink(right, "revenue").GetProperty("matched").GetInt64() - 2, Sink(wrong, "revenue").GetProperty("matched").GetInt64());
        var text = await kor.KorAsync(3, "reconcile", "orders");
        Assert.Contains("revenue: WRONG", text.Out, StringComparison.Ordinal);
        Assert.Contains("The tables are not what the log says.", text.Out, StringComparison.Ordinal);
    }

    private static System.Text.Json.JsonElement Sink(System.Text.Json.JsonElement report, string sink) =>
        report.GetProperty("sinks").EnumerateArray().Single(s => s.GetProperty("sink").GetString() == sink);

    private static (long Missing, long Extra, long Wrong) Faults(System.Text.Json.JsonElement report, string sink) => (
        Sink(report, sink).GetProperty("missing").GetInt64(), Sink(report, sink).GetProperty("extra").GetInt64(), Sink(report, sink).GetProperty("wrong").GetInt64());

    private static void Run(WalkStage stage, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(stage.Folder, "dwh.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.True(command.ExecuteNonQuery() > 0);
    }
}
