using System.Collections.Concurrent;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// Which of librdkafka's warnings are told: of each kind one in 30 s. A broker that is down is worth a line, not twenty a second; the state of the
/// partitions says that it still is. Safe for concurrent use.
/// </summary>
internal sealed class LogPace(TimeProvider clock)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, long> _toldAt = new(StringComparer.Ordinal);

    /// <summary>True when the next line of a kind is due.</summary>
    /// <param name="kind">librdkafka's facility: FAIL, ERROR, REQTMOUT and the like; some tens at most.</param>
    public bool Take(string kind)
    {
        var now = clock.GetTimestamp();
        if (_toldAt.TryAdd(kind, now)) return true;
        var last = _toldAt[kind];
        return clock.GetElapsedTime(last, now) >= Pause && _toldAt.TryUpdate(kind, now, last);
    }
}
