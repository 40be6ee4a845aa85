using System.Text;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Writing through streams.</summary>
public sealed class ProducingTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_put_on_a_stream_is_in_the_topic_with_its_key(bool fromClient)
    {
        _kafka.CreateTopic("out", 4);
        _kafka.CreateTopic("plain", 1);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        var services = fromClient ? streams.Cluster.Client.ServiceProvider : streams.Cluster.Silos[0].ServiceProvider;
        var stream = services.GetRequiredKeyedService<IStreamProvider>("kafka")
            .GetStream<KafkaMessage>(KafkaStreamId.ForProducing("main", "out"));
        var values = services.GetRequiredKeyedService<IStreamProvider>("kafka")
            .GetStream<byte[]>(KafkaStreamId.ForProducing("main", "plain"));

        await stream.OnNextAsync(new KafkaMessage { Key = "a"u8.ToArray(), Value = "1"u8.ToArray() });
        await stream.OnNextAsync(new KafkaMessage
        {
            Key = "a"u8.ToArray(),
            Value = null,
            Headers = [new("h", "x"u8.ToArray()), new("n", null)],
            Timestamp = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000),
        });
        await stream.OnNextBatchAsync(
            Enumerable.Range(0, 100).Select(i => new KafkaMessage { Value = BitConverter.GetBytes(i), Partition = 3 }));
        await values.OnNextAsync("raw"u8.ToArray());

        var seen = new List<(string? Key, string Text, long Time, int Headers)>();
        streams.Recorder.OnRecord = (batch, i) =>
        {
            lock (seen)
            {
                seen.Add((
                    batch.KeyLength[i] < 0 ? null : Encoding.UTF8.GetString(batch.Key(i)),
                    batch.ValueLength[i] < 0 ? "null" : Encoding.UTF8.GetString(batch.Value(i)),
                    batch.TimestampsMs[i],
                    batch.HeaderCount[i]));
            }
        };
        streams.Use(new KafkaSource { Name = "p1", Topics = ["out", "plain"] });
        await streams.WaitForRecordsAsync(103);

        var ofA = seen.Where(s => s.Key == "a").ToList();
        Assert.Equal(["1", "null"], ofA.Select(s => s.Text));
        Assert.Equal((1_700_000_000_000, 2), (ofA[1].Time, ofA[1].Headers));
        Assert.Contains(seen, s => s.Key is null && s.Text == "raw");
        Assert.True(streams.Recorder["p1/out/3"].Records >= 100);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_record_the_broker_refuses_is_the_callers_error(bool fromClient)
    {
        _kafka.CreateTopic("out", 1);
        await using var streams = await TestStreams.StartAsync(
            _kafka.BootstrapServers, o => o.ProduceTimeout = TimeSpan.FromSeconds(5));
        var stream = Stream<KafkaMessage>(streams, "main", "out", fromClient);

        var tooLarge = await Assert.ThrowsAsync<KafkaProduceException>(
            () => stream.OnNextAsync(new KafkaMessage { Value = new byte[2_000_000] }));
        Assert.Equal("MsgSizeTooLarge", tooLarge.Code);
        _kafka.StopBroker(1);
        var late = await Assert.ThrowsAsync<KafkaProduceException>(
            () => stream.OnNextAsync(new KafkaMessage { Value = [1] }));
        Assert.Equal("Local_MsgTimedOut", late.Code);
    }

    [Fact]
    public async Task Wrong_streams_items_and_connections_are_refused_with_the_remedy()
    {
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);

        var item = await Assert.ThrowsAsync<KafkaProduceException>(
            () => Stream<string>(streams, "main", "out").OnNextAsync("text"));
        Assert.Contains("KafkaMessage or byte[]", item.Message);
        var connection = await Assert.ThrowsAsync<KafkaProduceException>(
            () => Stream<byte[]>(streams, "elsewhere", "out").OnNextAsync([1]));
        Assert.Contains("configured are: main", connection.Message);
        var provider = streams.Cluster.Silos[0].ServiceProvider.GetRequiredKeyedService<IStreamProvider>("kafka");
        var stream = provider.GetStream<byte[]>(StreamId.Create("kafka", "p1/out/0"));
        var id = await Assert.ThrowsAsync<KafkaProduceException>(() => stream.OnNextAsync([1]));
        Assert.Contains("ForProducing", id.Message);
    }

    [Fact]
    public async Task A_lost_answer_neither_duplicates_nor_reorders_what_is_written()
    {
        _kafka.CreateTopic("out", 1);
        await using var streams = await TestStreams.StartAsync(_kafka.BootstrapServers);
        var stream = Stream<KafkaMessage>(streams, "main", "out");

        // Not leader, a dropped connection, too few replicas: all are worth another try.
        _kafka.InjectErrors(0, 6, -195, 19, -195);
        for (var i = 0; i < 20; i++)
            await stream.OnNextAsync(new KafkaMessage { Value = System.Text.Encoding.ASCII.GetBytes($"{i}") });
        streams.Use(new KafkaSource { Name = "p1", Topics = ["out"] });
        await streams.WaitForRecordsAsync(20);

        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => $"{i}"), streams.Recorder["p1/out/0"].Values.Select(v => v.Value));
    }

    private static IAsyncStream<T> Stream<T>(
        TestStreams streams, string connection, string topic, bool fromClient = false)
    {
        var services = fromClient ? streams.Cluster.Client.ServiceProvider : streams.Cluster.Silos[0].ServiceProvider;
        return services.GetRequiredKeyedService<IStreamProvider>("kafka")
            .GetStream<T>(KafkaStreamId.ForProducing(connection, topic));
    }
}
