using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>What the steps of a pipeline do, from the tallies a batch leaves behind.</summary>
internal static class StepMetrics
{
    /// <summary>Databases know thousands of codes; a scrape shows the first so many it met, and the others as one.</summary>
    public const int MaxCodes = 50;

    private static readonly ConcurrentDictionary<string, byte> Codes = new(StringComparer.Ordinal);

    private static readonly Counter<long> StepRecords = EngineMetrics.Meter.CreateCounter<long>(
        "kor.step.records", "{record}", "Records that came into a step, left it, or were dropped by it; window steps: records in, windows out.");

    private static readonly Counter<long> Failures = EngineMetrics.Meter.CreateCounter<long>("kor.quality.failures", "{record}", "Records that failed a quality rule.");
    private static readonly Counter<long> Checked = EngineMetrics.Meter.CreateCounter<long>("kor.quality.checked", "{record}", "Records a quality step looked at.");

    private static readonly Counter<long> Late = EngineMetrics.Meter.CreateCounter<long>(
        "kor.window.late", "{record}", "Records that came too late for a window step: dropped, or sent to a sink of its late output (side); by their partition's watermark, or because it "
        + "was taken for idle.");

    private static readonly Counter<long> Lookups = EngineMetrics.Meter.CreateCounter<long>(
        "kor.lookup.requests", "{request}",
        "Records that asked a lookup step: answered by its cache (hit, or negative: the table has no such row), asked of the database (miss); and requests to the "
        + "database that failed (error).");

    /// <summary>What the decoder refused lies in quarantine under this and the field.</summary>
    private const string SourcePlace = "source.";

    private static readonly Counter<long> DecodeErrors = EngineMetrics.Meter.CreateCounter<long>(
        "kor.source.decode.errors", "{record}", "Records that could not be read as the source's format and fields say.");

    public static void Stepped(string pipeline, PipelinePlan plan, IReadOnlyList<StepTally> tallies)
    {
        foreach (var tally in tallies)
        {
            var step = tally.Step.Id;
            Stepped(pipeline, step, "in", tally.In);
            switch (tally.Step)
            {
                case WindowPlan:
                    Stepped(pipeline, step, "dropped", tally.Late);
                    LateFound(pipeline, plan, step, tally.Late - tally.LateByIdle, "watermark");
                    LateFound(pipeline, plan, step, tally.LateByIdle, "idle");
                    continue;
                case QualityPlan quality:
                    Add(Checked, tally.In, Pipeline(pipeline), Step(step));
                    Failed(pipeline, quality, tally.RuleFailures);
                    break;
                case LookupPlan:
                    LookedUp(pipeline, step, "hit", tally.CacheHits);
                    LookedUp(pipeline, step, "negative", tally.CacheNegatives);
                    LookedUp(pipeline, step, "miss", tally.CacheMisses);
                    break;
            }

            Stepped(pipeline, step, "out", tally.Out);
            Stepped(pipeline, step, "dropped", tally.In - tally.Out);
        }
    }

    /// <summary>A database's code as a label: as many as are allowed, then 'other'.</summary>
    public static string Bounded(string code)
    {
        if (Codes.ContainsKey(code)) return code;
        return Codes.Count < MaxCodes && Codes.TryAdd(code, 0) ? code : "other";
    }

    public static void Stepped(string pipeline, string step, string direction, long count) =>
        Add(StepRecords, count, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("direction", direction));

    public static void Refused(string pipeline, string place, string code, string topic, int count)
    {
        if (!place.StartsWith(SourcePlace, StringComparison.Ordinal)) return;
        DecodeErrors.Add(
            count, Pipeline(pipeline), new KeyValuePair<string, object?>("topic", topic), new KeyValuePair<string, object?>("error_type", code));
    }

    private static void Failed(string pipeline, QualityPlan quality, IReadOnlyList<long> failures)
    {
        for (var i = 0; i < failures.Count; i++)
        {
            if (failures[i] == 0) continue;
            var rule = quality.Rules[i];
            Failures.Add(
                failures[i], Pipeline(pipeline), Step(quality.Id), new KeyValuePair<string, object?>("rule", rule.Name),
                new KeyValuePair<string, object?>("severity", rule.Warn ? "warn" : "error"));
        }
    }

    private static void LateFound(string pipeline, PipelinePlan plan, string step, int count, string reason)
    {
        if (count == 0) return;
        var side = plan.Sinks.Any(s => s.From == new InputRef(step, StepOutput.Late));
        Late.Add(
            count, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("outcome", side ? "side" : "dropped"),
            new KeyValuePair<string, object?>("reason", reason));
    }

    public static void LookedUp(string pipeline, string step, string outcome, long count) =>
        Add(Lookups, count, Pipeline(pipeline), Step(step), new KeyValuePair<string, object?>("outcome", outcome));

    private static void Add(
        Counter<long> counter, long count, KeyValuePair<string, object?> one, KeyValuePair<string, object?> two, KeyValuePair<string, object?> three)
    {
        if (count > 0) counter.Add(count, one, two, three);
    }

    private static void Add(Counter<long> counter, long count, KeyValuePair<string, object?> one, KeyValuePair<string, object?> two)
    {
        if (count > 0) counter.Add(count, one, two);
    }

    private static KeyValuePair<string, object?> Pipeline(string name) => new("pipeline", name);

    private static KeyValuePair<string, object?> Step(string id) => new("step", id);
}
