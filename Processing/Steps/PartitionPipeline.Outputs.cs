using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>The rows of one output of a batch. They belong to the pipeline and hold until its next batch begins.</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Selected">Which of them the output consists of.</param>
/// <param name="Records">Per row the record it came from; null: row i came from record i.</param>
public sealed record OutputRows(RowBlock Rows, Selection Selected, int[]? Records)
{
    /// <summary>The record (its place in the batch) a row came from.</summary>
    public int RecordOf(int row) => Records is null ? row : Records[row];
}

/// <summary>Looking at what the steps put out, for those who tap a running pipeline.</summary>
public sealed partial class PartitionPipeline
{
    private readonly Dictionary<string, List<(int Row, LateOffset Late)>> _late = new(StringComparer.Ordinal);

    /// <summary>The raw records of the last batch.</summary>
    public RawBatch Raw => _scope.Raw;

    /// <summary>
    /// The rows of an output of the last batch, which must be done. Null when there is no such output here: a step of another name or kind, or a
    /// window step's own rows, which come from its shards. Rows that any step refused are among the quarantined only.
    /// </summary>
    public OutputRows? Output(InputRef output)
    {
        switch (output.Output)
        {
            case StepOutput.Quarantined:
                var refused = Refused(output.Step);
                var (columns, records) = SideRows.Refused(refused, _scope);
                return Gathered(new RowBlock(SideOutputs.Quarantined, columns, records.Length), records);
            case StepOutput.Late when _byId.GetValueOrDefault(output.Step) is WindowNode window:
                var late = _late.GetValueOrDefault(window.Id) ?? [];
                var (lateColumns, lateRecords) = SideRows.Late(window.Block.Columns, late);
                return Gathered(
                    new RowBlock(SideOutputs.Late(window.Plan.InputSchema), lateColumns, lateRecords.Length),
                    window.Scope.RecordOf is { } recordOf ? Array.ConvertAll(lateRecords, row => recordOf[row]) : lateRecords);
            case StepOutput.Duplicates when _byId.GetValueOrDefault(output.Step) is DedupNode dedup:
                return new OutputRows(dedup.Block, dedup.Duplicates, dedup.Scope.RecordOf);
            case StepOutput.Main when _byId.GetValueOrDefault(output.Step) is { } node and not WindowNode:
                var sound = new Selection();
                sound.CopyFrom(node.Selected);
                return new OutputRows(node.Block, node.Scope.Sound(sound, sound), node.Scope.RecordOf);
            default:
                return null;
        }
    }

    private static OutputRows Gathered(RowBlock rows, int[] records)
    {
        var all = new Selection();
        all.SetAll(records.Length);
        return new OutputRows(rows, all, records);
    }
}
