using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>Records played again from quarantine count once, whatever fails meanwhile and however often it is asked for.</summary>
public sealed class ReplayTests
{
    private const string Strict = "customer NOT IN ('c1', 'c2', 'c3')";

    [Theory]
    [InlineData("key", false)]
    [InlineData("group(2)", true)]
    [InlineData(TestPipeline.Global, false)]
    [InlineData(TestPipeline.Global, true)]
    public async Task Replayed_records_count_as_if_they_had_never_been_refused(string grainPer, bool behindDedup)
    {
        await using var stage = await Stage.StartAsync(31, text: Text(Strict, grainPer, behindDedup));
        stage.Model.Send(300);
        await RefuseAsync(stage);
        var before = await stage.QuarantinedAsync();
        Assert.NotEmpty(before);

        // As long as the rule stands, they are refused again and stay as they are.
        await stage.ReplayAsync();
        Assert.Equal(before.Select(r => r.Id), (await stage.QuarantinedAsync()).Select(r => r.Id));

        await stage.ApplyAsync(Text("customer <> 'none'", grainPer, behindDedup));
        var calls = await stage.ReplayAsync();
        Assert.Empty(await stage.QuarantinedAsync());
        // Asking again changes nothing.
        foreach (var call in calls) await call();
        stage.Model.Send(50);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        Assert.Equal(0, (await stage.Pipeline.GetStatusAsync()).Counts.Quarantined);
    }

    [Fact]
    public async Task What_a_replay_began_is_finished_after_a_restart()
    {
        await using var stage = await Stage.StartAsync(34, text: Text(Strict, "key"));
        stage.Model.Send(300);
        await RefuseAsync(stage);
        await stage.ApplyAsync(Text("customer <> 'none'", "key"));
        // Nothing can be written, so the replay begins and cannot end.
        stage.Faults.Write = 1;
        var replay = stage.BeginReplay();
        await stage.WaitAsync(stage.ReplayBegunAsync);
        await stage.StopClusterAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => replay);
        stage.Faults.End();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => (await stage.QuarantinedAsync()).Count == 0 || !await stage.ReplayBegunAsync());
        await stage.ReplayAsync();
        Assert.Empty(await stage.QuarantinedAsync());
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Theory]
    [InlineData(32, "key")]
    [InlineData(33, "group(2)")]
    [InlineData(35, TestPipeline.Global)]
    public async Task A_replay_survives_crashes_in_the_middle(int seed, string grainPer)
    {
        var behindDedup = grainPer == TestPipeline.Global;
        await using var stage = await Stage.StartAsync(seed, text: Text(Strict, grainPer, behindDedup));
        stage.Model.Send(400);
        await RefuseAsync(stage);
        await stage.ApplyAsync(Text("customer <> 'none'", grainPer, behindDedup));
        stage.Faults.StoreBefore = stage.Faults.StoreAfter = stage.Faults.SinkBefore = stage.Faults.SinkAfter = 0.05;
        using var ends = new CancellationTokenSource();
        var strikes = StrikeAsync(stage, ends.Token);
        var replay = stage.ReplayAsync(chunk: 30);
        // Sales go on, with more of what the refused ones had: which of the two comes first must be the same after every crash.
        for (var i = 0; i < 4; i++)
        {
            stage.Model.Send(50);
            stage.Model.Repeat(20, "c1");
            await Task.WhenAny(replay, stage.WaitForRowsAsync(0.3 + (i * 0.1)));
        }

        await replay;
        await ends.CancelAsync();
        await strikes;
        stage.Faults.End();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        Assert.Empty(await stage.QuarantinedAsync());
    }

    /// <summary>Takes all reigns away, again and again, a moment after each was taken up.</summary>
    private static async Task StrikeAsync(Stage stage, CancellationToken ends)
    {
        try
        {
            while (true)
            {
                foreach (var owner in stage.Owners()) await stage.RaiseEpochAsync(owner);
                await Task.Delay(300, ends);
            }
        }
        catch (OperationCanceledException) when (ends.IsCancellationRequested)
        {
            // Enough.
        }
    }

    private static Task RefuseAsync(Stage stage) => stage.WaitAsync(async () =>
    {
        var status = await stage.Pipeline.GetStatusAsync();
        return status.Counts.Consumed == stage.Model.Sent && status.Partitions.All(p => p.Checkpoint == p.Position);
    });

    private static string Text(string rule, string grainPer, bool behindDedup = false)
    {
        var check = $"  - {{ id: check, type: quality, rules: {{ known: \"{rule}\" }} }}\n";
        var text = TestPipeline.Text(grainPer);
        return behindDedup
            ? text.Replace("  - id: totals\n", check + "  - id: totals\n", StringComparison.Ordinal).Replace("from: unique", "from: check", StringComparison.Ordinal)
            : text.Replace("steps:\n", "steps:\n" + check, StringComparison.Ordinal);
    }
}
