using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>String functions on UTF-8. Characters are Unicode code points; positions count from 1.</summary>
internal static class StringOps
{
    public static bool Equal(Utf8Slice left, Utf8Slice right) =>
        left.Length == right.Length && left.Span.SequenceEqual(right.Span);

    /// <summary>By bytes, which for UTF-8 is the order of code points.</summary>
    public static int Compare(Utf8Slice left, Utf8Slice right) => left.Span.SequenceCompareTo(right.Span);

    public static Utf8Slice Greater(Utf8Slice left, Utf8Slice right) => Compare(left, right) >= 0 ? left : right;

    public static Utf8Slice Less(Utf8Slice left, Utf8Slice right) => Compare(left, right) <= 0 ? left : right;

    public static long Length(Utf8Slice text) => CountCharacters(text.Span);

    public static long ByteLength(Utf8Slice text) => text.Length;

    public static bool StartsWith(Utf8Slice text, Utf8Slice what) => text.Span.StartsWith(what.Span);

    public static bool EndsWith(Utf8Slice text, Utf8Slice what) => text.Span.EndsWith(what.Span);

    public static bool Contains(Utf8Slice text, Utf8Slice what) => TextSearch.IndexOf(text.Span, what.Span) >= 0;

    /// <summary>Where it first occurs, counted from 1; 0 when it does not.</summary>
    public static long Position(Utf8Slice what, Utf8Slice text)
    {
        var at = TextSearch.IndexOf(text.Span, what.Span);
        return at < 0 ? 0 : CountCharacters(text.Span[..at]) + 1;
    }

    public static Utf8Slice Concat(Utf8Slice left, Utf8Slice right, EvaluationState state)
    {
        if (left.Length == 0) return right;
        if (right.Length == 0) return left;
        if (!state.TryReserve((long)left.Length + right.Length, out var room)) return Utf8Slice.Empty;
        left.Span.CopyTo(room);
        right.Span.CopyTo(room[left.Length..]);
        return state.Commit(left.Length + right.Length);
    }

    public static Utf8Slice Upper(Utf8Slice text, EvaluationState state)
    {
        if (!state.TryReserve(((long)text.Length * 3 / 2) + 4, out var room)) return Utf8Slice.Empty;
        return Ascii.ToUpper(text.Span, room, out var written) == OperationStatus.Done
            ? state.Commit(written)
            : MapCase(text, room, true, state);
    }

    public static Utf8Slice Lower(Utf8Slice text, EvaluationState state)
    {
        if (!state.TryReserve(((long)text.Length * 3 / 2) + 4, out var room)) return Utf8Slice.Empty;
        return Ascii.ToLower(text.Span, room, out var written) == OperationStatus.Done
            ? state.Commit(written)
            : MapCase(text, room, false, state);
    }

    public static Utf8Slice TrimSpace(Utf8Slice text) => TrimSpaceEnd(TrimSpaceStart(text));

    public static Utf8Slice TrimSpaceStart(Utf8Slice text)
    {
        var span = text.Span;
        var start = 0;
        while (start < span.Length && IsSpace(span[start])) start++;
        return text.Slice(start, span.Length - start);
    }

    public static Utf8Slice TrimSpaceEnd(Utf8Slice text)
    {
        var span = text.Span;
        var end = span.Length;
        while (end > 0 && IsSpace(span[end - 1])) end--;
        return text.Slice(0, end);
    }

    public static Utf8Slice Trim(Utf8Slice text, Utf8Slice characters)
    {
        var set = new CharacterSet(characters.Span);
        return TrimEnd(TrimStart(text, set), set);
    }

    public static Utf8Slice TrimStart(Utf8Slice text, Utf8Slice characters) => TrimStart(text, new CharacterSet(characters.Span));

    public static Utf8Slice TrimEnd(Utf8Slice text, Utf8Slice characters) => TrimEnd(text, new CharacterSet(characters.Span));

    public static Utf8Slice SubstringFrom(Utf8Slice text, long start) => Substring(text, start, long.MaxValue);

    /// <summary>
    /// As SQL has it: characters start to start + length - 1 of those there are, so that a start below 1 uses up length. A negative
    /// length gives ''.
    /// </summary>
    public static Utf8Slice Substring(Utf8Slice text, long start, long length)
    {
        if (length <= 0) return Utf8Slice.Empty;
        var end = start > 0 && length > long.MaxValue - start ? long.MaxValue : start + length;
        if (start < 1) start = 1;
        if (end <= start) return Utf8Slice.Empty;
        var from = Advance(text.Span, 0, start - 1);
        var to = Advance(text.Span, from, end - start);
        return text.Slice(from, to - from);
    }

    public static Utf8Slice Left(Utf8Slice text, long count) =>
        count <= 0 ? Utf8Slice.Empty : text.Slice(0, Advance(text.Span, 0, count));

    public static Utf8Slice Right(Utf8Slice text, long count)
    {
        if (count <= 0) return Utf8Slice.Empty;
        var skip = CountCharacters(text.Span) - count;
        if (skip <= 0) return text;
        var from = Advance(text.Span, 0, skip);
        return text.Slice(from, text.Length - from);
    }

    /// <summary>Fills up on the left to so many characters, or cuts on the right.</summary>
    public static Utf8Slice PadLeft(Utf8Slice text, long width, Utf8Slice fill, EvaluationState state) =>
        Pad(text, width, fill, true, state);

    public static Utf8Slice PadRight(Utf8Slice text, long width, Utf8Slice fill, EvaluationState state) =>
        Pad(text, width, fill, false, state);

    public static Utf8Slice Replace(Utf8Slice text, Utf8Slice what, Utf8Slice with, EvaluationState state)
    {
        var span = text.Span;
        var count = what.Length == 0 ? 0 : TextSearch.Count(span, what.Span);
        if (count == 0) return text;
        if (!state.TryReserve(span.Length + ((long)count * (with.Length - what.Length)), out var room)) return Utf8Slice.Empty;
        var written = 0;
        while (true)
        {
            var at = TextSearch.IndexOf(span, what.Span);
            var piece = at < 0 ? span : span[..at];
            piece.CopyTo(room[written..]);
            written += piece.Length;
            if (at < 0) return state.Commit(written);
            with.Span.CopyTo(room[written..]);
            written += with.Length;
            span = span[(at + what.Length)..];
        }
    }

    /// <summary>The n-th part, counted from 1, or from the end when negative; NULL when there is none.</summary>
    public static Utf8Slice SplitPart(Utf8Slice text, Utf8Slice separator, long part, EvaluationState state)
    {
        if (part < 0) part = (separator.Length == 0 ? 1 : TextSearch.Count(text.Span, separator.Span) + 1) + part + 1;
        var start = 0;
        for (long i = 1; part >= 1; i++)
        {
            var rest = text.Span[start..];
            var at = separator.Length == 0 ? -1 : TextSearch.IndexOf(rest, separator.Span);
            if (i == part) return text.Slice(start, at < 0 ? rest.Length : at);
            if (at < 0) break;
            start += at + separator.Length;
        }
        state.GiveNull();
        return Utf8Slice.Empty;
    }

    public static Utf8Slice Reverse(Utf8Slice text, EvaluationState state)
    {
        if (!state.TryReserve(text.Length, out var room)) return Utf8Slice.Empty;
        var to = text.Length;
        for (var at = 0; at < text.Length;)
        {
            var length = CharacterLength(text.Span, at);
            to -= length;
            text.Span.Slice(at, length).CopyTo(room[to..]);
            at += length;
        }
        return state.Commit(text.Length);
    }

    public static Utf8Slice ToHex(Utf8Slice bytes, EvaluationState state)
    {
        if (!state.TryReserve(bytes.Length * 2L, out var room)) return Utf8Slice.Empty;
        Convert.TryToHexStringLower(bytes.Span, room, out var written);
        return state.Commit(written);
    }

    public static Utf8Slice ToBase64(Utf8Slice bytes, EvaluationState state)
    {
        if (!state.TryReserve(Base64.GetMaxEncodedToUtf8Length(bytes.Length), out var room)) return Utf8Slice.Empty;
        Base64.EncodeToUtf8(bytes.Span, room, out _, out var written);
        return state.Commit(written);
    }

    public static Utf8Slice FromBase64(Utf8Slice text, EvaluationState state)
    {
        if (!state.TryReserve(text.Length, out var room)) return Utf8Slice.Empty;
        if (Base64.DecodeFromUtf8(text.Span, room, out var consumed, out var written) == OperationStatus.Done
            && consumed == text.Length) return state.Commit(written);
        state.Fail(ErrorCode.CastFailed, "The text is not base64.");
        return Utf8Slice.Empty;
    }

    /// <summary>The number of code points: all bytes but continuation bytes.</summary>
    public static long CountCharacters(ReadOnlySpan<byte> text)
    {
        if (Ascii.IsValid(text)) return text.Length;
        var count = 0;
        foreach (var b in text)
        {
            if ((b & 0xC0) != 0x80) count++;
        }
        return count;
    }

    /// <summary>How many bytes the character at a place has; 1 for what is not UTF-8.</summary>
    public static int CharacterLength(ReadOnlySpan<byte> text, int at)
    {
        var end = at + 1;
        while (end < text.Length && (text[end] & 0xC0) == 0x80) end++;
        return end - at;
    }

    private static Utf8Slice TrimStart(Utf8Slice text, CharacterSet characters)
    {
        var start = 0;
        while (start < text.Length)
        {
            var length = CharacterLength(text.Span, start);
            if (!characters.Contains(text.Span.Slice(start, length))) break;
            start += length;
        }
        return text.Slice(start, text.Length - start);
    }

    private static Utf8Slice TrimEnd(Utf8Slice text, CharacterSet characters)
    {
        var end = text.Length;
        while (end > 0)
        {
            var start = end - 1;
            while (start > 0 && (text.Span[start] & 0xC0) == 0x80) start--;
            if (!characters.Contains(text.Span[start..end])) break;
            end = start;
        }
        return text.Slice(0, end);
    }

    private static int Advance(ReadOnlySpan<byte> text, int from, long characters)
    {
        if (characters >= text.Length - from) return text.Length;
        var at = from;
        for (; characters > 0 && at < text.Length; characters--) at += CharacterLength(text, at);
        return at;
    }

    private static bool IsSpace(byte b) => b is (byte)' ' or >= 9 and <= 13;

    private static Utf8Slice MapCase(Utf8Slice text, Span<byte> room, bool upper, EvaluationState state)
    {
        var rest = text.Span;
        var written = 0;
        while (rest.Length > 0)
        {
            Rune.DecodeFromUtf8(rest, out var rune, out var consumed);
            var mapped = upper ? Rune.ToUpperInvariant(rune) : Rune.ToLowerInvariant(rune);
            if (room.Length - written < mapped.Utf8SequenceLength) break;
            written += mapped.EncodeToUtf8(room[written..]);
            rest = rest[consumed..];
        }
        return state.Commit(written);
    }

    /// <summary>Fills a target with a text again and again; what is there already is copied, so that the steps double.</summary>
    private static void Repeat(ReadOnlySpan<byte> text, Span<byte> target)
    {
        var done = Math.Min(text.Length, target.Length);
        text[..done].CopyTo(target);
        while (done < target.Length)
        {
            var count = Math.Min(done, target.Length - done);
            target[..count].CopyTo(target[done..]);
            done += count;
        }
    }

    private static Utf8Slice Pad(Utf8Slice text, long width, Utf8Slice fill, bool left, EvaluationState state)
    {
        var missing = width - CountCharacters(text.Span);
        if (missing <= 0) return Left(text, width);
        var fillCharacters = CountCharacters(fill.Span);
        if (fillCharacters == 0) return text;
        if (missing > ExpressionLimits.MaxStringBytes * 4L / fill.Length * fillCharacters)
        {
            state.Fail(ErrorCode.TooLong, "A string longer than 1 MiB.");
            return Utf8Slice.Empty;
        }
        var tail = Advance(fill.Span, 0, missing % fillCharacters);
        var padding = (missing / fillCharacters * fill.Length) + (missing % fillCharacters == 0 ? 0 : tail);
        if (!state.TryReserve(text.Length + padding, out var room)) return Utf8Slice.Empty;
        var target = left ? room[..(int)padding] : room.Slice(text.Length, (int)padding);
        text.Span.CopyTo(left ? room[(int)padding..] : room);
        Repeat(fill.Span, target);
        return state.Commit((int)(text.Length + padding));
    }
}

/// <summary>The characters of a text: few are looked through, many are in a set.</summary>
internal readonly ref struct CharacterSet
{
    private const int Few = 64;

    private readonly ReadOnlySpan<byte> _text;
    private readonly HashSet<uint>? _set;

    public CharacterSet(ReadOnlySpan<byte> text)
    {
        _text = text;
        if (text.Length <= Few) return;
        _set = [];
        for (var at = 0; at < text.Length;)
        {
            var length = StringOps.CharacterLength(text, at);
            _set.Add(Utf8Characters.Pack(text.Slice(at, length)));
            at += length;
        }
    }

    public bool Contains(ReadOnlySpan<byte> character) =>
        _set is null ? _text.IndexOf(character) >= 0 : _set.Contains(Utf8Characters.Pack(character));
}
