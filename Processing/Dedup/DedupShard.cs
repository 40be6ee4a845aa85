using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// A shard of the ids of a dedup step that looks across partitions. Ids are decided in the order in which the partitions bring them, which no replay
/// repeats; so what was decided is kept for as long as a partition may ask again: how far each has come, and which of its offsets were duplicates.
/// Whoever owns the shard makes the decisions durable (<see cref="Collect"/>) before anyone hears of them. Not thread-safe; time is passed in.
/// <para>
/// An id is forgotten when the watermark of the shard, the smallest over its active partitions, is <c>within</c> past it: a partition that lags behind
/// finds what it must find, at the cost of memory for the distance between the fastest and the slowest.
/// </para>
/// <para>
/// Header: version byte 1; watermark state (block); sources: count, each name (text), applied, epoch (varints). Cells: the ids (see
/// <see cref="DedupCell"/>) under "ids", the duplicates of the n-th source under "seen/n", one part per claim (see <see cref="SeenOffsets"/>).
/// </para>
/// </summary>
public sealed class DedupShard
{
    private const byte Version = 1;
    private const string Format = "dedup shard header";
    private const string Ids = "ids";
    private const string Seen = "seen/";

    private readonly string _step;
    private readonly DedupCell _cell;
    private readonly Dictionary<string, DedupSource> _sources = new(StringComparer.Ordinal);
    private ShardWatermark _watermark = new();
    private bool[] _flags = [];
    private int[] _rows = [];

    /// <summary>Makes an empty shard.</summary>
    /// <param name="step">The step's id, under which cells are stored.</param>
    /// <param name="withinMs">For how long (event time) an id is held, ms, at least 0.</param>
    public DedupShard(string step, long withinMs)
    {
        _step = step;
        _cell = DedupCell.Shared(withinMs);
    }

    /// <summary>The shard of an id, given as its 128-bit hash: its highest 32 bits modulo the number of shards. Stored state depends on it.</summary>
    public static int Of(UInt128 id, int shards) => (int)((uint)(id >> 96) % (uint)shards);

    /// <summary>How many ids are remembered.</summary>
    public int Count => _cell.Count;

    /// <summary>The memory held, roughly, bytes.</summary>
    public long EstimatedBytes => _cell.EstimatedBytes + _sources.Values.Sum(s => s.EstimatedBytes);

    /// <summary>The smallest watermark of the active partitions, ms; <see cref="long.MinValue"/>: not known yet.</summary>
    public long Watermark => _watermark.Current;

    /// <summary>Makes a source partition known: nothing is forgotten before it has come as far.</summary>
    public void AddSource(string source) => _watermark.AddSource(source);

    /// <summary>Says that a partition is at its end and silent, or no longer so: nothing waits for it then.</summary>
    public void SetIdle(string source, bool idle, long nowMs)
    {
        if (_watermark.SetIdle(source, idle, nowMs)) Forget();
    }

    /// <summary>
    /// Notes the epoch of a source's owner. <see cref="Epoch.Old"/> when a newer one was seen; <see cref="Epoch.New"/> when it is news, which must be
    /// durable before the owner gets an answer.
    /// </summary>
    public Epoch Admit(string source, long epoch)
    {
        var entry = Source(source);
        if (epoch < entry.Epoch) return Epoch.Old;
        if (epoch == entry.Epoch) return Epoch.Known;
        entry.Epoch = epoch;
        return Epoch.New;
    }

    /// <summary>
    /// Says which rows' ids were seen before: rows the partition asked about earlier get the answer they got then, the others are decided now. True when
    /// something was decided, which must be durable before the partition gets the answer.
    /// </summary>
    /// <param name="span">Who asks, and where the rows lie.</param>
    /// <param name="rows">The rows, ascending by offset.</param>
    /// <param name="nowMs">Wall-clock time, ms, for partitions that are all idle.</param>
    /// <param name="duplicates">The numbers of the rows that are duplicates are added.</param>
    /// <param name="counts">What was decided now is added.</param>
    public bool Claim(in DedupSpan span, DedupRows rows, long nowMs, List<int> duplicates, ref DedupCounts counts)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(duplicates);
        var source = Source(span.Source);
        source.Prune(span.Durable);
        var known = Known(span, rows, source);
        for (var row = 0; row < known; row++)
        {
            if (source.Contains(rows.Offsets[row])) duplicates.Add(row);
        }

        if (known < rows.Count) Decide(span, rows, known, source, duplicates, ref counts);
        if (span.Link is null && span.Watermark != long.MinValue)
        {
            _watermark.Observe(span.Source, span.Watermark, nowMs);
            Forget();
        }

        return known < rows.Count;
    }

    /// <summary>Hands out what changed since the last call and takes it as stored: to be written in one transaction. Returns the header.</summary>
    public byte[] Collect(List<CellState> upserts, List<CellId> deletes)
    {
        ArgumentNullException.ThrowIfNull(upserts);
        ArgumentNullException.ThrowIfNull(deletes);
        foreach (var part in _cell.CollectDirty())
        {
            var id = new CellId(_step, Ids, part.Part);
            if (part.Payload is null) deletes.Add(id);
            else upserts.Add(new CellState(id, part.Payload, part.DueAt));
        }

        foreach (var source in _sources.Values) source.Collect(_step, CellOf(source.Number), upserts, deletes);
        return Encode();
    }

    /// <summary>
    /// Brings a shard back from its header (null: it never was) and all its cells. Throws <see cref="CorruptStateException"/>.
    /// </summary>
    public static DedupShard Restore(string step, long withinMs, byte[]? header, IReadOnlyList<CellState> cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        var shard = new DedupShard(step, withinMs);
        if (header is null) return shard;
        var byNumber = shard.Decode(header);
        foreach (var cell in cells)
        {
            if (cell.Id.Cell == Ids) shard._cell.ReadPart(cell.Id.Part, cell.Payload);
            else Find(byNumber, cell.Id).Read(cell.Id.Part, cell.Payload);
        }

        shard.Forget();
        return shard;
    }

    private void Decide(in DedupSpan span, DedupRows rows, int from, DedupSource source, List<int> duplicates, ref DedupCounts counts)
    {
        if (_flags.Length < rows.Count)
        {
            _flags = new bool[rows.Count];
            _rows = [.. Enumerable.Range(0, rows.Count)];
        }

        _cell.Claim(rows.Count, rows.Ids, rows.Bodies, rows.EventTimes, rows.Offsets, _rows.AsSpan(from, rows.Count - from), _flags, ref counts);
        var offsets = new List<long>();
        for (var row = from; row < rows.Count; row++)
        {
            if (!_flags[row]) continue;
            duplicates.Add(row);
            offsets.Add(rows.Offsets[row]);
        }

        source.Decided(span.Link is { } link ? link + 1 : span.To, offsets);
    }

    /// <summary>How many of the rows were decided before.</summary>
    private static int Known(in DedupSpan span, DedupRows rows, DedupSource source)
    {
        if (span.Link is { } link) return link < source.Applied ? rows.Count : 0;
        var first = rows.Offsets.AsSpan(0, rows.Count).BinarySearch(source.Applied);
        return first < 0 ? ~first : first;
    }

    private void Forget()
    {
        if (_watermark.Current != long.MinValue) _cell.Forget(_watermark.Current);
    }

    private DedupSource Source(string name)
    {
        if (_sources.TryGetValue(name, out var source)) return source;
        source = new DedupSource(name, _sources.Count);
        _sources.Add(name, source);
        return source;
    }

    private static string CellOf(int number) => string.Create(CultureInfo.InvariantCulture, $"{Seen}{number}");

    private static DedupSource Find(List<DedupSource> sources, CellId id)
    {
        if (id.Cell.StartsWith(Seen, StringComparison.Ordinal)
            && int.TryParse(id.Cell.AsSpan(Seen.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < sources.Count)
        {
            return sources[number];
        }

        throw new CorruptStateException($"{Format}: the cell '{id.Cell}' is of no known source");
    }

    private byte[] Encode()
    {
        var writer = new ByteWriter(256);
        writer.Byte(Version);
        writer.Block(_watermark.Encode());
        writer.VarUInt((ulong)_sources.Count);
        foreach (var source in _sources.Values.OrderBy(s => s.Number))
        {
            writer.Text(source.Name);
            writer.VarInt(source.Applied);
            writer.VarInt(source.Epoch);
        }

        return writer.ToArray();
    }

    private List<DedupSource> Decode(byte[] header)
    {
        var reader = new ByteReader(header, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        _watermark = ShardWatermark.Decode(reader.Block());
        var count = reader.Count(reader.Remaining, "the number of sources");
        var sources = new List<DedupSource>(count);
        for (var i = 0; i < count; i++)
        {
            var source = new DedupSource(reader.Text(), i) { Applied = reader.VarInt(), Epoch = reader.VarInt() };
            if (!_sources.TryAdd(source.Name, source)) throw reader.Fault($"the source '{source.Name}' twice");
            sources.Add(source);
        }

        reader.ExpectEnd();
        return sources;
    }

    /// <summary>What the epoch of a caller is to the shard.</summary>
    public enum Epoch
    {
        /// <summary>Somebody newer has called: the caller's reign is over.</summary>
        Old,

        /// <summary>The newest so far.</summary>
        Known,

        /// <summary>Newer than any before.</summary>
        New,
    }
}

/// <summary>Who asks a shard about ids, and where the rows lie.</summary>
/// <param name="Source">The source partition, or the replay of one.</param>
/// <param name="Link">Of a replay from quarantine: which link of its chain this is. Null: the rows come from the log, by their offsets.</param>
/// <param name="To">The position after the rows.</param>
/// <param name="Durable">What lies below this position (of a replay: link) is never asked again.</param>
/// <param name="Watermark">The partition's watermark after these rows, ms; <see cref="long.MinValue"/>: none yet.</param>
public readonly record struct DedupSpan(string Source, long? Link, long To, long Durable, long Watermark);

/// <summary>Rows whose ids a shard is asked about; arrays of the same length or longer.</summary>
/// <param name="Count">How many rows there are.</param>
/// <param name="Ids">128-bit hashes of the ids.</param>
/// <param name="Bodies">32-bit hashes of the records' values.</param>
/// <param name="EventTimes">Event times, ms.</param>
/// <param name="Offsets">Offsets, ascending.</param>
public sealed record DedupRows(int Count, UInt128[] Ids, uint[] Bodies, long[] EventTimes, long[] Offsets);
