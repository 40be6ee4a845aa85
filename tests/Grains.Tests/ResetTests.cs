using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A reset to the middle of the log does not write parts of windows or totals over right rows.</summary>
public sealed class ResetTests
{
    [Fact]
    public async Task Windows_that_would_lack_records_stay_as_they_are_and_later_ones_are_written()
    {
        await using var stage = await Stage.StartAsync(51, "group(2)");
        // Four seconds of event time: two windows, and the middle of the log lies in one of them.
        stage.Model.Send(225);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        var before = stage.Windows();
        await stage.Pipeline.StopAsync();
        var middle = ToMiddle(execute: false);
        var preview = await stage.Pipeline.ResetAsync(middle);
        Assert.Null(preview.Refusal);
        Assert.Contains(preview.Notes, n => n.Contains("Step 'unique' forgets which ids it has seen", StringComparison.Ordinal));
        var withheld = Assert.Single(preview.Notes, n => n.Contains("Windows of step 'totals'", StringComparison.Ordinal));
        Assert.Matches(@"begin before 2026-01-31T10:00:0\d\.\d+Z are not written.*'kor reset sales --to-datetime 2026-01-31T10:00:0[024]Z'", withheld);

        Assert.True((await stage.Pipeline.ResetAsync(middle with { Execute = true })).Executed);
        await stage.Pipeline.StartAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Shards.Where(s => s.Step == "totals").Sum(s => s.Withheld) > 0);
        stage.Model.Send(200);
        stage.Model.Close();
        // All that was right is, and what came since is written as ever.
        await stage.WaitAsync(() => Task.FromResult(stage.Windows().SequenceEqual(stage.Model.Windows)));
        Assert.Empty(before.Except(stage.Windows()));
    }

    [Fact]
    public async Task A_reset_of_one_partition_writes_no_windows_that_lack_what_the_others_had()
    {
        await using var stage = await Stage.StartAsync(53, "group(2)");
        stage.Model.Send(225);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        var before = stage.Windows();
        await stage.Pipeline.StopAsync();
        var one = new ResetRequest(ResetTarget.Offsets, 0, new Dictionary<string, long> { [$"{TestPipeline.Topic}/0"] = 30 }, Execute: false);
        var preview = await stage.Pipeline.ResetAsync(one);
        Assert.Contains(preview.Notes, n => n.Contains("/1, ", StringComparison.Ordinal) && n.Contains("/2 stay where they are, and windows that are open lose", StringComparison.Ordinal));

        Assert.True((await stage.Pipeline.ResetAsync(one with { Execute = true })).Executed);
        await stage.Pipeline.StartAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Shards.Where(s => s.Step == "totals").Sum(s => s.Withheld) > 0);
        stage.Model.Send(200);
        stage.Model.Close();
        await stage.WaitAsync(() => Task.FromResult(stage.Windows().Count > before.Count));
        Assert.Empty(before.Except(stage.Windows()));
    }

    [Fact]
    public async Task Running_totals_are_not_counted_from_the_middle_unless_forced()
    {
        await using var stage = await Stage.StartAsync(52, text: TestPipeline.Text("group(2)")
            .Replace("type: window", "type: aggregate", StringComparison.Ordinal)
            .Replace("    window: { tumbling: 2s }\n", "", StringComparison.Ordinal)
            .Replace("    allowedLateness: 1d\n", "", StringComparison.Ordinal));
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        await stage.Pipeline.StopAsync();
        var refused = await stage.Pipeline.ResetAsync(ToMiddle(execute: true));
        Assert.False(refused.Executed);
        Assert.Contains("Running totals of 'totals' would begin anew in the middle", refused.Refusal);
        Assert.True((await stage.Pipeline.ResetAsync(ToMiddle(execute: true) with { Force = true })).Executed);
    }

    private static ResetRequest ToMiddle(bool execute) => new(
        ResetTarget.Offsets, 0, Enumerable.Range(0, Stage.Partitions).ToDictionary(p => $"{TestPipeline.Topic}/{p}", _ => 30L), execute);
}
