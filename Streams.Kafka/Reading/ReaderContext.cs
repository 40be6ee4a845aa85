using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using KafkaOracleOrleans.Streams.Kafka.Native;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// The provider in one silo: its sources, the slots it owns, and how memory is shared. The registry for the
/// application, the supplier of batches for the slots' agents.
/// </summary>
internal sealed class ReaderContext : IKafkaSourceRegistry, IAsyncDisposable, IDisposable
{
    private readonly ConcurrentDictionary<string, SourceReader> _readers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TopicCatalog> _catalogs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, object> _slots = new();
    private readonly SlotSignal[] _signals;
    private readonly Lock _lock = new();
    private readonly string _silo;
    private readonly EndWatch _ends;
    private Task _stopping = Task.CompletedTask;
    private PartitionReader[][] _bySlot = [];
    private int _version;
    private int _builtVersion = -1;
    private long _share;
    private bool _started;

    public ReaderContext(
        string name,
        KafkaStreamOptions options,
        IKafkaPositionSource? positionSource,
        string silo,
        TimeProvider clock,
        ILogger logger)
    {
        _signals = [.. Enumerable.Range(0, options.Slots).Select(_ => new SlotSignal())];
        Name = name;
        Options = options;
        PositionSource = positionSource;
        Clock = clock;
        Logger = logger;
        _silo = silo;
        _share = options.MaxBufferedBytes / 2;
        Metrics = new KafkaMetrics(Describe);
        _ends = new EndWatch(this);
        foreach (var source in options.Sources)
            Add(source);
    }

    public string Name { get; }

    public KafkaStreamOptions Options { get; }

    public IKafkaPositionSource? PositionSource { get; }

    public TimeProvider Clock { get; }

    public ILogger Logger { get; }

    public KafkaMetrics Metrics { get; }

    /// <summary>Requests that hold a thread of the pool while the brokers think: a few at a time.</summary>
    public SemaphoreSlim BlockingRequests { get; } = new(8);

    /// <summary>Bytes of batches each partition owned here may hold.</summary>
    public long PartitionShare => Volatile.Read(ref _share);

    /// <summary>All partitions of all sources: this silo may come to own them all.</summary>
    public int TotalPartitions => _readers.Values.Sum(r => r.TotalPartitions);

    public IEnumerable<SourceReader> Readers => _readers.Values;

    public IReadOnlyCollection<KafkaSource> Sources => [.. _readers.Values.Select(r => r.Source)];

    public void Add(KafkaSource source)
    {
        Check(source);
        lock (_lock)
        {
            if (!_readers.TryGetValue(source.Name, out var existing))
                Begin(source);
            else if (!SourceEquality.AreEqual(existing.Source, source))
                throw new InvalidOperationException($"Source '{source.Name}' exists already and differs; use Update.");
        }
    }

    public void Update(KafkaSource source)
    {
        Check(source);
        lock (_lock)
        {
            if (_readers.TryGetValue(source.Name, out var existing))
            {
                if (SourceEquality.AreEqual(existing.Source, source))
                    return;
                End(existing);
            }

            Begin(source);
        }
    }

    public bool Remove(string name)
    {
        lock (_lock)
        {
            if (!_readers.TryGetValue(name, out var reader))
                return false;
            End(reader);
            return true;
        }
    }

    public bool TryGet(string name, [NotNullWhen(true)] out KafkaSource? source)
    {
        source = _readers.TryGetValue(name, out var reader) ? reader.Source : null;
        return source is not null;
    }

    /// <summary>Reading begins; before that, sources are only noted.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_started)
                return;
            _started = true;
            ReaderLog.Starting(Logger, Name, Options);
            foreach (var reader in _readers.Values)
                reader.Start();
            _ends.Start();
        }
    }

    /// <summary>A slot's agent begins here. The result is its claim: a later one takes the slot over from it.</summary>
    public object TakeSlot(int slot)
    {
        var claim = new object();
        _slots[slot] = claim;
        Metrics.SlotChanged(taken: true);
        ReaderLog.SlotTaken(Logger, slot);
        WakeAll();
        return claim;
    }

    public void ReleaseSlot(int slot, object claim)
    {
        if (!_slots.TryRemove(new KeyValuePair<int, object>(slot, claim)))
            return;
        Metrics.SlotChanged(taken: false);
        ReaderLog.SlotGivenUp(Logger, slot);
        _signals[slot].Set();
        WakeAll();
    }

    /// <summary>The claim of the agent that owns the slot now; null when this silo does not own it.</summary>
    public object? ClaimOf(int slot) => _slots.GetValueOrDefault(slot);

    /// <summary>The partitions of a slot, for its agent; the same array until something changes.</summary>
    public PartitionReader[] GetPartitions(int slot, object claim)
    {
        if (!_slots.TryGetValue(slot, out var holder) || !ReferenceEquals(holder, claim))
            return [];
        if (Volatile.Read(ref _builtVersion) != Volatile.Read(ref _version))
            Rebuild();
        return _bySlot[slot];
    }

    /// <summary>Tells a slot's agent that there may be something to take.</summary>
    public SlotSignal Signal(int slot) => _signals[slot];

    /// <summary>The shares of memory change at once: whoever begins to be read now must not take what was another's.</summary>
    public void PartitionsChanged()
    {
        Interlocked.Increment(ref _version);
        Volatile.Write(ref _share, Options.MaxBufferedBytes / 2 / Math.Max(1, _readers.Values.Sum(r => r.Partitions.Count())));
    }

    public TopicCatalog Catalog(string connectionName) => _catalogs.GetOrAdd(
        connectionName,
        name => new TopicCatalog(Options.Connections[name], Options.RequestTimeout, error =>
        {
            foreach (var reader in _readers.Values.Where(r => r.Source.ConnectionName == name))
                reader.OnConnectionError((int)error.Code, error.Reason);
        }));

    public bool TryFind(
        string source, string topic, int partition, [NotNullWhen(true)] out PartitionReader? reader,
        [NotNullWhen(true)] out SourceReader? sourceReader)
    {
        reader = null;
        if (_readers.TryGetValue(source, out sourceReader))
            reader = sourceReader.Find(topic, partition);
        return reader is not null;
    }

    public IReadOnlyList<KafkaPartitionStatus> Describe(string source) =>
        _readers.TryGetValue(source, out var reader) ? [.. reader.Describe(_silo)] : [];

    public KafkaPartitionStatus? Describe(string source, string topic, int partition) =>
        TryFind(source, topic, partition, out var reader, out var owner) ? owner.Describe(reader, _silo) : null;

    /// <summary>For containers that are disposed of synchronously.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            foreach (var reader in _readers.Values)
                End(reader);
        }

        await _stopping.ConfigureAwait(false);
        await _ends.DisposeAsync().ConfigureAwait(false);
        foreach (var catalog in _catalogs.Values)
            catalog.Dispose();
        _catalogs.Clear();
        Metrics.Dispose();
        BlockingRequests.Dispose();
    }

    private IEnumerable<KafkaPartitionStatus> Describe() => _readers.Values.SelectMany(r => r.Describe(_silo));

    private void Check(KafkaSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        source.Validate();
        Options.CheckConnection(source);
        NativeConsumer.CheckConfig(
            ClientConfigs.Consumer(Options.Connections[source.ConnectionName], source, Options, 1));
    }

    private void Begin(KafkaSource source)
    {
        var reader = new SourceReader(source, this);
        _readers[source.Name] = reader;
        ReaderLog.SourceAdded(Logger, source.Name, string.Join(", ", source.Topics));
        if (_started)
            reader.Start();
    }

    /// <summary>A source with the same name that begins now waits for nothing: its readers are other objects.</summary>
    private void End(SourceReader reader)
    {
        _readers.TryRemove(new KeyValuePair<string, SourceReader>(reader.Source.Name, reader));
        PartitionsChanged();
        ReaderLog.SourceRemoved(Logger, reader.Source.Name);
        _stopping = Task.WhenAll(_stopping, StopAsync(reader));
    }

    private async Task StopAsync(SourceReader reader)
    {
        try
        {
            await reader.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            ReaderLog.StopFailed(Logger, reader.Source.Name, e);
        }
    }

    private void WakeAll()
    {
        PartitionsChanged();
        foreach (var reader in _readers.Values)
            reader.Wake();
    }

    private void Rebuild()
    {
        lock (_lock)
        {
            var version = Volatile.Read(ref _version);
            var bySlot = new List<PartitionReader>[Options.Slots];
            foreach (var reader in _readers.Values.SelectMany(r => r.Partitions))
                (bySlot[reader.Slot] ??= []).Add(reader);

            _bySlot = [.. bySlot.Select(list => list is null ? [] : list.ToArray())];
            Volatile.Write(ref _builtVersion, version);
        }
    }
}

/// <summary>Sources are equal when they read the same in the same way; collections are compared by content.</summary>
internal static class SourceEquality
{
    public static bool AreEqual(KafkaSource a, KafkaSource b) =>
        a.Name == b.Name
        && a.ConnectionName == b.ConnectionName
        && a.EffectiveGroupId == b.EffectiveGroupId
        && a.IsolationLevel == b.IsolationLevel
        && a.IgnoreCommitted == b.IgnoreCommitted
        && a.Topics.SequenceEqual(b.Topics)
        && Same(a.Config, b.Config)
        && a.StartPosition.Kind == b.StartPosition.Kind
        && a.StartPosition.Time == b.StartPosition.Time
        && Same(a.StartPosition.Offsets, b.StartPosition.Offsets);

    private static bool Same<T>(IReadOnlyDictionary<string, T>? a, IReadOnlyDictionary<string, T>? b) =>
        (a ?? new Dictionary<string, T>()).OrderBy(p => p.Key, StringComparer.Ordinal)
        .SequenceEqual((b ?? new Dictionary<string, T>()).OrderBy(p => p.Key, StringComparer.Ordinal));
}
