using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A new pipeline that begins in the middle of its log does not spoil what its tables hold already.</summary>
public sealed class StartTests
{
    // Two pipelines may write one table only where both say by which keys.
    private static readonly string Windows = TestPipeline.Text("group(2)")
        .Replace("table: TOTALS, mode: upsert,", "table: TOTALS, mode: upsert, keys: [customer, window_start],", StringComparison.Ordinal);

    private static readonly string Totals = Windows
        .Replace("keys: [customer, window_start]", "keys: [customer]", StringComparison.Ordinal)
        .Replace("type: window", "type: aggregate", StringComparison.Ordinal)
        .Replace("    window: { tumbling: 2s }\n", "", StringComparison.Ordinal)
        .Replace("    allowedLateness: 1d\n", "", StringComparison.Ordinal);

    [Fact]
    public async Task Windows_seen_in_part_are_not_written_over_rows_that_are_there()
    {
        await using var stage = await Stage.StartAsync(71, text: Windows);
        // Four seconds and a half of event time: the next pipeline begins in the middle of a window.
        stage.Model.Send(225);
        await stage.WaitAsync(() => Task.FromResult(stage.Windows().Count > 0));
        var late = stage.Other("late");
        await ApplyAsync(late, "late", Named("late", Windows));
        await stage.WaitAsync(async () => (await late.GetEventsAsync()).Any(e => e.Kind == "start" && e.Text.Contains("are not written", StringComparison.Ordinal)));
        await late.StopAsync();
        // The first one sees all of it: what it writes is right.
        stage.Model.Send(200);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        await stage.Pipeline.StopAsync();

        await late.StartAsync();
        await stage.WaitAsync(async () => await late.GetStatusAsync() is { Lag: 0 } s && s.Shards.Sum(p => p.Withheld) > 0 && s.Sinks.Where(k => k.Sink == "sums").Sum(k => k.Written + k.Already) > 0);
        await late.StopAsync();
        Assert.Equal(stage.Model.Windows, stage.Windows());
    }

    [Fact]
    public async Task Running_totals_are_refused_until_the_pipeline_begins_at_the_beginning_or_has_another_table()
    {
        await using var stage = await Stage.StartAsync(72, text: Totals);
        stage.Model.Send(50);
        await stage.WaitAsync(() => Task.FromResult(stage.Read("TOTALS", "SELECT 1 FROM TOTALS LIMIT 1", r => r.GetInt64(0)).Count > 0));
        foreach (var (name, remedy) in new (string, Func<string, string>)[]
                 {
                     ("begins", text => text.Replace("start: latest", "start: earliest", StringComparison.Ordinal)),
                     ("aside", text => text.Replace("table: TOTALS", "table: ASIDE", StringComparison.Ordinal)),
                 })
        {
            var pipeline = stage.Other(name);
            await ApplyAsync(pipeline, name, Named(name, Totals));
            await stage.WaitAsync(async () => await pipeline.GetStatusAsync() is { State: PartState.Failed });
            var reason = (await pipeline.GetStatusAsync()).Reason;
            Assert.Contains("Running totals of 'totals' would begin in the middle of the log", reason);
            Assert.Contains("sink 'sums' (TOTALS)", reason);
            Assert.Contains("Set start: earliest, or give the sink another table.", reason);
            await ApplyAsync(pipeline, name, remedy(Named(name, Totals)));
            await stage.WaitAsync(async () => await pipeline.GetStatusAsync() is { Health.Count: 0, Partitions.Count: Stage.Partitions });
            await pipeline.StopAsync();
        }
    }

    /// <summary>The pipeline under another name, from the end of the log on.</summary>
    private static string Named(string name, string text) => text
        .Replace($"name: {TestPipeline.Name}\n", $"name: {name}\n", StringComparison.Ordinal)
        .Replace("start: earliest", "start: latest", StringComparison.Ordinal)
        .Replace("table: SALES", $"table: SALES_{name}", StringComparison.Ordinal);

    private static async Task ApplyAsync(IPipelineGrain pipeline, string name, string text)
    {
        var outcome = await pipeline.ApplyAsync(new PipelineText(name, text, $"{name}.yaml", 0));
        Assert.True(outcome.Accepted, string.Join('\n', outcome.Diagnostics));
    }
}
