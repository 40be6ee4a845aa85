using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Watermarks;

/// <summary>
/// The watermark of a shard: the minimum over its active source partitions, never moving back. A partition that is idle
/// no longer holds it back. When all are idle, it goes on from the largest watermark at wall-clock speed from where it
/// stood: there is no jump to now, so that a backfill that paused does not turn late. Times in ms; wall-clock time is
/// passed in.
/// </summary>
public sealed class ShardWatermark
{
    private const byte Version = 1;
    private const string Format = "shard watermark";

    private readonly SortedDictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private long _allIdleAt = long.MinValue;
    private long _allIdleBase;

    private sealed class Source
    {
        public long Watermark { get; set; } = long.MinValue;
        public bool Idle { get; set; }
    }

    /// <summary>The watermark; <see cref="long.MinValue"/> until every active source has one.</summary>
    public long Current { get; private set; } = long.MinValue;

    /// <summary>True when there are sources and all of them are idle.</summary>
    public bool AllIdle => _allIdleAt != long.MinValue;

    /// <summary>
    /// Makes a source known: from now on the watermark waits for it. Adding it again changes nothing.
    /// </summary>
    public void AddSource(string source)
    {
        if (_sources.TryAdd(source, new Source())) LeaveAllIdle();
    }

    /// <summary>
    /// Takes over a source's watermark; the source is active from now on. True when the shard's watermark moved.
    /// </summary>
    public bool Observe(string source, long watermark, long nowMs)
    {
        var entry = Get(source);
        // Ticking ends where it stands; what it reached is never taken back.
        Tick(nowMs);
        entry.Idle = false;
        LeaveAllIdle();
        entry.Watermark = Math.Max(entry.Watermark, watermark);
        return Recompute();
    }

    /// <summary>Says that a source is at its end and silent, or no longer so. True when that was news.</summary>
    public bool SetIdle(string source, bool idle, long nowMs)
    {
        var entry = Get(source);
        if (entry.Idle == idle) return false;
        Tick(nowMs);
        entry.Idle = idle;
        if (idle && _sources.Values.All(s => s.Idle)) EnterAllIdle(nowMs);
        else LeaveAllIdle();
        Recompute();
        return true;
    }

    /// <summary>Lets wall-clock time pass. True when the watermark moved.</summary>
    public bool Tick(long nowMs)
    {
        if (!AllIdle || _allIdleBase == long.MinValue) return false;
        // A clock that was set back must not bring the watermark back.
        return Raise(_allIdleBase + Math.Max(0, nowMs - _allIdleAt));
    }

    /// <summary>True when the source is known to be idle.</summary>
    public bool IsIdle(string source) => _sources.TryGetValue(source, out var entry) && entry.Idle;

    /// <summary>
    /// The state in bytes: version 1; current (varint); count, each source's name (text), watermark (varint), idle
    /// (byte). That all are idle is not stored: after a restart the partitions say so again, and ticking goes on from
    /// the stored watermark.
    /// </summary>
    public byte[] Encode()
    {
        var writer = new ByteWriter(64);
        writer.Byte(Version);
        writer.VarInt(Current);
        writer.VarUInt((ulong)_sources.Count);
        foreach (var (name, source) in _sources)
        {
            writer.Text(name);
            writer.VarInt(source.Watermark);
            writer.Byte(source.Idle ? (byte)1 : (byte)0);
        }

        return writer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Throws <see cref="CorruptStateException"/>.</summary>
    public static ShardWatermark Decode(ReadOnlySpan<byte> bytes)
    {
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var watermark = new ShardWatermark { Current = reader.VarInt() };
        var count = reader.Count(reader.Remaining, "the number of sources");
        for (var i = 0; i < count; i++)
        {
            var name = reader.Text();
            var source = new Source { Watermark = reader.VarInt() };
            // Whether it is still idle is for its partition to say again.
            if (reader.Byte() > 1) throw reader.Fault("an idle flag that is neither 0 nor 1");
            if (!watermark._sources.TryAdd(name, source)) throw reader.Fault($"the source '{name}' twice");
        }

        reader.ExpectEnd();
        return watermark;
    }

    private Source Get(string source)
    {
        if (_sources.TryGetValue(source, out var entry)) return entry;
        entry = new Source();
        _sources.Add(source, entry);
        LeaveAllIdle();
        return entry;
    }

    private void EnterAllIdle(long nowMs)
    {
        _allIdleAt = nowMs;
        var largest = _sources.Values.Max(s => s.Watermark);
        _allIdleBase = Math.Max(Current, largest);
        if (_allIdleBase != long.MinValue) Raise(_allIdleBase);
    }

    private void LeaveAllIdle() => _allIdleAt = long.MinValue;

    private bool Recompute()
    {
        if (AllIdle) return false;
        var smallest = long.MaxValue;
        foreach (var source in _sources.Values)
        {
            if (!source.Idle) smallest = Math.Min(smallest, source.Watermark);
        }

        return smallest is not (long.MaxValue or long.MinValue) && Raise(smallest);
    }

    private bool Raise(long watermark)
    {
        if (watermark <= Current) return false;
        Current = watermark;
        return true;
    }
}
