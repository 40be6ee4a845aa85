using Orleans.Concurrency;

namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>Which records of a step a tap shows.</summary>
public enum TapSide
{
    /// <summary>What went through. Of a window step these are its closed windows, which no tap shows: ask for them instead.</summary>
    Out,

    /// <summary>Window steps: records that came too late.</summary>
    Late,

    /// <summary>Dedup steps: records seen before.</summary>
    Duplicates,

    /// <summary>Records that were refused.</summary>
    Quarantined,
}

/// <summary>What a tap shows.</summary>
[GenerateSerializer, Immutable, Alias("kor.TapRequest")]
public sealed record TapRequest
{
    /// <summary>How long a tap lives without being renewed.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);

    /// <summary>The most records a second a partition shows to one tap.</summary>
    public const int MaxPerSecond = 100;

    /// <summary>The most taps of a partition at a time; the next one is refused.</summary>
    public const int MaxTaps = 20;

    /// <summary>The longest record, characters of its JSON; longer ones are cut and marked.</summary>
    public const int MaxRecordLength = 64 * 1024;

    /// <summary>Tells taps apart.</summary>
    [Id(0)] public required Guid Id { get; init; }

    /// <summary>A step's id; empty: the decoded records of the source. With <see cref="TapSide.Quarantined"/>, <c>*</c>: of all steps.</summary>
    [Id(1)] public required string Step { get; init; }

    [Id(2)] public required TapSide Side { get; init; }

    /// <summary>Shows only records for which this expression over the output's fields is true; null: all.</summary>
    [Id(3)] public string? Where { get; init; }

    /// <summary>Which part of the records is shown, above 0 to 1. Default: 1.</summary>
    [Id(4)] public double Sample { get; init; } = 1;
}

/// <summary>A record as a tap shows it.</summary>
/// <param name="Partition"><c>topic/partition</c>.</param>
/// <param name="Offset">The record's offset.</param>
/// <param name="TimestampMs">The Kafka timestamp, ms since the Unix epoch; -1: none.</param>
/// <param name="Json">The output's fields as a JSON object; cut when <paramref name="Truncated"/>.</param>
/// <param name="Truncated">The JSON is cut at <see cref="TapRequest.MaxRecordLength"/>.</param>
[GenerateSerializer, Immutable, Alias("kor.TapRecord")]
public sealed record TapRecord(
    [property: Id(0)] string Partition,
    [property: Id(1)] long Offset,
    [property: Id(2)] long TimestampMs,
    [property: Id(3)] string Json,
    [property: Id(4)] bool Truncated);

/// <summary>Is shown records.</summary>
public interface ITapObserver : IGrainObserver
{
    /// <summary>Some records.</summary>
    /// <param name="partition"><c>topic/partition</c>.</param>
    /// <param name="seen">How many records of the output there were since the last call, shown or not.</param>
    /// <param name="failed">For how many the expression failed.</param>
    /// <param name="records">The records shown.</param>
    [OneWay]
    Task ShowAsync(string partition, long seen, long failed, IReadOnlyList<TapRecord> records);
}

/// <summary>What a restart did.</summary>
[GenerateSerializer, Immutable, Alias("kor.RestartOutcome")]
public sealed record RestartOutcome(
    [property: Id(0)] string? Refusal, [property: Id(1)] IReadOnlyList<string> Restarted)
{
    /// <summary>True when what was to be restarted does not exist.</summary>
    [Id(2)] public bool Unknown { get; init; }
}
