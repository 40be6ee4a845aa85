using System.Text.Json;
using Confluent.Kafka;

namespace KafkaOracleOrleans.EndToEnd.Tests.Model;

/// <summary>A row of the window table.</summary>
public sealed record WindowTotals(string Customer, long StartMs, long Orders, decimal Revenue, decimal Largest);

/// <summary>A record that passed quality and was the first of its id: a row of ORDERS_CLEAN.</summary>
public sealed record AcceptedOrder(string Id, int Partition, long Offset);

/// <summary>
/// What the sink must hold, computed from the log alone: every partition is read from its beginning to its end and folded with plain
/// dictionaries. It shares no code with the product.
/// </summary>
public sealed class OrderModel
{
    private const long Window = 5 * 60_000;
    private const long MaxOutOfOrder = 30_000;
    private readonly Dictionary<(string Customer, long Start), (long Orders, decimal Revenue, decimal Largest)> _windows = [];

    // Null: every partition has its own.
    private HashSet<string>? _seen;

    public long Consumed { get; private set; }
    public long Duplicates { get; private set; }
    public long Late { get; private set; }
    public long Quarantined { get; private set; }
    public long Absorbed { get; private set; }
    public List<AcceptedOrder> Accepted { get; } = [];

    public IReadOnlyCollection<WindowTotals> Windows =>
        [.. _windows.Select(w => new WindowTotals(w.Key.Customer, w.Key.Start, w.Value.Orders, w.Value.Revenue, w.Value.Largest))];

    /// <param name="acrossPartitions">
    /// Ids are looked for in all partitions, and no record is late. The first one found counts here, while the product may take any: they are copies.
    /// </param>
    public static OrderModel Read(string bootstrap, string topic, int partitions, bool acrossPartitions = false)
    {
        var model = new OrderModel { _seen = acrossPartitions ? new HashSet<string>(StringComparer.Ordinal) : null };
        using var consumer = new ConsumerBuilder<string, byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = "model",
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        for (var p = 0; p < partitions; p++) model.ReadPartition(consumer, new TopicPartition(topic, p));
        return model;
    }

    private void ReadPartition(IConsumer<string, byte[]> consumer, TopicPartition partition)
    {
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        var seen = _seen ?? new HashSet<string>(StringComparer.Ordinal);
        var watermark = long.MinValue;
        while (true)
        {
            var record = consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException("The model's consumer got nothing.");
            if (record.IsPartitionEOF) return;
            Fold(record.TopicPartitionOffset, record.Message.Value, seen, ref watermark);
        }
    }

    private void Fold(TopicPartitionOffset at, byte[] value, HashSet<string> seen, ref long watermark)
    {
        Consumed++;
        if (Parse(value) is not { } order)
        {
            Quarantined++;
            return;
        }

        var before = watermark;
        watermark = Math.Max(watermark, order.At - MaxOutOfOrder);
        if (order.Amount <= 0)
        {
            Quarantined++;
            return;
        }

        if (!seen.Add(order.Id))
        {
            Duplicates++;
            return;
        }

        Accepted.Add(new AcceptedOrder(order.Id, at.Partition.Value, at.Offset.Value));
        var start = order.At - (((order.At % Window) + Window) % Window);
        if (_seen is null && before != long.MinValue && start + Window <= before)
        {
            Late++;
            return;
        }

        Absorbed++;
        var totals = _windows.GetValueOrDefault((order.Customer, start));
        _windows[(order.Customer, start)] =
            (totals.Orders + 1, totals.Revenue + order.Amount, Math.Max(totals.Largest, order.Amount));
    }

    private static (string Id, string Customer, decimal Amount, long At)? Parse(byte[] value)
    {
        try
        {
            using var json = JsonDocument.Parse(value);
            var root = json.RootElement;
            return (
                root.GetProperty("order_id").GetString()!,
                root.GetProperty("customer_id").GetString()!,
                root.GetProperty("amount").GetDecimal(),
                root.GetProperty("created_at").GetInt64());
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
