using System.Globalization;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Deploy.Tests;

/// <summary>A series with a sample at every step, or null where it is not there.</summary>
internal sealed record Series(string Name, Dictionary<string, string> Labels, IReadOnlyList<double?> Samples);

/// <summary>
/// Evaluates the part of PromQL that the shipped rules use, as Prometheus does it: selectors with <c>=</c>, <c>rate</c>, <c>increase</c> and <c>deriv</c> over a range,
/// <c>sum</c>, <c>max</c> and <c>count</c> with and without <c>by</c>, division, comparisons that filter, and <c>and</c>. What it does not know is an
/// error, so that no rule passes unseen.
/// </summary>
internal sealed partial class AlertRules(IReadOnlyList<Series> series, TimeSpan step)
{
    private string[] _tokens = [];
    private int _at;
    private int _now;

    private sealed record Value(Dictionary<string, string> Labels, double Number)
    {
        public string Key => string.Join(',', Labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
    }

    /// <summary>The steps at which an alarm fires: its expression has had a result with the same labels for so long.</summary>
    public IReadOnlyList<int> Firing(string expression, TimeSpan hold, int steps)
    {
        var since = new Dictionary<string, int>(StringComparer.Ordinal);
        var firing = new List<int>();
        for (var i = 0; i < steps; i++)
        {
            var active = Evaluate(expression, i).Select(v => v.Key).ToHashSet(StringComparer.Ordinal);
            foreach (var gone in since.Keys.Except(active).ToList()) since.Remove(gone);
            foreach (var key in active) since.TryAdd(key, i);
            if (since.Values.Any(s => step * (i - s) >= hold)) firing.Add(i);
        }

        return firing;
    }

    private List<Value> Evaluate(string expression, int now)
    {
        _tokens = [.. Token().Matches(expression).Select(m => m.Value)];
        (_at, _now) = (0, now);
        var result = And();
        return _at == _tokens.Length ? result : throw new NotSupportedException($"'{_tokens[_at]}' in: {expression}");
    }

    private List<Value> And()
    {
        var left = Comparison();
        while (Take("and"))
        {
            var right = Comparison().Select(v => v.Key).ToHashSet(StringComparer.Ordinal);
            left = [.. left.Where(v => right.Contains(v.Key))];
        }

        return left;
    }

    private List<Value> Comparison()
    {
        var left = Quotient();
        if (Peek() is not (">" or "<" or "==") || Peek() is not { } sign) return left;
        _at++;
        if (double.TryParse(Peek(), CultureInfo.InvariantCulture, out var number))
        {
            _at++;
            return [.. left.Where(v => Holds(v.Number, sign, number))];
        }

        var right = Quotient().ToDictionary(v => v.Key, v => v.Number, StringComparer.Ordinal);
        return [.. left.Where(v => right.TryGetValue(v.Key, out var other) && Holds(v.Number, sign, other))];
    }

    private static bool Holds(double left, string sign, double right) => sign switch { ">" => left > right, "<" => left < right, _ => left == right };

    private List<Value> Quotient()
    {
        var left = Operand();
        if (!Take("/")) return left;
        var right = Operand().ToDictionary(v => v.Key, v => v.Number, StringComparer.Ordinal);
        return [.. left.Where(v => right.ContainsKey(v.Key)).Select(v => v with { Number = v.Number / right[v.Key] }).Where(v => !double.IsNaN(v.Number))];
    }

    private List<Value> Operand()
    {
        var name = Next();
        return name switch
        {
            "sum" => Aggregate(g => g.Sum()),
            "max" => Aggregate(g => g.Max()),
            "count" => Aggregate(g => g.Count()),
            "rate" => Range((first, last, seconds) => last >= first ? (last - first) / seconds : last / seconds),
            "increase" => Range((first, last, _) => last >= first ? last - first : last),
            "deriv" => Range((first, last, seconds) => (last - first) / seconds),
            _ => [.. Select(name).Where(s => s.Samples[_now] is not null).Select(s => new Value(s.Labels, s.Samples[_now]!.Value))],
        };
    }

    private List<Value> Aggregate(Func<IEnumerable<double>, double> fold)
    {
        var by = new List<string>();
        if (Take("by"))
        {
            Expect("(");
            do by.Add(Next());
            while (Take(","));
            Expect(")");
        }

        Expect("(");
        var inner = And();
        Expect(")");
        return
        [
            .. inner.Select(v => v with { Labels = by.Where(v.Labels.ContainsKey).ToDictionary(l => l, l => v.Labels[l], StringComparer.Ordinal) })
                .GroupBy(v => v.Key, StringComparer.Ordinal)
                .Select(g => new Value(g.First().Labels, fold(g.Select(v => v.Number)))),
        ];
    }

    private List<Value> Range(Func<double, double, double, double> change)
    {
        Expect("(");
        var selected = Select(Next());
        Expect("[");
        var span = Next();
        Expect("]");
        Expect(")");
        var number = int.Parse(span[..^1], CultureInfo.InvariantCulture);
        var back = (int)((span[^1] == 'h' ? TimeSpan.FromHours(number) : TimeSpan.FromMinutes(number)) / step);
        var values = new List<Value>();
        foreach (var one in selected)
        {
            var seen = Enumerable.Range(Math.Max(0, _now - back), _now - Math.Max(0, _now - back) + 1).Where(i => one.Samples[i] is not null).ToList();
            if (seen.Count < 2) continue;
            values.Add(new Value(one.Labels, change(one.Samples[seen[0]]!.Value, one.Samples[seen[^1]]!.Value, (step * (seen[^1] - seen[0])).TotalSeconds)));
        }

        return values;
    }

    private List<Series> Select(string name)
    {
        var wanted = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Take("{"))
        {
            do
            {
                var label = Next();
                Expect("=");
                wanted.Add(label, Next().Trim('"'));
            }
            while (Take(","));
            Expect("}");
        }

        return [.. series.Where(s => s.Name == name && wanted.All(w => s.Labels.GetValueOrDefault(w.Key) == w.Value))];
    }

    private string? Peek() => _at < _tokens.Length ? _tokens[_at] : null;

    private string Next() => _at < _tokens.Length ? _tokens[_at++] : throw new NotSupportedException("The expression ends too soon.");

    private bool Take(string token)
    {
        if (Peek() != token) return false;
        _at++;
        return true;
    }

    private void Expect(string token)
    {
        if (Next() is var found && found != token) throw new NotSupportedException($"'{found}' where '{token}' should be.");
    }

    [GeneratedRegex("""==|"[^"]*"|[a-z_][a-z0-9_]*|[0-9.]+[mh]?|[^\s]""")]
    private static partial Regex Token();
}
