using System.Globalization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A pipeline's condition in a word and a sentence: what an operator reads first, the same on every surface.</summary>
/// <param name="Word">
/// The condition: <c>RUNNING</c>, <c>STARTING</c>, <c>DEGRADED</c> (a part failed, waits for something outside or does not get on), <c>RESTARTING</c>,
/// <c>FAILED</c>, <c>PAUSED</c>, <c>STOPPING</c> or <c>STOPPED</c>.
/// </param>
/// <param name="Sentence">Why, what to do, and how far behind it is.</param>
/// <param name="Bottleneck">What holds it back, when that can be told; else null.</param>
[GenerateSerializer, Immutable, Alias("kor.Verdict")]
public sealed record Verdict([property: Id(0)] string Word, [property: Id(1)] string Sentence, [property: Id(2)] string? Bottleneck)
{
    private const double LagSeconds = 60;
    private const int BufferedRows = 10_000;

    /// <summary>Since when, as far as the server has seen; null when nothing is known.</summary>
    [Id(3)] public DateTimeOffset? Since { get; init; }

    /// <summary>It runs, and is more than a minute behind or does not move.</summary>
    [Id(4)] public bool Lags { get; init; }

    /// <summary>The verdict about a status. A pure function of it: every client comes to the same.</summary>
    public static Verdict Of(PipelineStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        var bottleneck = BottleneckOf(status);
        // What is said of a failure is said of the worst thing; the others are in Health.
        var worst = status.Reason ?? (status.Health.Count == 0 ? null : status.Health[0].Text);
        var (sentence, lags) = status.Condition switch
        {
            PipelineCondition.Failed => (worst ?? "A part cannot go on.", false),
            PipelineCondition.Degraded => (worst ?? "A part waits or does not get on.", false),
            PipelineCondition.Restarting => (worst ?? "A part starts over from its checkpoint.", false),
            PipelineCondition.Starting => (worst ?? "It is loading its checkpoint.", false),
            PipelineCondition.Paused => ($"'kor resume {status.Name}' goes on{Waiting(status)}.", false),
            PipelineCondition.Stopping => ("Its parts make durable what they have.", false),
            PipelineCondition.Stopped => ($"'kor start {status.Name}' runs it from its checkpoint{Waiting(status)}.", false),
            _ => Running(status),
        };
        var since = status.Condition is PipelineCondition.Failed or PipelineCondition.Degraded && status.Health.Count != 0
            ? status.Health[0].Since
            : status.ConditionSince;
        return new Verdict(Words.Of(status.Condition), sentence, status.Condition is PipelineCondition.Starting or PipelineCondition.Paused or PipelineCondition.Stopped ? null : bottleneck)
        {
            Since = since,
            Lags = lags,
        };
    }

    private static string Waiting(PipelineStatus status) => status.Lag is > 0 and var records ? Text($"; {records:N0} records wait") : "";

    private static (string Sentence, bool Lags) Running(PipelineStatus status)
    {
        var (sentence, lags) = OfSinks(status) is { } sink ? (sink, true) : OfLag(status);
        return WatermarkHold.Of(status) is { HoldsBack: true } hold ? ($"{sentence} Windows wait for {hold.Sentence}", true) : (sentence, lags);
    }

    /// <summary>Records were read and a sink does not have them: whatever the lag says, the table gets nothing. Windows that are open are not meant.</summary>
    private static string? OfSinks(PipelineStatus status)
    {
        var oldest = status.Sinks.Where(s => s.FreshnessSeconds > LagSeconds && s.Buffered > 0).MaxBy(s => s.FreshnessSeconds);
        return oldest is null
            ? null
            : Text($"Sink {oldest.Sink} is {Spans.Text(oldest.FreshnessSeconds!.Value)} behind what was read; {oldest.Buffered:N0} rows wait for it.");
    }

    private static (string Sentence, bool Lags) OfLag(PipelineStatus status)
    {
        if (status.Lag is not { } lag) return ("The ends of its partitions are not known yet.", false);
        if (lag == 0) return ("It is at the end of its topics.", false);
        if (status.RecordsPerSecond < 0.5)
        {
            // A part that runs and has something to say waits for somebody else.
            return status.Partitions.FirstOrDefault(p => p is { State: PartState.Running, Reason: not null }) is { } waiting
                ? (Text($"{lag:N0} records wait. Partition {waiting.Partition}: {waiting.Reason}"), true)
                : (Text($"{lag:N0} records wait and none was taken in the last seconds."), true);
        }

        var seconds = lag / status.RecordsPerSecond;
        return (Text($"It is {lag:N0} records behind, {Spans.Text(seconds)} at the present rate."), seconds >= LagSeconds);
    }

    private static string? BottleneckOf(PipelineStatus status)
    {
        var waiting = status.Sinks.Where(s => s.State is PartState.Blocked or PartState.Failed).MaxBy(s => s.State);
        // Why is in the sentence; it is said once.
        if (waiting is not null) return $"sink {waiting.Sink} ({Words.Of(waiting.State)})";
        var fullest = status.Sinks.GroupBy(s => s.Sink).Select(g => (Sink: g.Key, Rows: g.Sum(s => (long)s.Buffered)))
            .DefaultIfEmpty().MaxBy(s => s.Rows);
        if (fullest.Rows >= BufferedRows) return Text($"sink {fullest.Sink} ({fullest.Rows:N0} rows wait to be written)");
        var shard = status.Shards.MaxBy(s => s.OutboxEntries);
        if (shard is { OutboxEntries: > 100 }) return Text($"step {shard.Step} ({shard.OutboxEntries:N0} outbox entries of shard {shard.Shard} wait for their sink)");
        if (BusiestOf(status) is { } step) return step;
        if (WatermarkHold.Of(status) is not { HoldsBack: true } hold) return null;
        return hold.BehindSeconds is { } behind
            ? $"partition {hold.Partition} (windows wait for it, {Spans.Text(behind)} behind)"
            : $"partition {hold.Partition} (windows wait for it: no record of it has come yet)";
    }

    /// <summary>What takes most of the partitions' time, while records wait for them.</summary>
    private static string? BusiestOf(PipelineStatus status) =>
        status.Lag is > 0 && StepStatus.Busiest(status) is { Load: >= StepStatus.High } step ? step.Describe(status) : null;

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
