using System.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>The insides of JSON strings. They were scanned before: every escape is well formed.</summary>
internal static class JsonStrings
{
    /// <summary>
    /// Writes the text of a string (without its quotes) with its escapes resolved. It is never longer than <paramref
    /// name="source"/>.
    /// </summary>
    public static ValueFault Unescape(ReadOnlySpan<byte> source, Span<byte> target, out int written)
    {
        written = 0;
        while (true)
        {
            var plain = source.IndexOf((byte)'\\');
            var run = plain < 0 ? source : source[..plain];
            run.CopyTo(target[written..]);
            written += run.Length;
            if (plain < 0) return ValueFault.None;
            source = source[plain..];
            if (source[1] != 'u')
            {
                target[written++] = Simple(source[1]);
                source = source[2..];
                continue;
            }

            var fault = ReadRune(source, out var rune, out var used);
            if (fault != ValueFault.None) return fault;
            written += rune.EncodeToUtf8(target[written..]);
            source = source[used..];
        }
    }

    /// <summary>Looks into the strings of a JSON text for U+0000 and half surrogate pairs written as escapes.</summary>
    public static ValueFault CheckEscapes(ReadOnlySpan<byte> text)
    {
        while (true)
        {
            var at = text.IndexOf((byte)'\\');
            if (at < 0) return ValueFault.None;
            text = text[at..];
            var used = 2;
            if (text[1] == 'u')
            {
                var fault = ReadRune(text, out _, out used);
                if (fault != ValueFault.None) return fault;
            }

            text = text[used..];
        }
    }

    /// <summary>The value of 4 hexadecimal digits, or -1.</summary>
    public static int Hex4(ReadOnlySpan<byte> text, int at)
    {
        var value = 0;
        for (var i = 0; i < 4; i++)
        {
            var c = text[at + i];
            var digit = (uint)(c - '0') <= 9 ? c - '0' : (uint)((c | 0x20) - 'a') <= 5 ? (c | 0x20) - 'a' + 10 : -1;
            if (digit < 0) return -1;
            value = (value << 4) | digit;
        }

        return value;
    }

    private static byte Simple(byte escape) => escape switch
    {
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        _ => escape,
    };

    private static ValueFault ReadRune(ReadOnlySpan<byte> source, out Rune rune, out int used)
    {
        rune = default;
        used = 6;
        var first = Hex4(source, 2);
        if (first == 0) return ValueFault.NulCharacter;
        if (Rune.TryCreate(first, out rune)) return ValueFault.None;
        if (source.Length < 12 || source[6] != '\\' || source[7] != 'u') return ValueFault.LoneSurrogate;
        used = 12;
        return Rune.TryCreate((char)first, (char)Hex4(source, 8), out rune)
            ? ValueFault.None : ValueFault.LoneSurrogate;
    }
}
