using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>A string (or bytes, or JSON text) while an expression runs: a piece of a column's data, of a constant or of scratch.</summary>
internal readonly struct Utf8Slice(byte[] data, int start, int length)
{
    public readonly byte[] Data = data;
    public readonly int Start = start;
    public readonly int Length = length;

    public static Utf8Slice Empty => new([], 0, 0);

    public ReadOnlySpan<byte> Span => new(Data, Start, Length);

    public static Utf8Slice Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    public static Utf8Slice Of(byte[] bytes) => new(bytes, 0, bytes.Length);

    public Utf8Slice Slice(int start, int length) => new(Data, Start + start, length);

    public override string ToString() => Encoding.UTF8.GetString(Span);
}
