using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>
/// A LIKE pattern, made ready: % stands for any characters, _ for one. What stands between two % has a fixed number of characters, so the first place where
/// it fits is as good as any later one: the pieces are looked for one after another and nothing is tried twice.
/// </summary>
internal sealed class LikePattern
{
    private readonly LikePiece[] _pieces;
    private readonly bool _openStart;
    private readonly bool _openEnd;

    private LikePattern(List<LikePiece> pieces, bool openStart, bool openEnd) =>
        (_pieces, _openStart, _openEnd) = ([.. pieces], openStart, openEnd);

    /// <summary>Makes a pattern; the escape character (null: none) takes the meaning from the one after it.</summary>
    public static LikePattern? Create(string pattern, Rune? escape, out string? error)
    {
        var pieces = new List<LikePiece>();
        var piece = new List<Rune?>();
        var (escaped, openStart, openEnd) = (false, false, false);
        foreach (var rune in pattern.EnumerateRunes())
        {
            if (!escaped && rune == escape)
            {
                escaped = true;
                continue;
            }
            var special = rune.Value is '%' or '_';
            if (escaped && !special && rune != escape)
            {
                error = $"The escape character stands before '{rune}', but has a meaning only before %, _ and itself.";
                return null;
            }
            var isWild = !escaped && special;
            escaped = false;
            openEnd = isWild && rune.Value == '%';
            if (!openEnd)
            {
                piece.Add(isWild ? null : rune);
                continue;
            }
            if (piece.Count == 0) openStart |= pieces.Count == 0;
            else pieces.Add(new LikePiece(piece));
            piece.Clear();
        }
        error = escaped ? "The pattern ends with the escape character." : null;
        if (escaped) return null;
        if (piece.Count != 0) pieces.Add(new LikePiece(piece));
        return new LikePattern(pieces, openStart, openEnd);
    }

    public static bool Match(Utf8Slice text, LikePattern pattern, EvaluationState state) => pattern.Match(text.Span, state);

    private bool Match(ReadOnlySpan<byte> text, EvaluationState state)
    {
        var (first, last) = (0, _pieces.Length);
        if (last == 0) return _openStart || _openEnd || text.IsEmpty;
        var at = 0;
        if (!_openStart)
        {
            at = _pieces[first++].EndAt(text, 0);
            if (at < 0) return false;
            if (first == last) return _openEnd || at == text.Length;
        }
        if (!_openEnd)
        {
            var start = _pieces[--last].StartBefore(text, at);
            if (start < 0) return false;
            text = text[..start];
        }
        for (; first < last; first++)
        {
            var end = _pieces[first].FindEnd(text[at..], state);
            if (end < 0) return false;
            at += end;
        }
        return true;
    }
}

/// <summary>What stands between two % of a LIKE pattern: characters, and _ for any one.</summary>
internal sealed class LikePiece
{
    private const int WordBits = 64;

    private readonly int _characters;

    // Without any _: its bytes. Otherwise per character which places of the piece take it, in bits.
    private readonly byte[]? _literal;
    private readonly byte[]?[] _places = [];
    private readonly int _words;
    private readonly ulong[] _any = [];
    private readonly ulong[]?[] _ascii = [];
    private readonly Dictionary<uint, ulong[]> _others = [];

    /// <summary>Makes a piece of characters; null is _.</summary>
    public LikePiece(List<Rune?> characters)
    {
        _characters = characters.Count;
        _places = [.. characters.Select(c => c is { } rune ? BytesOf(rune) : null)];
        if (!characters.Contains(null))
        {
            _literal = [.. _places.SelectMany(p => p!)];
            return;
        }
        _words = (_characters + WordBits - 1) / WordBits;
        _any = new ulong[_words];
        _ascii = new ulong[]?[128];
        for (var i = 0; i < _characters; i++)
        {
            if (_places[i] is null) _any[i / WordBits] |= 1UL << (i % WordBits);
        }
        for (var i = 0; i < _characters; i++)
        {
            if (_places[i] is { } bytes) MaskOf(Utf8Characters.Pack(bytes), make: true)[i / WordBits] |= 1UL << (i % WordBits);
        }
    }

    /// <summary>Where the piece ends when it begins at a place; -1 when it does not fit there.</summary>
    public int EndAt(ReadOnlySpan<byte> text, int at)
    {
        if (_literal is not null) return text[at..].StartsWith(_literal) ? at + _literal.Length : -1;
        foreach (var place in _places)
        {
            if (at >= text.Length) return -1;
            var length = StringOps.CharacterLength(text, at);
            if (place is not null && !text.Slice(at, length).SequenceEqual(place)) return -1;
            at += length;
        }
        return at;
    }

    /// <summary>Where the piece begins when it ends with the text, not before a place; -1 when it does not fit there.</summary>
    public int StartBefore(ReadOnlySpan<byte> text, int from)
    {
        var start = text.Length;
        if (_literal is not null) start -= _literal.Length;
        else
        {
            for (var i = 0; i < _characters && start > from; i++)
            {
                start--;
                while (start > from && (text[start] & 0xC0) == 0x80) start--;
            }
        }
        return start >= from && EndAt(text, start) == text.Length ? start : -1;
    }

    /// <summary>Where the first occurrence of the piece ends; -1 when there is none.</summary>
    public int FindEnd(ReadOnlySpan<byte> text, EvaluationState state)
    {
        if (_literal is not null)
        {
            var at = TextSearch.IndexOf(text, _literal);
            return at < 0 ? -1 : at + _literal.Length;
        }
        if (_words > 1 && !state.Charge((long)text.Length * _words)) return -1;
        return FindWithAny(text);
    }

    /// <summary>All places at once, a bit each (Baeza-Yates and Gonnet): the bits of a word move one place per character.</summary>
    private int FindWithAny(ReadOnlySpan<byte> text)
    {
        Span<ulong> reached = _words <= 64 ? stackalloc ulong[_words] : new ulong[_words];
        reached.Clear();
        var (lastWord, lastBit) = ((_characters - 1) / WordBits, 1UL << ((_characters - 1) % WordBits));
        for (var at = 0; at < text.Length;)
        {
            var length = StringOps.CharacterLength(text, at);
            var mask = MaskOf(Utf8Characters.Pack(text.Slice(at, length)), make: false);
            var carry = 1UL;
            for (var word = 0; word < _words; word++)
            {
                var next = reached[word] >> (WordBits - 1);
                reached[word] = ((reached[word] << 1) | carry) & mask[word];
                carry = next;
            }
            at += length;
            if ((reached[lastWord] & lastBit) != 0) return at;
        }
        return -1;
    }

    private ulong[] MaskOf(uint character, bool make)
    {
        ulong[]? mask;
        if (character < 128) mask = _ascii[character];
        else _others.TryGetValue(character, out mask);
        if (mask is not null || !make) return mask ?? _any;
        mask = [.. _any];
        if (character < 128) _ascii[character] = mask;
        else _others[character] = mask;
        return mask;
    }

    private static byte[] BytesOf(Rune rune)
    {
        Span<byte> buffer = stackalloc byte[4];
        return buffer[..rune.EncodeToUtf8(buffer)].ToArray();
    }
}

/// <summary>Characters of UTF-8 as numbers.</summary>
internal static class Utf8Characters
{
    /// <summary>The bytes of a character in one number; what is longer than any character is one of its own.</summary>
    public static uint Pack(ReadOnlySpan<byte> character)
    {
        if (character.Length > 4) return uint.MaxValue;
        var packed = 0u;
        foreach (var b in character) packed = (packed << 8) | b;
        return packed;
    }
}
