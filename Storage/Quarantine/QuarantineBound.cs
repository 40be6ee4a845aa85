using System.Collections.Concurrent;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>
/// How many records of a pipeline may lie in its quarantine. Counting reads an index, so a count holds for a minute with what was added since; near the
/// limit it is taken again, and while the quarantine is full every few seconds. Several writers may go beyond the limit by what each adds meanwhile.
/// And how many may come in a minute, which each silo counts for itself: what is refused by the thousand is a change at the producer.
/// </summary>
internal sealed class QuarantineBound(long max, long maxPerMinute, TimeProvider time)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HoldsWhenFull = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (long Records, long At)> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (long Records, long Since)> _minutes = new(StringComparer.Ordinal);

    /// <summary>How long some more have to wait for the next minute; null: they need not.</summary>
    public TimeSpan? TooFast(string pipeline, int more)
    {
        // As above: a batch larger than all there may be has to go somewhere.
        if (maxPerMinute <= 0 || !_minutes.TryGetValue(pipeline, out var minute) || minute.Records == 0 || minute.Records + more <= maxPerMinute) return null;
        var left = Minute - time.GetElapsedTime(minute.Since);
        return left > TimeSpan.Zero ? left : null;
    }

    /// <summary>Notes that so many were added.</summary>
    public void Added(string pipeline, int records)
    {
        if (maxPerMinute <= 0) return;
        _minutes.AddOrUpdate(
            pipeline, _ => (records, time.GetTimestamp()),
            (_, minute) => time.GetElapsedTime(minute.Since) < Minute ? (minute.Records + records, minute.Since) : (records, time.GetTimestamp()));
    }

    /// <summary>Takes room for some more; returns how many lie there when there is none.</summary>
    public async ValueTask<long?> FullAtAsync(string pipeline, int more, Func<Task<long>> count)
    {
        if (max <= 0) return null;
        var isKnown = _known.TryGetValue(pipeline, out var known);
        var age = isKnown ? time.GetElapsedTime(known.At) : TimeSpan.MaxValue;
        var fits = isKnown && known.Records + more <= max;
        if (age >= (fits ? Holds : HoldsWhenFull)) known = (await count().ConfigureAwait(false), time.GetTimestamp());
        // A batch larger than all there may be has to go somewhere.
        if (known.Records > 0 && known.Records + more > max)
        {
            _known[pipeline] = known;
            return known.Records;
        }

        _known[pipeline] = (known.Records + more, known.At);
        return null;
    }

    public static StoreUnavailableException TooMany(string pipeline, long max, TimeSpan left)
    {
        var text = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"Pipeline '{pipeline}' refuses more than {max} records a minute (Kor:Quarantine:MaxPerMinute): most likely the producer has changed what it sends. It goes on by itself in "
            + $"{Math.Ceiling(left.TotalSeconds)} s, at that pace. 'kor quarantine list {pipeline}' shows why they are refused, 'kor stop {pipeline}' stops it until the definition is mended.");
        return new StoreUnavailableException(text, new InvalidOperationException(text));
    }

    public static StoreUnavailableException Full(string pipeline, long records, long max)
    {
        var text = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"The quarantine of pipeline '{pipeline}' is full: {records} records, and Kor:Quarantine:MaxRecords is {max}. 'kor quarantine list {pipeline}' shows them; mend the cause, then "
            + $"'kor quarantine drop {pipeline} --all --execute' drops them, or set the limit higher; the pipeline goes on by itself when there is room.");
        return new StoreUnavailableException(text, new InvalidOperationException(text));
    }
}
