using System.IO.Hashing;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Adds fields of a table by key. Every distinct key is asked for once per batch, and only when the cache does not hold
/// it. A key with a NULL in it finds nothing, as in SQL. With preload the whole table is held and read anew when the
/// cache time is over. Records whose key has no answer (several rows, a value that does not fit) are refused alone.
/// </summary>
internal sealed class LookupNode : RowNode
{
    /// <summary>In place of an asked key: the row is refused.</summary>
    private const int Refused = -2;

    private readonly LookupPlan _plan;
    private readonly Column[] _key;
    private readonly Column[] _values;
    private readonly LookupCache _cache;

    // With preload: keys that are not in the table as they are written, where the database may know them all the same.
    private readonly LookupCache _others;
    private readonly RowBlock _asked;
    private readonly Dictionary<UInt128, int> _askedAt = [];
    private readonly Selection _waiting = new();
    private readonly Selection _found = new();
    private readonly Selection _sound = new();
    private int[] _waitingFor = [];
    private UInt128[] _askedIds = [];
    private ByteWriter _bytes;
    private LookupRequest? _request;
    private long _loadedAt = long.MinValue;
    private bool _askForOthers;
    private (int Hits, int Negatives) _cached;

    // Where the step chooses among the rows of a key; null: a key has one.
    private readonly LookupMatches? _matches;

    // With all rows of a key: the rows this step makes, and per record the rows of its key.
    private readonly ExplodedRows? _rows;
    private readonly Selection _alive = new();
    private byte[]?[] _lists = [];
    private int[] _records = [];
    private int[] _positions = [];

    private LookupNode(LookupPlan plan, RowNode input, RowBlock block, Column[] values) : base(plan.Id, input, block)
    {
        if (plan.Lookup.Several) _matches = new LookupMatches(plan);
        if (plan.OnMultiple == OnMultiple.All)
        {
            _rows = new ExplodedRows(input.Scope);
            Scope = _rows.Scope;
        }

        _plan = plan;
        _values = values;
        _key = [.. plan.Key.Select(k => input.Block.Columns[k])];
        _asked = new RowBlock(new Schema([.. plan.Key.Select(k => plan.InputSchema[k])]));
        _others = new LookupCache(plan.CacheRows, plan.CacheFor, plan.CacheMissFor);
        _cache = plan.Preload ? new LookupCache(int.MaxValue, long.MaxValue, long.MaxValue) : _others;
    }

    public static LookupNode Create(LookupPlan plan, RowNode input)
    {
        Column[] values = [.. plan.Lookup.ValueTypes.Take(plan.Added).Select(t => Column.Create(t))];
        var own = plan.OnMultiple == OnMultiple.All;
        IEnumerable<Column> before = own ? plan.InputSchema.Fields.Select(f => Column.Create(f.Type)) : input.Block.Columns;
        return new LookupNode(plan, input, new RowBlock(plan.Schema, [.. before, .. values], 0), values);
    }

    public override bool MakesRows => _rows is not null;

    public override void Reset(int rows)
    {
        if (_rows is null)
        {
            base.Reset(rows);
            foreach (var column in _values) Reset(column, rows);
        }
        else
        {
            Selected.Clear();
            if (_lists.Length < rows) _lists = new byte[rows][];
        }

        _request = null;
        _askedAt.Clear();
        _waiting.Clear();
        _found.Clear();
        if (_waitingFor.Length >= rows) return;
        _waitingFor = new int[rows];
        _askedIds = new UInt128[rows];
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        if (_request is { Preload: true }) TakeTable(scope);
        else if (_request is null && _plan.Preload && (_loadedAt == long.MinValue || scope.Now - _loadedAt >= _plan.CacheFor))
        {
            _asked.Reset(0);
            return _request = new LookupRequest { Step = _plan, Keys = _asked, Preload = true };
        }

        if (_request is null or { Preload: true })
        {
            Search(scope);
            if (_asked.Count != 0) return _request = new LookupRequest { Step = _plan, Keys = _asked };
        }
        else
        {
            TakeResult(scope);
        }

        Select(scope);
        return null;
    }

    public override void Note(StepTally tally)
    {
        base.Note(tally);
        (tally.CacheHits, tally.CacheNegatives) = _cached;
        tally.CacheMisses = _waiting.Count;
    }

    private void Search(BatchScope scope)
    {
        _asked.Reset(Input.Selected.Count);
        _cached = default;
        var asked = 0;
        foreach (var row in Input.Selected.Span)
        {
            if (!TryId(_key, row, out var id)) SetNull(row);
            else if (_cache.TryGet(id, scope.Now, out var values, out var fault)) Fill(scope, row, values, fault);
            else if (_plan.Preload && !_askForOthers) Fill(scope, row, null, null);
            else if (_plan.Preload && _others.TryGet(id, scope.Now, out values, out fault)) Fill(scope, row, values, fault);
            else Wait(row, id, ref asked);
        }

        _asked.Count = asked;
    }

    private void Wait(int row, UInt128 id, ref int asked)
    {
        if (!_askedAt.TryGetValue(id, out var place))
        {
            place = asked++;
            _askedAt.Add(id, place);
            _askedIds[place] = id;
            for (var i = 0; i < _key.Length; i++) _asked.Columns[i].CopyFrom(_key[i], row, place);
        }

        _waitingFor[row] = place;
        _waiting.Add(row);
    }

    private void TakeResult(BatchScope scope)
    {
        var result = _request!.Result
            ?? throw new InvalidOperationException($"The lookup of step '{Id}' was not answered.");
        var faults = result.Faults.ToDictionary(f => f.Key);
        if (_matches is not null)
        {
            TakeRows(scope, result, faults);
            return;
        }

        foreach (var row in _waiting.Span)
        {
            var place = _waitingFor[row];
            if (faults.TryGetValue(place, out var fault))
            {
                Refuse(scope, row, fault);
                continue;
            }

            if (!result.Found[place])
            {
                SetNull(row);
                continue;
            }

            for (var i = 0; i < _values.Length; i++) _values[i].CopyFrom(result.Values.Columns[i], place, row);
            _found.Add(row);
        }

        for (var place = 0; place < _asked.Count; place++)
        {
            if (faults.TryGetValue(place, out var fault)) _others.SetFault(_askedIds[place], fault, scope.Now);
            else _others.Set(_askedIds[place], result.Found[place] ? Encode(result.Values.Columns, place) : null, scope.Now);
        }
    }

    private void TakeRows(BatchScope scope, LookupResult result, Dictionary<int, LookupFault> faults)
    {
        var rows = result.Rows ?? throw new InvalidOperationException($"The lookup of step '{Id}' was answered with one row for each key.");
        var answers = new byte[]?[_asked.Count];
        for (var place = 0; place < answers.Length; place++)
        {
            if (faults.TryGetValue(place, out var fault))
            {
                _others.SetFault(_askedIds[place], fault, scope.Now);
                continue;
            }

            if (result.Found[place]) answers[place] = _matches!.Encode(result.Values.Columns, rows[place]);
            _others.Set(_askedIds[place], answers[place], scope.Now);
        }

        foreach (var row in _waiting.Span)
        {
            var place = _waitingFor[row];
            if (faults.TryGetValue(place, out var fault)) Refuse(scope, row, fault);
            else if (answers[place] is { } found) Choose(scope, row, found);
            else SetNull(row);
        }
    }

    /// <summary>Takes of the rows of a key what the step wants for a record.</summary>
    private void Choose(BatchScope scope, int row, byte[] rows)
    {
        var found = _matches!.Find(rows, scope.Batch.EventTimes[row] * 1000);
        if (found.Count == 0)
        {
            SetNull(row);
            return;
        }

        if (found.Count > 1 && _plan.OnMultiple == OnMultiple.Quarantine)
        {
            Refuse(scope, row, LookupFault.Several(row, _plan.Lookup.Table, _plan.Lookup.KeyColumns));
            return;
        }

        _found.Add(row);
        if (_rows is not null) _lists[row] = rows;
        else GroupKeyCodec.DecodeValues(rows.AsSpan(found[0].Start, found[0].Length), _values, row);
    }

    private void TakeTable(BatchScope scope)
    {
        var table = _request!.Table
            ?? throw new InvalidOperationException($"The preload of step '{Id}' was not answered.");
        var keys = table.Rows.Columns[.._key.Length];
        var values = table.Rows.Columns[_key.Length..];
        var faults = table.Faults.ToDictionary(f => f.Key);
        _cache.Clear();
        _others.Clear();
        _askForOthers = table.AskForOthers;
        _loadedAt = scope.Now;
        if (_matches is not null)
        {
            TakeRowsOfTable(scope, table, keys, values, faults);
            return;
        }

        for (var row = 0; row < table.Rows.Count; row++)
        {
            if (!TryId(keys, row, out var id)) continue;
            if (_cache.TryGet(id, scope.Now, out _, out _))
                _cache.SetFault(id, LookupFault.Several(row, _plan.Lookup.Table, _plan.Lookup.KeyColumns), scope.Now);
            else if (faults.TryGetValue(row, out var fault)) _cache.SetFault(id, fault, scope.Now);
            else _cache.Set(id, Encode(values, row), scope.Now);
        }
    }

    private void TakeRowsOfTable(BatchScope scope, LookupTableRows table, Column[] keys, Column[] values, Dictionary<int, LookupFault> faults)
    {
        var rows = new Dictionary<UInt128, List<int>>();
        for (var row = 0; row < table.Rows.Count; row++)
        {
            if (!TryId(keys, row, out var id)) continue;
            if (!rows.TryGetValue(id, out var same)) rows.Add(id, same = []);
            same.Add(row);
        }

        foreach (var (id, same) in rows)
        {
            // A row that cannot be read may be the one that counts.
            var fault = same.Count > LookupSpec.MaxRowsPerKey
                ? LookupFault.TooMany(same[0], _plan.Lookup.Table)
                : same.Select(r => faults.GetValueOrDefault(r)).FirstOrDefault(f => f is not null);
            if (fault is not null) _cache.SetFault(id, fault, scope.Now);
            else _cache.Set(id, _matches!.Encode(values, same), scope.Now);
        }
    }

    // Rows that found something came in two lots, from the cache and from outside: both ascend, and the output must.
    private void Select(BatchScope scope)
    {
        if (_rows is not null)
        {
            MakeRows(scope, _rows);
            return;
        }

        if (_plan.OnMissing == OnMissing.Keep)
        {
            Selected = scope.Sound(Input.Selected, _sound);
            return;
        }

        foreach (var row in _found.Span) _waitingFor[row] = -1;
        Selected.Clear();
        foreach (var row in Input.Selected.Span)
        {
            if (_waitingFor[row] == -1) Selected.Add(row);
            else if (_plan.OnMissing == OnMissing.Quarantine && _waitingFor[row] != Refused)
                scope.Errors.Add(row, "KOR4043", Id,
                    $"The table {_plan.Lookup.Table} has no row for the record's key.");
        }
    }

    /// <summary>A row for each of the rows of a record's key, from position 1; 0 is the row of a record that found nothing.</summary>
    private void MakeRows(BatchScope scope, ExplodedRows rows)
    {
        var count = 0;
        foreach (var row in scope.Sound(Input.Selected, _sound).Span)
        {
            if (_lists[row] is not { } list)
            {
                if (_plan.OnMissing == OnMissing.Keep) AddRow(row, 0, count++, []);
                else if (_plan.OnMissing == OnMissing.Quarantine)
                    scope.Errors.Add(row, "KOR4043", Id, $"The table {_plan.Lookup.Table} has no row for the record's key.");
                continue;
            }

            var position = 0;
            foreach (var (start, length) in _matches!.Find(list, scope.Batch.EventTimes[row] * 1000)) AddRow(row, ++position, count++, list.AsSpan(start, length));
        }

        rows.Begin(_records, _positions, count);
        Block.Count = count;
        var before = Block.Columns.Length - _values.Length;
        for (var i = 0; i < before; i++) Block.Columns[i].Repeat(Input.Block.Columns[i], _records, count);
        _alive.SetAll(count);
        Selected = Scope.Sound(_alive, _alive);
    }

    private void AddRow(int record, int position, int row, ReadOnlySpan<byte> values)
    {
        if (_records.Length <= row)
        {
            Array.Resize(ref _records, Math.Max(256, row * 2));
            Array.Resize(ref _positions, _records.Length);
        }

        (_records[row], _positions[row]) = (record, position);
        foreach (var column in _values)
        {
            if (row == 0) column.Reset();
            column.EnsureCapacity(row + 1);
            if (values.IsEmpty) column.SetNull(row);
        }

        if (!values.IsEmpty) GroupKeyCodec.DecodeValues(values, _values, row);
    }

    private void SetNull(int row)
    {
        _waitingFor[row] = 0;
        if (_rows is not null)
        {
            _lists[row] = null;
            return;
        }

        foreach (var column in _values) column.SetNull(row);
    }

    private void Refuse(BatchScope scope, int row, LookupFault fault)
    {
        SetNull(row);
        _waitingFor[row] = Refused;
        scope.Errors.Add(row, fault.Code, Id, fault.Reason);
    }

    private void Fill(BatchScope scope, int row, byte[]? values, LookupFault? fault)
    {
        if (fault is not null)
        {
            Refuse(scope, row, fault);
            return;
        }

        if (values is null)
        {
            _cached.Negatives++;
            SetNull(row);
            return;
        }

        _cached.Hits++;
        if (_matches is not null)
        {
            Choose(scope, row, values);
            return;
        }

        GroupKeyCodec.DecodeValues(values, _values, row);
        _found.Add(row);
    }

    private byte[] Encode(Column[] columns, int row)
    {
        _bytes.Clear();
        GroupKeyCodec.Append(columns, row, ref _bytes);
        return _bytes.ToArray();
    }

    private bool TryId(Column[] key, int row, out UInt128 id)
    {
        id = default;
        foreach (var column in key)
        {
            if (column.IsNull[row]) return false;
        }

        _bytes.Clear();
        GroupKeyCodec.Append(key, row, ref _bytes);
        id = XxHash128.HashToUInt128(_bytes.Written);
        return true;
    }
}
