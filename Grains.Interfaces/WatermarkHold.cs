using System.Globalization;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>The partition that windows wait for: the one that is not idle and whose watermark is the smallest.</summary>
/// <param name="Partition"><c>topic/partition</c>.</param>
/// <param name="Watermark">Its watermark, ms since the Unix epoch; null: it has had no record with an event time yet.</param>
/// <param name="BehindSeconds">How far it is behind the partition that is furthest, in event time, s; null when it has no watermark or is the only one.</param>
/// <param name="Since">Since when its watermark has not moved, as far as the pipeline's grain has seen; null when nothing is known.</param>
/// <param name="Reason">Why it is where it is, and what moves it on.</param>
public sealed record WatermarkHold(string Partition, long? Watermark, double? BehindSeconds, DateTimeOffset? Since, string Reason)
{
    /// <summary>From how many seconds on a partition is said to hold the others back.</summary>
    public const double Notable = 60;

    /// <summary>The watermark as a time.</summary>
    public DateTimeOffset? WatermarkAt => Times.Of(Watermark);

    /// <summary>True when the other partitions are a minute of event time further, or it has no watermark while they have.</summary>
    public bool HoldsBack { get; init; }

    /// <summary>Whom windows wait for; null when the pipeline has none, does not run, or all its partitions are idle (time goes on by the clock then).</summary>
    public static WatermarkHold? Of(PipelineStatus status)
    {
        ArgumentNullException.ThrowIfNull(status);
        if (status.Desired != DesiredState.Running || status.WindowSteps.Count == 0) return null;
        var active = status.Partitions.Where(p => !p.Idle).ToList();
        if (active.Count == 0) return null;
        var holder = active.MinBy(p => p.Watermark ?? long.MinValue)!;
        var furthest = status.Partitions.Where(p => p.Partition != holder.Partition).Max(p => p.Watermark);
        var behind = furthest is { } most && holder.Watermark is { } own ? Math.Max(0, (most - own) / 1000.0) : (double?)null;
        return new WatermarkHold(holder.Partition, holder.Watermark, behind, holder.WatermarkSince, ReasonOf(holder))
        {
            HoldsBack = behind >= Notable || (holder.Watermark is null && furthest is not null),
        };
    }

    /// <summary>In a sentence, for people.</summary>
    public string Sentence
    {
        get
        {
            var where = Watermark is null ? "it has no watermark yet" : Text($"its watermark is {Iso(WatermarkAt)}");
            var behind = BehindSeconds is >= 1 and var seconds ? $", {Spans.Text(seconds)} behind the furthest" : "";
            var since = Since is { } at ? $", not moved since {Iso(at)}" : "";
            return $"partition {Partition}: {where}{behind}{since}. {Reason}";
        }
    }

    private static string ReasonOf(PartitionStatus partition)
    {
        if (partition.State is PartState.Blocked or PartState.Failed) return partition.Reason ?? $"It is {Words.Of(partition.State)}.";
        if (partition.Reason is { } reason && partition.State != PartState.Running) return reason;
        var unread = partition is { End: { } end, Position: { } position } ? Math.Max(0, end - position) : (long?)null;
        if (unread > 0) return Text($"{unread:N0} of its records are not worked off yet.");
        return partition.Watermark is null
            ? "No record of it has come yet; once it is taken for idle (idleAfter) it holds nothing back."
            : "It is at its end; its next record moves it on, or the time after which it is taken for idle (idleAfter).";
    }

    private static string Iso(DateTimeOffset? at) => at is { } value ? value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : "-";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
