using System.Collections.Concurrent;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>
/// How many records of a pipeline may lie in its quarantine. Counting reads an index, so a count holds for a minute with what was added since; near the
/// limit it is taken again, and while the quarantine is full every few seconds. Several writers may go beyond the limit by what each adds meanwhile.
/// </summary>
internal sealed class QuarantineBound(long max, TimeProvider time)
{
    private static readonly TimeSpan Holds = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan HoldsWhenFull = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, (long Records, long At)> _known = new(StringComparer.Ordinal);

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

    public static StoreUnavailableException Full(string pipeline, long records, long max)
    {
        var text = string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"The quarantine of pipeline '{pipeline}' is full: {records} records, and Kor:Quarantine:MaxRecords is {max}. 'kor quarantine list {pipeline}' shows them; mend the cause, then "
            + $"'kor quarantine drop {pipeline} --all --execute' drops them, or set the limit higher; the pipeline goes on by itself when there is room.");
        return new StoreUnavailableException(text, new InvalidOperationException(text));
    }
}
