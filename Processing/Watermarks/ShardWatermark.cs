using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Watermarks;

/// <summary>
/// The watermark of a shard: the minimum over its active source partitions, never moving back. When all are idle, it goes on from the largest
/// watermark at wall-clock speed from where it stood: there is no jump to now, so that a backfill that paused does not turn late. Times in ms;
/// wall-clock time is passed in.
/// <para>
/// A partition that is idle lets the others pass, but only as far as they had come when it last made sure that it has nothing unread
/// (<see cref="ConfirmIdle"/>). So the first batch after a quiet time pulls the shard past no partition that has records too, whichever of them
/// is read first; and where a partition cannot be asked, because its silo died, it holds the shard until it can.
/// </para>
/// </summary>
public sealed class ShardWatermark
{
    private const byte Version = 1;
    private const string Format = "shard watermark";

    private readonly SortedDictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private long _allIdleAt = long.MinValue;
    private long _allIdleBase;
    private long _ticket;

    private sealed class Source
    {
        public long Watermark { get; set; } = long.MinValue;
        public bool Idle { get; set; }

        /// <summary>While idle: what its watermark would be if a time far ahead, which nothing has spoken against, is right.</summary>
        public long Claimed { get; set; } = long.MinValue;

        /// <summary>While idle: how far the watermark may go.</summary>
        public long Permit { get; set; } = long.MinValue;

        /// <summary>What a confirmation that is begun from now on permits, and the number by which it is known.</summary>
        public long Offered { get; set; } = long.MinValue;

        public long Ticket { get; set; }
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
        Wake(entry);
        entry.Watermark = Math.Max(entry.Watermark, watermark);
        return Recompute(nowMs);
    }

    /// <summary>Says that a source has something to read, or may have. True when it was taken for idle.</summary>
    public bool Wake(string source, long nowMs)
    {
        var entry = Get(source);
        if (!entry.Idle) return false;
        Tick(nowMs);
        Wake(entry);
        return true;
    }

    /// <summary>
    /// Says that a source is silent and had nothing unread when it was looked at. <paramref name="ticket"/> is what the call before returned if
    /// looking began after that, else 0: only then the watermark may pass the source as far as it had come by that call. Returns the ticket for the
    /// next confirmation. <paramref name="claimed"/> is the source's watermark with a claim that it has not taken up (see
    /// <see cref="PartitionWatermark"/>): when all sources are idle and all claim such a time, it is believed.
    /// </summary>
    public long ConfirmIdle(string source, long ticket, long nowMs, long claimed = long.MinValue)
    {
        var entry = Get(source);
        entry.Claimed = claimed;
        if (!entry.Idle) Rest(entry, nowMs);
        else if (ticket != 0 && ticket == entry.Ticket) entry.Permit = Math.Max(entry.Permit, entry.Offered);
        Recompute(nowMs);
        entry.Offered = Candidate(nowMs);
        // Numbers of an earlier life of the shard must not be taken for this one's.
        entry.Ticket = _ticket = Math.Max(_ticket + 1, nowMs);
        return entry.Ticket;
    }

    /// <summary>True when records of others wait for a source to confirm that it is idle. That time alone goes on is not urgent.</summary>
    public bool WaitsFor(string source) =>
        !AllIdle && _sources.TryGetValue(source, out var entry) && entry.Idle && entry.Offered > entry.Permit;

    /// <summary>As <see cref="ConfirmIdle"/>, where it is known that there is nothing unread at this moment. True when the source was active.</summary>
    public bool SetIdle(string source, long nowMs, long claimed = long.MinValue)
    {
        var entry = Get(source);
        entry.Claimed = claimed;
        var news = !entry.Idle;
        if (news) Rest(entry, nowMs);
        entry.Permit = Math.Max(entry.Permit, Candidate(nowMs));
        Recompute(nowMs);
        return news;
    }

    /// <summary>As <see cref="SetIdle"/> for all idle sources at once. True when the watermark moved.</summary>
    public bool ConfirmAll(long nowMs)
    {
        var permit = Candidate(nowMs);
        foreach (var source in _sources.Values)
        {
            if (source.Idle) source.Permit = Math.Max(source.Permit, permit);
        }

        return Recompute(nowMs);
    }

    /// <summary>Lets wall-clock time pass. True when the watermark moved.</summary>
    public bool Tick(long nowMs) => AllIdle && Recompute(nowMs);

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

    private void Rest(Source entry, long nowMs)
    {
        entry.Idle = true;
        // It held the watermark here while it was active.
        entry.Permit = entry.Watermark;
        if (_sources.Values.All(s => s.Idle)) EnterAllIdle(nowMs);
    }

    private void Wake(Source entry)
    {
        entry.Idle = false;
        entry.Ticket = 0;
        LeaveAllIdle();
    }

    private void EnterAllIdle(long nowMs)
    {
        _allIdleAt = nowMs;
        var claimed = _sources.Values.Min(s => Math.Max(s.Watermark, s.Claimed));
        _allIdleBase = Math.Max(Math.Max(Current, claimed), _sources.Values.Max(s => s.Watermark));
    }

    private void LeaveAllIdle() => _allIdleAt = long.MinValue;

    /// <summary>How far the watermark would be if the idle sources were not there.</summary>
    private long Candidate(long nowMs)
    {
        // A clock that was set back must not bring the watermark back.
        if (AllIdle) return _allIdleBase == long.MinValue ? long.MinValue : _allIdleBase + Math.Max(0, nowMs - _allIdleAt);
        var smallest = long.MaxValue;
        foreach (var source in _sources.Values)
        {
            if (!source.Idle) smallest = Math.Min(smallest, source.Watermark);
        }

        return smallest == long.MaxValue ? long.MinValue : smallest;
    }

    private bool Recompute(long nowMs)
    {
        var reached = Candidate(nowMs);
        foreach (var source in _sources.Values)
        {
            if (source.Idle) reached = Math.Min(reached, source.Permit);
        }

        return reached != long.MinValue && Raise(reached);
    }

    private bool Raise(long watermark)
    {
        if (watermark <= Current) return false;
        Current = watermark;
        return true;
    }
}
