using System.Text;
using System.Text.Json;
using CsCheck;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Records;

/// <summary>The decoder against a slow one made of System.Text.Json, on generated and on damaged texts.</summary>
public sealed class JsonDifferentialTests
{
    private static readonly SourceFormatSpec Spec = RawBatches.Spec(
        "id string; n integer; d decimal(9,3); f double; b boolean; city string path=customer.address.city; "
        + "customer json; t timestamp; x bytes; day date; ms timestamp enc=epoch_ms; s timestamp enc=epoch_s");

    [Fact]
    public void Generated_records_decode_as_the_naive_model_says()
    {
        Documents.Array[1, 12].Sample(texts => Compare(texts.Select(Encoding.UTF8.GetBytes).ToArray()), iter: 6000);
    }

    [Fact]
    public void Damaged_records_are_accepted_and_refused_as_the_naive_model_says()
    {
        var damage = Gen.Select(Gen.Int[0, 400], Gen.OneOf(Gen.Byte,
            Of(" \t\n\"\\{}[],:0123456789.eE+-tfnu/\0"u8.ToArray())), Gen.Int[0, 3]);
        Gen.Select(Documents, damage.Array[1, 3]).Array[1, 6].Sample(
            texts => Compare(texts.Select(t => Damage(Encoding.UTF8.GetBytes(t.Item1), t.Item2)).ToArray()),
                iter: 20000);
    }

    private static void Compare(byte[][] values)
    {
        var raw = RawBatches.Of(values.Select(v => ((byte[]?)null, (byte[]?)v)).ToArray());
        var batch = RawBatches.Decode(Spec, raw);
        for (var i = 0; i < values.Length; i++)
        {
            var expected = NaiveJsonDecoder.Decode(Spec, values[i]);
            var actual = RawBatches.Outcome(batch, i);
            if (actual.StartsWith("KOR", StringComparison.Ordinal)) actual = "refused";
            Assert.True(expected == actual,
                $"{Encoding.UTF8.GetString(values[i])}\nexpected {expected}\nactual   {RawBatches.Outcome(batch, i)}");
        }
    }

    private static byte[] Damage(byte[] text, (int Place, byte Value, int How)[] damages)
    {
        var bytes = text.ToList();
        foreach (var (place, value, how) in damages)
        {
            var at = bytes.Count == 0 ? 0 : place % bytes.Count;
            if (how == 0) bytes.Insert(at, value);
            else if (bytes.Count != 0 && how == 1) bytes.RemoveAt(at);
            else if (bytes.Count != 0 && how == 2) bytes[at] = value;
            else bytes.RemoveRange(at, bytes.Count - at);
        }

        return [.. bytes];
    }

    private static readonly Gen<string> Space = Gen.Frequency((12, Gen.Const("")), (1, Of(" ", "\n\t", "\r\n  ")));

    private static readonly Gen<string> Number = Gen.Frequency(
        (4, Gen.Int.Select(i => i.ToString())),
        (3, Gen.Long.Select(i => i.ToString())),
        (3, Gen.Select(Gen.Int[-100000, 100000], Gen.Int[0, 99999]).Select((a, b) => $"{a}.{b}")),
        (2, Gen.Double.Where(double.IsFinite).Select(d => d.ToString("R").Replace("E+", "e"))),
        (1, Gen.Select(Gen.Int[1, 60], Gen.Int[0, 60], Gen.Int[-70, 70]).Select((a, b, e) => new string('7',
            a) + "." + new string('0', b) + "5e" + e)),
        (1, Gen.Select(Gen.Int[1, 9], Gen.Int[0, 45], Gen.Int[-60, 25]).Select((a, b, e) => a + new string('0',
            b) + "E" + e)),
        (1, Of("0", "-0", "-0.0", "1.0", "1.50", "1e400", "0.0001", "123456.000", "1234567.0", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "1e2", "100e-2", "0e99999", "1767225600123",
                "1767225600.25", "NaN", "01", "+1", ".5", "1.", "-")));

    private static readonly Gen<string> Text = Gen.Frequency(
        (6, Gen.String[Gen.Char['a', 'z'], 0, 40]),
        (2, Gen.String[Gen.Char['\u0020', '\u02ff'], 0, 20].Select(s => s.Replace("\\", "\\\\").Replace("\"", "\\\""))),
        (2, Of("\\u0061", "\\ud83d\\ude00", "\\ud83d", "\\ude00x", "\\u0000", "\\n\\t\\/\\\\\\\"", "😀é", "\\x",
            "\\u12", "\\uD83D\\u0041", "a\\u00e9")),
        (1, Of("2026-01-31", "2026-01-31T10:30:00Z", "2026-02-30", "2026-01-31T10:30:00.1234567+01:30",
            "1969-12-31 23:59:59.999999", "AP8=", "AP8", "12.5", "42")))
        .Select(s => $"\"{s}\"");

    private static readonly Gen<string> Name = Gen.Frequency(
        (9, Of("id", "n", "d", "f", "b", "customer", "t", "x", "day", "ms", "s")),
        (2, Of("\\u0069d", "other", "", "\\u006e", "a\\ud800", "ID", "customer ", "address")));

    private static readonly Gen<string> Scalar = Gen.Frequency((5, Number), (5, Text), (2, Of("true", "false",
        "null", "nul", "True")));

    private static readonly Gen<string> Value = Nested(3);

    private static readonly Gen<string> Address = Gen.Frequency(
        (4, Gen.Select(Space, Text).Select((s, t) => $"{{\"address\":{s}{{\"zip\":1,\"city\":{t}}}{s}}}")),
        (1, Gen.Select(Text, Text).Select((a,
            b) => $"{{\"address\":{{\"city\":{a}}},\"x\":[],\"address\":{{\"city\":{b}}}}}")),
        (1, Gen.Const("{\"address\":null}")),
        (1, Gen.Const("{\"address\":{\"city\":1}}")));

    private static readonly Gen<string> Property =
        Gen.Select(Name, Space, Space, Gen.Frequency((4, Value), (2, Address)))
            .Select((n, a, b, v) => $"\"{n}\"{a}:{b}{v}");

    private static readonly Gen<string> Documents =
        Gen.Select(Property.Array[0, 10], Space, Space).Select((p, a,
            b) => $"{a}{{{b}{string.Join("," + b, p)}{a}}}{b}");

    private static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static Gen<string> Nested(int depth) => depth == 0
        ? Scalar
        : Gen.Frequency(
            (8, Scalar),
            (1, Nested(depth - 1).Array[0, 3].Select(v => $"[{string.Join(" ,", v)}]")),
            (1, Gen.Select(Name, Nested(depth - 1)).Select((n, v) => $"{{\"{n}\":{v}}}")));
}
