using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>Pipelines that read each other's refused records: a record that none of them takes goes round between them for ever.</summary>
public static class QuarantineLoops
{
    /// <summary>The code of the warning.</summary>
    public const string Code = "KOR2062";

    /// <summary>A warning for each circle, with the pipelines in it; a circle is told once.</summary>
    public static IReadOnlyList<(IReadOnlyList<string> Pipelines, string Message)> Find(IEnumerable<PipelinePlan> plans)
    {
        ArgumentNullException.ThrowIfNull(plans);
        var all = plans.OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        var next = all.ToDictionary(p => p, p => all.Where(r => r != p && Reads(r, p.Quarantine?.Topic)).ToList());
        var found = new List<(IReadOnlyList<string>, string)>();
        var told = new HashSet<PipelinePlan>();
        foreach (var plan in all)
        {
            if (told.Contains(plan) || Circle(plan, next) is not { } circle) continue;
            told.UnionWith(circle);
            var names = circle.ConvertAll(p => p.Name);
            var hops = circle.Select((p, i) => $"'{circle[(i + 1) % circle.Count].Name}' reads what '{p.Name}' refuses (topic {p.Quarantine!.Topic!.Topic})");
            found.Add((names, $"{string.Join(", and ", hops)}: a record that none of them takes goes round for ever; send the quarantine of one of them to another topic or to a table"));
        }

        return found;
    }

    private static bool Reads(PipelinePlan plan, QuarantineTopicPlan? quarantine) =>
        quarantine is not null && plan.Source.Connection == quarantine.Connection && plan.Source.Topics.Any(t => TopicNames.Matches(t, quarantine.Topic));

    /// <summary>The shortest way from a pipeline back to itself, or null.</summary>
    private static List<PipelinePlan>? Circle(PipelinePlan start, Dictionary<PipelinePlan, List<PipelinePlan>> next)
    {
        var queue = new Queue<List<PipelinePlan>>([[start]]);
        var seen = new HashSet<PipelinePlan>();
        while (queue.TryDequeue(out var way))
        {
            foreach (var step in next[way[^1]])
            {
                if (step == start) return way;
                if (seen.Add(step)) queue.Enqueue([.. way, step]);
            }
        }

        return null;
    }
}
