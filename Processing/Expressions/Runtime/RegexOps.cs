using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Regular expressions in linear time. .NET's work on UTF-16, so the text is converted into a rented buffer.</summary>
internal static class RegexOps
{
    public const int MaxPatternChars = 1_000;

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

    public static Utf8Slice Replace(Utf8Slice text, Regex regex, string with, EvaluationState state) =>
        Like(text, regex, state) ? Encode(regex.Replace(text.ToString(), with), state) : text;

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
