using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>How a row of a table and the log go together.</summary>
public enum RowVerdict
{
    /// <summary>The table has what the log says.</summary>
    Matched,

    /// <summary>The log says there is a row, and the table has none.</summary>
    Missing,

    /// <summary>The table has a row, and the log says there is none; or it has the row more than once.</summary>
    Extra,

    /// <summary>Both have the row, with other values.</summary>
    Wrong,

    /// <summary>They differ or may differ, and the log does not say who is right.</summary>
    Undecidable,

    /// <summary>The window is not due yet, or records that the pipeline works on just now may change it.</summary>
    Open,
}

/// <summary>A row that was found not to be right, or of which it is not known.</summary>
/// <param name="Verdict">What is wrong.</param>
/// <param name="Reason">Why, in a sentence.</param>
/// <param name="Key">The key columns.</param>
/// <param name="Expected">What the log says in the columns that differ; null: no row.</param>
/// <param name="Found">What the table has in them; null: no row.</param>
public sealed record RowExample(RowVerdict Verdict, string Reason, JsonObject Key, JsonObject? Expected, JsonObject? Found);

/// <summary>What is known of a sink beside its rows.</summary>
/// <param name="Progress">Of window rows: how far the pipeline has come.</param>
public sealed record ComparisonContext(StepProgress Progress)
{
    /// <summary>Of which windows the proof is.</summary>
    public ScanRange Range { get; init; } = ScanRange.All;

    /// <summary>An empty text is NULL in this database.</summary>
    public bool EmptyIsNull { get; init; }

    /// <summary>Why a row that is missing or other than the log says may be right all the same: the pipeline's own counts tell of it. Null: nothing does.</summary>
    public string? Excuse { get; init; }

    /// <summary>Why a row of which the log says nothing may be right all the same. Null: nothing does.</summary>
    public string? ExtraExcuse { get; init; }

    /// <summary>The pipeline's version.</summary>
    public int Version { get; init; } = int.MaxValue;

    /// <summary>Of rows of records: where the proof ends in each partition, by <c>topic/partition</c>; null: rows do not tell where they come from.</summary>
    public IReadOnlyDictionary<string, (long First, long End, long Due)>? Offsets { get; init; }
}

/// <summary>Compares a sink's table with what the log says.</summary>
public sealed class TableComparison
{
    private readonly SinkPlan _sink;
    private readonly ProofScope _scope;
    private readonly Expectations _expectations;
    private readonly ComparisonContext _context;
    private readonly int _examples;
    private readonly int[] _keys;
    private readonly WindowPlan? _window;
    private readonly Dictionary<RowVerdict, long> _counts = [];

    /// <summary>Readies a comparison.</summary>
    /// <param name="plan">The pipeline.</param>
    /// <param name="sink">The sink.</param>
    /// <param name="scope">What does not follow from the log.</param>
    /// <param name="expectations">What made the expected rows.</param>
    /// <param name="context">What is known beside the rows.</param>
    /// <param name="examples">How many examples of each kind are kept.</param>
    public TableComparison(PipelinePlan plan, SinkPlan sink, ProofScope scope, Expectations expectations, ComparisonContext context, int examples)
    {
        ArgumentNullException.ThrowIfNull(plan);
        (_sink, _scope, _expectations, _context, _examples) = (sink, scope, expectations, context, examples);
        _keys = TableColumns.Keys(sink);
        _window = sink.FromWindow ? plan.Steps.OfType<WindowPlan>().First(w => w.Id == sink.From.Step) : null;
    }

    /// <summary>Rows by verdict.</summary>
    public long Count(RowVerdict verdict) => _counts.GetValueOrDefault(verdict);

    /// <summary>True when a row is missing, too many or wrong.</summary>
    public bool Differs => Count(RowVerdict.Missing) + Count(RowVerdict.Extra) + Count(RowVerdict.Wrong) > 0;

    /// <summary>Examples, the first of each kind.</summary>
    public List<RowExample> Examples { get; } = [];

    /// <summary>Rows that are undecidable, by reason.</summary>
    public Dictionary<string, long> Undecidable { get; } = new(StringComparer.Ordinal);

    /// <summary>Takes the rows of a key.</summary>
    public void Take(KeyedPair pair)
    {
        ArgumentNullException.ThrowIfNull(pair);
        var (found, copies) = Newest(pair.Found);
        var values = found is null ? null : ProofValues.Decode(found.Values);
        if (values is not null && IsWithdrawn(values)) (found, values) = (null, null);
        var expected = pair.Expected?.Values is { } bytes ? ProofValues.Decode(bytes) : null;
        if (expected is null && values is null) return;
        if (pair.Expected is { IsOpen: true }) Note(RowVerdict.Open, "it is not due yet, or records that are worked on just now may change it", expected, values, []);
        else if (pair.Expected?.Doubt is { } doubt) Note(RowVerdict.Undecidable, doubt, expected, values, []);
        else if (values is null) TakeMissing(expected!);
        else if (expected is null) TakeExtra(values, 1 + copies);
        else TakeBoth(expected, values, copies);
    }

    private void TakeMissing(object?[] expected)
    {
        if ((_scope.Rows(_sink.Id) ?? _context.Excuse) is { } excuse) Note(RowVerdict.Undecidable, excuse, expected, null, All());
        else Note(RowVerdict.Missing, "the table does not have it", expected, null, All());
    }

    private void TakeExtra(object?[] found, int copies)
    {
        if (_window is not null ? JudgeWindow(found) : JudgeRecord(found)) return;
        if ((_scope.Rows(_sink.Id) ?? _context.ExtraExcuse) is { } excuse) Note(RowVerdict.Undecidable, excuse, null, found, All());
        else Note(RowVerdict.Extra, "no records of the log make it", null, found, All(), copies);
    }

    private void TakeBoth(object?[] expected, object?[] found, int copies)
    {
        var (hard, soft) = Differences(expected, found);
        if (_context.Version != int.MaxValue && Version(found) is { } version && (version > _context.Version || version < 1))
            Note(RowVerdict.Wrong, $"it says that version {version} wrote it, and the newest is {_context.Version}", expected, found, hard);
        else if (hard.Count == 0 && soft.Count == 0) Note(RowVerdict.Matched, "", null, null, []);
        else if (hard.Count == 0) Note(RowVerdict.Undecidable, "it differs only in columns that do not follow from the log (lookups, transforms, the clock)", expected, found, soft);
        else if ((_scope.Rows(_sink.Id) ?? _context.Excuse) is { } excuse) Note(RowVerdict.Undecidable, excuse, expected, found, hard);
        else Note(RowVerdict.Wrong, Why(found), expected, found, hard);
        if (copies > 0) Note(RowVerdict.Extra, "the table has the row more than once", null, found, All(), copies);
    }

    private string Why(object?[] found) => Version(found) is { } version && version < _context.Version && _context.Version != int.MaxValue
        ? $"its values are not those of the log; version {version} of the pipeline wrote it, and {_context.Version} is in force"
        : "its values are not those of the log";

    private long? Version(object?[] found) => TableColumns.Of(_sink, MetadataColumn.PipelineVersion) is >= 0 and var at ? found[at] as long? : null;

    /// <summary>True when a window row of which the log says nothing is no fault, or none of this proof.</summary>
    private bool JudgeWindow(object?[] found)
    {
        if (Bounds(found) is not var (start, end)) return false;
        if (start < _context.Range.Since || end > _context.Range.Until) return true;
        var progress = _context.Progress;
        if ((Int128)end + _window!.Window.AllowedLateness > progress.DueUpTo) Note(RowVerdict.Open, "it is not due yet", null, found, []);
        else if (end <= progress.UnknownUpTo) Note(RowVerdict.Undecidable, "the scan begins in the middle of the log, too close to it", null, found, All());
        else if (start < progress.WithheldBelow) Note(RowVerdict.Undecidable, "windows of that time are withheld since a reset of offsets", null, found, All());
        else if (GroupKey(found) is { } key && _expectations.IsCut(_window.Id, key, start)) Note(RowVerdict.Undecidable, Expectations.CutSession, null, found, All());
        else return false;
        return true;
    }

    private bool JudgeRecord(object?[] found)
    {
        var (topic, partition, offset) = (
            TableColumns.Of(_sink, MetadataColumn.Topic), TableColumns.Of(_sink, MetadataColumn.Partition), TableColumns.Of(_sink, MetadataColumn.Offset));
        if (_context.Offsets is null || topic < 0 || partition < 0 || offset < 0 || found[offset] is not long at) return false;
        var name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{found[topic]}/{found[partition]}");
        if (!_context.Offsets.TryGetValue(name, out var range)) return false;
        if (at < range.First || at >= range.End) return true;
        if (at < range.Due) return false;
        Note(RowVerdict.Open, "its record is beyond what the pipeline had made durable", null, found, []);
        return true;
    }

    private (FoundRow? Row, int Copies) Newest(IReadOnlyList<FoundRow> found)
    {
        if (found.Count == 0) return (null, 0);
        var newest = found.MaxBy(f => f.Revision)!;
        // Appended window rows are of one revision each; the older ones are history.
        var same = _sink is { FromWindow: true, Spec.Mode: Ports.SinkMode.Append } ? found.Count(f => f.Revision == newest.Revision) : found.Count;
        return (newest, same - 1);
    }

    private (long Start, long End)? Bounds(object?[] found)
    {
        var (start, end) = (TableColumns.Of(_sink, SideOutputs.WindowStart), TableColumns.Of(_sink, SideOutputs.WindowEnd));
        if (start < 0 || found[start] is not long from) return null;
        if (end >= 0 && found[end] is long to) return (from / 1000, to / 1000);
        if (_window!.Window.Window is Windows.SessionWindow session) return (from / 1000, (from / 1000) + session.Gap);
        return new NaiveWindows(_window.Window).Of(from / 1000).Where(w => w.Start == from / 1000).Select(w => ((long, long)?)w).FirstOrDefault();
    }

    /// <summary>A session that was joined to another one stands in tables that cannot delete it as a row that ends where it begins.</summary>
    private bool IsWithdrawn(object?[] found) => _window?.Window.Window is Windows.SessionWindow && Bounds(found) is var (start, end) && start == end;

    private byte[]? GroupKey(object?[] found)
    {
        var schema = _window!.Window.Key;
        var writer = new ByteWriter(64);
        var columns = new Column[schema.Count];
        for (var i = 0; i < columns.Length; i++)
        {
            var at = TableColumns.Of(_sink, schema[i].Name);
            if (at < 0) return null;
            columns[i] = Column.Create(schema[i].Type, 1);
            Fill(columns[i], found[at]);
        }

        Windows.GroupKeyCodec.Append(columns, 0, ref writer);
        return writer.ToArray();
    }

    private static void Fill(Column column, object? value)
    {
        switch (column, value)
        {
            case (BooleanColumn c, bool v): c.Set(0, v); break;
            case (LongColumn c, long v): c.Set(0, v); break;
            case (DecimalColumn c, decimal v): c.Set(0, v); break;
            case (DoubleColumn c, double v): c.Set(0, v); break;
            case (BinaryColumn c, byte[] v): c.Set(0, v); break;
            case (BinaryColumn c, string v): c.Set(0, System.Text.Encoding.UTF8.GetBytes(v)); break;
            default: column.SetNull(0); break;
        }
    }

    private (List<int> Hard, List<int> Soft) Differences(object?[] expected, object?[] found)
    {
        var (hard, soft) = (new List<int>(), new List<int>());
        for (var i = 0; i < expected.Length; i++)
        {
            if (_sink.Source[i] < 0 && (MetadataColumn)(-1 - _sink.Source[i]) is MetadataColumn.ProcessedAt or MetadataColumn.PipelineVersion) continue;
            var (a, b) = _context.EmptyIsNull ? (Empty(expected[i]), Empty(found[i])) : (expected[i], found[i]);
            if (ProofValues.Same(a, b, _sink.Spec.Schema[i].Type.Kind)) continue;
            (_scope.Columns(_sink.Id)[i] ? soft : hard).Add(i);
        }

        return (hard, soft);
    }

    private static object? Empty(object? value) => value is "" or byte[] { Length: 0 } ? null : value;

    private IReadOnlyList<int> All() => [.. Enumerable.Range(0, _sink.Spec.Schema.Count)];

    private void Note(RowVerdict verdict, string reason, object?[]? expected, object?[]? found, IReadOnlyList<int> columns, int count = 1)
    {
        _counts[verdict] = Count(verdict) + count;
        if (verdict == RowVerdict.Undecidable) Undecidable[reason] = Undecidable.GetValueOrDefault(reason) + count;
        if (verdict is RowVerdict.Matched or RowVerdict.Open || Examples.Count(e => e.Verdict == verdict) >= _examples) return;
        Examples.Add(new RowExample(verdict, reason, Json(expected ?? found!, _keys), expected is null ? null : Json(expected, columns), found is null ? null : Json(found, columns)));
    }

    private JsonObject Json(object?[] values, IReadOnlyList<int> columns)
    {
        var json = new JsonObject();
        foreach (var i in columns)
        {
            var field = _sink.Spec.Schema[i];
            json[field.Name] = values[i] is null ? null : JsonValue.Create(ProofValues.Text(values[i], field.Type));
        }

        return json;
    }
}
