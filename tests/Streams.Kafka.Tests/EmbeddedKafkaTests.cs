using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using KafkaOracleOrleans.TestSupport;
using ErrorCode = Confluent.Kafka.ErrorCode;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>The embedded broker as any Kafka client sees it: what its fault calls do, and the limits it states.</summary>
public sealed class EmbeddedKafkaTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start(2);
    private readonly IAdminClient _admin;

    public EmbeddedKafkaTests() => _admin = new AdminClientBuilder(
        new AdminClientConfig { BootstrapServers = _kafka.BootstrapServers, ReconnectBackoffMaxMs = 100 })
        .SetLogHandler((_, _) => { }).Build();

    public void Dispose()
    {
        _admin.Dispose();
        _kafka.Dispose();
    }

    [Fact]
    public void Any_client_finds_its_brokers_and_topics_on_loopback()
    {
        Assert.Matches(@"^127\.0\.0\.1:\d+,127\.0\.0\.1:\d+$", _kafka.BootstrapServers);
        _kafka.CreateTopic("orders", 3);
        var metadata = _admin.GetMetadata(Limit);
        Assert.Equal([1, 2], metadata.Brokers.Select(b => b.BrokerId).Order());
        Assert.Equal(3, metadata.Topics.Single(t => t.Topic == "orders").Partitions.Count);
        var e = Assert.Throws<InvalidOperationException>(() => _kafka.CreateTopic("orders", 3));
        Assert.Contains("create topic orders", e.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => EmbeddedKafka.Start(0));
    }

    [Fact]
    public void A_leader_can_be_moved_and_taken_away()
    {
        _kafka.CreateTopic("orders", 1);
        foreach (var leader in new int?[] { 1, 2, null, 1 })
        {
            _kafka.SetLeader("orders", 0, leader);
            Assert.Equal(leader ?? -1, _admin.GetMetadata("orders", Limit).Topics[0].Partitions[0].Leader);
        }
    }

    [Fact]
    public void Topics_can_be_deleted_and_made_to_fail()
    {
        const int Unauthorized = 29;
        _kafka.CreateTopic("orders", 1);
        _kafka.SetTopicError("orders", Unauthorized);
        Assert.Equal(ErrorCode.TopicAuthorizationFailed, Topic("orders").Error.Code);
        _kafka.SetTopicError("orders", 0);
        Assert.False(Topic("orders").Error.IsError);
        _kafka.DeleteTopic("orders");
        Assert.DoesNotContain(_admin.GetMetadata(Limit).Topics, t => t.Topic == "orders");

        TopicMetadata Topic(string name) => _admin.GetMetadata(Limit).Topics.Single(t => t.Topic == name);
    }

    [Fact]
    public async Task Injected_errors_answer_the_next_requests_until_cleared()
    {
        const short Produce = 0;
        const int TooLarge = 10;
        _kafka.CreateTopic("orders", 1);
        using var producer = new ProducerBuilder<Null, string>(
            new ProducerConfig { BootstrapServers = _kafka.BootstrapServers, LingerMs = 0 }).Build();
        _kafka.InjectErrors(Produce, TooLarge);
        var e = await Assert.ThrowsAsync<ProduceException<Null, string>>(SendAsync);
        Assert.Equal(ErrorCode.MsgSizeTooLarge, e.Error.Code);
        await SendAsync();
        _kafka.InjectErrors(Produce, TooLarge, TooLarge);
        _kafka.ClearErrors(Produce);
        Assert.Equal(1, (await SendAsync()).Offset.Value);

        Task<DeliveryResult<Null, string>> SendAsync() =>
            producer.ProduceAsync("orders", new Message<Null, string> { Value = "x" });
    }

    [Fact]
    public async Task A_stopped_broker_is_gone_and_back_and_a_round_trip_takes_as_long_as_told()
    {
        _kafka.StopBroker(1);
        _kafka.StopBroker(2);
        Assert.Throws<KafkaException>(() => _admin.GetMetadata(TimeSpan.FromSeconds(1)));
        _kafka.StartBroker(1);
        _kafka.StartBroker(2);
        await TestStreams.WaitAsync(Answers, () => "the brokers did not come back");

        var delay = TimeSpan.FromMilliseconds(400);
        _kafka.SetRoundTripTime(1, delay);
        _kafka.SetRoundTripTime(2, delay);
        var clock = Stopwatch.StartNew();
        _admin.GetMetadata(Limit);
        Assert.InRange(clock.Elapsed, delay * 0.9, Limit);

        bool Answers()
        {
            try
            {
                return _admin.GetMetadata(TimeSpan.FromSeconds(1)).Brokers.Count == 2;
            }
            catch (KafkaException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task Its_limits_are_what_they_are_said_to_be()
    {
        // No topics from clients.
        await Assert.ThrowsAnyAsync<KafkaException>(() => _admin.CreateTopicsAsync(
            [new TopicSpecification { Name = "mine", NumPartitions = 1, ReplicationFactor = 1 }],
            new CreateTopicsOptions { RequestTimeout = TimeSpan.FromSeconds(2) }));

        // 5 MiB of each partition.
        _kafka.CreateTopic("orders", 1);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers, compression: "none"))
            producer.Fill("orders", 1, 8 * 1024, valueBytes: 1024);
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = _kafka.BootstrapServers, GroupId = "limits", EnablePartitionEof = true,
        }).Build();
        var limits = consumer.QueryWatermarkOffsets(new TopicPartition("orders", 0), Limit);
        Assert.Equal(8 * 1024, limits.High.Value);
        Assert.InRange((limits.High.Value - limits.Low.Value) * 1024, 4L << 20, 5L << 20);
    }

    [Fact]
    public void Aborted_records_are_seen_also_with_read_committed()
    {
        _kafka.CreateTopic("orders", 1);
        using (var producer = new KafkaTestProducer(_kafka.BootstrapServers, transactionalId: "t"))
        {
            producer.Inner.InitTransactions(Limit);
            producer.Inner.BeginTransaction();
            producer.Send("orders", 0, 1);
            producer.Flush();
            producer.Inner.AbortTransaction(Limit);
        }

        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = _kafka.BootstrapServers,
            GroupId = "limits",
            IsolationLevel = IsolationLevel.ReadCommitted,
        }).Build();
        consumer.Assign(new TopicPartitionOffset("orders", 0, 0));
        Assert.NotNull(consumer.Consume(Limit));
    }
}
