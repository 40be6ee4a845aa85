using System.Text;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>
/// A record on its way through a transform: the fields that came in, and NULL in those the step adds. Fields are known by their places
/// (<see cref="TransformStep.Field"/>). Valid for the call only. A value of the wrong kind throws <see cref="InvalidOperationException"/>, and one
/// that does not fit its field <see cref="ArgumentException"/>; left alone, both refuse the record.
/// </summary>
public sealed class TransformRow
{
    private static readonly UTF8Encoding Strict = new(false, true);

    private readonly Column[] _columns;
    private int _row;

    internal TransformRow(Column[] columns) => _columns = columns;

    /// <summary>True when <see cref="Drop"/> was called.</summary>
    internal bool Dropped { get; private set; }

    /// <summary>The reason given to <see cref="Refuse"/>.</summary>
    internal string? Refusal { get; private set; }

    /// <summary>True where the field is NULL; reading it then gives a meaningless value.</summary>
    public bool IsNull(int field) => _columns[field].IsNull[_row];

    /// <summary>A boolean.</summary>
    public bool GetBoolean(int field) => Of<BooleanColumn>(field).Values[_row];

    /// <summary>An integer.</summary>
    public long GetInteger(int field) => Of<LongColumn>(field, FieldKind.Integer).Values[_row];

    /// <summary>A decimal.</summary>
    public decimal GetDecimal(int field) => Of<DecimalColumn>(field).Values[_row];

    /// <summary>A double.</summary>
    public double GetDouble(int field) => Of<DoubleColumn>(field).Values[_row];

    /// <summary>A string, or the text of a json field.</summary>
    public string GetString(int field) => Encoding.UTF8.GetString(GetBytes(field));

    /// <summary>Bytes, or the UTF-8 of a string or json field. Valid for the call only.</summary>
    public ReadOnlySpan<byte> GetBytes(int field) => Of<BinaryColumn>(field).Span(_row);

    /// <summary>A timestamp, UTC.</summary>
    public DateTimeOffset GetTimestamp(int field) =>
        DateTimeOffset.UnixEpoch.AddTicks(Of<LongColumn>(field, FieldKind.Timestamp).Values[_row] * TimeSpan.TicksPerMicrosecond);

    /// <summary>A date.</summary>
    public DateOnly GetDate(int field) =>
        DateOnly.FromDateTime(DateTime.UnixEpoch.AddDays(Of<LongColumn>(field, FieldKind.Date).Values[_row]));

    /// <summary>Sets a field to NULL.</summary>
    public void SetNull(int field) => _columns[field].SetNull(_row);

    /// <summary>Sets a boolean.</summary>
    public void Set(int field, bool value) => Of<BooleanColumn>(field).Set(_row, value);

    /// <summary>Sets an integer.</summary>
    public void Set(int field, long value) => Of<LongColumn>(field, FieldKind.Integer).Set(_row, value);

    /// <summary>Sets a decimal: rounded half away from zero to the field's scale.</summary>
    public void Set(int field, decimal value)
    {
        var column = Of<DecimalColumn>(field);
        var rounded = decimal.Round(value, column.Type.Scale, MidpointRounding.AwayFromZero);
        if (Math.Abs(decimal.Truncate(rounded)) >= Limit(column.Type)) throw new ArgumentException($"The number does not fit {column.Type}.", nameof(value));
        column.Set(_row, rounded);
    }

    /// <summary>Sets a double, which must be finite.</summary>
    public void Set(int field, double value)
    {
        if (!double.IsFinite(value)) throw new ArgumentException("The number is not finite.", nameof(value));
        Of<DoubleColumn>(field).Set(_row, value);
    }

    /// <summary>Sets a string (valid Unicode, without U+0000) or the text of a json field (valid JSON); null is NULL.</summary>
    public void Set(int field, string? value)
    {
        if (value is null) SetNull(field);
        else SetBytes(field, Strict.GetBytes(value));
    }

    /// <summary>Sets bytes, or the UTF-8 of a string or json field.</summary>
    public void SetBytes(int field, ReadOnlySpan<byte> value)
    {
        var column = Of<BinaryColumn>(field);
        if (column.Type.Kind != FieldKind.Bytes && (!Utf8.IsValid(value) || value.Contains((byte)0)))
            throw new ArgumentException("The text is not UTF-8, or has the character U+0000.", nameof(value));
        if (column.Type.Kind == FieldKind.Json && !Records.Decoding.JsonScanner.IsValid(value, SourceFormatSpec.DefaultMaxDepth))
            throw new ArgumentException("The text is not JSON.", nameof(value));
        column.Set(_row, value);
    }

    /// <summary>Sets a timestamp; what is finer than a microsecond is cut off.</summary>
    public void Set(int field, DateTimeOffset value) => Of<LongColumn>(field, FieldKind.Timestamp).Set(
        _row, (long)Math.Floor((value.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / (decimal)TimeSpan.TicksPerMicrosecond));

    /// <summary>Sets a date.</summary>
    public void Set(int field, DateOnly value) => Of<LongColumn>(field, FieldKind.Date).Set(
        _row, value.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber);

    /// <summary>Leaves the record out, as a filter does.</summary>
    public void Drop() => Dropped = true;

    /// <summary>Sends the record to quarantine with a reason (KOR4044).</summary>
    public void Refuse(string reason)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(reason);
        Refusal = reason;
    }

    internal void Begin(int row)
    {
        _row = row;
        Dropped = false;
        Refusal = null;
    }

    private T Of<T>(int field, FieldKind? kind = null) where T : Column =>
        _columns[field] is T column && (kind is null || column.Type.Kind == kind)
            ? column
            : throw new InvalidOperationException($"Field {field} is {_columns[field].Type}.");

    private static decimal Limit(FieldType type)
    {
        var limit = 1m;
        for (var i = type.Scale; i < type.Precision; i++) limit *= 10;
        return limit;
    }
}
