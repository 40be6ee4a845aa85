using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>A metric family of a scrape.</summary>
public sealed record Family(string Name, string Type)
{
    public string Help { get; set; } = "";

    public List<(string Name, IReadOnlyDictionary<string, string> Labels, double Value)> Samples { get; } = [];

    public IEnumerable<string> LabelNames => Samples.SelectMany(s => s.Labels.Keys).Where(l => l is not ("le" or "quantile")).Distinct(StringComparer.Ordinal);
}

/// <summary>
/// Reads the Prometheus text format 0.0.4, strictly: every line must be in the grammar, every family has one TYPE before its samples and stands
/// together, no series twice, counters end in _total, histograms are whole and cumulative.
/// </summary>
public static class PrometheusText
{
    public static IReadOnlyDictionary<string, Family> Parse(string text)
    {
        if (!text.EndsWith('\n')) throw new FormatException("The last line does not end.");
        var families = new Dictionary<string, Family>(StringComparer.Ordinal);
        var helps = new Dictionary<string, string>(StringComparer.Ordinal);
        var series = new HashSet<string>(StringComparer.Ordinal);
        Family? current = null;
        foreach (var line in text.Split('\n'))
        {
            if (line.Length == 0 || line == "# EOF") continue;
            if (line.StartsWith("# ", StringComparison.Ordinal))
            {
                var parts = line.Split(' ', 4);
                if (parts.Length < 3) throw new FormatException(line);
                CheckName(parts[2]);
                if (parts[1] == "HELP")
                {
                    if (!helps.TryAdd(parts[2], parts.ElementAtOrDefault(3) ?? "")) throw new FormatException("HELP twice: " + line);
                    if (families.TryGetValue(parts[2], out var known)) known.Help = helps[parts[2]];
                }
                else if (parts[1] == "TYPE")
                {
                    var type = parts[3];
                    if (type is not ("counter" or "gauge" or "histogram" or "summary" or "untyped")) throw new FormatException(line);
                    current = new Family(parts[2], type) { Help = helps.GetValueOrDefault(parts[2]) ?? "" };
                    if (!families.TryAdd(current.Name, current)) throw new FormatException("TYPE twice: " + line);
                }
                else if (parts[1] != "UNIT")
                {
                    throw new FormatException(line);
                }

                continue;
            }

            var (name, labels, value) = Sample(line);
            if (current is null || Base(name, current.Type) != current.Name) throw new FormatException($"Sample outside its family {current?.Name}: {line}");
            var key = name + "{" + string.Join(',', labels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")) + "}";
            if (!series.Add(key)) throw new FormatException("Series twice: " + key);
            current.Samples.Add((name, labels, value));
        }

        foreach (var family in families.Values) Check(family);
        return families;
    }

    private static void Check(Family family)
    {
        if (family.Type == "counter")
        {
            if (!family.Name.EndsWith("_total", StringComparison.Ordinal)) throw new FormatException($"Counter {family.Name} does not end in _total.");
            if (family.Samples.Any(s => s.Value < 0 || double.IsNaN(s.Value))) throw new FormatException($"Counter {family.Name} below 0.");
        }
        else if (family.Name.EndsWith("_total", StringComparison.Ordinal))
        {
            throw new FormatException($"{family.Type} {family.Name} ends in _total.");
        }

        if (family.Type == "histogram") CheckHistogram(family);
    }

    private static void CheckHistogram(Family family)
    {
        var groups = family.Samples.GroupBy(s => string.Join(',', s.Labels.Where(l => l.Key != "le").OrderBy(l => l.Key).Select(l => l.Key + "=" + l.Value)));
        foreach (var group in groups)
        {
            var buckets = group.Where(s => s.Name.EndsWith("_bucket", StringComparison.Ordinal))
                .Select(s => (Le: Number(s.Labels["le"]), s.Value)).ToList();
            var count = group.Single(s => s.Name.EndsWith("_count", StringComparison.Ordinal)).Value;
            _ = group.Single(s => s.Name.EndsWith("_sum", StringComparison.Ordinal));
            if (buckets.Count < 2 || !double.IsPositiveInfinity(buckets[^1].Le) || buckets[^1].Value != count)
                throw new FormatException($"Histogram {family.Name} is not whole.");
            for (var i = 1; i < buckets.Count; i++)
            {
                if (buckets[i].Le <= buckets[i - 1].Le || buckets[i].Value < buckets[i - 1].Value)
                    throw new FormatException($"Histogram {family.Name} is not cumulative.");
            }
        }
    }

    private static string Base(string name, string type)
    {
        if (type != "histogram") return name;
        foreach (var suffix in new[] { "_bucket", "_count", "_sum" })
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal)) return name[..^suffix.Length];
        }

        return name;
    }

    private static (string Name, IReadOnlyDictionary<string, string> Labels, double Value) Sample(string line)
    {
        var end = line.AsSpan().IndexOfAny('{', ' ');
        if (end < 0) throw new FormatException(line);
        var name = line[..end];
        CheckName(name);
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (line[end] == '{') end = Labels(line, end + 1, labels);
        if (end >= line.Length || line[end] != ' ') throw new FormatException(line);
        var rest = line[(end + 1)..].Split(' ');
        if (rest.Length > 2 || (rest.Length == 2 && !long.TryParse(rest[1], CultureInfo.InvariantCulture, out _))) throw new FormatException(line);
        return (name, labels, Number(rest[0]));
    }

    private static int Labels(string line, int at, Dictionary<string, string> labels)
    {
        while (line[at] != '}')
        {
            var equals = line.IndexOf('=', at);
            var name = line[at..equals];
            CheckName(name);
            if (name.Contains(':') || line[equals + 1] != '"') throw new FormatException(line);
            var value = new StringBuilder();
            for (at = equals + 2; line[at] != '"'; at++)
            {
                if (line[at] != '\\')
                {
                    value.Append(line[at]);
                    continue;
                }

                value.Append(line[++at] switch { '\\' => '\\', '"' => '"', 'n' => '\n', _ => throw new FormatException("Bad escape: " + line) });
            }

            if (!labels.TryAdd(name, value.ToString())) throw new FormatException("Label twice: " + line);
            at++;
            if (line[at] == ',') at++;
            else if (line[at] != '}') throw new FormatException(line);
        }

        return at + 1;
    }

    private static double Number(string text) => text switch
    {
        "+Inf" => double.PositiveInfinity,
        "-Inf" => double.NegativeInfinity,
        "NaN" or "Nan" => double.NaN,
        _ => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
    };

    private static void CheckName(string name)
    {
        var good = name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':');
        if (!good) throw new FormatException($"'{name}' is no name.");
    }
}
