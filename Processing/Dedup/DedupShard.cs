using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// A shard of the ids of a dedup step that looks across partitions. Ids are decided in the order in which the partitions bring them, which no replay
/// repeats; so what was decided is kept for as long as a partition may ask again: how far each has come, and which of its offsets were duplicates.
/// Whoever owns the shard makes the decisions durable (<see cref="Collect"/>) before anyone hears of them. Not thread-safe; a function of its calls.
/// <para>
/// An id is forgotten when all partitions that are not idle have passed it by <c>within</c>: one that lags behind finds what it must find, at the cost of
/// memory for the distance between the fastest and the slowest.
/// </para>
/// <para>
/// Header: version byte 1; number of sources, time bucket below which ids were forgotten at some time (varints). Cells: the ids (see <see cref="DedupCell"/>) under "ids"; the n-th source under "source/n" (see
/// <see cref="DedupSource"/>) and its duplicates under "seen/n", one part per claim (see <see cref="SeenOffsets"/>).
/// </para>
/// </summary>
public sealed class DedupShard
{
    private const byte Version = 1;
    private const string Format = "dedup shard header";
    private const string Ids = "ids";
    private const string SourceCell = "source/";
    private const string SeenCell = "seen/";

    private readonly string _step;
    private readonly DedupCell _cell;
    private readonly List<DedupSource> _sources = [];
    private readonly Dictionary<string, DedupSource> _logs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DedupSource> _replays = new(StringComparer.Ordinal);
    private readonly List<int> _open = [];
    private bool[] _flags = [];
    private long[] _marks = [];

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
    public long EstimatedBytes => _cell.EstimatedBytes + _sources.Sum(s => s.EstimatedBytes);

    /// <summary>
    /// The smallest watermark of the partitions that are not idle, ms; <see cref="long.MinValue"/> when one of them has none yet. Stands still when all are
    /// idle, and goes back when a partition that is behind comes (back): from then on what it brings is remembered.
    /// </summary>
    public long Watermark { get; private set; } = long.MinValue;

    /// <summary>Makes a source partition known: nothing is forgotten before it has come as far.</summary>
    public void AddSource(string source)
    {
        Source(source, replay: false);
        Forget();
    }

    /// <summary>Says that a partition is at its end and silent, or no longer so: nothing waits for it then.</summary>
    public void SetIdle(string source, bool idle)
    {
        Source(source, replay: false).Idle = idle;
        Forget();
    }

    /// <summary>
    /// Notes the epoch of a source's owner. <see cref="Epoch.Old"/> when a newer one was seen; <see cref="Epoch.New"/> when it is news, which must be
    /// durable before the owner gets an answer.
    /// </summary>
    public Epoch Admit(string source, long epoch)
    {
        var entry = Source(source, replay: false);
        if (epoch < entry.Epoch) return Epoch.Old;
        if (epoch == entry.Epoch) return Epoch.Known;
        entry.TakeEpoch(epoch);
        return Epoch.New;
    }

    /// <summary>
    /// Says which rows' ids were seen before: rows the partition asked about earlier get the answer they got then, the others are decided now. True when
    /// something was decided, which must be durable before the partition gets the answer.
    /// </summary>
    /// <param name="span">Who asks, and where the rows lie.</param>
    /// <param name="rows">The rows, ascending by offset.</param>
    /// <param name="duplicates">The numbers of the rows that are duplicates are added, ascending.</param>
    /// <param name="counts">What was decided now is added.</param>
    public bool Claim(in DedupSpan span, DedupRows rows, List<int> duplicates, ref DedupCounts counts)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(duplicates);
        var source = Source(span.Source, span.Link is not null);
        source.Prune(span.Durable);
        if (span.Link is null && source.Idle)
        {
            // What a partition that comes back brings is remembered from its first row on.
            source.Idle = false;
            Forget();
        }

        MakeRoom(rows.Count);
        FindOpen(span, rows, source);
        if (_open.Count != 0)
        {
            _cell.Claim(
                rows.Count, rows.Ids, rows.Bodies, rows.EventTimes, _marks, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_open), _flags, ref counts);
        }

        var decided = _open.Count != 0 || (span.Link >= source.Applied && rows.Count != 0);
        if (decided) source.Decided(span.Link + 1 ?? span.To, [.. _open.Where(row => _flags[row]).Select(row => rows.Offsets[row])]);
        for (var row = 0; row < rows.Count; row++)
        {
            if (_flags[row]) duplicates.Add(row);
        }

        if (span.Link is not null) return decided;
        source.Reach(span.Watermark);
        Forget();
        return decided;
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

        for (var i = 0; i < _sources.Count; i++) _sources[i].Collect(_step, Cell(SourceCell, i), Cell(SeenCell, i), upserts, deletes);
        var writer = new ByteWriter(8);
        writer.Byte(Version);
        writer.VarUInt((ulong)_sources.Count);
        writer.VarInt(_cell.ForgottenBelow);
        return writer.ToArray();
    }

    /// <summary>
    /// Brings a shard back from its header (null: it never was) and all its cells. Throws <see cref="CorruptStateException"/>.
    /// </summary>
    public static DedupShard Restore(string step, long withinMs, byte[]? header, IReadOnlyList<CellState> cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        var shard = new DedupShard(step, withinMs);
        if (header is null) return shard;
        shard.ReadSources(header, cells);
        shard.Forget();
        foreach (var cell in cells)
        {
            if (cell.Id.Cell == Ids) shard._cell.ReadPart(cell.Id.Part, cell.Payload);
            else if (Number(cell.Id.Cell, SeenCell) is { } number) shard.At(number).ReadSeen(cell.Id.Part, cell.Payload);
            else if (Number(cell.Id.Cell, SourceCell) is null) throw new CorruptStateException($"{Format}: there is no cell '{cell.Id.Cell}' in it");
        }

        return shard;
    }

    /// <summary>
    /// Sets the flags of rows that are known to be duplicates, and finds those that are to be decided now. A row from below what was decided may be
    /// one of them: it was not asked about when its partition came by the first time, because a step before this one judged it otherwise.
    /// </summary>
    private void FindOpen(in DedupSpan span, DedupRows rows, DedupSource source)
    {
        _open.Clear();
        // The record itself may hold its id, from its first way through the log: it was refused by a step or sink behind this one.
        var seed = Source(span.Source, replay: false).Seed;
        for (var row = 0; row < rows.Count; row++)
        {
            var offset = rows.Offsets[row];
            var known = span.Link is { } link ? link < source.Applied : offset < source.Applied;
            _marks[row] = DedupSource.Mark(seed, offset);
            _flags[row] = known && source.Contains(offset);
            // Of a call that was long on its way nobody waits for the answer, and what it was about may be forgotten.
            var late = span.Link is null && offset < source.Durable;
            if (_flags[row] || late || (known && _cell.IsForgotten(rows.EventTimes[row]))) continue;
            if ((known || span.Link is not null) && _cell.Holds(rows.Ids[row], (uint)_marks[row])) continue;
            _open.Add(row);
        }
    }

    private void MakeRoom(int rows)
    {
        if (_flags.Length >= rows) return;
        _flags = new bool[rows];
        _marks = new long[rows];
    }

    private void Forget()
    {
        if (Smallest() is not { } smallest || smallest == Watermark) return;
        Watermark = smallest;
        _cell.Forget(smallest);
    }

    /// <summary>The smallest watermark of the partitions that are not idle; null when all are.</summary>
    private long? Smallest()
    {
        long? smallest = null;
        foreach (var source in _logs.Values)
        {
            if (!source.Idle && !(source.Watermark >= smallest)) smallest = source.Watermark;
        }

        return smallest;
    }

    private DedupSource Source(string name, bool replay)
    {
        var of = replay ? _replays : _logs;
        if (of.TryGetValue(name, out var source)) return source;
        source = new DedupSource(name, replay);
        of.Add(name, source);
        _sources.Add(source);
        return source;
    }

    private void ReadSources(byte[] header, IReadOnlyList<CellState> cells)
    {
        var reader = new ByteReader(header, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var count = reader.VarUInt();
        _cell.ForgottenBelow = reader.VarInt();
        reader.ExpectEnd();
        var states = cells.Select(c => (Number: Number(c.Id.Cell, SourceCell), c.Payload)).Where(c => c.Number is not null).OrderBy(c => c.Number).ToList();
        if ((ulong)states.Count != count) throw reader.Fault($"{states.Count} sources are stored, and {count} are announced");
        foreach (var (number, payload) in states)
        {
            if (number != _sources.Count) throw reader.Fault($"the source {_sources.Count} is missing");
            var source = DedupSource.Read(payload);
            if (!(source.IsReplay ? _replays : _logs).TryAdd(source.Name, source)) throw reader.Fault($"the source '{source.Name}' twice");
            _sources.Add(source);
        }
    }

    private DedupSource At(int number) => number < _sources.Count
        ? _sources[number]
        : throw new CorruptStateException($"{Format}: there is no source {number} in it");

    private static string Cell(string kind, int number) => string.Create(CultureInfo.InvariantCulture, $"{kind}{number}");

    private static int? Number(string cell, string kind) =>
        cell.StartsWith(kind, StringComparison.Ordinal) && int.TryParse(cell.AsSpan(kind.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

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
/// <param name="Source">The source partition.</param>
/// <param name="Link">The rows are played again from quarantine: which link of the chain of replays this is. Null: they come from the log.</param>
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
