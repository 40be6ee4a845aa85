using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>
/// The rows of windows that fired: the key's fields, <c>window_start</c> and <c>window_end</c> (not for running totals), the aggregates and
/// the <c>revision</c>. Rows are appended until <see cref="Reset"/>; the storage is used again.
/// </summary>
public sealed class ClosedWindows
{
    private readonly WindowStepSpec _spec;
    private readonly bool _hasWindow;

    /// <summary>Makes room for the output of a step.</summary>
    public ClosedWindows(WindowStepSpec spec)
        : this(spec, SchemaOf(spec))
    {
    }

    /// <summary>Makes room for the output of a step whose schema (as <see cref="SchemaOf"/> gives it) is at hand: cells of one key are many.</summary>
    public ClosedWindows(WindowStepSpec spec, Schema schema)
    {
        ArgumentNullException.ThrowIfNull(spec);
        _spec = spec;
        _hasWindow = spec.Window is not RunningTotals;
        Rows = new RowBlock(schema);
    }

    /// <summary>The rows.</summary>
    public RowBlock Rows { get; }

    /// <summary>How many rows there are.</summary>
    public int Count => Rows.Count;

    /// <summary>How many aggregates had no representable result and became NULL since the last reset.</summary>
    public long Overflows { get; internal set; }

    /// <summary>What firing may use up where somebody waits for it; null in pipelines.</summary>
    internal WorkBudget? Budget { get; init; }

    /// <summary>How many aggregates left values out for their size since the last reset.</summary>
    public long Cuts { get; internal set; }

    /// <summary>The output's fields.</summary>
    public static Schema SchemaOf(WindowStepSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var fields = new List<Field>(spec.Key.Fields);
        if (spec.Window is not RunningTotals)
        {
            fields.Add(new Field(SideOutputs.WindowStart, FieldType.Timestamp, Nullable: false));
            fields.Add(new Field(SideOutputs.WindowEnd, FieldType.Timestamp, Nullable: false));
        }

        foreach (var a in spec.Aggregates) fields.Add(new Field(a.Name, a.ResultType, AggregateTyping.IsNullable(a.Kind)));
        fields.Add(new Field(SideOutputs.Revision, FieldType.Integer, Nullable: false));
        return new Schema(fields);
    }

    /// <summary>Forgets the rows and keeps the room.</summary>
    public void Reset()
    {
        Rows.Reset(0);
        Overflows = 0;
        Cuts = 0;
    }

    /// <summary>The place of the first aggregate among the columns.</summary>
    internal int FirstAggregate => _spec.Key.Count + (_hasWindow ? 2 : 0);

    /// <summary>Appends a row with everything but its aggregates, and returns its number.</summary>
    internal int Add(ReadOnlySpan<byte> key, long start, long end, long revision)
    {
        var row = Rows.Count;
        foreach (var column in Rows.Columns) column.EnsureCapacity(row + 1);
        GroupKeyCodec.Decode(key, _spec.Key, Rows.Columns, row);
        if (_hasWindow)
        {
            ((LongColumn)Rows.Columns[_spec.Key.Count]).Set(row, WindowTime.ToTimestamp(start));
            ((LongColumn)Rows.Columns[_spec.Key.Count + 1]).Set(row, WindowTime.ToTimestamp(end));
        }

        ((LongColumn)Rows.Columns[^1]).Set(row, revision);
        Rows.Count = row + 1;
        return row;
    }
}
