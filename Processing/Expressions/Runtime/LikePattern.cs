using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>A LIKE pattern, made ready: % stands for any characters, _ for one.</summary>
internal sealed class LikePattern
{
    private readonly byte[] _bytes;
    private readonly byte[] _wild;
    private readonly Shape _shape;
    private readonly byte[] _literal;

    private LikePattern(byte[] bytes, byte[] wild)
    {
        _bytes = bytes;
        _wild = wild;
        _literal = [.. bytes.Where((_, i) => wild[i] == 0)];
        var leading = wild.Length > 0 && wild[0] == Many;
        var trailing = wild.Length > 1 && wild[^1] == Many;
        var stars = wild.Count(w => w != 0);
        _shape = stars switch
        {
            0 => Shape.Equal,
            1 when wild.Length == 1 && leading => Shape.Contains,
            1 when trailing => Shape.StartsWith,
            1 when leading => Shape.EndsWith,
            2 when leading && trailing => Shape.Contains,
            _ => Shape.General,
        };
    }

    private const byte One = 1;
    private const byte Many = 2;

    private enum Shape
    {
        Equal,
        StartsWith,
        EndsWith,
        Contains,
        General,
    }

    /// <summary>Makes a pattern; the escape character (null: none) takes the meaning from the one after it.</summary>
    public static LikePattern? Create(string pattern, Rune? escape, out string? error)
    {
        var bytes = new List<byte>(pattern.Length);
        var wild = new List<byte>(pattern.Length);
        Span<byte> buffer = stackalloc byte[4];
        var escaped = false;
        foreach (var rune in pattern.EnumerateRunes())
        {
            if (!escaped && rune == escape)
            {
                escaped = true;
                continue;
            }
            var special = rune.Value switch { '%' => Many, '_' => One, _ => (byte)0 };
            if (escaped && special == 0 && rune != escape)
            {
                error = $"The escape character stands before '{rune}', but has a meaning only before %, _ and itself.";
                return null;
            }
            var isWild = !escaped && special != 0;
            escaped = false;
            if (isWild && special == Many && wild.Count > 0 && wild[^1] == Many) continue;
            if (isWild)
            {
                bytes.Add(0);
                wild.Add(special);
                continue;
            }
            var length = rune.EncodeToUtf8(buffer);
            for (var i = 0; i < length; i++)
            {
                bytes.Add(buffer[i]);
                wild.Add(0);
            }
        }
        error = escaped ? "The pattern ends with the escape character." : null;
        return escaped ? null : new LikePattern([.. bytes], [.. wild]);
    }

    public static bool Match(Utf8Slice text, LikePattern pattern) => pattern._shape switch
    {
        Shape.Equal => text.Span.SequenceEqual(pattern._literal),
        Shape.StartsWith => text.Span.StartsWith(pattern._literal),
        Shape.EndsWith => text.Span.EndsWith(pattern._literal),
        Shape.Contains => text.Span.IndexOf(pattern._literal) >= 0,
        _ => pattern.MatchGenerally(text.Span),
    };

    /// <summary>Goes back to the last % only: at most text times pattern steps.</summary>
    private bool MatchGenerally(ReadOnlySpan<byte> text)
    {
        int at = 0, pattern = 0, star = -1, starAt = 0;
        while (at < text.Length)
        {
            if (pattern < _bytes.Length && _wild[pattern] == One)
            {
                at += StringOps.CharacterLength(text, at);
                pattern++;
            }
            else if (pattern < _bytes.Length && _wild[pattern] == 0 && _bytes[pattern] == text[at])
            {
                at++;
                pattern++;
            }
            else if (pattern < _bytes.Length && _wild[pattern] == Many)
            {
                star = pattern++;
                starAt = at;
            }
            else if (star >= 0)
            {
                pattern = star + 1;
                starAt += StringOps.CharacterLength(text, starAt);
                at = starAt;
            }
            else
            {
                return false;
            }
        }
        while (pattern < _bytes.Length && _wild[pattern] == Many) pattern++;
        return pattern == _bytes.Length;
    }
}
