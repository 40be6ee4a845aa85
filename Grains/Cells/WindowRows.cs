using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Cells;

/// <summary>Window values as clients see them.</summary>
internal static class WindowRows
{
    /// <summary>The live windows of a key in a cell.</summary>
    public static List<WindowRow> Of(WindowPlan plan, byte[] key, WindowCell cell)
    {
        var text = GroupKeyCodec.ToText(key, plan.Window.Key);
        var rows = new List<WindowRow>();
        foreach (var value in cell.Query(key))
        {
            var values = new List<KeyValuePair<string, string?>>(value.Values.Count);
            for (var i = 0; i < value.Values.Count; i++)
                values.Add(new(plan.Window.Aggregates[i].Name, Text(value.Values[i])));
            var windowed = plan.Window.Window is not RunningTotals;
            rows.Add(new WindowRow
            {
                Key = text,
                Start = windowed ? value.Start : null,
                End = windowed ? value.End : null,
                Revision = value.Revision,
                Values = values,
            });
        }

        return rows;
    }

    /// <summary>The live windows of at most so many keys of a cell.</summary>
    public static List<WindowRow> Some(WindowPlan plan, WindowCell cell, int limit) =>
        [.. cell.Keys(limit).SelectMany(key => Of(plan, key, cell)).Take(limit)];

    /// <summary>A row of closed windows: key fields, window start and end (unless running totals), aggregates, revision.</summary>
    public static WindowRow From(RowBlock rows, int row, WindowStepSpec spec)
    {
        var writer = new ByteWriter(64);
        GroupKeyCodec.Append(rows.Columns[..spec.Key.Count], row, ref writer);
        var windowed = spec.Window is not RunningTotals;
        var first = spec.Key.Count + (windowed ? 2 : 0);
        var values = new List<KeyValuePair<string, string?>>();
        for (var i = 0; i < spec.Aggregates.Count; i++)
            values.Add(new(spec.Aggregates[i].Name, Text(Value(rows.Columns[first + i], row))));
        return new WindowRow
        {
            Key = GroupKeyCodec.ToText(writer.Written, spec.Key),
            Start = windowed ? ((LongColumn)rows.Columns[spec.Key.Count]).Values[row] / 1000 : null,
            End = windowed ? ((LongColumn)rows.Columns[spec.Key.Count + 1]).Values[row] / 1000 : null,
            Revision = ((LongColumn)rows.Columns[^1]).Values[row],
            Values = values,
        };
    }

    private static object? Value(Column column, int row)
    {
        if (column.IsNull[row]) return null;
        return column switch
        {
            BooleanColumn c => c.Values[row],
            LongColumn c when c.Type.Kind == FieldKind.Timestamp => DateTimeOffset.UnixEpoch.AddTicks(c.Values[row] * 10),
            LongColumn c when c.Type.Kind == FieldKind.Date => DateOnly.FromDayNumber((int)c.Values[row] + EpochDay),
            LongColumn c => c.Values[row],
            DecimalColumn c => c.Values[row],
            DoubleColumn c => c.Values[row],
            BinaryColumn c when c.Type.Kind == FieldKind.Bytes => Convert.ToBase64String(c.Span(row)),
            BinaryColumn c => System.Text.Encoding.UTF8.GetString(c.Span(row)),
            _ => null,
        };
    }

    private static readonly int EpochDay = DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    private static string? Text(object? value) => value switch
    {
        null => null,
        string s => s,
        bool b => b ? "true" : "false",
        DateTimeOffset t => t.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture),
        DateOnly d => d.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        byte[] b => Convert.ToBase64String(b),
        IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
