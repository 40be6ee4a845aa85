using System.Globalization;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>
/// Says in words what changed of what a step's durable state depends on. <see cref="StateFingerprint"/> decides whether it changed; a change it sees and this
/// does not would be told without its name, so both are kept alike.
/// </summary>
public static class StateChanges
{
    /// <summary>The changes of a step (or of <see cref="StateFingerprint.Source"/>), each as <c>what: before -> after</c>; empty when nothing is known to differ.</summary>
    public static IReadOnlyList<string> Between(PipelinePlan before, PipelinePlan after, string step)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var (old, now) = (Of(before, step), Of(after, step));
        if (old is null || now is null) return [];
        var changes = new List<string>();
        foreach (var (what, value) in now)
        {
            if (!old.TryGetValue(what, out var was)) changes.Add($"{what}: new, {value}");
            else if (was != value) changes.Add($"{what}: {was} -> {value}");
        }

        changes.AddRange(old.Keys.Where(k => !now.ContainsKey(k)).Select(k => $"{k}: {old[k]} -> none"));
        return changes;
    }

    private static SortedDictionary<string, string>? Of(PipelinePlan plan, string step)
    {
        if (step == StateFingerprint.Source)
        {
            return new(StringComparer.Ordinal)
            {
                ["connection"] = plan.Source.Connection,
                ["topics"] = string.Join(", ", plan.Source.Topics.Order(StringComparer.Ordinal)),
            };
        }

        return plan.Steps.FirstOrDefault(s => s.Id == step) switch
        {
            DedupPlan dedup => Of(dedup),
            WindowPlan window => Of(window),
            null => null,
            _ => new(StringComparer.Ordinal) { ["type"] = "without state" },
        };
    }

    private static SortedDictionary<string, string> Of(DedupPlan plan)
    {
        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["type"] = "dedup",
            ["scope"] = plan.Global ? "global" : "partition",
            ["key"] = string.Join(", ", plan.Key.Select(k => $"{plan.InputSchema[k].Name} {plan.InputSchema[k].Type}")),
            ["within"] = Durations.Format(plan.Within),
        };
        if (plan.Global) parts["shards"] = Number(plan.Shards);
        else parts["cellBy"] = plan.Cells.ByMessageKey ? $"message_key ({Number(plan.Cells.Groups)} groups)" : "id";
        return parts;
    }

    private static SortedDictionary<string, string> Of(WindowPlan plan)
    {
        var parts = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["type"] = "window",
            ["window"] = Window(plan.Window.Window),
            ["groupBy"] = plan.Window.Key.Count == 0 ? "nothing" : string.Join(", ", plan.Window.Key.Fields.Select(f => $"{f.Name} {f.Type}")),
            ["shards"] = Number(plan.Shards),
            ["grainPer"] = plan.GrainPer.Groups == 0 ? "key" : $"group({Number(plan.GrainPer.Groups)})",
        };
        for (var i = 0; i < plan.Window.Aggregates.Count; i++)
        {
            var a = plan.Window.Aggregates[i];
            var input = a.Input < 0 ? "" : $"{plan.Inputs[a.Input].Text} as {a.InputType}";
            var parameter = a.Parameter == 0 ? "" : $", {a.Parameter.ToString("R", CultureInfo.InvariantCulture)}";
            parts[$"aggregate {a.Name}"] = $"{a.Kind}({input}{parameter}) at place {Number(i + 1)}";
        }

        return parts;
    }

    private static string Window(WindowSpec window) => window switch
    {
        TumblingWindow w => $"tumbling {Durations.Format(w.Size)}{Offset(w.Offset)}",
        HoppingWindow w => $"hopping {Durations.Format(w.Size)} every {Durations.Format(w.Every)}{Offset(w.Offset)}",
        SessionWindow w => $"session {Durations.Format(w.Gap)}",
        CalendarWindow w => $"calendar {w.Unit.ToString().ToLowerInvariant()} in {w.Zone}",
        _ => "running totals",
    };

    private static string Offset(long ms) => ms == 0 ? "" : $" offset {(ms < 0 ? "-" : "")}{Durations.Format(Math.Abs(ms))}";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
