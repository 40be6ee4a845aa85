namespace KafkaOracleOrleans.Protocol.Waiting;

/// <summary>How long to wait after failures.</summary>
/// <param name="First">After the first; doubles with each further one.</param>
/// <param name="Longest">At most.</param>
internal readonly record struct RetryPace(TimeSpan First, TimeSpan Longest);

/// <summary>Waits that double, with jitter, between two bounds.</summary>
/// <param name="pace">The bounds.</param>
/// <param name="time">The clock.</param>
/// <param name="jitter">A number from 0 to below 1 each time it is asked.</param>
internal sealed class Backoff(RetryPace pace, TimeProvider time, Func<double> jitter)
{
    /// <summary>Failures since the last success.</summary>
    public int Failures { get; private set; }

    /// <summary>It went well.</summary>
    public void Reset() => Failures = 0;

    /// <summary>Counts a failure and waits as long as it costs.</summary>
    public Task WaitAsync(CancellationToken cancellation) => time.DelayAsync(Next(), cancellation);

    /// <summary>Counts a failure and says how long to wait after it.</summary>
    public TimeSpan Next()
    {
        var exponent = Math.Min(Failures++, 16);
        var bound = Math.Min(pace.Longest.TotalMilliseconds, pace.First.TotalMilliseconds * (1L << exponent));
        // Jitter keeps the parts of a pipeline from knocking at a returning database all at once.
        return TimeSpan.FromMilliseconds(bound * (0.5 + (jitter() / 2)));
    }
}
