using System.Globalization;
using System.Text;
using Confluent.Kafka;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>Refused records as messages of a topic, on Apache Kafka.</summary>
public sealed class QuarantineTopicTests
{
    private const string Refused = "orders.refused";
    private const int Records = 30_000;
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Every_refused_record_is_in_the_topic_with_all_it_came_with_whatever_dies_meanwhile()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var stage = await OrdersStage.SetUpAsync(text => text.Replace(
            "\nsinks:\n", $"\nquarantine: {{ kafka: {{ connection: main, topic: {Refused} }} }}\nsinks:\n", StringComparison.Ordinal));
        await using var silo = stage.Silo("one");
        SendOdd(stage);
        silo.Start();

        // There is no such topic yet: nothing passes the first refused record, and the reason says what to do.
        var blocked = await stage.WaitAsync(silo, s => s.Partitions.Any(p => p.State == PartState.Blocked));
        var part = blocked.Partitions.First(p => p.State == PartState.Blocked);
        Assert.Contains($"'{Refused}' of Kafka connection 'main'", part.Reason, StringComparison.Ordinal);
        Assert.True(part.Reason!.Contains("create the topic", StringComparison.Ordinal), part.Reason);
        Assert.Equal(0, part.Checkpoint ?? 0);
        await silo.KillAsync();
        await stage.Kafka.CreateTopicAsync(Refused, 2);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var producing = new OrderLog(12, Records, 500, Start).ProduceAsync(
            stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions, stop.Token, Records / 15);
        silo.Start();
        for (var kills = 0; kills < 3; kills++)
        {
            var before = (await stage.WaitAsync(silo, s => s.Counts.Quarantined > 0)).Counts.Quarantined;
            await stage.WaitAsync(silo, s => s.Counts.Quarantined > before || s.Counts.Consumed >= Records);
            await silo.KillAsync();
            silo.Start();
        }

        await producing;
        var model = OrderModel.Read(stage.Kafka.BootstrapServers, OrdersStage.Topic, OrdersStage.Partitions);
        var status = await stage.DrainAsync([silo], model, TimeSpan.FromMinutes(2));
        await stage.AssertEqualsAsync(model, status);
        AssertAllThere(stage, status);
        // With a topic and no table named, the table beside the state stays empty.
        Assert.Equal(0, await stage.CountAsync("SELECT count(*) FROM kor_quarantine"));
    }

    /// <summary>Records of every odd kind: no key, no value, a key that is no text, headers twice and empty, a topic's largest.</summary>
    private static void SendOdd(OrdersStage stage)
    {
        using var producer = new KafkaTestProducer(stage.Kafka.BootstrapServers);
        var bad = Encoding.UTF8.GetBytes("""{"order_id":"bad","customer_id":"c","amount":-1,"created_at":1767600000000}""");
        producer.Send(OrdersStage.Topic, 0, null, bad, new Headers { { "trace", [0, 255] }, { "trace", [1] }, { "none", null } });
        producer.Send(OrdersStage.Topic, 0, [0, 0xFF], "no json"u8.ToArray());
        producer.Send(OrdersStage.Topic, 1, "big"u8.ToArray(), Encoding.UTF8.GetBytes("{" + new string('x', 900_000)));
        producer.Flush();
    }

    private static void AssertAllThere(OrdersStage stage, PipelineStatus status)
    {
        // At least once: a record sent before the checkpoint that counts it is sent again after a kill. Its id tells.
        var found = ReadAll(stage, Refused, 2).DistinctBy(r => Text(r, "kor.id")).ToList();
        Assert.Equal(status.Counts.Quarantined, found.Count);
        var log = ReadAll(stage, OrdersStage.Topic, OrdersStage.Partitions).ToDictionary(r => (r.Partition.Value, r.Offset.Value));
        foreach (var record in found)
        {
            Assert.Equal(OrdersStage.Topic, Text(record, "kor.topic"));
            var original = log[(int.Parse(Text(record, "kor.partition"), CultureInfo.InvariantCulture), long.Parse(Text(record, "kor.offset"), CultureInfo.InvariantCulture))];
            Assert.Equal(original.Message.Key, record.Message.Key);
            Assert.Equal(original.Message.Value, record.Message.Value);
            Assert.Equal(original.Message.Timestamp.UnixTimestampMs, record.Message.Timestamp.UnixTimestampMs);
            Assert.Equal(HeadersOf(original), HeadersOf(record));
            Assert.Equal(("orders", "1"), (Text(record, "kor.pipeline"), Text(record, "kor.version")));
            Assert.NotEmpty(Text(record, "kor.reason"));
            AssertReason(record, Encoding.UTF8.GetString(original.Message.Value).Contains("\"amount\":-", StringComparison.Ordinal));
        }
    }

    private static void AssertReason(ConsumeResult<byte[]?, byte[]> record, bool negative)
    {
        if (negative)
        {
            Assert.Equal(("KOR4042", "valid_amount", "quality"), (Text(record, "kor.code"), Text(record, "kor.rule"), Text(record, "kor.step")));
            return;
        }

        Assert.StartsWith("KOR", Text(record, "kor.code"), StringComparison.Ordinal);
        Assert.Equal("source", Text(record, "kor.step"));
        Assert.False(record.Message.Headers.TryGetLastBytes("kor.rule", out _));
    }

    private static List<string> HeadersOf(ConsumeResult<byte[]?, byte[]> record) =>
    [
        .. record.Message.Headers.Where(h => !h.Key.StartsWith("kor.", StringComparison.Ordinal))
            .Select(h => $"{h.Key}={(h.GetValueBytes() is { } bytes ? Convert.ToHexString(bytes) : "null")}"),
    ];

    private static string Text(ConsumeResult<byte[]?, byte[]> record, string header) =>
        Encoding.UTF8.GetString(record.Message.Headers.GetLastBytes(header));

    private static List<ConsumeResult<byte[]?, byte[]>> ReadAll(OrdersStage stage, string topic, int partitions)
    {
        var all = new List<ConsumeResult<byte[]?, byte[]>>();
        using var consumer = new ConsumerBuilder<byte[]?, byte[]>(new ConsumerConfig
        {
            BootstrapServers = stage.Kafka.BootstrapServers,
            GroupId = "reader",
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).SetKeyDeserializer(Deserializers.ByteArray!).SetLogHandler((_, _) => { }).Build();
        for (var p = 0; p < partitions; p++)
        {
            consumer.Assign(new TopicPartitionOffset(topic, p, Offset.Beginning));
            while (true)
            {
                var record = consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException($"Nothing comes from {topic}.");
                if (record.IsPartitionEOF) break;
                all.Add(record);
            }
        }

        return all;
    }
}
