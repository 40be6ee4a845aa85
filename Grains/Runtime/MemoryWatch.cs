using System.Globalization;
using KafkaOracleOrleans.Grains.Partitions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>
/// Looks at the memory this process has and may have (a container's limit, as the runtime knows it), and says when reading has to stop. Memory that runs out
/// all the same ends the process with a message: a silo that goes on without memory holds its partitions and works none of them off.
/// </summary>
public sealed partial class MemoryWatch : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    /// <summary>So long may memory be tight and nothing move before the liveness probe says so.</summary>
    public static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(5);

    private readonly EngineOptions _options;
    private readonly LocalPartitions _partitions;
    private readonly TimeProvider _time;
    private readonly ILogger<MemoryWatch> _log;
    private readonly MemoryPressure _pressure = new();
    private readonly Lock _lock = new();
    private readonly long _start;

    /// <summary>Made once for each silo.</summary>
    public MemoryWatch(IOptions<EngineOptions> options, LocalPartitions partitions, TimeProvider time, ILogger<MemoryWatch> log)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        (_options, _partitions, _time, _log) = (options.Value, partitions, time, log);
        _start = time.GetTimestamp();
        Cells = new CellMemory(() => _options.CellBytes > 0 ? _options.CellBytes : Limit / 4, () => IsTight);
        Measure = HeapBytes;
    }

    /// <summary>The heap that may be used, bytes: <see cref="EngineOptions.MemoryLimitBytes"/>, or what the runtime says.</summary>
    public long Limit => _options.MemoryLimitBytes > 0 ? _options.MemoryLimitBytes : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The heap that is used, bytes, as of the last collection.</summary>
    public long Used => Measure();

    /// <summary>Reading stops meanwhile.</summary>
    public bool IsTight => _pressure.IsTight;

    internal CellMemory Cells { get; }

    /// <summary>Tests say what is used.</summary>
    internal Func<long> Measure { get; set; }

    /// <summary>Records that a partition may work off at once, so that the cells they need have room.</summary>
    internal int RowsAtOnce(int most) =>
        (int)Math.Clamp(Cells.Budget / HeldCells.Cost / (2L * Math.Max(1, _partitions.Count)), Math.Min(most, 500), most);

    /// <summary>Why reading has stopped; null: it has not, or not for long enough to be told.</summary>
    public string? Reason
    {
        get
        {
            lock (_lock)
            {
                if (!_pressure.IsTold(Now)) return null;
            }

            return string.Create(
                CultureInfo.InvariantCulture,
                $"Memory is short on this silo: {MiB(Used)} of {MiB(Limit)} MiB are used. Reading waits until it is below {MiB((long)(Limit * MemoryPressure.Low))} MiB, and cells "
                + $"that were not called for longest are let go. If this lasts, give the process more memory or the pipeline more silos.");
        }
    }

    /// <summary>Memory has been tight and no partition has moved for <see cref="StuckAfter"/>.</summary>
    public bool IsStuck
    {
        get
        {
            lock (_lock) return _pressure.IsStuck(Now, _time.GetElapsedTime(_start, _partitions.MovedAt), StuckAfter);
        }
    }

    private TimeSpan Now => _time.GetElapsedTime(_start);

    /// <inheritdoc/>
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        MemoryMetrics.Add(this);
        AppDomain.CurrentDomain.FirstChanceException += OnException;
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public override Task StopAsync(CancellationToken cancellationToken)
    {
        AppDomain.CurrentDomain.FirstChanceException -= OnException;
        MemoryMetrics.Remove(this);
        return base.StopAsync(cancellationToken);
    }

    /// <summary>Takes a measurement in.</summary>
    internal void Look()
    {
        bool before, collect;
        long used = Used, limit = Limit;
        lock (_lock)
        {
            before = _pressure.IsTight;
            collect = _pressure.Observe(used, limit, Now);
        }

        if (_pressure.IsTight && !before) LogTight(used, limit);
        else if (before && !_pressure.IsTight) LogEnough(used, limit);
        // In the background: whether what is used is needed shows only afterwards.
        if (collect) GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Tick, _time);
        while (await timer.WaitForNextTickAsync(stoppingToken)) Look();
    }

    /// <summary>What to say before the process ends; null: the memory is there, and only one thing asked for too much of it.</summary>
    internal static string? LastWords(Exception exception, long used, long limit) => exception is OutOfMemoryException && used >= limit * MemoryPressure.Low
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"Out of memory: {MiB(used)} of {MiB(limit)} MiB are used. The silo ends; what it has not checkpointed is read again by the next one. Give the process more memory, "
            + $"or lower Kor:Engine:CellBytes.")
        : null;

    private static long HeapBytes()
    {
        var info = GC.GetGCMemoryInfo(GCKind.Any);
        return info.HeapSizeBytes - info.FragmentedBytes;
    }

    private static long MiB(long bytes) => bytes >> 20;

    private void OnException(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs args)
    {
        if (args.Exception is not OutOfMemoryException) return;
        if (LastWords(args.Exception, GC.GetTotalMemory(false), Limit) is { } words) Environment.FailFast(words, args.Exception);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Memory is short: {Used} of {Limit} bytes are used. Reading waits, and cells are let go.")]
    private partial void LogTight(long used, long limit);

    [LoggerMessage(Level = LogLevel.Information, Message = "There is memory again: {Used} of {Limit} bytes are used. Reading goes on.")]
    private partial void LogEnough(long used, long limit);
}
