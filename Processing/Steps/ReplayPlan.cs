using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>What of a pipeline records from quarantine run through.</summary>
public static class ReplayPlan
{
    /// <summary>The place of records that a sink refused begins with this; the sink's id follows.</summary>
    public const string SinkPlace = "sink:";

    /// <summary>
    /// The sink that a place names, or null: then a step refused the record, and nothing has had it.
    /// </summary>
    public static string? SinkOf(string place) =>
        place.StartsWith(SinkPlace, StringComparison.Ordinal) ? place[SinkPlace.Length..] : null;

    /// <summary>
    /// The plan for records of a place. With a sink, only what leads to it: the others have had them. A replay never stops a pipeline, so
    /// there are no stop rules.
    /// </summary>
    public static PipelinePlan Of(PipelinePlan plan, string? sink)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var steps = plan.Steps.Select(s => s is QualityPlan quality ? quality with { StopIf = null } : s);
        if (sink is null) return plan with { Steps = [.. steps] };
        return plan with
        {
            Steps = [.. LeadingTo([.. steps], plan.Sinks.FirstOrDefault(s => s.Id == sink)?.From)],
            Sinks = [.. plan.Sinks.Where(s => s.Id == sink)],
        };
    }

    /// <summary>The row steps that a sink's rows come through: what others refuse must not keep a record from it.</summary>
    private static IEnumerable<StepPlan> LeadingTo(IReadOnlyList<StepPlan> steps, InputRef? from)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        var next = from?.Step;
        while (steps.FirstOrDefault(s => s.Id == next) is { } step && wanted.Add(step.Id)) next = step.Input.Step;
        var all = from is null or { Step: InputRef.AnyStep };
        return steps.Where(s => s is not WindowPlan && (all || wanted.Contains(s.Id)));
    }

    /// <summary>Why records of a place cannot be replayed, or null when they can.</summary>
    public static string? Obstacle(PipelinePlan plan, string place, bool hasRecord)
    {
        ArgumentNullException.ThrowIfNull(plan);
        if (SinkOf(place) is not { } id) return null;
        var sink = plan.Sinks.FirstOrDefault(s => s.Id == id);
        if (sink is null) return $"the pipeline has no sink '{id}' any more";
        if (!hasRecord || sink.FromWindow)
            return "it is a window's row, which no single record stands behind; write it to the table by hand, or 'kor reset' the pipeline";
        if (sink.From.Output == StepOutput.Late) return "it came late at a window, which is not asked again; write it to the table by hand";
        return null;
    }

    /// <summary>
    /// Records of one partition, one or more and ascending by offset, as a batch at their old offsets: that is what makes them the same records.
    /// </summary>
    public static RawBatch Batch(IReadOnlyList<QuarantineRecord> records)
    {
        ArgumentNullException.ThrowIfNull(records);
        var count = records.Count;
        var buffer = new byte[records.Sum(r => (r.Key?.Length ?? 0) + (r.Value?.Length ?? 0))];
        var batch = new RawBatch
        {
            Topic = records[0].Topic,
            Partition = records[0].Partition,
            From = records[0].Offset,
            To = records[^1].Offset + 1,
            Count = count,
            Buffer = buffer,
            KeyStart = new int[count],
            KeyLength = new int[count],
            ValueStart = new int[count],
            ValueLength = new int[count],
            Offsets = new long[count],
            Timestamps = new long[count],
            Headers = row => records[row].Headers,
        };
        var used = 0;
        for (var i = 0; i < count; i++)
        {
            (batch.KeyStart[i], batch.KeyLength[i]) = Put(records[i].Key);
            (batch.ValueStart[i], batch.ValueLength[i]) = Put(records[i].Value);
            batch.Offsets[i] = records[i].Offset;
            batch.Timestamps[i] = records[i].Timestamp;
        }

        return batch;

        (int Start, int Length) Put(byte[]? bytes)
        {
            if (bytes is null) return (used, -1);
            bytes.CopyTo(buffer, used);
            used += bytes.Length;
            return (used - bytes.Length, bytes.Length);
        }
    }
}
