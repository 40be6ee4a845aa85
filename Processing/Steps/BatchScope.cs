using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>What became of a row so far.</summary>
[Flags]
internal enum RowFate : byte
{
    None = 0,
    Absorbed = 1,
    Duplicate = 2,
    Late = 4,
}

/// <summary>What the steps of a partition share while they work on a batch.</summary>
/// <param name="batch">The batch.</param>
/// <param name="records">The records that the rows were made of; null: row i is record i.</param>
internal sealed class BatchScope(RecordBatch batch, BatchScope? records = null)
{
    private RowFate[] _fates = [];
    private int[]? _recordOf;
    private int[]? _positions;

    public RecordBatch Batch => batch;

    public RawBatch Raw => batch.Raw;

    public RowErrors Errors => batch.Errors;

    public int Count => batch.Raw.Count;

    /// <summary>Wall-clock time of the batch, ms.</summary>
    public long Now { get; private set; }

    /// <summary>What the steps may use up where somebody waits for them; null in pipelines.</summary>
    public WorkBudget? Budget
    {
        get => records is null ? field : records.Budget;
        set;
    }

    /// <summary>True for rows that an explode step made of records.</summary>
    public bool IsExploded => records is not null;

    /// <summary>Per row its record; null: row i is record i.</summary>
    public int[]? RecordOf => _recordOf;

    /// <summary>A row's place among the rows of its record, from 1; 0: it is the record's own.</summary>
    public int PositionOf(int row) => _positions is null ? 0 : _positions[row];

    /// <summary>Deletions: rows without a value whose key fields are set. They take no part in the steps.</summary>
    public Selection Tombstones { get; } = new();

    /// <summary>Per row what became of it.</summary>
    public RowFate[] Fates => _fates;

    public void Begin(RawBatch raw, long now)
    {
        Now = now;
        batch.Reset(raw);
        Tombstones.Clear();
        if (_fates.Length < raw.Count) _fates = new RowFate[Math.Max(raw.Count, _fates.Length * 2)];
        Array.Clear(_fates, 0, raw.Count);
    }

    /// <summary>Begins with rows that were made of records.</summary>
    public void Begin(RawBatch raw, int[] recordOf, int[] positions)
    {
        Now = records!.Now;
        _recordOf = recordOf;
        _positions = positions;
        // The failures are the records' and stay.
        batch.Reset(raw);
        batch.Errors.Follow(recordOf);
    }

    /// <summary>What an expression needs to know.</summary>
    public EvaluationContext Context(string place) => new(Now * 1000, batch.Errors, place, Budget);

    /// <summary>Marks rows.</summary>
    public void Mark(ReadOnlySpan<int> rows, RowFate fate)
    {
        if (records is not null)
        {
            foreach (var row in rows) records._fates[_recordOf![row]] |= fate;
            return;
        }

        foreach (var row in rows) _fates[row] |= fate;
    }

    /// <summary>
    /// The rows of a selection that nobody has refused: the selection itself when none is, otherwise a copy in
    /// <paramref name="spare"/> (which may be the selection).
    /// </summary>
    public Selection Sound(Selection rows, Selection spare)
    {
        if (Errors.Count == 0) return rows;
        spare.EnsureCapacity(rows.Count);
        // Rows are written behind where they are read.
        var all = rows.Span;
        spare.Clear();
        foreach (var row in all)
        {
            if (!Errors.Contains(row)) spare.Add(row);
        }

        return spare;
    }
}
