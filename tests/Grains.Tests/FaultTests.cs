using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>Whatever fails in the middle, the tables end up as if nothing had.</summary>
public sealed class FaultTests
{
    private const int PerWave = 200;
    private const int Waves = 6;

    // Chance decides how soon enough has failed.
    private const int MostWaves = 30;
    private const int FaultsWanted = 5;

    [Theory]
    [InlineData("key")]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public Task The_store_fails_before_and_after_it_acts(string grainPer) =>
        RunAsync(11, grainPer, f => (f.StoreBefore, f.StoreAfter) = (0.15, 0.15));

    [Fact]
    public Task The_sinks_fail_before_and_after_they_act() =>
        RunAsync(12, "key", f => (f.SinkBefore, f.SinkAfter) = (0.2, 0.2));

    [Theory]
    [InlineData("key")]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public Task Calls_and_answers_get_lost(string grainPer) =>
        RunAsync(13, grainPer, f => (f.CallBefore, f.CallAfter) = (0.01, 0.01));

    [Theory]
    [InlineData("key")]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public Task Cells_get_lost(string grainPer) =>
        RunAsync(14, grainPer, f => f.CellLoss = grainPer == "key" ? 0.002 : 0.02);

    [Theory]
    [InlineData(15, "group(2)")]
    [InlineData(20, TestPipeline.Global)]
    public Task Everything_fails(int seed, string grainPer) => RunAsync(
        seed,
        grainPer,
        f =>
        {
            f.StoreBefore = f.StoreAfter = f.SinkBefore = f.SinkAfter = 0.05;
            f.CallBefore = f.CallAfter = f.CellLoss = 0.005;
        },
        silos: 2);

    [Theory]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public Task Another_owner_takes_the_reign(string grainPer) => RunAsync(16, grainPer, _ => { }, async (stage, wave) =>
    {
        foreach (var owner in stage.Owners().Where((_, i) => (i + wave) % 2 == 0)) await stage.RaiseEpochAsync(owner);
    });

    [Fact]
    public async Task A_shard_that_starts_over_after_the_last_record_gets_its_rows_again()
    {
        await using var stage = await Stage.StartAsync(17, checkpointMs: 1500);
        // A second of sales, so that no window closes and nothing is durable before the shards lose their reign.
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        foreach (var owner in stage.Owners().Skip(Stage.Partitions)) await stage.RaiseEpochAsync(owner);
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_store_that_comes_back_when_all_is_worked_off_leaves_nothing_blocked()
    {
        await using var stage = await Stage.StartAsync(36, checkpointMs: 1500);
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        // The shards get theirs written.
        (stage.Faults.StoreBefore, stage.Faults.StoreOwner) = (1, "/partition/");
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.Any(p => p.State == PartState.Blocked));
        stage.Faults.End();
        await stage.WaitAsync(async () =>
            await stage.Pipeline.GetStatusAsync() is { State: PartState.Running } status && status.Partitions.All(p => p.Checkpoint == p.Position));
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_partition_that_loses_its_reign_before_its_first_checkpoint_loses_no_record()
    {
        await using var stage = await Stage.StartAsync(19);
        await stage.WaitAsync(async () =>
            (await stage.Pipeline.GetStatusAsync()).Partitions is { Count: Stage.Partitions } all && all.All(p => p.Epoch > 0));
        foreach (var owner in stage.Owners()) await stage.RaiseEpochAsync(owner);
        stage.Model.Send(200);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Theory]
    [InlineData("group(2)")]
    [InlineData(TestPipeline.Global)]
    public async Task A_seek_that_gets_lost_at_the_beginning_of_a_term_ends_the_term_and_no_partition_hangs(string grainPer)
    {
        await using var stage = await Stage.StartAsync(37, grainPer);
        stage.Model.Send(50);
        await stage.WaitForRowsAsync();
        await stage.StopClusterAsync();
        stage.Model.Send(100);
        // Each partition has a position to seek to, and loses about three of its seeks.
        stage.Faults.LostSeeks = 3 * Stage.Partitions;
        await stage.StartClusterAsync();
        await stage.WaitAsync(() => Task.FromResult(stage.Faults.LostSeeks == 0));
        stage.Model.Send(100);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public Task The_provider_jumps_to_and_fro() => RunAsync(18, "group(2)", _ => { }, async (stage, wave) =>
    {
        for (var partition = 0; partition < Stage.Partitions; partition++)
        {
            var offset = stage.Faults.Next((wave + 1) * PerWave);
            try
            {
                await stage.Kafka.SeekAsync(TestPipeline.Name, TestPipeline.Topic, partition, offset);
            }
            catch (KafkaPartitionNotOwnedException)
            {
                // It is being handed over: this jump is not made.
            }
        }
    });

    [Fact]
    public async Task A_version_with_a_new_sink_reaches_every_silo_at_once()
    {
        await using var stage = await Stage.StartAsync(22, "group(2)", silos: 3);
        stage.Model.Send(100);
        await stage.WaitForRowsAsync();
        var text = TestPipeline.Text("group(2)") + """

              - { id: more, from: totals, connection: db, table: MORE, mode: upsert, create: true, flush: { rows: 500, interval: 100ms } }
              - { id: moreRows, from: unique, connection: db, table: MORE_ROWS, mode: append, create: true }
            """;
        var outcome = await stage.Pipeline.ApplyAsync(new PipelineText(TestPipeline.Name, text, "sales.yaml", 0));
        Assert.True(outcome.Accepted, string.Join('\n', outcome.Diagnostics));
        var rows = stage.Model.Rows.Count;
        var windows = stage.Model.Windows.Keys.ToHashSet(StringComparer.Ordinal);
        stage.Model.Send(300);
        stage.Model.Close();
        await stage.AssertCompleteAsync();

        await stage.WaitAsync(() => Task.FromResult(stage.Read(
            "MORE_ROWS", "SELECT count(*) FROM MORE_ROWS", r => r.GetInt64(0)).SingleOrDefault() >= stage.Model.Rows.Count - rows));
        await stage.WaitAsync(() => Task.FromResult(
            !stage.Model.Windows.Keys.Except(windows).Except(stage.Windows("MORE").Select(w => w.Key)).Any()));
    }

    [Theory]
    [InlineData("key")]
    [InlineData("group(2)")]
    public async Task A_query_tells_what_its_positions_say_also_when_cells_get_lost(string grainPer)
    {
        await using var stage = await Stage.StartAsync(23, grainPer, silos: 2);
        stage.Faults.CellLoss = 0.02;
        // A second of sales: no window closes by records, and the count of a key only grows.
        for (var i = 0; i < 5; i++)
        {
            stage.Model.Send(8, customers: 1);
            var state = await stage.Query.GetKeyAsync("totals", "c0");
            var counted = state!.Windows.Concat(state.Closed.Where(c => state.Windows.All(w => w.Start != c.Start)))
                .Sum(w => long.Parse(w.Values[0].Value!, System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal(stage.Model.DistinctBelow(state.Positions), counted);
        }

        stage.Faults.End();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task State_that_cannot_be_read_fails_the_partition_and_no_other()
    {
        await using var stage = await Stage.StartAsync(25);
        stage.Model.Send(50);
        await stage.AssertCompleteAsync();
        var owner = stage.Owners().First();
        var lease = await stage.Store.AcquireAsync(owner, CancellationToken.None);
        await stage.Store.CommitAsync(new CheckpointWrite { Owner = owner, Epoch = lease.Epoch, Header = [99, 1, 2] }, CancellationToken.None);
        stage.Model.Send(50);
        await stage.WaitAsync(async () =>
        {
            var status = await stage.Pipeline.GetStatusAsync();
            return status.State == PartState.Failed && status.Partitions.Count(p => p.State == PartState.Failed) == 1
                && status.Partitions.Where(p => p.State == PartState.Running).All(p => p.Position == p.End);
        });
        await stage.Store.CommitAsync(new CheckpointWrite { Owner = owner, Epoch = await stage.EpochAsync(owner), Header = lease.Header! }, CancellationToken.None);
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_sink_that_is_too_slow_for_whole_writes_gets_on_with_parts_of_them()
    {
        await using var stage = await Stage.StartAsync(34, "group(2)");
        stage.Model.Send(20);
        await stage.WaitForRowsAsync();
        await stage.StopClusterAsync();
        stage.WriteDeadline = TimeSpan.FromSeconds(1);
        // A write of 500 rows takes ten seconds now; 60 rows would do.
        stage.Faults.SlowRow = TimeSpan.FromMilliseconds(20);
        stage.Faults.Write = 0.05;
        stage.Model.Send(500);
        await stage.StartClusterAsync();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Sinks.Any(s => s.Reason?.Contains("are tried next. Either another session holds a lock", StringComparison.Ordinal) == true));
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    private static async Task RunAsync(
        int seed, string grainPer, Action<Faults> begin, Func<Stage, int, Task>? strike = null, short silos = 1)
    {
        await using var stage = await Stage.StartAsync(seed, grainPer, silos);
        stage.Model.Send(PerWave);
        await stage.WaitForRowsAsync(0.1);
        begin(stage.Faults);
        for (var wave = 1; wave < Waves || (strike is null && wave < MostWaves && stage.Faults.Injected < FaultsWanted); wave++)
        {
            stage.Model.Send(PerWave);
            if (strike is not null) await strike(stage, wave);
            // Some way into the wave, so that faults meet work.
            await stage.WaitForRowsAsync((wave + 0.2) / (wave + 1));
        }

        if (strike is null) Assert.True(stage.Faults.Injected > 0, "Nothing failed, so nothing was tested.");
        stage.Faults.End();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }
}
