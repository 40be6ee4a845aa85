using System.Buffers;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// Looks for a text in another in linear time, whatever they are made of. The vectorised search of .NET is several times faster and takes text times
/// pattern steps at worst, so it is used where that is little.
/// </summary>
internal static class TextSearch
{
    /// <summary>Up to this product of lengths the worst case takes well under a millisecond.</summary>
    private const long SmallProduct = 8 << 20;

    /// <summary>Where a text first occurs, in bytes; -1 when it does not. An empty one occurs at 0.</summary>
    public static int IndexOf(ReadOnlySpan<byte> text, ReadOnlySpan<byte> what)
    {
        if ((long)text.Length * what.Length <= SmallProduct) return text.IndexOf(what);
        if (what.Length > text.Length) return -1;
        var table = ArrayPool<int>.Shared.Rent(what.Length);
        try
        {
            FillBorders(what, table);
            return Scan(text, what, table);
        }
        finally
        {
            ArrayPool<int>.Shared.Return(table);
        }
    }

    /// <summary>How often a text that is not empty occurs, without overlaps.</summary>
    public static int Count(ReadOnlySpan<byte> text, ReadOnlySpan<byte> what)
    {
        var count = 0;
        for (var at = IndexOf(text, what); at >= 0; at = IndexOf(text, what))
        {
            count++;
            text = text[(at + what.Length)..];
        }
        return count;
    }

    /// <summary>For each prefix the length of its longest proper prefix that is also its end (Knuth, Morris, Pratt).</summary>
    private static void FillBorders(ReadOnlySpan<byte> what, int[] borders)
    {
        borders[0] = 0;
        var length = 0;
        for (var i = 1; i < what.Length; i++)
        {
            while (length > 0 && what[i] != what[length]) length = borders[length - 1];
            if (what[i] == what[length]) length++;
            borders[i] = length;
        }
    }

    private static int Scan(ReadOnlySpan<byte> text, ReadOnlySpan<byte> what, int[] borders)
    {
        var matched = 0;
        for (var i = 0; i < text.Length; i++)
        {
            while (matched > 0 && text[i] != what[matched]) matched = borders[matched - 1];
            if (text[i] == what[matched]) matched++;
            if (matched == what.Length) return i + 1 - matched;
        }
        return -1;
    }
}
