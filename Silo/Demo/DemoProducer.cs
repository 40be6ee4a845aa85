using Confluent.Kafka;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>Writes generated orders to the demo's topic at a steady rate, until it is stopped.</summary>
internal sealed partial class DemoProducer(
    DemoOptions demo, KorOptions options, TimeProvider time, ILogger<DemoProducer> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);
    private const int BacklogRecords = 20_000;
    private const long BacklogMs = 30 * 60_000;
    private long _produced;

    /// <summary>Records the broker has acknowledged.</summary>
    public long Produced => Interlocked.Read(ref _produced);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var config = new ProducerConfig(options.Kafka["main"].ToClientConfig())
        {
            CompressionType = CompressionType.Lz4,
            LingerMs = 20,
            EnableIdempotence = true,
        };
        using var producer = new ProducerBuilder<string, string>(config)
            .SetErrorHandler((_, e) => LogError(e.Reason))
            .Build();
        var generator = new OrderGenerator(demo.Seed);
        using var timer = new PeriodicTimer(Interval, time);
        var due = 0.0;
        try
        {
            // History first, so that there are closed windows to see at once.
            var start = time.GetUtcNow().ToUnixTimeMilliseconds();
            for (var i = 0; i < BacklogRecords; i++)
                Produce(producer, generator.Next(start - BacklogMs + (BacklogMs * i / BacklogRecords)));
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                due += demo.Rate * Interval.TotalSeconds;
                for (; due >= 1; due--) Produce(producer, generator.Next(time.GetUtcNow().ToUnixTimeMilliseconds()));
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was handed to the client is still sent.
        }

        producer.Flush(TimeSpan.FromSeconds(5));
    }

    private void Produce(IProducer<string, string> producer, GeneratedOrder order)
    {
        try
        {
            producer.Produce(demo.Topic, new Message<string, string> { Key = order.Key, Value = order.Value }, report =>
            {
                if (report.Error.IsError) LogError(report.Error.Reason);
                else Interlocked.Increment(ref _produced);
            });
        }
        catch (ProduceException<string, string> e) when (e.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
        {
            // The broker is slower than the demo's rate; the rate gives way.
            LogError(e.Error.Reason);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The demo's producer: {Reason}")]
    private partial void LogError(string reason);
}
