using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A change that a table does not fit waits while what ran before goes on; what happened and which definitions there were outlives silos.</summary>
public sealed class HeldTests
{
    private const string Wider = "customer: string, amount: integer, note: string }";
    private static readonly string Changed = TestPipeline.RowsOnly.Replace("customer: string, amount: integer }", Wider, StringComparison.Ordinal);

    [Fact]
    public async Task A_change_that_a_table_does_not_fit_is_held_and_takes_effect_once_it_fits()
    {
        await using var stage = await Stage.StartAsync(81, text: TestPipeline.RowsOnly);
        stage.Model.Send(20);
        await stage.WaitForRowsAsync();
        var outcome = await stage.Pipeline.ApplyAsync(Of(Changed));
        Assert.True(outcome is { Accepted: false, Held: true, Version: 1 }, $"{outcome}");
        // Version 1 runs on, and the status says what is missing, with the statement, once.
        stage.Model.Send(20);
        await stage.WaitForRowsAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Version: 1, Condition: PipelineCondition.Degraded, Lag: 0 });
        var status = await stage.Pipeline.GetStatusAsync();
        var issue = Assert.Single(status.Health);
        Assert.Equal("definition", issue.Kind);
        Assert.Contains("sales.yaml is held and version 1 goes on", issue.Text);
        Assert.Contains("column note is missing", issue.Text);
        Assert.Contains("ALTER TABLE", issue.Text);
        Assert.DoesNotContain("FAILED", Verdict.Of(status).Word);
        Assert.All(status.Sinks, s => Assert.Equal(PartState.Running, s.State));

        // It outlives the silo, and the very statement heals it.
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Version: 1, Health: [{ Kind: "definition" }] });
        var ddl = issue.Text[issue.Text.IndexOf("ALTER TABLE", StringComparison.Ordinal)..];
        stage.Execute(ddl[..ddl.IndexOfAny([';', '\n'])]);
        await stage.WaitAsync(async () => await stage.Pipeline.GetStatusAsync() is { Version: 2, Condition: PipelineCondition.Running, Health.Count: 0 });
        stage.Model.Send(20);
        await stage.WaitForRowsAsync();
    }

    [Fact]
    public async Task What_is_held_is_let_go_when_the_definition_in_force_comes_again()
    {
        await using var stage = await Stage.StartAsync(82, text: TestPipeline.RowsOnly);
        stage.Model.Send(5);
        await stage.WaitForRowsAsync();
        Assert.True((await stage.Pipeline.ApplyAsync(Of(Changed))).Held);
        Assert.True((await stage.Pipeline.ApplyAsync(Of(TestPipeline.RowsOnly))) is { Accepted: true, Version: 1 });
        Assert.Empty((await stage.Pipeline.GetStatusAsync()).Health);
        // Of a stopped pipeline nothing runs that could go on.
        await stage.Pipeline.StopAsync();
        Assert.True((await stage.Pipeline.ApplyAsync(Of(Changed))) is { Accepted: true, Version: 2 });
    }

    [Fact]
    public async Task Events_and_versions_outlive_silos_and_a_refusal_says_what_changed()
    {
        await using var stage = await Stage.StartAsync(83, "group(2)");
        stage.Model.Send(20);
        await stage.WaitForRowsAsync();
        var wider = TestPipeline.Text("group(2)").Replace("tumbling: 2s", "tumbling: 4s", StringComparison.Ordinal);
        var refused = await stage.Pipeline.ApplyAsync(Of(wider));
        Assert.False(refused.Accepted);
        Assert.Contains("step 'totals': its stored state does not fit what changed (window: tumbling 2s -> tumbling 4s).", Assert.Single(refused.Diagnostics));
        Assert.True((await stage.Pipeline.ApplyAsync(Of(TestPipeline.Text("group(2)").Replace("rows: 500", "rows: 400", StringComparison.Ordinal)))).Accepted);

        var log = stage.Log;
        await stage.WaitAsync(async () => (await log.GetVersionsAsync()).Count == 2 && (await log.GetEventsAsync(null, 1000)).Any(e => e.Text.StartsWith("Version 2", StringComparison.Ordinal)));
        var before = await log.GetEventsAsync(null, 1000);
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        log = stage.Log;
        var after = await log.GetEventsAsync(null, 1000);
        Assert.Equal(before, after.TakeLast(before.Count));
        Assert.Contains(after, e => e.Kind == "refused" && e.Text.Contains("tumbling 4s", StringComparison.Ordinal));
        Assert.Equal([2, 1], (await log.GetVersionsAsync()).Select(v => v.Version));
        Assert.All(await log.GetVersionsAsync(), v => Assert.Null(v.Text));
        Assert.Equal(TestPipeline.Text("group(2)"), (await log.GetVersionAsync(1))!.Text);
        Assert.Null(await log.GetVersionAsync(3));
        var middle = before[before.Count / 2].At;
        Assert.All(await log.GetEventsAsync(middle, 1000), e => Assert.True(e.At >= middle));
        Assert.Single(await log.GetEventsAsync(null, 1));
    }

    [Fact]
    public async Task The_log_is_bounded_and_takes_what_comes_twice_once()
    {
        await using var stage = await Stage.StartAsync(84, text: TestPipeline.RowsOnly);
        var log = stage.LogOf("another");
        var at = DateTimeOffset.UnixEpoch;
        PipelineLogEntries Entries(int from, int count, int restarts) => new(
            [.. Enumerable.Range(from, count).Select(i => new PipelineEvent(at.AddSeconds(i), "k", new string('x', 5_000)))],
            [.. Enumerable.Range(from, count / 10).Select(i => new DefinitionVersion(i, at, DefinitionOrigin.Api, "f", "", new string('y', 100_000)))], restarts);
        Assert.Equal(2, await log.AppendAsync(Entries(0, 600, 2)));
        Assert.Equal(5, await log.AppendAsync(Entries(600, 600, 3)));
        Assert.Equal(5, await log.AppendAsync(Entries(600, 600, 0)));
        var events = await log.GetEventsAsync(null, 1000);
        Assert.Equal(PipelineLogLimits.Events, events.Count);
        Assert.Equal(at.AddSeconds(1199), events[0].At);
        Assert.All(events, e => Assert.Equal(PipelineLogLimits.EventText, e.Text.Length));
        // 2 MiB of texts of 100,000 characters each.
        Assert.Equal(20, (await log.GetVersionsAsync()).Count);
        await log.ClearAsync();
        Assert.Empty(await log.GetEventsAsync(null, 1));
    }

    private static PipelineText Of(string text) => new(TestPipeline.Name, text, "sales.yaml", 0);
}
