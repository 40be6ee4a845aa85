using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A sink whose table is wrong says so, is checked again by itself, and goes on when somebody has repaired the table.</summary>
public sealed class RepairTests
{
    private static readonly string ByHand = TestPipeline.Text("group(2)").Replace("create: true", "create: false", StringComparison.Ordinal);

    [Fact]
    public async Task Sinks_whose_tables_are_missing_drain_once_these_are_there()
    {
        await using var stage = await Stage.StartAsync(31, text: ByHand);
        stage.Model.Send(200);
        stage.Model.Close();
        await WaitForFailureAsync(stage, "rows", "SALES");
        await WaitForFailureAsync(stage, "sums", "TOTALS");
        // All of it waits, and the status says how much.
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks.Where(s => s.Sink == "rows").Sum(s => s.Buffered) == stage.Model.Rows.Count);
        foreach (var sink in TestPipeline.Compile(ByHand).Sinks) stage.Execute(AdoSinkFactory.CreateTableText(sink.Spec, DatabaseProvider.Sqlite));

        await stage.AssertCompleteAsync();
        await WaitUntilRunningAsync(stage);
    }

    [Fact]
    public async Task A_table_that_is_changed_under_an_open_lane_is_looked_at_anew()
    {
        await using var stage = await Stage.StartAsync(32, text: ByHand.Replace("create: false", "create: true", StringComparison.Ordinal));
        stage.Model.Send(100);
        await stage.WaitForRowsAsync();
        await stage.ApplyAsync(ByHand);
        stage.Execute("ALTER TABLE SALES RENAME TO ASIDE");
        stage.Execute("CREATE TABLE SALES (ID TEXT NOT NULL PRIMARY KEY, CUSTOMER TEXT NOT NULL, AMOUNT INTEGER)");
        stage.Model.Send(100);
        stage.Model.Close();
        await WaitForFailureAsync(stage, "rows", "column at is missing");
        // Nothing of it went to quarantine: it is the table that is wrong, not the rows.
        Assert.Empty(await stage.QuarantinedAsync());
        stage.Execute("DROP TABLE SALES");
        stage.Execute("ALTER TABLE ASIDE RENAME TO SALES");

        await stage.AssertCompleteAsync();
        await WaitUntilRunningAsync(stage);
    }

    private static Task WaitForFailureAsync(Stage stage, string sink, string reason) => stage.WaitAsync(async () =>
    {
        var status = await stage.Pipeline.GetStatusAsync();
        return status.Condition == PipelineCondition.Failed && status.Sinks.Any(s => s.Sink == sink && s.State == PartState.Failed
            && s.NextTry is not null && s.Reason!.Contains(reason, StringComparison.Ordinal) && s.Reason.Contains("It is checked again by itself, ", StringComparison.Ordinal));
    });

    private static Task WaitUntilRunningAsync(Stage stage) => stage.WaitAsync(async () =>
        await stage.Pipeline.GetStatusAsync() is { Condition: PipelineCondition.Running } status
        && status.Sinks.All(s => s.NextTry is null && s.Buffered == 0 && s.State is PartState.Running or PartState.Starting));
}
