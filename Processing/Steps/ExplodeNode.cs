using System.Globalization;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Makes a row of each item of a field. What comes after it works on those rows, each of which remembers its record: a refused row refuses its
/// record, and a record counts once, whatever became of its rows.
/// </summary>
internal sealed class ExplodeNode : RowNode
{
    private readonly ExplodePlan _plan;
    private readonly BinaryColumn _field;
    private readonly ItemList _items;
    private readonly ItemDecoder _decoder;
    private readonly RecordBatch _decoded;
    private readonly BinaryColumn? _key;
    private readonly LongColumn? _position;
    private readonly Selection _sound = new();
    private readonly Selection _alive = new();

    private ExplodeNode(ExplodePlan plan, RowNode input, RowBlock block, RecordBatch decoded, ItemDecoder decoder) : base(plan.Id, input, block)
    {
        _plan = plan;
        _field = (BinaryColumn)input.Block.Columns[plan.Field];
        _items = new ItemList(plan);
        _decoder = decoder;
        _decoded = decoded;
        _key = plan.KeyField < 0 ? null : (BinaryColumn)block.Columns[plan.KeyField];
        _position = plan.PositionField < 0 ? null : (LongColumn)block.Columns[plan.PositionField];
        Rows = new ExplodedRows(input.Scope);
        Scope = Rows.Scope;
    }

    public override bool MakesRows => true;

    /// <summary>The rows this step makes.</summary>
    public ExplodedRows Rows { get; }

    public static ExplodeNode Create(ExplodePlan plan, RowNode input)
    {
        var decoder = new ItemDecoder(plan.Items);
        var decoded = new RecordBatch { Rows = new RowBlock(plan.Items.Schema) };
        var columns = new Column[plan.Schema.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var item = plan.ItemField[i];
            columns[i] = item >= 0 ? decoded.Rows.Columns[item] : Column.Create(plan.Schema[i].Type);
        }

        return new ExplodeNode(plan, input, new RowBlock(plan.Schema, columns, 0), decoded, decoder);
    }

    // How many rows there are is known only when the step has run.
    public override void Reset(int rows) => Selected.Clear();

    public override PartitionRequest? Advance(BatchScope scope)
    {
        _items.Clear();
        foreach (var record in scope.Sound(Input.Selected, _sound).Span) Add(record, scope);
        Rows.Begin(_items.Records, _items.Positions, _items.Count);
        Block.Count = _items.Count;
        _decoded.Reset(_items.Raw(_field));
        _decoder.Decode(_decoded);
        foreach (var error in _decoded.Errors.Items)
        {
            scope.Errors.Add(_items.Records[error.Row], error.Code, $"{Id}.{error.Place}", string.Create(
                CultureInfo.InvariantCulture, $"Item {_items.Positions[error.Row]}: {error.Message}"));
        }

        Fill();
        _alive.SetAll(_items.Count);
        Selected = Scope.Sound(_alive, _alive);
        return null;
    }

    private void Add(int record, BatchScope scope)
    {
        if (_items.Add(_field, record) is not { } fault) return;
        scope.Errors.Add(record, fault.Code, Id, fault.Message);
    }

    /// <summary>Gives every row what its record has, its key and its position.</summary>
    private void Fill()
    {
        var (count, records) = (_items.Count, _items.Records);
        for (var i = 0; i < Block.Columns.Length; i++)
        {
            if (_plan.Source[i] >= 0) Block.Columns[i].Repeat(Input.Block.Columns[_plan.Source[i]], records, count);
        }

        if (_key is not null) Reset(_key, count);
        _position?.EnsureCapacity(count);
        for (var row = 0; row < count; row++)
        {
            if (_items.IsEmpty(row))
            {
                foreach (var column in _decoded.Rows.Columns) column.SetNull(row);
                _key?.SetNull(row);
                _position?.SetNull(row);
                continue;
            }

            _position?.Set(row, _items.Positions[row]);
            if (_key is not null) _items.SetKey(_key, row, _field);
        }
    }
}

/// <summary>Rows that were made of records: which record each came from, and what they share with it.</summary>
internal sealed class ExplodedRows
{
    private readonly BatchScope _records;
    private readonly RecordBatch _batch;
    private int[] _keyStart = [], _keyLength = [], _valueStart = [], _valueLength = [], _headerCount = [];
    private long[] _offsets = [], _timestamps = [];

    public ExplodedRows(BatchScope records)
    {
        _records = records;
        _batch = new RecordBatch { Rows = new RowBlock(Schema.Empty), Errors = new RowErrors(records.Errors) };
        Scope = new BatchScope(_batch, records);
    }

    /// <summary>What the steps behind share.</summary>
    public BatchScope Scope { get; }

    /// <summary>Takes the rows of a batch: per row its record and its position in it, from 1; 0 is the row of no item.</summary>
    public void Begin(int[] records, int[] positions, int count)
    {
        if (_offsets.Length < count) Grow(Math.Max(count, _offsets.Length * 2));
        var raw = _records.Raw;
        for (var row = 0; row < count; row++)
        {
            var record = records[row];
            _keyStart[row] = raw.KeyStart[record];
            _keyLength[row] = raw.KeyLength[record];
            _valueStart[row] = raw.ValueStart[record];
            _valueLength[row] = raw.ValueLength[record];
            _offsets[row] = raw.Offsets[record];
            _timestamps[row] = raw.Timestamps[record];
            _headerCount[row] = raw.HeaderCount is null ? 0 : raw.HeaderCount[record];
        }

        Scope.Begin(
            new RawBatch
            {
                Topic = raw.Topic, Partition = raw.Partition, From = raw.From, To = raw.To, Count = count, Buffer = raw.Buffer,
                KeyStart = _keyStart, KeyLength = _keyLength, ValueStart = _valueStart, ValueLength = _valueLength, Offsets = _offsets, Timestamps = _timestamps,
                Headers = raw.Headers is null ? null : row => raw.Headers(records[row]),
                HeaderCount = raw.HeaderCount is null ? null : _headerCount,
            },
            records, positions);
        for (var row = 0; row < count; row++)
        {
            _batch.EventTimes[row] = _records.Batch.EventTimes[records[row]];
            _batch.Watermarks[row] = _records.Batch.Watermarks[records[row]];
        }
    }

    private void Grow(int size)
    {
        _keyStart = new int[size];
        _keyLength = new int[size];
        _valueStart = new int[size];
        _valueLength = new int[size];
        _headerCount = new int[size];
        _offsets = new long[size];
        _timestamps = new long[size];
    }
}
