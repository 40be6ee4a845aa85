using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>What goes wrong, and how often; shared by all silos of a stage. Rates are chances from 0 to 1.</summary>
public sealed class Faults
{
    private readonly Random _random;
    private readonly Lock _lock = new();
    private int _injected;

    public Faults(int seed) => _random = new Random(seed);

    public double StoreBefore { get; set; }
    public double StoreAfter { get; set; }

    /// <summary>The store fails for owners with this in their name.</summary>
    public string StoreOwner { get; set; } = "";
    public double SinkBefore { get; set; }
    public double SinkAfter { get; set; }

    /// <summary>Writes that fail, while lanes can be opened.</summary>
    public double Write { get; set; }

    public double Lookup { get; set; }

    /// <summary>How long a sink takes for each row of a write.</summary>
    public TimeSpan SlowRow { get; set; }

    public double CallBefore { get; set; }
    public double CallAfter { get; set; }
    public double CellLoss { get; set; }
    public double ResetBefore { get; set; }
    public double ResetAfter { get; set; }

    /// <summary>What the provider says of a partition instead of the truth; null: the truth.</summary>
    public Func<KafkaPartitionStatus, KafkaPartitionStatus>? Reader { get; set; }

    /// <summary>Why the source cannot be asked; null: it can.</summary>
    public KafkaSourceException? Source { get; set; }

    /// <summary>How many of the next seeks get lost: nothing moves, and the caller hears of it after its time is over.</summary>
    public int LostSeeks { get; set; }

    /// <summary>How many faults have struck.</summary>
    public int Injected => Volatile.Read(ref _injected);

    /// <summary>From now on nothing goes wrong.</summary>
    public void End() => StoreBefore = StoreAfter = SinkBefore = SinkAfter = Write = Lookup = CallBefore = CallAfter = CellLoss = ResetBefore = ResetAfter = LostSeeks = 0;

    public bool LosesSeek()
    {
        lock (_lock)
        {
            if (LostSeeks == 0) return false;
            LostSeeks--;
        }

        Interlocked.Increment(ref _injected);
        return true;
    }

    public bool Strikes(double rate)
    {
        if (rate <= 0) return false;
        lock (_lock)
        {
            if (_random.NextDouble() >= rate) return false;
        }

        Interlocked.Increment(ref _injected);
        return true;
    }

    public int Next(int below)
    {
        lock (_lock) return _random.Next(below);
    }
}

/// <summary>A state store that fails before the real one acts, or after.</summary>
internal sealed class FaultyStore(IStateStore inner, Faults faults) : IStateStore
{
    public Task<OwnerLease> AcquireAsync(string owner, CancellationToken cancellation) =>
        RunAsync(owner, () => inner.AcquireAsync(owner, cancellation));

    public Task<IReadOnlyList<CellState>> ReadCellsAsync(
        string owner, IReadOnlyCollection<CellId> cells, CancellationToken cancellation) =>
        RunAsync(owner, () => inner.ReadCellsAsync(owner, cells, cancellation));

    public Task<IReadOnlyList<(CellId Id, long? DueAt)>> ListCellsAsync(string owner, CancellationToken cancellation) =>
        RunAsync(owner, () => inner.ListCellsAsync(owner, cancellation));

    public Task ListCellsAsync(string owner, Action<CellId, long?> take, CancellationToken cancellation) => RunAsync(owner, async () =>
    {
        await inner.ListCellsAsync(owner, take, cancellation);
        return true;
    });

    public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(string owner, CancellationToken cancellation) =>
        RunAsync(owner, () => inner.ReadOutboxAsync(owner, cancellation));

    public Task CommitAsync(CheckpointWrite checkpoint, CancellationToken cancellation) => RunAsync(checkpoint.Owner, async () =>
    {
        await inner.CommitAsync(checkpoint, cancellation);
        return true;
    });

    public Task<OwnerLease?> PeekAsync(string owner, CancellationToken cancellation) =>
        RunAsync(owner, () => inner.PeekAsync(owner, cancellation));

    public async Task ResetAsync(string ownerPrefix, CancellationToken cancellation)
    {
        if (faults.Strikes(faults.ResetBefore)) throw Failure("before");
        await inner.ResetAsync(ownerPrefix, cancellation);
        if (faults.Strikes(faults.ResetAfter)) throw Failure("after");
    }

    private async Task<T> RunAsync<T>(string owner, Func<Task<T>> action)
    {
        var isMeant = owner.Contains(faults.StoreOwner, StringComparison.Ordinal);
        if (isMeant && faults.Strikes(faults.StoreBefore)) throw Failure("before");
        var result = await action();
        if (isMeant && faults.Strikes(faults.StoreAfter)) throw Failure("after");
        return result;
    }

    private static StoreUnavailableException Failure(string when) =>
        new($"The store fails {when} it acts, for the test's sake.", new IOException("cut"));
}

/// <summary>Sinks that fail before the real ones act, or after.</summary>
internal sealed class FaultySinks(ISinkFactory inner, Faults faults) : ISinkFactory
{
    public string? PlaceOf(string connection) => inner.PlaceOf(connection);

    public Task PrepareAsync(SinkSpec spec, CancellationToken cancellation) => inner.PrepareAsync(spec, cancellation);

    public Task<string?> MisfitAsync(SinkSpec spec, CancellationToken cancellation) => inner.MisfitAsync(spec, cancellation);

    public Task<bool> HasRowsAsync(SinkSpec spec, CancellationToken cancellation) => inner.HasRowsAsync(spec, cancellation);

    public async Task<ISinkLane> OpenAsync(SinkSpec spec, string lane, CancellationToken cancellation)
    {
        if (faults.Strikes(faults.SinkBefore)) throw Failure("before");
        return new Lane(await inner.OpenAsync(spec, lane, cancellation), faults);
    }

    public Task<LaneCounts?> CountsAsync(SinkSpec spec, string lane, CancellationToken cancellation) => inner.CountsAsync(spec, lane, cancellation);

    private static SinkUnavailableException Failure(string when) =>
        new($"The sink fails {when} it acts, for the test's sake.", new IOException("cut"));

    private sealed class Lane(ISinkLane inner, Faults faults) : ISinkLane
    {
        public LaneLease Lease => inner.Lease;

        public LaneCounts Counts => inner.Counts;

        public async Task<SinkWriteResult> WriteAsync(SinkWrite write, CancellationToken cancellation)
        {
            if (faults.Strikes(faults.SinkBefore) || faults.Strikes(faults.Write)) throw Failure("before");
            if (faults.SlowRow > TimeSpan.Zero) await Task.Delay(faults.SlowRow * write.Rows.Count, cancellation);
            var result = await inner.WriteAsync(write, cancellation);
            if (faults.Strikes(faults.SinkAfter)) throw Failure("after");
            return result;
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}

/// <summary>Control of partitions whose calls get lost.</summary>
internal sealed class FaultyControl(IKafkaPartitionControl inner, Faults faults) : IKafkaPartitionControl
{
    public Task SeekAsync(string source, string topic, int partition, long offset) => faults.LosesSeek()
        ? throw new TimeoutException("The seek got lost, for the test's sake.")
        : inner.SeekAsync(source, topic, partition, offset);

    public Task PauseAsync(string source, string topic, int partition) => inner.PauseAsync(source, topic, partition);

    public Task ResumeAsync(string source, string topic, int partition) => inner.ResumeAsync(source, topic, partition);

    public Task CommitAsync(string source, string topic, int partition, long offset) => inner.CommitAsync(source, topic, partition, offset);

    public async Task<KafkaPartitionStatus?> GetStatusAsync(string source, string topic, int partition) =>
        await inner.GetStatusAsync(source, topic, partition) is { } status ? faults.Reader?.Invoke(status) ?? status : null;

    public Task<IReadOnlyList<KafkaPartitionStatus>> GetStatusesAsync(string source) => inner.GetStatusesAsync(source);
}

/// <summary>Lookups that fail before they ask.</summary>
internal sealed class FaultyLookups(ILookupSource inner, Faults faults) : ILookupSource
{
    public Task<LookupResult> LookupAsync(LookupSpec spec, KafkaOracleOrleans.Processing.Records.RowBlock keys, CancellationToken cancellation) =>
        faults.Strikes(faults.Lookup) ? throw Failure() : inner.LookupAsync(spec, keys, cancellation);

    public Task<LookupTableRows> ReadAllAsync(
        LookupSpec spec, IReadOnlyList<KafkaOracleOrleans.Processing.Records.FieldType> keyTypes, int maxRows, CancellationToken cancellation) =>
        faults.Strikes(faults.Lookup) ? throw Failure() : inner.ReadAllAsync(spec, keyTypes, maxRows, cancellation);

    private static StoreUnavailableException Failure() => new("The lookup's database is away, for the test's sake.", new IOException("cut"));
}

/// <summary>Calls between the parts of a pipeline that get lost on the way there or back, and cells that go.</summary>
internal sealed class FaultyCalls(Faults faults) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        // Filters see a grain's own timers as calls too; a tick that fails there is not a lost call, and the timer never ticks again.
        if (context.Grain is not (IWindowGrain or IDedupGrain or IDedupShardGrain or IAggregatorGrain or ISinkGrain)
            || context.InterfaceMethod.DeclaringType?.Assembly != typeof(IWindowGrain).Assembly
            || context.InterfaceMethod.Name.EndsWith("StatusAsync", StringComparison.Ordinal))
        {
            await context.Invoke();
            return;
        }

        if (faults.Strikes(faults.CallBefore)) throw new TimeoutException("The call got lost, for the test's sake.");
        await context.Invoke();
        if (context.Grain is IWindowGrain or IDedupGrain or IDedupShardGrain && faults.Strikes(faults.CellLoss))
        {
            var reason = new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "The cell goes, for the test's sake.");
            context.TargetContext!.Deactivate(reason, CancellationToken.None);
        }

        if (faults.Strikes(faults.CallAfter)) throw new TimeoutException("The answer got lost, for the test's sake.");
    }
}
