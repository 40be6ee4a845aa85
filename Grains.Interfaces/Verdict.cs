using System.Globalization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A pipeline's condition in a word and a sentence: what an operator reads first.</summary>
/// <param name="Word">
/// <c>OK</c>, <c>LAGGING</c> (more than a minute's worth of records behind), <c>STALLED</c> (behind, and nothing moves), <c>WAITING</c> (for
/// something outside), <c>DEGRADED</c> (it runs, and something else is wrong), <c>FAILED</c>, <c>STARTING</c>, <c>PAUSED</c> or <c>STOPPED</c>.
/// </param>
/// <param name="Sentence">Why, and what holds it up.</param>
/// <param name="Bottleneck">What is slowest, when that can be told; else null.</param>
[GenerateSerializer, Immutable, Alias("kor.Verdict")]
public sealed record Verdict([property: Id(0)] string Word, [property: Id(1)] string Sentence, [property: Id(2)] string? Bottleneck)
{
    private const double LagSeconds = 60;
    private const int BufferedRows = 10_000;

    /// <summary>The verdict about a status. A pure function of it: every client comes to the same.</summary>
    public static Verdict Of(PipelineStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        var bottleneck = BottleneckOf(status);
        return status.State switch
        {
            PartState.Failed => new Verdict("FAILED", status.Reason ?? "A part cannot go on.", bottleneck),
            PartState.Blocked => new Verdict("WAITING", status.Reason ?? "A part waits for something outside.", bottleneck),
            PartState.Starting => new Verdict("STARTING", status.Reason ?? "It is loading its checkpoint.", null),
            PartState.Paused => new Verdict("PAUSED", $"'kor resume {status.Name}' goes on{Waiting(status)}.", null),
            PartState.Stopped => new Verdict("STOPPED", $"'kor start {status.Name}' runs it from its checkpoint{Waiting(status)}.", null),
            _ => OfHealth(status) ?? OfSinks(status) ?? OfLag(status, bottleneck),
        };
    }

    private static string Waiting(PipelineStatus status) => status.Lag is > 0 and var records ? Text($"; {records:N0} records wait") : "";

    /// <summary>Something is wrong though every part runs. What is told of lag is told below, with numbers.</summary>
    private static Verdict? OfHealth(PipelineStatus status) =>
        status.Health.FirstOrDefault(h => h.Kind != "lag") is { } issue ? new Verdict("DEGRADED", issue.Text, null) : null;

    /// <summary>Records were read and a sink does not have them: whatever the lag says, the table gets nothing.</summary>
    private static Verdict? OfSinks(PipelineStatus status)
    {
        var oldest = status.Sinks.Where(s => s.FreshnessSeconds > LagSeconds && (s.Buffered > 0 || status.Lag == 0)).MaxBy(s => s.FreshnessSeconds);
        return oldest is null
            ? null
            : new Verdict(
                "LAGGING", Text($"Sink {oldest.Sink} is {oldest.FreshnessSeconds:0} s behind what was read; {oldest.Buffered:N0} rows wait for it."),
                $"sink {oldest.Sink}");
    }

    private static Verdict OfLag(PipelineStatus status, string? bottleneck)
    {
        if (status.Lag is not { } lag) return new Verdict("OK", "The ends of its partitions are not known yet.", bottleneck);
        if (lag == 0) return new Verdict("OK", "It is at the end of its topics.", null);
        if (status.RecordsPerSecond < 0.5)
        {
            // A part that runs and has something to say waits for somebody else.
            return status.Partitions.FirstOrDefault(p => p is { State: PartState.Running, Reason: not null }) is { } waiting
                ? new Verdict("WAITING", Text($"{lag:N0} records wait. Partition {waiting.Partition}: {waiting.Reason}"), bottleneck)
                : new Verdict("STALLED", Text($"{lag:N0} records wait and none was taken in the last seconds."), bottleneck);
        }

        var seconds = lag / status.RecordsPerSecond;
        return seconds < LagSeconds
            ? new Verdict("OK", Text($"It is {lag:N0} records behind, {seconds:0.0} s at the present rate."), bottleneck)
            : new Verdict("LAGGING", Text($"It is {lag:N0} records behind, {seconds / 60:0.#} min at the present rate."), bottleneck);
    }

    private static string? BottleneckOf(PipelineStatus status)
    {
        var waiting = status.Sinks.Where(s => s.State is PartState.Blocked or PartState.Failed).MaxBy(s => s.State);
        if (waiting is not null) return $"sink {waiting.Sink} ({waiting.Reason ?? waiting.State.ToString()})";
        var fullest = status.Sinks.GroupBy(s => s.Sink).Select(g => (Sink: g.Key, Rows: g.Sum(s => (long)s.Buffered)))
            .DefaultIfEmpty().MaxBy(s => s.Rows);
        if (fullest.Rows >= BufferedRows) return Text($"sink {fullest.Sink} ({fullest.Rows:N0} rows wait to be written)");
        var shard = status.Shards.MaxBy(s => s.OutboxEntries);
        return shard is { OutboxEntries: > 100 } ? Text($"step {shard.Step} ({shard.OutboxEntries:N0} outbox entries of shard {shard.Shard} wait for their sink)") : null;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
