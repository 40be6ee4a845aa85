using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>What is wrong with a JSON text.</summary>
internal enum JsonError : byte
{
    None,
    UnexpectedEnd,
    UnexpectedByte,
    ControlCharacter,
    BadEscape,
    BadNumber,
    BadLiteral,
    TooDeep,
    TextAfterEnd,
    LoneSurrogateInName,
}

/// <summary>The first fault of a JSON text and its byte offset.</summary>
internal struct JsonFault
{
    public JsonError Error;
    public int At;

    public int Set(JsonError error, int at)
    {
        Error = error;
        At = at;
        return -1;
    }
}

/// <summary>
/// Checks and steps over JSON as RFC 8259 has it: no comments, no trailing commas, no NaN, no control characters in
/// strings. Methods give the place after what they scanned, or -1 with the fault set.
/// </summary>
internal static class JsonScanner
{
    public const int DefaultMaxDepth = SourceFormatSpec.DefaultMaxDepth;

    /// <summary>True when the whole text is one JSON value, whitespace around it allowed.</summary>
    public static bool IsValid(ReadOnlySpan<byte> text, int maxDepth)
    {
        JsonFault fault = default;
        var pos = SkipValue(text, SkipWhitespace(text, 0), 0, maxDepth, ref fault);
        return pos >= 0 && SkipWhitespace(text, pos) == text.Length;
    }

    /// <summary>The next place that is no whitespace.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int SkipWhitespace(ReadOnlySpan<byte> text, int pos)
    {
        while ((uint)pos < (uint)text.Length && text[pos] <= ' ' && IsWhitespace(text[pos])) pos++;
        return pos;
    }

    /// <summary>
    /// Steps over the value that starts at <paramref name="pos"/>; so many containers are open around it.
    /// </summary>
    public static int SkipValue(ReadOnlySpan<byte> text, int pos, int depth, int maxDepth, ref JsonFault fault)
    {
        if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, pos);
        return text[pos] is (byte)'{' or (byte)'['
            ? SkipContainer(text, pos, depth, maxDepth, ref fault)
            : SkipScalar(text, pos, ref fault);
    }

    /// <summary>Steps over a string; <paramref name="pos"/> is at its quote.</summary>
    public static int SkipString(ReadOnlySpan<byte> text, int pos, out bool escaped, ref JsonFault fault)
    {
        escaped = false;
        pos++;
        while (true)
        {
            pos = FindSpecial(text, pos);
            if (pos >= text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
            var c = text[pos];
            if (c == '"') return pos + 1;
            if (c != '\\') return fault.Set(JsonError.ControlCharacter, pos);
            escaped = true;
            pos = SkipEscape(text, pos, ref fault);
            if (pos < 0) return -1;
        }
    }

    /// <summary>The next quote, backslash or control character, or the end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int FindSpecial(ReadOnlySpan<byte> text, int pos)
    {
        ref var start = ref MemoryMarshal.GetReference(text);
        while (pos <= text.Length - Vector128<byte>.Count)
        {
            var mask = SpecialMask(Vector128.LoadUnsafe(ref start, (nuint)pos));
            if (mask != 0) return pos + BitOperations.TrailingZeroCount(mask);
            pos += Vector128<byte>.Count;
        }

        while (pos < text.Length && !IsSpecial(text[pos])) pos++;
        return pos;
    }

    /// <summary>A bit per byte that is a quote, a backslash or a control character.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint SpecialMask(Vector128<byte> bytes) =>
        (Vector128.Equals(bytes, Vector128.Create((byte)'"'))
            | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))
            | Vector128.LessThan(bytes, Vector128.Create((byte)' '))).ExtractMostSignificantBits();

    /// <summary>True for a quote, a backslash or a control character.</summary>
    public static bool IsSpecial(byte c) => c < ' ' || c is (byte)'"' or (byte)'\\';

    /// <summary>Steps over null, true or false when it stands at <paramref name="pos"/>.</summary>
    public static int SkipLiteral(ReadOnlySpan<byte> text, int pos, ReadOnlySpan<byte> literal, ref JsonFault fault) =>
        text[pos..].StartsWith(literal) ? pos + literal.Length : fault.Set(JsonError.BadLiteral, pos);

    private static bool IsWhitespace(byte c) => c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t';

    private static int SkipScalar(ReadOnlySpan<byte> text, int pos, ref JsonFault fault)
    {
        switch (text[pos])
        {
            case (byte)'"':
                return SkipString(text, pos, out _, ref fault);
            case (byte)'t':
                return SkipLiteral(text, pos, "true"u8, ref fault);
            case (byte)'f':
                return SkipLiteral(text, pos, "false"u8, ref fault);
            case (byte)'n':
                return SkipLiteral(text, pos, "null"u8, ref fault);
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                var end = NumberText.Scan(text, pos, out _);
                return end < 0 ? fault.Set(JsonError.BadNumber, pos) : end;
            default:
                return fault.Set(JsonError.UnexpectedByte, pos);
        }
    }

    private static int SkipEscape(ReadOnlySpan<byte> text, int pos, ref JsonFault fault)
    {
        if (pos + 1 >= text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
        switch (text[pos + 1])
        {
            case (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t':
                return pos + 2;
            case (byte)'u' when pos + 6 <= text.Length && JsonStrings.Hex4(text, pos + 2) >= 0:
                return pos + 6;
            default:
                return fault.Set(JsonError.BadEscape, pos);
        }
    }

    // Without recursion: one bit per open container says whether it is an object.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int SkipContainer(ReadOnlySpan<byte> text, int pos, int depth, int maxDepth, ref JsonFault fault)
    {
        Span<ulong> objects = stackalloc ulong[(maxDepth >> 6) + 1];
        var open = 0;
        while (true)
        {
            if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
            if (text[pos] is (byte)'{' or (byte)'[')
            {
                if (depth + open >= maxDepth) return fault.Set(JsonError.TooDeep, pos);
                var isObject = text[pos] == '{';
                SetBit(objects, open++, isObject);
                pos = SkipWhitespace(text, pos + 1);
                if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
                if (text[pos] != (isObject ? (byte)'}' : (byte)']'))
                {
                    if (isObject) pos = SkipName(text, pos, ref fault);
                    if (pos < 0) return -1;
                    continue;
                }
            }
            else
            {
                pos = SkipScalar(text, pos, ref fault);
                if (pos < 0) return -1;
                pos = SkipWhitespace(text, pos);
            }

            pos = CloseContainers(text, pos, objects, ref open, ref fault);
            if (pos < 0 || open == 0) return pos;
        }
    }

    // After a value (or at the end of an empty container): closes what ends here and steps to the next value.
    private static int CloseContainers(
        ReadOnlySpan<byte> text, int pos, ReadOnlySpan<ulong> objects, ref int open, ref JsonFault fault)
    {
        while (true)
        {
            if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
            var isObject = (objects[(open - 1) >> 6] >> ((open - 1) & 63) & 1) != 0;
            if (text[pos] == ',')
            {
                pos = SkipWhitespace(text, pos + 1);
                return isObject ? SkipName(text, pos, ref fault) : pos;
            }

            if (text[pos] != (isObject ? (byte)'}' : (byte)']')) return fault.Set(JsonError.UnexpectedByte, pos);
            open--;
            pos++;
            if (open == 0) return pos;
            pos = SkipWhitespace(text, pos);
        }
    }

    private static int SkipName(ReadOnlySpan<byte> text, int pos, ref JsonFault fault)
    {
        if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
        if (text[pos] != '"') return fault.Set(JsonError.UnexpectedByte, pos);
        pos = SkipString(text, pos, out _, ref fault);
        return pos < 0 ? -1 : SkipColon(text, pos, ref fault);
    }

    /// <summary>From after a name to its value.</summary>
    public static int SkipColon(ReadOnlySpan<byte> text, int pos, ref JsonFault fault)
    {
        pos = SkipWhitespace(text, pos);
        if ((uint)pos >= (uint)text.Length) return fault.Set(JsonError.UnexpectedEnd, text.Length);
        return text[pos] == ':' ? SkipWhitespace(text, pos + 1) : fault.Set(JsonError.UnexpectedByte, pos);
    }

    private static void SetBit(Span<ulong> bits, int index, bool value)
    {
        var bit = 1UL << (index & 63);
        if (value) bits[index >> 6] |= bit;
        else bits[index >> 6] &= ~bit;
    }
}
