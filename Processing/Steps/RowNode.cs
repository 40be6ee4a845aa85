using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// A step at work in one partition. Its output columns are made once and used again; those it does not change are its
/// input's own. A step that needs something from outside gives requests, one after the other, until it has nothing more
/// to ask.
/// </summary>
internal abstract class RowNode(string id, RowNode? input, RowBlock block)
{
    /// <summary>The step's id; empty for the source.</summary>
    public string Id => id;

    /// <summary>The rows of the main output. Row i is raw record i.</summary>
    public RowBlock Block { get; } = block;

    /// <summary>What the rows share: the batch's, or that of the rows an explode step makes.</summary>
    public BatchScope Scope { get; protected set; } = input?.Scope!;

    /// <summary>Which rows came through.</summary>
    public Selection Selected { get; protected set; } = new();

    /// <summary>True where the step reads records and makes rows of them, whose number is known only when it has run.</summary>
    public virtual bool MakesRows => false;

    /// <summary>The faults this step found: from where to where in the batch's list.</summary>
    public (int From, int To) Faults { get; set; }

    /// <summary>The step before it.</summary>
    protected RowNode Input => input!;

    /// <summary>
    /// Does what it can do. Gives a request to be answered before it is called again, or null when it is done.
    /// </summary>
    public abstract PartitionRequest? Advance(BatchScope scope);

    /// <summary>Notes what became of the batch, once the step is done with it.</summary>
    public virtual void Note(StepTally tally)
    {
        tally.In = Input.Selected.Count;
        tally.Out = Selected.Count;
    }

    /// <summary>Makes ready for a batch.</summary>
    public virtual void Reset(int rows) => Block.Count = rows;

    /// <summary>Empties columns of its own and makes room.</summary>
    private protected static void Reset(Column column, int rows)
    {
        column.Reset();
        column.EnsureCapacity(rows);
    }
}

/// <summary>The decoded records.</summary>
internal sealed class SourceNode : RowNode
{
    private readonly RecordBatch _batch;

    public SourceNode(RecordBatch batch, BatchScope scope) : base("", null, batch.Rows) => (_batch, Scope) = (batch, scope);

    public override PartitionRequest? Advance(BatchScope scope)
    {
        Selected = _batch.Alive;
        return null;
    }
}
