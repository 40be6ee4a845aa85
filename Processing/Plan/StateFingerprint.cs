using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>
/// Fingerprints of what durable state depends on: state written under one cannot be read under another.
/// </summary>
public static class StateFingerprint
{
    /// <summary>The key of the source's fingerprint: topics and connection, which positions depend on.</summary>
    public const string Source = "source";

    /// <summary>The fingerprints of a plan's source and of its steps with state, by step id.</summary>
    public static IReadOnlyDictionary<string, string> Of(SourcePlan source, IReadOnlyList<StepPlan> steps)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(steps);
        var result = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Source] = Hash(["v1", source.Connection, .. source.Topics.Order(StringComparer.Ordinal)]),
        };
        foreach (var step in steps)
        {
            switch (step)
            {
                case DedupPlan dedup:
                    result[step.Id] = Hash(Parts(dedup));
                    break;
                case WindowPlan window:
                    result[step.Id] = Hash(Parts(window));
                    break;
            }
        }

        return result;
    }

    /// <summary>
    /// True when state stored under a fingerprint can be taken over by a plan that has another one for the step: dedup state that version 0.1
    /// kept by message key goes into cells by id.
    /// </summary>
    public static bool CanTakeOver(PipelinePlan plan, string step, string stored)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (plan.Steps.FirstOrDefault(s => s.Id == step) is not DedupPlan { Global: false, Cells.ByMessageKey: false } dedup) return false;
        foreach (var groups in (int[])[0, dedup.Cells.Groups])
        {
            if (Hash(Parts(dedup with { Cells = new DedupCells(true, groups) })) == stored) return true;
        }

        return false;
    }

    private static IEnumerable<string> Parts(DedupPlan plan)
    {
        // Cells by id are named by their number and sorted anew when it changes, so it is no part of theirs.
        var byId = !plan.Global && !plan.Cells.ByMessageKey;
        yield return byId ? "dedup v2" : "dedup v1";
        yield return plan.Global ? "global" : byId ? "by id" : "partition";
        if (!byId) yield return Number(plan.Global ? plan.Shards : plan.Cells.Groups);
        yield return Number(DedupCell.BucketLength(plan.Within));
        foreach (var place in plan.Key) yield return $"{plan.InputSchema[place].Name}:{plan.InputSchema[place].Type}";
    }

    private static IEnumerable<string> Parts(WindowPlan plan)
    {
        yield return "window v1";
        yield return Window(plan.Window.Window);
        yield return Number(plan.Shards);
        yield return Number(plan.GrainPer.Groups);
        foreach (var field in plan.Window.Key.Fields) yield return $"{field.Name}:{field.Type}";
        foreach (var a in plan.Window.Aggregates)
        {
            var input = a.Input < 0 ? "*" : $"{plan.Inputs[a.Input].Text}:{a.InputType}";
            yield return $"{a.Name}={a.Kind}({input},{a.Parameter.ToString("R", CultureInfo.InvariantCulture)})";
        }
    }

    private static string Window(WindowSpec window) => window switch
    {
        TumblingWindow w => $"tumbling {Number(w.Size)} {Number(w.Offset)}",
        HoppingWindow w => $"hopping {Number(w.Size)} {Number(w.Every)} {Number(w.Offset)}",
        SessionWindow w => $"session {Number(w.Gap)} {Number(w.MaxLength)}",
        CalendarWindow w => $"calendar {w.Unit} {w.Zone}",
        _ => "running",
    };

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Parts are length-prefixed, so that no two lists of parts hash the same text.</summary>
    private static string Hash(IEnumerable<string> parts)
    {
        var text = new StringBuilder();
        foreach (var part in parts) text.Append(CultureInfo.InvariantCulture, $"{part.Length}:{part}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 16));
    }
}
