using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// Two sinks of one table whose keys are certain not to tell their rows apart: both get rows of the same records, and each key column has the same
/// value in both. In doubt (filters on both ways) there is nothing to say here; sinks look when they write.
/// </summary>
internal static class SharedKeys
{
    /// <summary>Whether rows of the two are certain to meet, and one of them to be lost.</summary>
    public static bool Meet(StepGraph graph, SinkPlan one, SinkPlan other) =>
        MayLose(one, other)
        && one.Spec.Keys.Count == other.Spec.Keys.Count
        && Way.Of(graph, one) is { } way && Way.Of(graph, other) is { } otherWay
        && way.Origins(one) is { } origins && otherWay.Origins(other) is { } otherOrigins
        && origins.Count == otherOrigins.Count && origins.All(k => otherOrigins.TryGetValue(k.Key, out var origin) && origin == k.Value)
        && Way.GetSameRecords(way, otherWay, origins);

    /// <summary>Sinks that update columns of their own in a common row lose nothing.</summary>
    private static bool MayLose(SinkPlan one, SinkPlan other) => one.Spec.Mode == SinkMode.Append || other.Spec.Mode == SinkMode.Append
        || Values(one).Any(c => Values(other).Contains(c, StringComparer.OrdinalIgnoreCase));

    private static IEnumerable<string> Values(SinkPlan sink) => sink.Spec.Schema.Fields.Where((_, i) => sink.Source[i] >= 0).Select(f => f.Name)
        .Except(sink.Spec.Keys, StringComparer.OrdinalIgnoreCase);

    /// <summary>The steps from a sink back to the source, and which output the sink reads.</summary>
    private sealed record Way(IReadOnlyList<StepNode> Steps, StepOutput Output)
    {
        public static Way? Of(StepGraph graph, SinkPlan sink)
        {
            if (sink.From.Output == StepOutput.Quarantined) return null;
            var steps = new List<StepNode>();
            for (var at = sink.From.Step.Length == 0 ? null : graph.Find(sink.From.Step); at is not null; at = at.Input) steps.Add(at);
            return steps.TrueForAll(s => s.Plan is not null) ? new Way(steps, sink.From.Output) : null;
        }

        /// <summary>Where the value of each key column comes from; null where that cannot be said.</summary>
        public Dictionary<string, string>? Origins(SinkPlan sink)
        {
            var origins = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            foreach (var key in sink.Spec.Keys)
            {
                var column = sink.Spec.Schema.IndexOf(key);
                if ((sink.Source[column] < 0 ? $"record {sink.Source[column]}" : Trace(sink.Source[column])) is not { } origin) return null;
                origins[key] = origin;
            }

            return origins;
        }

        /// <summary>
        /// Whether records that reach one sink are certain to reach the other: on one of the ways from where they part there are only steps that let rows
        /// through, so that the other sink gets none that this one does not get. A row leaves a step by one output; what a dedup step takes for a copy has the id of what it let through.
        /// </summary>
        public static bool GetSameRecords(Way one, Way other, Dictionary<string, string> origins)
        {
            var common = one.Steps.FirstOrDefault(other.Steps.Contains);
            var (before, otherBefore) = (one.Before(common), other.Before(common));
            if (common is not null && before.Count == 0 && otherBefore.Count == 0 && one.Output != other.Output) return AreCopies(common, one, other, origins);
            if (common is not null && ((before.Count == 0 && one.Output != StepOutput.Main) || (otherBefore.Count == 0 && other.Output != StepOutput.Main)))
                return LetThrough(before) && LetThrough(otherBefore) && AreCopies(common, one, other, origins);
            return LetThrough(before) || LetThrough(otherBefore);
        }

        private static bool AreCopies(StepNode step, Way one, Way other, Dictionary<string, string> origins)
        {
            if (step.Plan is not DedupPlan dedup || (one.Output is not StepOutput.Duplicates && other.Output is not StepOutput.Duplicates)) return false;
            var input = new Way([.. one.Steps.SkipWhile(s => s != step).Skip(1)], StepOutput.Main);
            var id = dedup.Key.Select(input.Trace).ToHashSet();
            return origins.Values.All(id.Contains);
        }

        private List<StepNode> Before(StepNode? common) => [.. Steps.TakeWhile(s => s != common)];

        private static bool LetThrough(List<StepNode> steps) => steps.TrueForAll(s => s.Plan is MapPlan or QualityPlan or DedupPlan or LookupPlan or WindowPlan);

        /// <summary>A field of the sink's input.</summary>
        private string? Trace(int field)
        {
            for (var i = 0; i < Steps.Count; i++)
            {
                var plan = Steps[i].Plan!;
                if (i == 0 && Output != StepOutput.Main)
                {
                    // Side outputs have the step's input, and after it what they add.
                    if (field >= plan.InputSchema.Count) return $"{plan.Id} {Output} {field}";
                    continue;
                }

                if (plan is MapPlan map && Set(map, field) is { } set) return set;
                if (plan is WindowPlan window)
                {
                    if (Group(window, field) is not (>= 0 and var key)) return Start(window, field);
                    field = key;
                    continue;
                }

                var from = plan switch
                {
                    MapPlan m => m.Source[field],
                    ExplodePlan explode => explode.Source[field],
                    _ => field < plan.InputSchema.Count ? field : -1,
                };
                if (from < 0) return $"{plan.Id} {field}";
                field = from;
            }

            return $"source {field}";
        }

        /// <summary>What a map step sets a field to: a value that is written down, or one of the step's own making; null when it sets none.</summary>
        private static string? Set(MapPlan map, int field)
        {
            string? origin = null;
            foreach (var (output, _, expression) in map.Set.Where(s => s.Output == field))
                origin = expression.Fields.Count == 0 ? $"= {expression.Text.Trim()}" : $"{map.Id} {output}";
            return origin;
        }

        private static int Group(WindowPlan window, int field)
        {
            var key = window.Window.Key.IndexOf(window.Schema[field].Name);
            return key < 0 ? -1 : window.Key[key];
        }

        /// <summary>Windows that begin at multiples of their size have starts in common; of others that cannot be said.</summary>
        private static string? Start(WindowPlan window, int field) => window.Schema[field].Name switch
        {
            SideOutputs.WindowStart => window.Window.Window switch
            {
                TumblingWindow { Offset: 0 } or HoppingWindow { Offset: 0 } => "start",
                _ => $"start of {window.Id}",
            },
            // Every window fires a first time.
            SideOutputs.Revision => "revision",
            _ => $"{window.Id} {field}",
        };
    }
}
