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

    private static IEnumerable<string> Parts(DedupPlan plan)
    {
        yield return "dedup v1";
        yield return plan.Global ? "global" : "partition";
        yield return Number(plan.Global ? plan.Shards : plan.GrainPer.Groups);
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
