using System.Globalization;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// The partition's side of a window step: evaluates the aggregates' inputs, and later, when it is known which rows are
/// sound, spreads them over the shards.
/// </summary>
internal sealed class WindowNode : RowNode
{
    private readonly WindowPlan _plan;
    private readonly Column[] _key;
    private readonly Column[] _inputs;
    private readonly string[] _places;
    private readonly Selection _sound = new();
    private readonly Selection _sent = new();
    private readonly int[] _sizes;
    private readonly WindowRange _range;
    private readonly BinaryColumn[] _keyTexts;
    private readonly List<(BinaryColumn Values, string Place)> _kept = [];
    private int[] _shardOf = [];
    private int[] _rows = [];
    private ulong[] _hashes = [];
    private int[] _keyStarts = [];
    private int[] _keyLengths = [];
    private ByteWriter _keys;

    private WindowNode(WindowPlan plan, RowNode input)
        : base(plan.Id, input, new RowBlock(plan.InputSchema, input.Block.Columns, 0))
    {
        _plan = plan;
        _key = [.. plan.Key.Select(k => input.Block.Columns[k])];
        _inputs = [.. plan.Window.InputTypes.Select(t => Column.Create(t))];
        _places = [.. plan.Inputs.Select(i => $"{plan.Id}.{i.Text}")];
        _sizes = new int[plan.Shards + 1];
        _range = WindowRange.Of(plan.Window.Window);
        _keyTexts = [.. _key.OfType<BinaryColumn>()];
        foreach (var place in plan.Window.Aggregates.Where(a => AggregateLimits.KeepsValues(a.Kind)).Select(a => a.Input).Distinct())
        {
            if (_inputs[place] is BinaryColumn values) _kept.Add((values, _places[place]));
        }
    }

    public WindowPlan Plan => _plan;

    public static WindowNode Create(WindowPlan plan, RowNode input) => new(plan, input);

    public override void Reset(int rows)
    {
        base.Reset(rows);
        foreach (var column in _inputs) Reset(column, rows);
        if (_shardOf.Length >= rows) return;
        _shardOf = new int[rows];
        _rows = new int[rows];
        _hashes = new ulong[rows];
        _keyStarts = new int[rows];
        _keyLengths = new int[rows];
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        for (var i = 0; i < _inputs.Length; i++)
            _plan.Inputs[i].Evaluate(Block, Input.Selected, _inputs[i], scope.Context(_places[i]));
        RefuseTimes(scope);
        RefuseLong(scope);
        Selected = scope.Sound(Input.Selected, _sound);
        return null;
    }

    /// <summary>Refuses records of the calendar's first and last days: no timestamp can hold where their windows begin or end.</summary>
    private void RefuseTimes(BatchScope scope)
    {
        var times = scope.Batch.EventTimes;
        foreach (var row in Input.Selected.Span)
        {
            if (_range.Contains(times[row])) continue;
            scope.Errors.Add(
                row, "KOR4046", _plan.Id, "The record's windows begin before year 1 or end after year 9999. Was its time left unset?");
        }
    }

    /// <summary>Refuses records whose group key or whose values would make the state of a group grow without bound.</summary>
    private void RefuseLong(BatchScope scope)
    {
        foreach (var (values, place) in _kept)
        {
            foreach (var row in Input.Selected.Span)
            {
                if (values.IsNull[row] || values.Length[row] <= AggregateLimits.MaxValueBytes) continue;
                scope.Errors.Add(row, "KOR4047", place, string.Create(
                    CultureInfo.InvariantCulture,
                    $"The value has {values.Length[row]} bytes; an aggregate keeps values of up to {AggregateLimits.MaxValueBytes}."));
            }
        }

        if (_keyTexts.Length == 0) return;
        foreach (var row in Input.Selected.Span)
        {
            var bytes = 0L;
            foreach (var column in _keyTexts) bytes += column.IsNull[row] ? 0 : column.Length[row];
            if (bytes <= AggregateLimits.MaxKeyBytes) continue;
            scope.Errors.Add(row, "KOR4048", _plan.Id, string.Create(
                CultureInfo.InvariantCulture, $"The texts of the group key have {bytes} bytes; at most {AggregateLimits.MaxKeyBytes} are allowed."));
        }
    }

    public override void Note(StepTally tally)
    {
        tally.In = Input.Selected.Count;
        tally.Late = 0;
    }

    /// <summary>The rows nobody refused, per shard, in storage of their own.</summary>
    public WindowRequest Scatter(BatchScope scope)
    {
        var rows = scope.Sound(Selected, _sent);
        scope.Mark(rows.Span, RowFate.Absorbed);
        Array.Clear(_sizes);
        _keys.Clear();
        foreach (var row in rows.Span)
        {
            _keyStarts[row] = _keys.Length;
            GroupKeyCodec.Append(_key, row, ref _keys);
            _keyLengths[row] = _keys.Length - _keyStarts[row];
            _hashes[row] = GroupKeyCodec.Hash(_keys.Written[_keyStarts[row]..]);
            var shard = GroupKeyCodec.Shard(_hashes[row], _plan.Shards);
            _shardOf[row] = shard;
            _sizes[shard + 1]++;
        }

        for (var i = 1; i < _sizes.Length; i++) _sizes[i] += _sizes[i - 1];
        var shards = new KeyedRows?[_plan.Shards];
        Sort(rows);
        for (var i = 0; i < shards.Length; i++)
        {
            var start = i == 0 ? 0 : _sizes[i - 1];
            if (_sizes[i] > start) shards[i] = Take(_rows.AsSpan(start, _sizes[i] - start), scope);
        }

        return new WindowRequest { Step = _plan, Shards = shards };
    }

    // Places rows by shard; afterwards _sizes[i] is the end of shard i.
    private void Sort(Selection rows)
    {
        foreach (var row in rows.Span) _rows[_sizes[_shardOf[row]]++] = row;
    }

    private KeyedRows Take(ReadOnlySpan<int> rows, BatchScope scope)
    {
        var count = rows.Length;
        var starts = new int[count + 1];
        var hashes = new ulong[count];
        long[] times = new long[count], offsets = new long[count], watermarks = new long[count];
        for (var i = 0; i < count; i++)
        {
            var row = rows[i];
            starts[i + 1] = starts[i] + _keyLengths[row];
            hashes[i] = _hashes[row];
            times[i] = scope.Batch.EventTimes[row];
            offsets[i] = scope.Raw.Offsets[row];
            watermarks[i] = scope.Batch.Watermarks[row];
        }

        var bytes = new byte[starts[count]];
        for (var i = 0; i < count; i++)
            _keys.Written.Slice(_keyStarts[rows[i]], starts[i + 1] - starts[i]).CopyTo(bytes.AsSpan(starts[i]));
        var inputs = new Column[_inputs.Length];
        for (var i = 0; i < inputs.Length; i++) inputs[i] = ColumnGather.Rows(_inputs[i], rows);
        return new KeyedRows
        {
            Count = count, KeyHashes = hashes, KeyStarts = starts, KeyBytes = bytes, EventTimes = times,
                Offsets = offsets, Inputs = inputs, Watermarks = watermarks,
        };
    }
}
