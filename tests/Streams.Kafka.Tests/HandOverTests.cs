using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Slots that move between silos in the middle of the load.</summary>
public sealed class HandOverTests : IDisposable
{
    private const int Partitions = 8;
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task A_silo_killed_in_the_middle_of_the_load_leaves_no_gap()
    {
        await RunAsync(silos: 2, async streams => await streams.Cluster.KillSiloAsync(streams.Cluster.Silos[1]));
    }

    [Fact]
    public async Task A_silo_that_leaves_in_order_leaves_no_gap()
    {
        await RunAsync(silos: 2, async streams => await streams.Cluster.StopSiloAsync(streams.Cluster.Silos[1]));
    }

    [Fact]
    public async Task A_silo_that_joins_takes_its_share_without_a_gap()
    {
        await RunAsync(silos: 1, async streams =>
        {
            await streams.Cluster.StartAdditionalSiloAsync();
            streams.Use(Source);
            await TestStreams.WaitAsync(
                () => streams.Control.GetStatusesAsync(Source.Name).Result.Select(s => s.Silo).Distinct().Count() == 2,
                () => "the new silo reads nothing");
        });
    }

    private static KafkaSource Source { get; } = new() { Name = "p1", Topics = ["orders"] };

    private async Task RunAsync(short silos, Func<TestStreams, Task> disturb)
    {
        const int PerPartition = 20_000;
        _kafka.CreateTopic("orders", Partitions);
        using var producer = new KafkaTestProducer(_kafka.BootstrapServers);
        producer.Fill("orders", Partitions, PerPartition / 2);
        var recorder = new Recorder { BeforeBatch = _ => Task.Delay(5) };
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers,
            o => o.MaxBatchRecords = 200,
            silos,
            new CheckpointedPositions(recorder),
            recorder);
        streams.Use(Source);
        await streams.WaitForRecordsAsync(Partitions * 500);

        await disturb(streams);
        producer.Fill("orders", Partitions, PerPartition / 2, first: PerPartition / 2);
        await streams.WaitForRecordsAsync(Partitions * PerPartition, TimeSpan.FromSeconds(90));

        streams.AssertComplete("p1", "orders", Partitions, PerPartition);
    }

    /// <summary>A checkpoint that is always a little behind what was seen, as real ones are.</summary>
    private sealed class CheckpointedPositions(Recorder recorder) : IKafkaPositionSource
    {
        public ValueTask<long?> GetPositionAsync(
            string source, string topic, int partition, CancellationToken cancellationToken)
        {
            var position = recorder[$"{source}/{topic}/{partition}"].Position;
            return ValueTask.FromResult<long?>(position < 0 ? null : Math.Max(0, position - 100));
        }
    }
}
