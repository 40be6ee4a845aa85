using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace KafkaOracleOrleans.EndToEnd.Tests.Model;

/// <summary>
/// Writes a seeded log of orders with duplicates, out-of-order, late and bad records to a topic. With duplicates across partitions there are no late
/// records: which copy of a record counts, the one in time or the late one, would depend on which is read first.
/// </summary>
public sealed class OrderLog(int seed, int records, int customers, long startMs, bool acrossPartitions = false)
{
    /// <summary>Records of event time per second, so that a log covers records / this many seconds.</summary>
    private const double RecordsPerEventSecond = 200;

    private readonly Random _random = new(seed);
    private readonly List<(string Key, string Value)> _recent = [];
    private long _next;

    /// <summary>Records handed to the producer so far.</summary>
    public int Produced { get; private set; }

    /// <summary>Produces all records; at the end one per partition far ahead, which closes every window.</summary>
    public async Task ProduceAsync(string bootstrap, string topic, int partitions, CancellationToken cancellation, int perSecond = int.MaxValue)
    {
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            CompressionType = CompressionType.Lz4,
            LingerMs = 20,
            EnableIdempotence = true,
            MessageTimeoutMs = 600_000,
            QueueBufferingMaxMessages = 200_000,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        var failures = 0;
        var started = DateTime.UtcNow;
        for (var i = 0; i < records; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (key, value, isCopy) = Next(i);
            // Copies come to any partition; what is new goes by its key.
            var to = new TopicPartition(topic, acrossPartitions && isCopy ? new Partition(_random.Next(partitions)) : Partition.Any);
            while (true)
            {
                try
                {
                    producer.Produce(to, new Message<string, string> { Key = key, Value = value }, r =>
                    {
                        if (r.Error.IsError) Interlocked.Increment(ref failures);
                    });
                    break;
                }
                catch (ProduceException<string, string> e) when (e.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(50));
                }
            }

            Produced = i + 1;
            if (perSecond != int.MaxValue && i % 100 == 0)
            {
                var ahead = TimeSpan.FromSeconds((double)i / perSecond) - (DateTime.UtcNow - started);
                if (ahead > TimeSpan.Zero) await Task.Delay(ahead, cancellation);
            }
        }

        producer.Flush(cancellation);
        var end = EventTime(records) + (3 * 3_600_000);
        for (var p = 0; p < partitions; p++)
        {
            var close = Value(string.Create(CultureInfo.InvariantCulture, $"close-{p}"), "closer", 1m, end);
            await producer.ProduceAsync(
                new TopicPartition(topic, p), new Message<string, string> { Key = "closer", Value = close }, cancellation);
        }

        Assert.Equal(0, failures);
    }

    private (string Key, string Value, bool IsCopy) Next(int i)
    {
        var dice = _random.NextDouble();
        if (dice < 0.05 && _recent.Count != 0)
        {
            var (of, copy) = _recent[_random.Next(_recent.Count)];
            return (of, copy, true);
        }

        var customer = string.Create(CultureInfo.InvariantCulture, $"c{(int)(customers * Math.Pow(_random.NextDouble(), 3)):D5}");
        var at = EventTime(i);
        if (dice is > 0.05 and < 0.10) at -= _random.Next(30_000);
        var late = dice is >= 0.10 and < 0.11 && i > records / 2 && !acrossPartitions;
        if (late) at -= 40 * 60_000 + _random.Next(60_000);
        var amount = _random.Next(1, 100_000) / 100m;
        if (dice is >= 0.11 and < 0.115) amount = -amount;
        var value = Value(string.Create(CultureInfo.InvariantCulture, $"o{_next++}"), customer, amount, at);
        if (dice is >= 0.115 and < 0.12) return (customer, value[..^15], false);
        if (!late)
        {
            if (_recent.Count < 500) _recent.Add((customer, value));
            else _recent[_random.Next(500)] = (customer, value);
        }

        return (customer, value, false);
    }

    private long EventTime(int i) => startMs + (long)(i * (1000 / RecordsPerEventSecond));

    private static string Value(string id, string customer, decimal amount, long at) => new StringBuilder(160)
        .Append(CultureInfo.InvariantCulture, $"{{\"order_id\":\"{id}\",\"customer_id\":\"{customer}\",\"amount\":{amount:0.00},")
        .Append(CultureInfo.InvariantCulture, $"\"currency\":\"EUR\",\"created_at\":{at}}}")
        .ToString();
}
