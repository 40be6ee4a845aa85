using KafkaOracleOrleans.Grains.Partitions;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Where the process is between start and end, for probes and for the drain. A hosted service so that it hears of stopping before anything is stopped.
/// </summary>
internal sealed partial class HostState(KorOptions options, LocalPartitions partitions, TimeProvider time, ILogger<HostState> log) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private long _tickedAt = time.GetTimestamp();

    /// <summary>Set once the silo has joined, the listeners are bound and the catalog was read for the first time.</summary>
    public bool IsStarted => _listening && IsInStep;

    /// <summary>Set from the moment the process is told to stop.</summary>
    public bool IsStopping { get; private set; }

    /// <summary>The catalog was read and this silo's sources are in step with it.</summary>
    public bool IsInStep { get; set; }

    /// <summary>How long ago the process last got a thread for a moment: what the liveness probe looks at.</summary>
    public TimeSpan SinceTick => time.GetElapsedTime(Interlocked.Read(ref _tickedAt));

    private volatile bool _listening;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _listening = true;
        return Task.CompletedTask;
    }

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        IsStopping = true;
        LogStopping(options.ShutdownTimeout.TotalSeconds);
        // Load balancers need a moment to see that this silo is not ready any more; it still answers meanwhile.
        if (options.StopDelay > TimeSpan.Zero) await Task.Delay(options.StopDelay, time, cancellationToken);
        // Now, while shards and sinks can still be reached; Orleans ends all grains at once.
        var unasked = await partitions.HandOverAsync(cancellationToken);
        if (unasked > 0) LogUnasked(unasked);
    }

    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        LogStopped();
        return Task.CompletedTask;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, time);
        do
        {
            Interlocked.Exchange(ref _tickedAt, time.GetTimestamp());
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Told to stop: partitions checkpoint and are handed over, for at most {Seconds:0} s.")]
    private partial void LogStopping(double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partitions} partitions could not be checkpointed; their next owners read again from the last checkpoint.")]
    private partial void LogUnasked(int partitions);

    [LoggerMessage(Level = LogLevel.Information, Message = "Stopped in order.")]
    private partial void LogStopped();
}
