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
internal sealed class BatchScope(RecordBatch batch)
{
    private RowFate[] _fates = [];

    public RecordBatch Batch => batch;

    public RawBatch Raw => batch.Raw;

    public RowErrors Errors => batch.Errors;

    public int Count => batch.Raw.Count;

    /// <summary>Wall-clock time of the batch, ms.</summary>
    public long Now { get; private set; }

    /// <summary>What the steps may use up where somebody waits for them; null in pipelines.</summary>
    public WorkBudget? Budget { get; set; }

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

    /// <summary>What an expression needs to know.</summary>
    public EvaluationContext Context(string place) => new(Now * 1000, batch.Errors, place, Budget);

    /// <summary>Marks rows.</summary>
    public void Mark(ReadOnlySpan<int> rows, RowFate fate)
    {
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
