namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// How long a lane waits for other rows (a parent, a unique value that becomes free) before it puts a row into quarantine.
/// A wait in vain halves the next one, so that rows that never fit cannot hold a lane up again and again; a wait that
/// was worth it restores the whole time.
/// </summary>
internal sealed class Patience
{
    /// <summary>What is left of the wait when waiting was in vain again and again.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    private readonly TimeSpan _whole;
    private readonly TimeProvider _time;
    private TimeSpan _limit;
    private long? _since;
    private int _tries;

    public Patience(TimeSpan whole, TimeProvider time) => (_whole, _limit, _time) = (whole, whole, time);

    /// <summary>The row that is waited for is refused again: true when there is time left to wait for it.</summary>
    public bool Waits()
    {
        if (_whole == TimeSpan.Zero) return false;
        _since ??= _time.GetTimestamp();
        return _time.GetElapsedTime(_since.Value) < _limit;
    }

    /// <summary>How long to wait before the next try.</summary>
    public TimeSpan Next()
    {
        var pause = TimeSpan.FromMilliseconds(Math.Min(2000, 25 * Math.Pow(2, Math.Min(_tries++, 10))));
        var left = _limit - _time.GetElapsedTime(_since!.Value);
        return left > TimeSpan.Zero && left < pause ? left : pause;
    }

    /// <summary>A write is over; <paramref name="inVain"/> when a row was given up for which it waited.</summary>
    public void Done(bool inVain)
    {
        if (_since is not null) _limit = !inVain ? _whole : _limit / 2 < Least ? Min(_whole, Least) : _limit / 2;
        _since = null;
        _tries = 0;
    }

    private static TimeSpan Min(TimeSpan x, TimeSpan y) => x < y ? x : y;
}
