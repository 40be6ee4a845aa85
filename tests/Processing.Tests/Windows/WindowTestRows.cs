using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>A row of the window tests. Amounts are cents; null is NULL.</summary>
internal sealed record TestRow(int Key, long Time, int? Cents, int Partition = 0, long Offset = 0);

/// <summary>Rows, specs and results as the window tests write them.</summary>
internal static class WindowTestRows
{
    public static readonly FieldType Money = FieldType.Decimal(12, 2);

    public static readonly IReadOnlyList<FieldType> InputTypes =
        [Money, FieldType.Double, FieldType.String, FieldType.Integer, FieldType.Decimal(28, 4), FieldType.Timestamp];

    public static readonly Schema KeySchema = new(new Field("customer", FieldType.Integer));

    /// <summary>One of every aggregate whose result is exact.</summary>
    public static readonly IReadOnlyList<AggregateSpec> Exact =
    [
        new("n", AggregateKind.Count, -1, default, FieldType.Integer),
        new("amounts", AggregateKind.CountValues, 0, Money, FieldType.Integer),
        new("total", AggregateKind.Sum, 0, Money, FieldType.Decimal(28, 2)),
        new("mean", AggregateKind.Avg, 0, Money, FieldType.Decimal(28, 6)),
        new("least", AggregateKind.Min, 0, Money, Money),
        new("most", AggregateKind.Max, 0, Money, Money),
        new("first_one", AggregateKind.First, 0, Money, Money),
        new("last_text", AggregateKind.Last, 2, FieldType.String, FieldType.String),
        new("least_text", AggregateKind.Min, 2, FieldType.String, FieldType.String),
        new("wide", AggregateKind.Sum, 4, FieldType.Decimal(28, 4), FieldType.Decimal(28, 4)),
        new("widest", AggregateKind.Max, 4, FieldType.Decimal(28, 4), FieldType.Decimal(28, 4)),
        new("kinds", AggregateKind.CountDistinct, 0, Money, FieldType.Integer, 1000),
        new("all", AggregateKind.Collect, 3, FieldType.Integer, FieldType.Json, 5),
    ];

    public static WindowStepSpec Spec(WindowSpec window, long lateness, IReadOnlyList<AggregateSpec>? aggregates = null) =>
        new(window, lateness, KeySchema, aggregates ?? Exact, InputTypes);

    /// <summary>Cents from which on texts are long: 200,000 characters.</summary>
    public const int LongText = 10_000_000;

    /// <summary>Cents from which on texts are huge: more than a megabyte.</summary>
    public const int HugeText = 20_000_000;

    /// <summary>Few short texts, and long and huge ones.</summary>
    public static string Text(int cents) => cents < LongText
        ? "t" + (cents % 7).ToString(CultureInfo.InvariantCulture)
        : cents.ToString(CultureInfo.InvariantCulture).PadRight(cents < HugeText ? 200_000 : 1_200_000, 'x');

    public static KeyedRows Rows(IReadOnlyList<TestRow> rows)
    {
        var keys = new RowBlock(KeySchema, rows.Count);
        var inputs = InputTypes.Select(t => Column.Create(t, Math.Max(1, rows.Count))).ToArray();
        var writer = new ByteWriter(64);
        var starts = new int[rows.Count + 1];
        var hashes = new ulong[rows.Count];
        for (var i = 0; i < rows.Count; i++)
        {
            ((LongColumn)keys.Columns[0]).Set(i, rows[i].Key);
            GroupKeyCodec.Append(keys.Columns, i, ref writer);
            starts[i + 1] = writer.Length;
            hashes[i] = GroupKeyCodec.Hash(writer.Written[starts[i]..]);
            if (rows[i].Cents is not { } cents)
            {
                foreach (var input in inputs) input.SetNull(i);
                continue;
            }

            // Some with fewer digits than the type has.
            ((DecimalColumn)inputs[0]).Set(i, cents % 100 == 0 ? cents / 100 : cents / 100m);
            ((DoubleColumn)inputs[1]).Set(i, cents / 8.0);
            ((BinaryColumn)inputs[2]).Set(i, Encoding.UTF8.GetBytes(Text(cents)));
            ((LongColumn)inputs[3]).Set(i, cents);
            ((DecimalColumn)inputs[4]).Set(i, cents * 1_000_000_000_000_000.0001m);
            ((LongColumn)inputs[5]).Set(i, cents * 1000L);
        }

        return new KeyedRows
        {
            Count = rows.Count,
            KeyHashes = hashes,
            KeyStarts = starts,
            KeyBytes = writer.ToArray(),
            EventTimes = [.. rows.Select(r => r.Time)],
            Offsets = [.. rows.Select(r => r.Offset)],
            Inputs = inputs,
        };
    }

    public static byte[] Key(int key)
    {
        var rows = Rows([new TestRow(key, 0, 1)]);
        return rows.Key(0).ToArray();
    }

    public static int[] All(int count) => [.. Enumerable.Range(0, count)];

    /// <summary>The rows of a block as text, one line each.</summary>
    public static List<string> Lines(RowBlock rows)
    {
        var lines = new List<string>();
        for (var i = 0; i < rows.Count; i++) lines.Add(string.Join('|', rows.Columns.Select(c => Value(c, i))));
        return lines;
    }

    public static string Value(Column column, int row) => column.IsNull[row]
        ? "-"
        : column switch
        {
            LongColumn c => c.Values[row].ToString(CultureInfo.InvariantCulture),
            DecimalColumn c => c.Values[row].ToString(CultureInfo.InvariantCulture),
            DoubleColumn c => c.Values[row].ToString("R", CultureInfo.InvariantCulture),
            BooleanColumn c => c.Values[row] ? "true" : "false",
            BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
            _ => "?",
        };
}
