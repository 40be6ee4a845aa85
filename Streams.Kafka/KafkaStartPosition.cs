namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>Where a partition starts when no position is known for it. Used once; positions rule afterwards.</summary>
public sealed record KafkaStartPosition
{
    private KafkaStartPosition(KafkaStartKind kind) => Kind = kind;

    /// <summary>The oldest record the broker still has.</summary>
    public static KafkaStartPosition Earliest { get; } = new(KafkaStartKind.Earliest);

    /// <summary>The end of the log at the time the partition is first assigned.</summary>
    public static KafkaStartPosition Latest { get; } = new(KafkaStartKind.Latest);

    /// <summary>Which of the kinds this is.</summary>
    public KafkaStartKind Kind { get; }

    /// <summary>For <see cref="KafkaStartKind.Timestamp"/>: the time, else null.</summary>
    public DateTimeOffset? Time { get; private init; }

    /// <summary>For <see cref="KafkaStartKind.Offsets"/>: offsets by <c>topic/partition</c>, else null.</summary>
    public IReadOnlyDictionary<string, long>? Offsets { get; private init; }

    /// <summary>The first record whose Kafka timestamp is at or after <paramref name="time"/>; else the end.</summary>
    public static KafkaStartPosition At(DateTimeOffset time) => new(KafkaStartKind.Timestamp) { Time = time };

    /// <summary>Offsets by <c>topic/partition</c>; partitions not named start at the earliest record.</summary>
    /// <exception cref="ArgumentException">A key is not topic/partition or an offset is negative.</exception>
    public static KafkaStartPosition FromOffsets(IReadOnlyDictionary<string, long> offsets)
    {
        ArgumentNullException.ThrowIfNull(offsets);
        foreach (var (key, offset) in offsets)
        {
            if (!KafkaStreamId.TryParse("s/" + key, out _))
                throw new ArgumentException($"Start offset key '{key}' is not valid; expected topic/partition.");
            if (offset < 0)
                throw new ArgumentException($"Start offset of '{key}' is {offset}; it must be 0 or more.");
        }

        return new KafkaStartPosition(KafkaStartKind.Offsets) { Offsets = offsets };
    }
}

/// <summary>The kinds of <see cref="KafkaStartPosition"/>.</summary>
public enum KafkaStartKind
{
    /// <summary>From the oldest record.</summary>
    Earliest,

    /// <summary>From the end.</summary>
    Latest,

    /// <summary>From a time.</summary>
    Timestamp,

    /// <summary>From given offsets.</summary>
    Offsets,
}
