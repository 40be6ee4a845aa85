namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>
/// Whether memory is tight: from <see cref="High"/> of the limit on, until it is below <see cref="Low"/> again. Reading stops meanwhile, before anything
/// fails. Pure: time comes in as an argument.
/// </summary>
internal sealed class MemoryPressure
{
    /// <summary>Share of the limit from which on memory is tight.</summary>
    public const double High = 0.80;

    /// <summary>Share of the limit below which it no longer is.</summary>
    public const double Low = 0.70;

    /// <summary>A moment of it is not worth a sentence.</summary>
    public static readonly TimeSpan Passing = TimeSpan.FromSeconds(2);

    /// <summary>Garbage counts as used until it is collected; so often it is asked for while memory is tight and nothing else allocates.</summary>
    public static readonly TimeSpan BetweenCollections = TimeSpan.FromSeconds(10);

    private TimeSpan _collectedAt = TimeSpan.MinValue;

    public bool IsTight { get; private set; }

    /// <summary>Since when, on the caller's clock; means nothing while it is not tight.</summary>
    public TimeSpan Since { get; private set; }

    /// <summary>Takes a measurement in; returns whether garbage is to be collected now.</summary>
    public bool Observe(long used, long limit, TimeSpan now)
    {
        var tight = used >= limit * (IsTight ? Low : High);
        if (tight && !IsTight) Since = now;
        IsTight = tight;
        if (!tight || (_collectedAt != TimeSpan.MinValue && now - _collectedAt < BetweenCollections)) return false;
        _collectedAt = now;
        return true;
    }

    /// <summary>It has lasted long enough to be told.</summary>
    public bool IsTold(TimeSpan now) => IsTight && now - Since >= Passing;

    /// <summary>It has been tight for so long, and no partition has got a batch further for as long.</summary>
    public bool IsStuck(TimeSpan now, TimeSpan movedAt, TimeSpan after) => IsTight && now - Since >= after && now - movedAt >= after;
}
