using System.Globalization;
using Confluent.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>A topic filled with a workload, and what must come of it. Filled once, read by every cell.</summary>
internal sealed record LoadedTopic(string Topic, long Records, Expected Expected)
{
    public const int Partitions = 8;
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    public static async Task<LoadedTopic> FillAsync(KafkaBroker kafka, KeySpread keys, int seed, long records, CancellationToken cancellation)
    {
        var topic = string.Create(CultureInfo.InvariantCulture, $"w1-{keys}-{records}").ToLowerInvariant();
        await kafka.CreateTopicAsync(topic, Partitions);
        var workload = new Workload(seed, records, keys, Start);
        Console.Error.WriteLine($"filling {topic} ...");
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = kafka.BootstrapServers,
            CompressionType = CompressionType.Lz4,
            LingerMs = 50,
            BatchSize = 262_144,
            Partitioner = Partitioner.Murmur2Random,
            QueueBufferingMaxMessages = 500_000,
            QueueBufferingMaxKbytes = 400_000,
            EnableIdempotence = true,
            EnableDeliveryReports = false,
        }).Build();
        foreach (var (key, value) in workload.Records()) Send(producer, topic, key, value);
        producer.Flush(cancellation);
        for (var p = 0; p < Partitions; p++)
        {
            await producer.ProduceAsync(
                new TopicPartition(topic, p), new Message<string, byte[]> { Key = "closing", Value = workload.Closing() }, cancellation);
        }

        producer.Flush(cancellation);
        return new LoadedTopic(topic, records, workload.Expected);
    }

    private static void Send(IProducer<string, byte[]> producer, string topic, string key, byte[] value)
    {
        while (true)
        {
            try
            {
                producer.Produce(topic, new Message<string, byte[]> { Key = key, Value = value });
                return;
            }
            catch (ProduceException<string, byte[]> e) when (e.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(100));
            }
        }
    }
}
