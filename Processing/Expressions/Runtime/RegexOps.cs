using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Regular expressions in linear time. .NET's work on UTF-16, so the text is converted into a rented buffer.</summary>
internal static class RegexOps
{
    public const int MaxPatternChars = 1_000;

    /// <summary>What finding a match costs besides going through the text.</summary>
    private const int MatchWork = 64;

    /// <summary>Makes a regular expression, or says what is wrong with it.</summary>
    public static Regex? Create(string pattern, out string? error)
    {
        error = null;
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            error = "Backreferences, look-around, atomic groups and conditions are not supported, or the expression is too large.";
        }
        catch (ArgumentException e)
        {
            error = "The regular expression is malformed: " + e.Message;
        }
        return null;
    }

    public static bool Like(Utf8Slice text, Regex regex, EvaluationState state)
    {
        if (!state.Charge((long)text.Length * ExpressionLimits.RegexWork)) return false;
        var buffer = Rent(text, out var length);
        try
        {
            return regex.IsMatch(buffer.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    public static Utf8Slice Extract(Utf8Slice text, Regex regex, int group, EvaluationState state)
    {
        if (!state.Charge((long)text.Length * ExpressionLimits.RegexWork)) return Utf8Slice.Empty;
        if (group == 0)
        {
            var buffer = Rent(text, out var length);
            try
            {
                foreach (var match in regex.EnumerateMatches(buffer.AsSpan(0, length)))
                    return Encode(buffer.AsSpan(match.Index, match.Length), state);
            }
            finally
            {
                ArrayPool<char>.Shared.Return(buffer);
            }
        }
        else if (regex.Match(text.ToString()).Groups[group] is { Success: true } found)
        {
            return Encode(found.ValueSpan, state);
        }
        state.GiveNull();
        return Utf8Slice.Empty;
    }

    /// <summary>Match by match, so that neither the length of the result nor the work is known only when it is too late.</summary>
    public static Utf8Slice Replace(Utf8Slice text, RegexReplacement replacement, EvaluationState state)
    {
        if (!state.Charge((long)text.Length * ExpressionLimits.RegexWork)) return Utf8Slice.Empty;
        using var output = new BoundedText(ExpressionLimits.MaxStringBytes);
        var buffer = Rent(text, out var length);
        try
        {
            var chars = buffer.AsSpan(0, length);
            var end = replacement.NeedsGroups
                ? ReplaceWithGroups(new string(chars), replacement, output, state)
                : ReplacePlainly(chars, replacement, output, state);
            if (end == Untouched) return text;
            if (end >= 0 && output.Append(chars[end..])) return Encode(output.Written, state);
            state.FailTooLong();
            return Utf8Slice.Empty;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    private const int Untouched = -1;
    private const int Refused = -2;

    /// <summary>Where the last match ended; or that there was none, or that the row has failed.</summary>
    private static int ReplacePlainly(ReadOnlySpan<char> text, RegexReplacement replacement, BoundedText output, EvaluationState state)
    {
        var at = Untouched;
        foreach (var match in replacement.Regex.EnumerateMatches(text))
        {
            if (!Take(text, replacement, output, match.Index, match.Length, null, ref at, state)) return Refused;
        }
        return at;
    }

    private static int ReplaceWithGroups(string text, RegexReplacement replacement, BoundedText output, EvaluationState state)
    {
        var at = Untouched;
        for (var match = replacement.Regex.Match(text); match.Success; match = match.NextMatch())
        {
            if (!Take(text, replacement, output, match.Index, match.Length, match, ref at, state)) return Refused;
        }
        return at;
    }

    private static bool Take(
        ReadOnlySpan<char> text, RegexReplacement replacement, BoundedText output, int index, int length, Match? groups, ref int at,
        EvaluationState state)
    {
        if (!state.Charge(MatchWork + (replacement.LooksFar ? text.Length - index : 0))) return false;
        if (!output.Append(text[Math.Max(at, 0)..index]) || !replacement.Append(output, text, index, length, groups)) return false;
        at = index + length;
        return true;
    }

    private static char[] Rent(Utf8Slice text, out int length)
    {
        var buffer = ArrayPool<char>.Shared.Rent(text.Length);
        length = Encoding.UTF8.GetChars(text.Span, buffer);
        return buffer;
    }

    private static Utf8Slice Encode(ReadOnlySpan<char> text, EvaluationState state)
    {
        if (!state.TryReserve(Encoding.UTF8.GetMaxByteCount(text.Length), out var room)) return Utf8Slice.Empty;
        return state.Commit(Encoding.UTF8.GetBytes(text, room));
    }
}
