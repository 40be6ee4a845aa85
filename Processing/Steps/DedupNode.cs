using System.IO.Hashing;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>Lets the first row of an id through. A row whose id fields are all NULL has no id and passes.</summary>
internal sealed class DedupNode(DedupPlan plan, RowNode input)
    : RowNode(plan.Id, input, new RowBlock(plan.Schema, input.Block.Columns, 0))
{
    private readonly Column[] _key = [.. plan.Key.Select(k => input.Block.Columns[k])];
    private readonly MessageKeyCheck? _keyCheck = plan is { Global: false, Cells.ByMessageKey: true } ? new MessageKeyCheck() : null;
    private readonly Selection _asked = new();
    private readonly HashSet<UInt128>? _ofRecord = input.Scope.IsExploded ? [] : null;
    private UInt128[] _ids = [];
    private uint[] _bodies = [];
    private ulong[] _cells = [];
    private bool[] _duplicate = [];
    private ByteWriter _bytes;
    private DedupRequest? _request;

    /// <summary>The rows that were seen before.</summary>
    public Selection Duplicates { get; } = new();

    public override void Reset(int rows)
    {
        base.Reset(rows);
        _request = null;
        Duplicates.Clear();
        if (_ids.Length >= rows) return;
        _ids = new UInt128[rows];
        _bodies = new uint[rows];
        _cells = new ulong[rows];
        _duplicate = new bool[rows];
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        if (_request is null)
        {
            Ask(scope);
            // Across partitions it matters how far this one has come, also when none of its rows gets here.
            if (_asked.Count != 0 || plan.Global) return _request;
        }

        Selected.Clear();
        Selected.EnsureCapacity(Input.Selected.Count);
        foreach (var row in Input.Selected.Span)
        {
            if (_duplicate[row]) Duplicates.Add(row);
            else Selected.Add(row);
        }

        scope.Mark(Duplicates.Span, RowFate.Duplicate);
        return null;
    }

    private void Ask(BatchScope scope)
    {
        var raw = scope.Raw;
        var violations = 0;
        _asked.Clear();
        Array.Clear(_duplicate, 0, scope.Count);
        var record = -1;
        foreach (var row in Input.Selected.Span)
        {
            if (AllNull(row)) continue;
            _bytes.Clear();
            GroupKeyCodec.Append(_key, row, ref _bytes);
            _ids[row] = XxHash128.HashToUInt128(_bytes.Written);
            if (_ofRecord is not null && IsRepeated(scope, row, ref record)) continue;
            _bodies[row] = (uint)XxHash3.HashToUInt64(raw.Value(row));
            if (!plan.Global) _cells[row] = CellHash(raw, row, ref violations);
            _asked.Add(row);
        }

        _request = new DedupRequest
        {
            Step = plan, Rows = _asked, Ids = _ids, Bodies = _bodies, CellHashes = _cells,
                EventTimes = scope.Batch.EventTimes, Watermarks = scope.Batch.Watermarks,
            Offsets = raw.Offsets, Count = scope.Count, Duplicate = _duplicate, KeyViolations = violations,
        };
    }

    /// <summary>True for a row whose id a row before it in the same record has: cells tell ids apart by record, and would let it pass as that one's replay.</summary>
    private bool IsRepeated(BatchScope scope, int row, ref int record)
    {
        if (scope.RecordOf![row] != record) _ofRecord!.Clear();
        record = scope.RecordOf[row];
        if (_ofRecord!.Add(_ids[row])) return false;
        _duplicate[row] = true;
        return true;
    }

    private ulong CellHash(RawBatch raw, int row, ref int violations)
    {
        if (_keyCheck is null) return DedupCells.HashOf(_ids[row]);
        // As version 0.1 has stored them, but for ids without a key where each key has its cell.
        var hash = raw.KeyLength[row] < 0 ? plan.Cells.KeylessHash(_ids[row]) : XxHash3.HashToUInt64(raw.Key(row));
        if (_keyCheck.Differs(_ids[row], hash)) violations++;
        return hash;
    }

    private bool AllNull(int row)
    {
        foreach (var column in _key)
        {
            if (!column.IsNull[row]) return false;
        }

        return true;
    }
}
