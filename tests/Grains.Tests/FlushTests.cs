using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>When rows reach the tables: when the sink's flush says so, whatever checkpoints do.</summary>
public sealed class FlushTests
{
    [Fact]
    public async Task A_flush_above_the_checkpoint_interval_holds_and_a_stop_writes_the_rest()
    {
        var text = TestPipeline.Text("group(2)").Replace("interval: 100ms", "interval: 10m", StringComparison.Ordinal);
        await using var stage = await Stage.StartAsync(41, text: text, checkpointMs: 100);
        for (var wave = 0; wave < 3; wave++)
        {
            var before = await ShardHeadersAsync(stage);
            stage.Model.Send(30);
            await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.Sum(p => p.Counts.Consumed) == stage.Model.Sent);
            // The shards' checkpoints are due as often as the partitions', and wait for no sink.
            await stage.WaitAsync(async () => !(await ShardHeadersAsync(stage)).Intersect(before).Any());
        }

        stage.Model.Close();
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Shards.Sum(s => s.OutboxEntries) > 0);
        Assert.Equal((0, 0), (stage.CountOf("SALES"), stage.CountOf("TOTALS")));

        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Partitions.Sum(p => p.Counts.Consumed) == stage.Model.Sent);
        await stage.Pipeline.StopAsync();
        await stage.WaitAsync(() => Task.FromResult(stage.Rows().SequenceEqual(stage.Model.Rows)));
        await stage.WaitAsync(() => Task.FromResult(stage.CountOf("TOTALS") > 0));
        Assert.Equal(
            Enumerable.Repeat(1L, Stage.Partitions),
            stage.Read("kor_lane", "SELECT writes FROM kor_lane WHERE lane LIKE '%/rows/%' AND writes > 0", r => r.GetInt64(0)));
    }

    private static async Task<List<string>> ShardHeadersAsync(Stage stage)
    {
        var headers = new List<string>();
        foreach (var owner in stage.Owners().Skip(Stage.Partitions))
        {
            if ((await stage.Store.PeekAsync(owner, TestContext.Current.CancellationToken))?.Header is { } header)
                headers.Add($"{owner} {Convert.ToHexString(header)}");
        }

        return headers;
    }
}
