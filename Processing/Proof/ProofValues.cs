using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>A number that is known to within a tolerance only: sums of doubles in another order, percentiles.</summary>
public sealed record Approximate(double Value, double Tolerance);

/// <summary>A value the model does not know: sketches, lookups, the clock.</summary>
public sealed class AnyValue
{
    public static readonly AnyValue Instance = new();

    private AnyValue()
    {
    }
}

/// <summary>
/// Rows of the proof as bytes, and when two of them are equal. Values are <see cref="bool"/>, <see cref="long"/> (integers, microseconds, days),
/// <see cref="decimal"/>, <see cref="double"/>, <see cref="string"/> (texts and JSON) and <c>byte[]</c>. Equal keys have equal bytes.
/// </summary>
public static class ProofValues
{
    private const string Format = "row of a proof";

    private enum Tag : byte
    {
        Null,
        Boolean,
        Integer,
        Decimal,
        Double,
        Text,
        Bytes,
        Approximate,
        Any,
    }

    /// <summary>A column's value.</summary>
    public static object? Of(Column column, int row)
    {
        if (column.IsNull[row]) return null;
        return column switch
        {
            BooleanColumn c => c.Values[row],
            LongColumn c => c.Values[row],
            DecimalColumn c => c.Values[row],
            DoubleColumn c => c.Values[row],
            BinaryColumn { Type.Kind: FieldKind.Bytes } c => c.Span(row).ToArray(),
            BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
            _ => throw new ArgumentException($"Values of {column.Type} are not known here.", nameof(column)),
        };
    }

    public static byte[] Encode(IReadOnlyList<object?> values)
    {
        var writer = new ByteWriter(16 + (values.Count * 12));
        foreach (var value in values) Write(value, ref writer);
        return writer.ToArray();
    }

    public static object?[] Decode(byte[] bytes)
    {
        var values = new List<object?>();
        var reader = new ByteReader(bytes, Format);
        while (reader.Remaining > 0) values.Add(Read(ref reader));
        return [.. values];
    }

    /// <summary>True when a table's value is what the model has.</summary>
    public static bool Same(object? expected, object? found, FieldKind kind) => (expected, found) switch
    {
        (AnyValue, _) => true,
        (null, null) => true,
        (null, _) or (_, null) => false,
        (Approximate a, double d) => Math.Abs(a.Value - d) <= a.Tolerance,
        (double a, double b) => Math.Abs(a - b) <= 1e-12 * Math.Max(Math.Abs(a), Math.Abs(b)),
        (byte[] a, byte[] b) => a.AsSpan().SequenceEqual(b),
        (string a, string b) when kind == FieldKind.Json => a == b || SameJson(a, b),
        _ => expected.Equals(found),
    };

    /// <summary>The value as people read it.</summary>
    public static string Text(object? value, FieldType type) => value switch
    {
        AnyValue => "(not compared)",
        Approximate a => ColumnText.Text(a.Value),
        long n when type.Kind == FieldKind.Timestamp => ColumnText.Text(ColumnText.Time(n / 1000)),
        long n when type.Kind == FieldKind.Date => ColumnText.Text(DateOnly.FromDateTime(ColumnText.Time(n * 86_400_000))),
        decimal n => ColumnText.Text(n + new decimal(0, 0, 0, false, type.Scale)),
        _ => ColumnText.Text(value),
    };

    private static bool SameJson(string a, string b)
    {
        try
        {
            return System.Text.Json.Nodes.JsonNode.DeepEquals(System.Text.Json.Nodes.JsonNode.Parse(a), System.Text.Json.Nodes.JsonNode.Parse(b));
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }

    private static void Write(object? value, ref ByteWriter w)
    {
        switch (value)
        {
            case null: w.Byte((byte)Tag.Null); break;
            case bool b: w.Byte((byte)Tag.Boolean); w.Byte(b ? (byte)1 : (byte)0); break;
            case long n: w.Byte((byte)Tag.Integer); w.VarInt(n); break;
            case decimal n: w.Byte((byte)Tag.Decimal); WriteDecimal(n, ref w); break;
            case double n: w.Byte((byte)Tag.Double); w.Double(n + 0.0); break;
            case string s: w.Byte((byte)Tag.Text); w.Text(s); break;
            case byte[] b: w.Byte((byte)Tag.Bytes); w.Block(b); break;
            case Approximate a: w.Byte((byte)Tag.Approximate); w.Double(a.Value); w.Double(a.Tolerance); break;
            case AnyValue: w.Byte((byte)Tag.Any); break;
            default: throw new ArgumentException($"A {value.GetType().Name} is no value of a row.", nameof(value));
        }
    }

    // Without zeros at the end, so that 1.0 and 1.00 are one key.
    private static void WriteDecimal(decimal value, ref ByteWriter w)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(value / 1.0000000000000000000000000000m, bits);
        if (value == 0) bits[3] = 0;
        foreach (var part in bits) w.Int32(part);
    }

    private static object? Read(ref ByteReader r)
    {
        var tag = (Tag)r.Byte();
        switch (tag)
        {
            case Tag.Null: return null;
            case Tag.Boolean: return r.Byte() != 0;
            case Tag.Integer: return r.VarInt();
            case Tag.Decimal: return new decimal([r.Int32(), r.Int32(), r.Int32(), r.Int32()]);
            case Tag.Double: return r.Double();
            case Tag.Text: return r.Text();
            case Tag.Bytes: return r.Block().ToArray();
            case Tag.Approximate: return new Approximate(r.Double(), r.Double());
            case Tag.Any: return AnyValue.Instance;
            default: throw r.Fault($"the unknown tag {(byte)tag}");
        }
    }
}
