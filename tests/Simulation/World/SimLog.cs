using KafkaOracleOrleans.Simulation.Engine;

namespace KafkaOracleOrleans.Simulation.World;

/// <summary>A record of the log.</summary>
/// <param name="Offset">Its offset; there are holes between offsets.</param>
/// <param name="Id">The id that dedup goes by.</param>
/// <param name="EventTime">ms.</param>
/// <param name="AppendedAt">When it is there to be read, virtual ms.</param>
internal readonly record struct LogRecord(long Offset, long Id, long EventTime, long AppendedAt);

/// <summary>Consecutive records of a partition, as the provider brings them.</summary>
internal sealed record LogBatch(long From, long To, LogRecord[] Records);

/// <summary>
/// The log of all partitions: what there is to be read, and so what every run is judged by. Copies of an id lie in any partition, at most
/// <see cref="Spread"/> apart; partitions are silent now and then.
/// </summary>
internal sealed class SimLog
{
    /// <summary>How far apart the copies of an id are, ms at most.</summary>
    public const long Spread = 8_000;

    /// <summary>For how long the pipeline's dedup holds an id, ms: longer than a run, so that nothing is forgotten by right.</summary>
    public const long Within = 600_000;

    /// <summary>How far event times are behind the moment of their record, ms at most.</summary>
    public const long Disorder = 2_000;

    private readonly LogRecord[][] _partitions;

    public SimLog(SimRandom random, int partitions, int records, long duration)
    {
        _partitions = new LogRecord[partitions][];
        var ids = records * partitions;
        for (var p = 0; p < partitions; p++)
        {
            var times = new long[records];
            for (var i = 0; i < records; i++) times[i] = (long)(random.NextDouble() * duration);
            Array.Sort(times);
            _partitions[p] = new LogRecord[records];
            var offset = 0L;
            for (var i = 0; i < records; i++)
            {
                offset += random.Strikes(0.1) ? 1 + random.Next(3) : 1;
                _partitions[p][i] = new LogRecord(offset - 1, ids, times[i] - random.Next((int)Disorder), times[i]);
                ids++;
            }
        }

        // Copies: of a record in its neighbourhood in time, whatever its partition.
        var all = _partitions.SelectMany((r, p) => r.Select((x, i) => (P: p, I: i, x.AppendedAt))).OrderBy(x => x.AppendedAt).ToArray();
        for (var n = 0; n < all.Length; n++)
        {
            if (!random.Strikes(0.35)) continue;
            var of = n - 1 - random.Next(6);
            if (of < 0 || all[n].AppendedAt - all[of].AppendedAt > Spread / 2) continue;
            var original = _partitions[all[of].P][all[of].I];
            // A chain of copies must not creep away from its first.
            if (all[n].AppendedAt - First(original.Id, all, of) > Spread / 2) continue;
            ref var record = ref _partitions[all[n].P][all[n].I];
            record = record with { Id = original.Id };
        }

        long First(long id, (int P, int I, long AppendedAt)[] sorted, int from)
        {
            var first = sorted[from].AppendedAt;
            for (var i = from; i >= 0 && sorted[from].AppendedAt - sorted[i].AppendedAt <= Spread; i--)
            {
                if (_partitions[sorted[i].P][sorted[i].I].Id == id) first = sorted[i].AppendedAt;
            }

            return first;
        }
    }

    public int Partitions => _partitions.Length;

    public IReadOnlyList<LogRecord> Of(int partition) => _partitions[partition];

    public int Total => _partitions.Sum(p => p.Length);

    /// <summary>The position after the last record that is there at a time.</summary>
    public long End(int partition, long now)
    {
        var records = _partitions[partition];
        for (var i = records.Length; i > 0; i--)
        {
            if (records[i - 1].AppendedAt <= now) return records[i - 1].Offset + 1;
        }

        return 0;
    }

    /// <summary>The next batch from a position on; null: nothing is there yet.</summary>
    public LogBatch? Read(int partition, long from, int most, long now)
    {
        var records = _partitions[partition];
        var first = 0;
        while (first < records.Length && records[first].Offset < from) first++;
        var count = 0;
        while (count < most && first + count < records.Length && records[first + count].AppendedAt <= now) count++;
        return count == 0 ? null : new LogBatch(from, records[first + count - 1].Offset + 1, records[first..(first + count)]);
    }
}
