using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Owners;

/// <summary>What an owner has instead of a clock, chance and knowledge of providers of its own.</summary>
/// <param name="Time">The clock and its timers.</param>
/// <param name="Retry">Waits after what something outside refused.</param>
/// <param name="Jitter">A number from 0 to below 1 each time it is asked.</param>
/// <param name="Faults">What exceptions mean.</param>
internal sealed record OwnerContext(TimeProvider Time, RetryPace Retry, Func<double> Jitter, FaultSorter Faults)
{
    /// <summary>Waits for one thing that is repeated.</summary>
    public Backoff NewBackoff() => new(Retry, Time, Jitter);

    /// <summary>Waits with another bound.</summary>
    public Backoff NewBackoff(TimeSpan longest) => new(Retry with { Longest = longest }, Time, Jitter);
}

/// <summary>What an owner shows of itself.</summary>
internal enum Condition
{
    /// <summary>Has not begun yet.</summary>
    Starting,

    /// <summary>Works.</summary>
    Running,

    /// <summary>Waits for something outside and goes on by itself.</summary>
    Blocked,

    /// <summary>Needs an operator.</summary>
    Failed,

    /// <summary>Was stopped.</summary>
    Stopped,
}

/// <summary>The number of a term: raised durably before its owner acts. The larger is the newer.</summary>
internal readonly record struct Epoch(long Value)
{
    /// <summary>An owner that never had a term.</summary>
    public static readonly Epoch None;

    /// <summary>True when the other is newer.</summary>
    public bool IsBefore(Epoch other) => Value < other.Value;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>Where an owner tells what happens, for logs, metrics and histories. None of it may throw.</summary>
internal interface IOwnerEvents
{
    /// <summary>The condition changed.</summary>
    void Became(Condition condition, string? reason);

    /// <summary>A term has begun.</summary>
    void Began(Epoch epoch, int cells);

    /// <summary>A term is over, whatever ended it.</summary>
    void Ended(Epoch epoch);

    /// <summary>A fault ends the term; the next one starts over from what is durable.</summary>
    void StartsOver(Epoch epoch, FaultKind kind, Exception reason);

    /// <summary>A checkpoint became durable.</summary>
    void Checkpointed(TimeSpan took);

    /// <summary>A checkpoint failed for good.</summary>
    void CheckpointFailed();

    /// <summary>A newer owner acts elsewhere: this one is not needed here any more.</summary>
    void Superseded();
}
