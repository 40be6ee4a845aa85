using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>Codes of rows that are refused before the database sees them.</summary>
public static class SinkRowCodes
{
    /// <summary>A key column is NULL.</summary>
    public const string KeyIsNull = "KOR5101";

    /// <summary>A key column is an empty string, which the database takes for NULL.</summary>
    public const string KeyIsEmpty = "KOR5102";

    /// <summary>A text or binary value is longer than its column.</summary>
    public const string TooLong = "KOR5103";

    /// <summary>A number lies outside the range of its column.</summary>
    public const string OutOfRange = "KOR5104";

    /// <summary>A time lies outside the years 1 to 9999.</summary>
    public const string TimeOutOfRange = "KOR5105";

    /// <summary>A time has more digits after the second than its column keeps.</summary>
    public const string TimeTooFine = "KOR5106";

    /// <summary>A number has more digits than its column keeps.</summary>
    public const string NumberTooFine = "KOR5107";

    /// <summary>An appended row finds another record's row under its key.</summary>
    public const string KeyTaken = "KOR5111";

    /// <summary>An appended row finds a row with other values under its declared keys in a table that several sinks write.</summary>
    public const string SharedKeyTaken = "KOR5113";

    /// <summary>A revision is no number, so that nothing can be compared with it.</summary>
    public const string RevisionIsNoNumber = "KOR5112";
}

/// <summary>Finds rows that cannot be stored, so that one of them does not cost the batch a round trip.</summary>
internal sealed class RowChecks
{
    private static readonly long MinTime = BindTime.FromUtc(DateTime.MinValue);
    private static readonly long MaxTime = BindTime.FromUtc(DateTime.MaxValue);
    private static readonly long MinDate = BindTime.FromDate(DateOnly.MinValue);
    private static readonly long MaxDate = BindTime.FromDate(DateOnly.MaxValue);

    private readonly List<(SinkColumn Column, Func<Column, int, (string Code, string Text)?> Check)> _checks = [];

    public RowChecks(SinkTable table, TableInfo info, Dialect dialect)
    {
        foreach (var column in table.Columns)
        {
            if (column.IsKey) Add(column, (values, row) => KeyFault(column, values, row, dialect.EmptyIsNull));
            if (table.Revision >= 0 && table.Columns[table.Revision] == column && column.Type.Kind == FieldKind.Double)
                Add(column, (values, row) => RevisionFault(column, ((DoubleColumn)values).Values[row]));
            var found = info.Find(column.Name);
            switch (column.Type.Kind)
            {
                case FieldKind.String or FieldKind.Bytes when found?.Length is { } length:
                    Add(column, (values, row) =>
                        LengthFault(column, (BinaryColumn)values, row, length, found.LengthInBytes)
                        ?? (found.MaxBytes is { } bytes ? LengthFault(column, (BinaryColumn)values, row, bytes, true) : null));
                    break;
                case FieldKind.Integer or FieldKind.Decimal or FieldKind.Double when found is not null:
                    foreach (var check in NumberChecks.Of(column, found)) Add(column, check);
                    break;
                case FieldKind.Timestamp:
                    Add(column, (values, row) => TimeFault(column, ((LongColumn)values).Values[row], MinTime, MaxTime));
                    if (found is { Scale: { } kept and >= 0 and < 6 })
                    {
                        var unit = (long)NumberChecks.Pow10(6 - kept);
                        Add(column, (values, row) => FinenessFault(column, ((LongColumn)values).Values[row], unit, kept));
                    }

                    break;
                case FieldKind.Date:
                    Add(column, (values, row) => TimeFault(column, ((LongColumn)values).Values[row], MinDate, MaxDate));
                    break;
            }
        }
    }

    /// <summary>The first fault of each faulty row of some, for the rows that are not deletes' values.</summary>
    public List<RowFailure> Run(RowBlock rows, ReadOnlySpan<int> some, bool[]? deletes)
    {
        var failures = new List<RowFailure>();
        HashSet<int>? seen = null;
        foreach (var (column, check) in _checks)
        {
            var values = rows.Columns[column.Field];
            foreach (var row in some)
            {
                if (!column.IsKey && (values.IsNull[row] || (deletes is not null && deletes[row]))) continue;
                if (check(values, row) is not { } fault) continue;
                if ((seen ??= []).Add(row)) failures.Add(new RowFailure(row, fault.Code, fault.Text));
            }
        }

        return failures;
    }

    private void Add(SinkColumn column, Func<Column, int, (string, string)?> check) => _checks.Add((column, check));

    private static (string, string)? KeyFault(SinkColumn column, Column values, int row, bool emptyIsNull)
    {
        if (values.IsNull[row])
        {
            return (SinkRowCodes.KeyIsNull,
                $"The key column {column.Name} is NULL; give it a value with COALESCE in a map step.");
        }

        return emptyIsNull && values is BinaryColumn text && text.Length[row] == 0
            ? (SinkRowCodes.KeyIsEmpty,
                $"The key column {column.Name} is an empty string, which this database takes for NULL; replace it in a map step.")
            : null;
    }

    private static (string, string)? LengthFault(
        SinkColumn column, BinaryColumn values, int row, int length, bool inBytes)
    {
        if (values.IsNull[row] || values.Length[row] <= length) return null;
        var count = inBytes || column.Type.Kind == FieldKind.Bytes
            ? values.Length[row]
            : CountCharacters(values.Span(row));
        return count <= length
            ? null
            : (SinkRowCodes.TooLong, string.Create(CultureInfo.InvariantCulture,
                $"{column.Name} holds {length} {(inBytes ? "bytes" : "characters")}, the value has {count}; cut it in a map step or widen the column."));
    }

    private static int CountCharacters(ReadOnlySpan<byte> utf8)
    {
        // Databases count code points, not UTF-16 units: every byte that does not continue a character starts one.
        var count = 0;
        foreach (var b in utf8)
        {
            if ((b & 0xC0) != 0x80) count++;
        }

        return count;
    }

    private static (string, string)? TimeFault(SinkColumn column, long value, long least, long most) =>
        value >= least && value <= most
            ? null
            : (SinkRowCodes.TimeOutOfRange, $"{column.Name} is outside the years 1 to 9999.");

    private static (string, string)? FinenessFault(SinkColumn column, long value, long unit, int kept) =>
        value % unit == 0
            ? null
            : (SinkRowCodes.TimeTooFine, string.Create(CultureInfo.InvariantCulture,
                $"{column.Name} keeps {kept} digits after the second, the time has more; make it TIMESTAMP(6), or cut the time in a map step with date_trunc('{UnitOf(kept)}', ...)."));

    /// <summary>The coarsest unit of date_trunc that keeps what the column keeps or less.</summary>
    private static string UnitOf(int kept) => kept < 3 ? "second" : "millisecond";

    /// <summary>Databases disagree on what NaN is lower than.</summary>
    private static (string, string)? RevisionFault(SinkColumn column, double value) =>
        double.IsNaN(value)
            ? (SinkRowCodes.RevisionIsNoNumber,
                $"The revision {column.Name} is NaN, which cannot be compared; give it a number in a map step.")
            : null;
}
