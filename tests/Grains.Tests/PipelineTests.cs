using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A pipeline in a cluster, undisturbed: what comes out is what the model says.</summary>
public sealed class PipelineTests
{
    [Theory]
    [InlineData("key", 1)]
    [InlineData("group(2)", 1)]
    [InlineData("group(2)", 2)]
    [InlineData(TestPipeline.Global, 2)]
    public async Task Every_sale_counts_once(string grainPer, short silos)
    {
        await using var stage = await Stage.StartAsync(1, grainPer, silos);
        stage.Model.Send(600);
        await stage.WaitForRowsAsync();
        stage.Model.Send(600);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task Windows_close_without_traffic_also_after_a_restart()
    {
        await using var stage = await Stage.StartAsync(2);
        stage.Model.Send(300);
        await stage.AssertCompleteAsync();

        stage.Model.Send(300);
        await stage.WaitForRowsAsync();
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.AssertCompleteAsync();

        // What was written is told by the lanes' rows, also of lanes that have had nothing to write since.
        var (rows, sums) = await WrittenAsync(stage);
        Assert.Equal(stage.CountOf("SALES"), rows);
        Assert.True(sums >= stage.CountOf("TOTALS"), $"{sums}");
        await stage.StopClusterAsync();
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => await WrittenAsync(stage) == (rows, sums));
    }

    private static async Task<(long Rows, long Sums)> WrittenAsync(Stage stage)
    {
        var sinks = (await stage.Pipeline.GetStatusAsync()).Sinks;
        return (sinks.Where(s => s.Sink == "rows").Sum(s => s.Written), sinks.Where(s => s.Sink == "sums").Sum(s => s.Written));
    }

    [Theory]
    [InlineData("key")]
    [InlineData(TestPipeline.Global)]
    public async Task A_pipeline_goes_on_where_it_was_paused_or_stopped(string grainPer)
    {
        await using var stage = await Stage.StartAsync(3, grainPer);
        stage.Model.Send(300);
        await stage.WaitForRowsAsync(0.5);
        await stage.Pipeline.PauseAsync();
        stage.Model.Send(100);
        await stage.Pipeline.StartAsync();
        await stage.WaitForRowsAsync();

        await stage.Pipeline.StopAsync();
        Assert.Equal(PartState.Stopped, (await stage.Pipeline.GetStatusAsync()).State);
        stage.Model.Send(300);
        await stage.Pipeline.StartAsync();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_transform_of_the_host_works_on_every_record()
    {
        await using var stage = await Stage.StartAsync(5, text: TestPipeline.Text().Replace(
            "  - { id: unique,", "  - { id: labelled, type: custom, name: Labels, add: { label: string } }\n  - { id: unique,", StringComparison.Ordinal));
        stage.Model.Send(300);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        Assert.Equal(stage.Model.Rows, stage.LabelsOfRows());
    }

    [Fact]
    public async Task A_session_that_grew_closes_when_its_key_falls_silent()
    {
        await using var stage = await Stage.StartAsync(4, text: TestPipeline.Text(window: "{ session: 3s }"));
        // Due at 3 s, then at 5 s; in between the watermark stands at 4 s.
        foreach (var (customer, at) in new[] { ("x", 0), ("x", 2_000), (Model.Closer, 5_000), (Model.Closer, 100_000) })
        {
            stage.Model.SendAt(customer, at);
            await stage.WaitForRowsAsync();
        }

        await stage.WaitAsync(() => Task.FromResult(stage.CountsOf("x").SequenceEqual([2L])));
    }

    [Theory]
    [InlineData(false, "key")]
    [InlineData(true, "key")]
    [InlineData(true, TestPipeline.Global)]
    public async Task A_reset_writes_everything_again_also_when_it_broke_off(bool breaks, string grainPer)
    {
        await using var stage = await Stage.StartAsync(6, grainPer);
        stage.Model.Send(300);
        await stage.AssertCompleteAsync();
        await stage.Pipeline.StopAsync();
        stage.Execute("DELETE FROM SALES");
        stage.Execute("DELETE FROM TOTALS");
        var earliest = new ResetRequest(
            ResetTarget.Offsets, 0, Enumerable.Range(0, Stage.Partitions).ToDictionary(p => $"{TestPipeline.Topic}/{p}", _ => 0L), Execute: true);
        stage.Faults.ResetAfter = breaks ? 1 : 0;
        // The state is erased and the positions are not set yet.
        if (breaks) await Assert.ThrowsAnyAsync<Exception>(() => stage.Pipeline.ResetAsync(earliest));
        else Assert.Null((await stage.Pipeline.ResetAsync(earliest)).Refusal);
        stage.Faults.End();
        await stage.Pipeline.StartAsync();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_pipeline_that_comes_back_begins_anew_though_freeing_what_it_left_broke_off()
    {
        await using var stage = await Stage.StartAsync(6, "key");
        stage.Model.Send(300);
        await stage.AssertCompleteAsync();
        await stage.Pipeline.StopAsync();
        await stage.Pipeline.RemoveAsync();
        // A pipeline that comes back goes on where a reader is that has not ended: whoever frees what it left waits for that.
        await stage.WaitAsync(async () => (await stage.Kafka.GetStatusesAsync(TestPipeline.Name)).Count == 0);
        stage.Execute("DELETE FROM SALES");
        stage.Execute("DELETE FROM TOTALS");
        stage.Faults.ResetBefore = 1;
        await Assert.ThrowsAnyAsync<Exception>(stage.Pipeline.PurgeAsync);
        stage.Faults.ResetBefore = 0;
        await stage.ApplyAsync(TestPipeline.Text("key"));
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    /// <summary>Version 0.1 kept ids by message key, whatever the pipeline said; the number of cells by id may change as well.</summary>
    [Theory]
    [InlineData("cellBy: message_key, grainPer: key", "scope: partition")]
    [InlineData("cellBy: message_key, grainPer: group(2)", "scope: partition, grainPer: group(2)")]
    [InlineData("scope: partition, grainPer: group(2)", "scope: partition, grainPer: group(3)")]
    public async Task No_id_is_forgotten_when_cells_are_chosen_in_another_way(string before, string after)
    {
        var text = TestPipeline.Text("group(2)");
        string With(string cells) => text.Replace("scope: partition, grainPer: group(2)", cells, StringComparison.Ordinal);
        await using var stage = await Stage.StartAsync(9, text: With(before));
        stage.Model.Send(150);
        await stage.AssertCompleteAsync();
        await stage.ApplyAsync(With(after));
        stage.Model.OtherKeys = true;
        for (var c = 0; c < 20; c++) stage.Model.Repeat(3, $"c{c}");
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        // What was stored by message key is gone; it cannot be put back, and that is said.
        var cells = await stage.Store.ListCellsAsync(stage.Owners().First(), TestContext.Current.CancellationToken);
        Assert.All(cells.Where(c => c.Id.Step == "unique"), c => Assert.StartsWith("i", c.Id.Cell, StringComparison.Ordinal));
        var back = await stage.Pipeline.ApplyAsync(new PipelineText(TestPipeline.Name, With("cellBy: message_key"), "sales.yaml", 0));
        Assert.False(back.Accepted);
        Assert.Contains("reset sales --to-earliest", Assert.Single(back.Diagnostics), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ids_that_all_active_partitions_have_passed_are_forgotten_across_partitions()
    {
        // One record an hour ahead of its partition is to count for what it says.
        var text = TestPipeline.Text(TestPipeline.Global).Replace("within: 1h", "within: 10s", StringComparison.Ordinal)
            .Replace("idleAfter: 1s", "idleAfter: 1s, maxAhead: 0s", StringComparison.Ordinal);
        await using var stage = await Stage.StartAsync(8, text: text);
        stage.Model.Send(100);
        await stage.AssertCompleteAsync();
        Assert.True(await RememberedAsync(stage) > 100);
        // An hour later in two of three partitions. The third has nothing more to say.
        stage.Model.Close(leaveOut: 1);
        await stage.WaitAsync(async () => await RememberedAsync(stage) == Stage.Partitions - 1);
        await stage.AssertCompleteAsync();
    }

    private static async Task<int> RememberedAsync(Stage stage) =>
        (await stage.Pipeline.GetStatusAsync()).Shards.Where(s => s.Step == "unique").Sum(s => s.Cells);

    [Theory]
    [InlineData("key")]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public async Task A_silo_that_joins_gets_its_part_of_the_work(string grainPer)
    {
        await using var stage = await Stage.StartAsync(7, grainPer);
        stage.Model.Send(200);
        await stage.WaitForRowsAsync();
        await stage.AddSiloAsync();
        await stage.WaitAsync(async () =>
        {
            stage.Model.Send(2);
            var status = await stage.Pipeline.GetStatusAsync();
            return status.Partitions.Select(p => p.Silo).Distinct().Count() == 2
                && status.Shards.GroupBy(s => s.Step).All(step => step.Select(s => s.Silo).Distinct().Count() == 2);
        });
        stage.Model.Send(100);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }
}
