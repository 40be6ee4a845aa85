namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// The raw records of one poll batch as they came from a partition: keys, values and headers lie in one buffer,
/// described by arrays (which may be longer than <see cref="Count"/>).
/// </summary>
public sealed class RawBatch
{
    /// <summary>The topic.</summary>
    public required string Topic { get; init; }

    /// <summary>The partition.</summary>
    public required int Partition { get; init; }

    /// <summary>The position before the batch.</summary>
    public required long From { get; init; }

    /// <summary>The position after the batch: the next offset to read.</summary>
    public required long To { get; init; }

    /// <summary>The number of records.</summary>
    public required int Count { get; init; }

    /// <summary>The bytes of keys, values and headers.</summary>
    public required byte[] Buffer { get; init; }

    /// <summary>Where each key starts.</summary>
    public required int[] KeyStart { get; init; }

    /// <summary>Each key's length in bytes; -1 is a null key.</summary>
    public required int[] KeyLength { get; init; }

    /// <summary>Where each value starts.</summary>
    public required int[] ValueStart { get; init; }

    /// <summary>Each value's length in bytes; -1 is a tombstone.</summary>
    public required int[] ValueLength { get; init; }

    /// <summary>The offsets, ascending.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>The Kafka timestamps, ms since the Unix epoch; -1 when the record has none.</summary>
    public required long[] Timestamps { get; init; }

    /// <summary>
    /// Reads the headers of a record for quarantine and metadata, on demand; null when there are none at all.
    /// </summary>
    public Func<int, IReadOnlyList<KeyValuePair<string, byte[]?>>>? Headers { get; init; }

    /// <summary>
    /// How many headers each record has, so that those without are not asked for; null when that is not known.
    /// </summary>
    public int[]? HeaderCount { get; init; }

    /// <summary>The headers of a record; empty when there are none.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]?>> HeadersOf(int row) =>
        Headers is null || HeaderCount is not null && HeaderCount[row] == 0 ? [] : Headers(row);

    /// <summary>The key of a record; empty when null.</summary>
    public ReadOnlySpan<byte> Key(int row) => KeyLength[row] < 0
        ? default : Buffer.AsSpan(KeyStart[row], KeyLength[row]);

    /// <summary>The value of a record; empty for a tombstone.</summary>
    public ReadOnlySpan<byte> Value(int row) =>
        ValueLength[row] < 0 ? default : Buffer.AsSpan(ValueStart[row], ValueLength[row]);
}

/// <summary>
/// A batch on its way through the row steps. Row i is raw record i throughout (nothing is compacted); which rows are
/// still meant is said by a <see cref="Selection"/>.
/// </summary>
public sealed class RecordBatch
{
    private long[] _eventTimes = [];
    private long[] _watermarks = [];
    private bool[] _deletes = [];
    private bool _anyDeletes;

    /// <summary>The raw records.</summary>
    public RawBatch Raw { get; private set; } = null!;

    /// <summary>The decoded fields of the source.</summary>
    public required RowBlock Rows { get; init; }

    /// <summary>Event times in ms since the Unix epoch, UTC; set by the source's event-time rule.</summary>
    public long[] EventTimes => _eventTimes;

    /// <summary>The partition's watermark before each row, ms; <see cref="long.MinValue"/> before the first.</summary>
    public long[] Watermarks => _watermarks;

    /// <summary>The rows that were decoded and are still alive.</summary>
    public Selection Alive { get; } = new();

    /// <summary>Rows that were refused, with the reason.</summary>
    public RowErrors Errors { get; init; } = new();

    /// <summary>True for a row that deletes its key: a record without a value, or one that says so.</summary>
    public bool IsDelete(int row) => Raw.ValueLength[row] < 0 || (_anyDeletes && _deletes[row]);

    /// <summary>Says that a row with a value deletes its key.</summary>
    internal void MarkDeleted(int row)
    {
        if (_deletes.Length < Raw.Count) Array.Resize(ref _deletes, Math.Max(Raw.Count, _deletes.Length * 2));
        _deletes[row] = _anyDeletes = true;
    }

    /// <summary>Starts a new batch in the same storage.</summary>
    public void Reset(RawBatch raw)
    {
        Raw = raw;
        Rows.Reset(raw.Count);
        if (_eventTimes.Length < raw.Count)
        {
            _eventTimes = new long[Math.Max(raw.Count, _eventTimes.Length * 2)];
            _watermarks = new long[_eventTimes.Length];
        }

        if (_anyDeletes) Array.Clear(_deletes);
        _anyDeletes = false;
        Alive.Clear();
        Errors.Clear();
    }
}

/// <summary>
/// One row's failure: a stable code (see docs/errors.md), the place it happened (field or step), and what to do.
/// </summary>
public readonly record struct RowError(int Row, string Code, string Place, string Message);

/// <summary>The failures of a batch; at most one per row counts, the first.</summary>
public sealed class RowErrors
{
    private readonly RowErrors? _records;
    private readonly List<RowError> _items = [];
    private ulong[] _rows = [];
    private int[] _recordOf = [];

    public RowErrors()
    {
    }

    /// <summary>The failures of rows that were made of records: each is its record's, and a record that failed has failed with all its rows.</summary>
    internal RowErrors(RowErrors records) => _records = records;

    /// <summary>The failures in the order they were found; of rows that were made of records, the records'.</summary>
    public IReadOnlyList<RowError> Items => _records?.Items ?? _items;

    /// <summary>How many rows failed.</summary>
    public int Count => _records?.Count ?? _items.Count;

    /// <summary>Says of which record each row is.</summary>
    internal void Follow(int[] recordOf) => _recordOf = recordOf;

    /// <summary>Notes a failure; a second one of the same row is ignored.</summary>
    public bool Add(int row, string code, string place, string message)
    {
        if (_records is not null) return _records.Add(_recordOf[row], code, place, message);
        if (Contains(row)) return false;
        if (row >> 6 >= _rows.Length) Array.Resize(ref _rows, Math.Max((row >> 6) + 1, _rows.Length * 2));
        _rows[row >> 6] |= 1UL << (row & 63);
        _items.Add(new RowError(row, code, place, message));
        return true;
    }

    /// <summary>True when the row failed.</summary>
    public bool Contains(int row)
    {
        if (_records is not null) return _records.Contains(_recordOf[row]);
        // Asked for every row of a batch as soon as one has failed: a bit per row, not a set.
        var rows = _rows;
        var word = row >> 6;
        return (uint)word < (uint)rows.Length && (rows[word] >> (row & 63) & 1) != 0;
    }

    /// <summary>Forgets all failures.</summary>
    public void Clear()
    {
        if (_items.Count == 0) return;
        foreach (var item in _items) _rows[item.Row >> 6] = 0;
        _items.Clear();
    }
}
