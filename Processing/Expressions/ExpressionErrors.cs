using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Processing.Expressions;

/// <summary>How faults of expressions are shown.</summary>
public static class ExpressionErrors
{
    /// <summary>
    /// One line saying what is wrong: <c>KOR3010: unknown field 'amountEuro'. Did you mean 'amountEur'?</c> A place in front of it
    /// (file, line, column) is the caller's to add.
    /// </summary>
    public static string Describe(in ExpressionError error) => error.Suggestion is null
        ? $"{error.Code}: {error.Message}"
        : $"{error.Code}: {error.Message} Did you mean '{error.Suggestion}'?";

    /// <summary>The line of the text the fault is in, and below it carets under the fault. Long lines are cut around it.</summary>
    public static string Caret(string text, in ExpressionError error)
    {
        const int Width = 100;
        var position = Math.Clamp(error.Position, 0, text.Length);
        var start = position == 0 ? 0 : text.LastIndexOf('\n', position - 1) + 1;
        var end = text.IndexOf('\n', position);
        if (end < 0) end = text.Length;
        var from = position - start > Width ? position - (Width / 2) : start;
        var to = Math.Min(end, from + Width + Math.Min(error.Length, Width));
        var line = new StringBuilder();
        for (var i = from; i < to; i++) line.Append(char.IsControl(text[i]) ? ' ' : text[i]);
        var carets = Math.Max(1, Math.Min(error.Length, to - position));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{line.ToString().TrimEnd()}\n{new string(' ', position - from)}{new string('^', carets)}");
    }
}
