using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Lookups and reading of values.</content>
internal sealed partial class SqliteDialect
{
    public override string Place(int index) => string.Create(CultureInfo.InvariantCulture, $"@P{index}");

    public override string Limit(int rows) => string.Create(CultureInfo.InvariantCulture, $"LIMIT {rows}");

    public override string LookupText(LookupTable table, int keys) =>
        $"SELECT {string.Join(", ", table.Values.Select(v => v.Quoted).DefaultIfEmpty("1"))} FROM {table.Quoted} WHERE "
        + string.Join(" AND ", table.Keys.Select((k, i) => $"{k.Quoted} = @P{i}"));

    public override Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation)
    {
        using var command = session.Command(LookupText(table, 1));
        for (var i = 0; i < table.Keys.Length; i++) AddBind(command, "");
        foreach (var row in rows)
        {
            for (var i = 0; i < table.Keys.Length; i++) command.Parameters[i].Value = Scalar(keys.Columns[i], row);
            using var reader = command.ExecuteReader();
            while (reader.Read()) take(row, reader, 0);
        }

        return Task.CompletedTask;
    }

    /// <summary>Times are text here, of one form when we wrote them and of several when others did.</summary>
    public override long ReadTimestamp(DbDataReader reader, int ordinal) =>
        BindTime.FromUtc(DateTime.Parse(
            reader.GetString(ordinal), CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal));

    protected override long ReadDate(DbDataReader reader, int ordinal) =>
        BindTime.FromDate(DateOnly.Parse(DateOf(reader.GetString(ordinal)), CultureInfo.InvariantCulture));

    /// <summary>A time of day behind a date is left out; anything else there is no date.</summary>
    private static ReadOnlySpan<char> DateOf(string text) => text.Length > 10 && text[10] is ' ' or 'T' ? text.AsSpan(0, 10) : text;

    protected override decimal ReadDecimal(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        long integer => integer,
        double real => checked((decimal)real),
        string text => decimal.Parse(text, NumberStyles.Number, CultureInfo.InvariantCulture),
        var other => throw new InvalidCastException($"a {other.GetType().Name} is no decimal"),
    };

    protected override string ReadText(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        string text => text,
        byte[] => throw new InvalidCastException("a BLOB is no text"),
        var other => Convert.ToString(other, CultureInfo.InvariantCulture)!,
    };

    private static object Scalar(Column column, int row) => column switch
    {
        LongColumn { Type.Kind: FieldKind.Timestamp } c => TimestampText(c.Values[row]),
        LongColumn { Type.Kind: FieldKind.Date } c => DateText(c.Values[row]),
        LongColumn c => c.Values[row],
        DoubleColumn c => c.Values[row],
        BooleanColumn c => c.Values[row] ? 1L : 0L,
        DecimalColumn c => c.Values[row].ToString(CultureInfo.InvariantCulture),
        BinaryColumn { Type.Kind: FieldKind.Bytes } c => c.Span(row).ToArray(),
        BinaryColumn c => System.Text.Encoding.UTF8.GetString(c.Span(row)),
        _ => throw new InvalidOperationException($"A {column.Type} cannot be bound."),
    };
}
