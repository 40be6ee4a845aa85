using System.Globalization;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Where reading begins, and where it is over: what only a real broker does.</summary>
public sealed class SourceStartTests : IAsyncLifetime
{
    private KafkaBroker? _broker;

    private KafkaBroker Kafka
    {
        get
        {
            Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
            return _broker!;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (KafkaBroker.SkipReason is null) _broker = await KafkaBroker.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null) await _broker.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Partitions_and_topics_that_appear_after_the_start_are_read_from_their_beginning()
    {
        foreach (var (name, start) in new[] { ("late", "latest"), ("time", $"'{DateTime.UtcNow.AddHours(1):yyyy-MM-dd'T'HH:mm:ss'Z'}'") })
        {
            await Kafka.CreateTopicAsync($"{name}-a", 1);
            Fill($"{name}-a", 0, 10);
            await using var silo = await TestSilo.StartAsync(Configure, withKeys: false, pipeline: Pipeline($"'^{name}-.*'", start));
            await silo.WaitForAsync(s => PartitionsOf(s) == 1 && s.GetProperty("condition").GetString() == "Running", null);

            await Kafka.AddPartitionsAsync($"{name}-a", 2);
            await Kafka.CreateTopicAsync($"{name}-b", 1);
            Fill($"{name}-a", 0, 5);
            Fill($"{name}-a", 1, 5);
            Fill($"{name}-b", 0, 5);
            await silo.WaitForRecordsAsync(15, null);

            // What came while the silo was down came after the start too.
            await silo.StopAsync();
            await Kafka.AddPartitionsAsync($"{name}-a", 3);
            await Kafka.CreateTopicAsync($"{name}-c", 2);
            Fill($"{name}-a", 2, 5);
            Fill($"{name}-c", 1, 5);
            await silo.StartAgainAsync(Configure);
            var status = await silo.WaitForAsync(s => Consumed(s) >= 25 && PartitionsOf(s) == 6, null);
            Assert.Equal(25, Consumed(status));
        }
    }

    [Fact]
    public async Task A_pattern_that_matches_nothing_yet_misses_nothing_of_the_first_topic()
    {
        await using var silo = await TestSilo.StartAsync(o => o.Reading.MetadataInterval = TimeSpan.FromMilliseconds(500), withKeys: false,
            pipeline: Pipeline("'^none-.*'", "latest"));
        await silo.WaitAsync(
            async () => (await silo.Http.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/events", Cancel)).Contains("0 partitions that are there", StringComparison.Ordinal),
            () => "the start");

        // The topic appears with its first records.
        var kafka = silo.App.Services.GetRequiredService<KorOptions>().Kafka["main"];
        using (var producer = new KafkaTestProducer(kafka.BootstrapServers)) Fill(producer, "none-yet", 2, 7);
        await silo.WaitForRecordsAsync(7, null);
    }

    [Fact]
    public async Task Records_of_a_transaction_that_is_open_longer_than_idleAfter_are_not_late()
    {
        await Kafka.CreateTopicAsync("slow", 1);
        await Kafka.CreateTopicAsync("witness", 1);
        await using var silo = await TestSilo.StartAsync(Configure, withKeys: false, pipeline: Counting("events", "slow"));
        using (var witness = new StringContent(Counting("witness", "witness"), Encoding.UTF8, "application/yaml"))
            (await silo.Http.PostAsync("/api/v1/pipelines", witness, Cancel)).EnsureSuccessStatusCode();
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers, transactionalId: "slow");
        producer.Inner.InitTransactions(TimeSpan.FromSeconds(30));
        var start = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 4000 * 4000;
        producer.Inner.BeginTransaction();
        Produce(producer, "slow", start);
        producer.Inner.CommitTransaction();
        producer.Inner.BeginTransaction();
        for (var i = 1; i <= 5; i++) Produce(producer, "slow", start + (i * 100));
        producer.Flush();
        await silo.WaitForRecordsAsync(1, null);

        // Idle, the watermark goes past the window's end, as it does in a pipeline that has no open transaction.
        using (var plain = new KafkaTestProducer(Kafka.BootstrapServers))
        {
            Produce(plain, "witness", start);
            plain.Flush();
        }

        await silo.WaitAsync(() => Task.FromResult(Windows(silo, "witness").Count > 0), () => "the window of the pipeline beside it");
        Assert.Empty(Windows(silo, "slow"));
        var control = silo.App.Services.GetRequiredService<IKafkaPartitionControl>();
        var partition = await control.GetStatusAsync("events", "slow", 0);
        Assert.Equal((KafkaPartitionState.Running, 5, 2), (partition!.State, partition.LagRecords, partition.OpenTransactionAt));
        var status = await silo.WaitForAsync(s => PartitionsOf(s) == 1, null);
        Assert.False(status.GetProperty("partitions")[0].GetProperty("idle").GetBoolean());

        producer.Inner.CommitTransaction();
        status = await silo.WaitForRecordsAsync(6, null);
        Assert.Equal(0, status.GetProperty("counts").GetProperty("late").GetInt64());
        await silo.WaitAsync(() => Task.FromResult(Windows(silo, "slow").Count > 0), () => "the window");
        Assert.Equal([6L], Windows(silo, "slow"));
    }

    private void Configure(KorOptions options)
    {
        options.Kafka["main"] = new KafkaConnection { BootstrapServers = Kafka.BootstrapServers };
        options.Reading.MetadataInterval = TimeSpan.FromMilliseconds(500);
    }

    private static string Counting(string name, string topic) => $$"""
        apiVersion: kor/v1
        name: {{name}}
        source:
          kafka: { connection: main, topics: [{{topic}}], start: earliest }
          format: json
          fields: { id: { type: string, required: true } }
          eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - { id: w, type: window, window: { tumbling: 4s }, shards: 1, aggregates: { n: count() } }
        sinks:
          - { id: out, from: w, connection: dwh, table: {{topic}}, create: true }
        """;

    private static string Pipeline(string topics, string start) => $$"""
        apiVersion: kor/v1
        name: events
        source:
          kafka: { connection: main, topics: [{{topics}}], start: {{start}} }
          format: json
          fields: { id: string }
        steps: []
        sinks:
          - { id: out, from: source, connection: dwh, table: GROWN, create: true, metadata: true }
        """;

    private static long Consumed(JsonElement status) => status.GetProperty("counts").GetProperty("consumed").GetInt64();

    private static int PartitionsOf(JsonElement status) => status.GetProperty("partitions").GetArrayLength();

    private void Fill(string topic, int partition, int count)
    {
        using var producer = new KafkaTestProducer(Kafka.BootstrapServers);
        Fill(producer, topic, partition, count);
    }

    private static void Fill(KafkaTestProducer producer, string topic, int partition, int count)
    {
        for (var i = 0; i < count; i++)
            producer.Send(topic, partition, null, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{i}}"}""")));
        producer.Flush();
    }

    private static void Produce(KafkaTestProducer producer, string topic, long timestamp) => producer.Inner.Produce(new TopicPartition(topic, 0), new Message<byte[]?, byte[]?>
    {
        Value = Encoding.UTF8.GetBytes("""{"id":"x"}"""), Timestamp = new Timestamp(timestamp, TimestampType.CreateTime),
    });

    private static List<long> Windows(TestSilo silo, string table)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(silo.Folder, "dwh.db")};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT COUNT(*) FROM sqlite_master WHERE name = '{table}' COLLATE NOCASE";
        if ((long)command.ExecuteScalar()! == 0) return [];
        command.CommandText = $"SELECT n FROM {table}";
        using var reader = command.ExecuteReader();
        var counts = new List<long>();
        while (reader.Read()) counts.Add(reader.GetInt64(0));
        return counts;
    }
}
