using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>A record with its own partition's watermark before it.</summary>
internal sealed record LoggedRow(TestRow Row, long Watermark);

/// <summary>
/// What a log says, by the rules alone: per record and window, with the record's own partition's watermark. Knows nothing of batches, shards or
/// the order in which partitions are read.
/// </summary>
internal static class NaiveLog
{
    /// <summary>The rows of all windows by key and start, and the late records, as texts.</summary>
    public static (List<string> Rows, List<string> Late) Of(WindowStepSpec spec, IReadOnlyList<LoggedRow> log) => spec.Window switch
    {
        SessionWindow session => Sessions(spec, session, log),
        RunningTotals => (Grouped(log.Select(r => (r.Row, 0L, 0L))), []),
        _ => Aligned(spec, log),
    };

    private static (List<string>, List<string>) Aligned(WindowStepSpec spec, IReadOnlyList<LoggedRow> log)
    {
        var (size, every, offset) = spec.Window switch
        {
            TumblingWindow w => (w.Size, w.Size, w.Offset),
            HoppingWindow w => (w.Size, w.Every, w.Offset),
            // Hours of Vienna are hours of UTC.
            _ => (3_600_000L, 3_600_000L, 0L),
        };
        var taken = new List<(TestRow, long, long)>();
        var late = new List<string>();
        foreach (var (row, watermark) in log)
        {
            var last = NaiveWindows.Floor(row.Time - offset, every) + offset;
            var before = taken.Count;
            for (var start = last; start > row.Time - size; start -= every)
            {
                if (start + size + spec.AllowedLateness > watermark) taken.Add((row, start, start + size));
            }

            if (taken.Count == before) late.Add(Late(row, last, last + size, watermark - last - size - spec.AllowedLateness));
        }

        return (Grouped(taken), late);
    }

    /// <summary>
    /// A record counts when a session of it alone is in time, or when it lies in one that records of its partition make and that is; what counts
    /// and lies less than the gap apart is one session.
    /// </summary>
    private static (List<string>, List<string>) Sessions(WindowStepSpec spec, SessionWindow window, IReadOnlyList<LoggedRow> log)
    {
        var sessions = new List<List<TestRow>>();
        var late = new List<string>();
        foreach (var (row, watermark) in log)
        {
            var alone = row.Time + Math.Min(window.Gap, window.MaxLength) + spec.AllowedLateness;
            var own = Chains(sessions.SelectMany(s => s).Where(r => r.Key == row.Key && r.Partition == row.Partition), window);
            var open = own.Exists(c => c[0].Time <= row.Time && row.Time <= c[^1].Time
                && Math.Min(c[^1].Time + window.Gap, c[0].Time + window.MaxLength) + spec.AllowedLateness > watermark);
            if (alone > watermark || open) sessions.Add([row]);
            else late.Add(Late(row, row.Time, alone - spec.AllowedLateness, watermark - alone));
        }

        var rows = new List<(TestRow, long, long)>();
        foreach (var key in sessions.SelectMany(s => s).GroupBy(r => r.Key))
        {
            foreach (var chain in Chains(key, window)) rows.AddRange(chain.Select(r => (r, chain[0].Time, chain[^1].Time + window.Gap)));
        }

        return (Grouped(rows), late);
    }

    private static List<List<TestRow>> Chains(IEnumerable<TestRow> rows, SessionWindow window)
    {
        var chains = new List<List<TestRow>>();
        foreach (var row in rows.OrderBy(r => r.Time))
        {
            if (chains.Count == 0 || row.Time - chains[^1][^1].Time >= window.Gap) chains.Add([]);
            chains[^1].Add(row);
        }

        return chains;
    }

    private static List<string> Grouped(IEnumerable<(TestRow Row, long Start, long End)> rows) =>
        [.. rows.GroupBy(r => (r.Row.Key, r.Start, r.End)).Select(g =>
        {
            var line = NaiveWindows.Line(g.Key.Key, g.Key.Start, g.Key.End, [.. g.Select(r => r.Row)], 0);
            return line[..line.LastIndexOf('|')];
        })];

    public static string Late(TestRow row, long start, long end, long by) =>
        FormattableString.Invariant($"{row.Key}|{row.Partition}/{row.Offset}|{start}|{end}|{by}");
}
