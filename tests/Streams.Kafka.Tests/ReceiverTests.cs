using KafkaOracleOrleans.Streams.Kafka.Provider;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.Logging.Abstractions;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>A slot's receivers against the embedded broker, without a cluster.</summary>
public sealed class ReceiverTests : IDisposable
{
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();

    public void Dispose() => _kafka.Dispose();

    [Fact]
    public async Task A_second_agent_of_the_same_slot_begins_anew_whatever_the_first_still_holds()
    {
        _kafka.CreateTopic("orders", 1);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers))
            producer.Fill("orders", 1, 1_000);
        await using var context = new ReaderContext(
            "kafka",
            new KafkaStreamOptions
            {
                Slots = 1,
                MaxBatchRecords = 100,
                Connections = { ["main"] = new KafkaConnection { BootstrapServers = _kafka.BootstrapServers } },
                Sources = { new KafkaSource { Name = "p1", Topics = ["orders"] } },
            },
            null,
            "silo",
            TimeProvider.System,
            NullLogger.Instance);
        context.Start();
        var first = new SlotReceiver(context, 0);
        await first.Initialize(TimeSpan.Zero);
        var held = await TakeAsync(first, 2);

        // The first is shut down late, as happens when slots come and go quickly; what it holds is never completed.
        var second = new SlotReceiver(context, 0);
        await second.Initialize(TimeSpan.Zero);
        Assert.Empty(await first.GetQueueMessagesAsync(10, CancellationToken.None));
        await first.Shutdown(TimeSpan.Zero);
        var cache = new SlotCache(context);
        using var cursor = (StreamCache.Cursor)cache.GetCacheCursor(held[0].StreamId, null);
        var position = 0L;
        while (position < 1_000)
        {
            cache.AddToCache(await TakeAsync(second, 1));
            while (cursor.MoveNext())
            {
                var batch = ((KafkaBatchContainer)cursor.GetCurrent(out _)!).Batch;
                Assert.Equal(position, batch.From);
                position = batch.To;
            }
        }

        await second.Shutdown(TimeSpan.Zero);
        await TestStreams.WaitAsync(() => context.Describe("p1").Count == 0, () => "the slot is still read");
    }

    private static async Task<List<IBatchContainer>> TakeAsync(SlotReceiver receiver, int count)
    {
        var taken = new List<IBatchContainer>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (taken.Count < count)
        {
            limit.Token.ThrowIfCancellationRequested();
            taken.AddRange(await receiver.GetQueueMessagesAsync(count, limit.Token));
        }

        return taken;
    }
}
