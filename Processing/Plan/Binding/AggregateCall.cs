using System.Globalization;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>An argument of an aggregate with its place in the text.</summary>
internal readonly record struct AggregateArgument(string Text, int Start);

/// <summary>A fault of an aggregate's text.</summary>
internal sealed record AggregateFault(string Code, int Position, int Length, string Message, string? Suggestion = null);

/// <summary>An aggregate as written, e.g. <c>percentile(amount * 2, 0.95)</c>, cut into name and arguments.</summary>
internal sealed record AggregateCall(AggregateInfo Info, IReadOnlyList<AggregateArgument> Arguments)
{
    /// <summary>Cuts a text, or says what is wrong with it.</summary>
    public static (AggregateCall? Call, AggregateFault? Fault) Parse(string text)
    {
        var at = Skip(text, 0);
        var start = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_')) at++;
        var name = text[start..at];
        var open = Skip(text, at);
        if (name.Length == 0 || open >= text.Length || text[open] != '(')
            return Fault("KOR2015", start, text.Length - start,
                "an aggregate is written name(...), for example sum(amount)");
        var (end, arguments) = Cut(text, open);
        if (end < 0) return Fault("KOR2015", open, text.Length - open, "the '(' is never closed");
        if (AggregateTyping.Find(name) is not { } info)
        {
            var names = AggregateTyping.All.Select(a => a.Name).ToArray();
            var near = Processing.Text.Suggestions.Nearest(name, names) ?? Alias(name);
            return Fault("KOR2016", start, name.Length,
                $"unknown aggregate '{name}'; known: {string.Join(", ", names)}", near);
        }

        var rest = Skip(text, end + 1);
        if (rest < text.Length)
        {
            return Fault(
                "KOR2015", rest, text.Length - rest,
                $"an aggregate is one call, nothing after it; compute inside of it: '{text[rest..].Trim()}'");
        }

        return (new AggregateCall(info, arguments), null);
    }

    /// <summary>The second argument's value, or what is wrong with it.</summary>
    public (double Value, AggregateFault? Fault) Parameter(string text)
    {
        var rule = Info.Parameter;
        if (!rule.IsTaken || Arguments.Count < 2) return (rule.Default ?? 0, null);
        var argument = Arguments[1];
        var given = double.TryParse(argument.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value);
        var fits = given && (rule.IsFraction
            ? value > rule.Min && value < rule.Max
            : value >= rule.Min && value <= rule.Max && value == Math.Floor(value));
        if (fits) return (value, null);
        var wanted = rule.IsFraction
            ? "a number between 0 and 1, such as 0.95"
            : string.Create(CultureInfo.InvariantCulture, $"a whole number from {rule.Min} to {rule.Max}");
        return (0, new AggregateFault(
            "KOR2018", argument.Start, argument.Text.Length, $"the second argument of {Info.Name} must be {wanted}"));
    }

    private static (AggregateCall?, AggregateFault?) Fault(string code, int at, int length, string message,
        string? near = null) =>
        (null, new AggregateFault(code, at, Math.Max(1, length), message, near));

    private static string? Alias(string name) => name.ToUpperInvariant() switch
    {
        "AVERAGE" or "MEAN" => "avg",
        "COUNTDISTINCT" or "DISTINCT" or "UNIQ" or "APPROX_COUNT_DISTINCT" => "count_distinct",
        "QUANTILE" or "PERCENTILE_CONT" or "MEDIAN" => "percentile",
        "STD" or "STDEV" or "STDDEV_SAMP" => "stddev",
        "VAR" or "VAR_SAMP" => "variance",
        "ARRAY_AGG" or "LISTAGG" => "collect",
        _ => null,
    };

    private static int Skip(string text, int at)
    {
        while (at < text.Length && char.IsWhiteSpace(text[at])) at++;
        return at;
    }

    private static (int End, IReadOnlyList<AggregateArgument> Arguments) Cut(string text, int open)
    {
        var arguments = new List<AggregateArgument>();
        var (depth, start) = (1, open + 1);
        for (var at = open + 1; at < text.Length; at++)
        {
            switch (text[at])
            {
                case '\'' or '"':
                    var close = text.IndexOf(text[at], at + 1);
                    if (close < 0) return (-1, arguments);
                    at = close;
                    break;
                case '(' or '[':
                    depth++;
                    break;
                case ']':
                    depth--;
                    break;
                case ')' when --depth == 0:
                    Add(text, start, at, arguments);
                    return (at, arguments);
                case ',' when depth == 1:
                    Add(text, start, at, arguments, evenEmpty: true);
                    start = at + 1;
                    break;
            }
        }

        return (-1, arguments);
    }

    private static void Add(string text, int start, int end, List<AggregateArgument> arguments, bool evenEmpty = false)
    {
        var from = Skip(text, start);
        if (from > end) from = end;
        var argument = text[from..end].TrimEnd();
        if (argument.Length > 0 || evenEmpty || arguments.Count > 0) arguments.Add(new AggregateArgument(argument,
            from));
    }
}
