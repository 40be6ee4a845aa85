using System.Globalization;
using KafkaOracleOrleans.Simulation.World;

namespace KafkaOracleOrleans.Simulation;

/// <summary>
/// What must be so at the end, computed from the log alone: of every id one record is in every sink, all sinks have the same, nothing is there that is not in the
/// log, and the counts of the partitions add up with both.
/// </summary>
internal static class Verdict
{
    /// <summary>What is wrong; null: nothing.</summary>
    public static string? Of(SimWorld world)
    {
        var log = new Dictionary<(long, long), long>();
        for (var p = 0; p < world.Log.Partitions; p++)
        {
            foreach (var record in world.Log.Of(p)) log.Add((p, record.Offset), record.Id);
        }

        var ids = log.Values.Distinct().Count();
        var headers = Enumerable.Range(0, world.Log.Partitions).Select(world.Durable).ToArray();
        var (consumed, absorbed, duplicate) = (headers.Sum(h => h.Consumed), headers.Sum(h => h.Absorbed), headers.Sum(h => h.Duplicate));
        if (consumed != log.Count) return Text($"{consumed} records are counted as consumed of {log.Count}.");
        if (consumed != absorbed + duplicate) return Text($"{consumed} consumed are not {absorbed} absorbed and {duplicate} duplicates.");
        foreach (var sink in world.Sinks)
        {
            var rows = world.Tables.Rows.GetValueOrDefault(sink) ?? [];
            foreach (var (key, id) in rows)
            {
                if (!log.TryGetValue(key, out var expected) || expected != id) return Text($"{sink} has a row {key} of id {id} that is not in the log.");
            }

            var twice = rows.GroupBy(r => r.Value).FirstOrDefault(g => g.Count() > 1);
            if (twice is not null) return Text($"{sink} has id {twice.Key} {twice.Count()} times: {string.Join(", ", twice.Select(r => r.Key))}.");
            if (rows.Count != ids) return Text($"{sink} has {rows.Count} ids of {ids}; missing: {string.Join(", ", log.Values.Except(rows.Values).Take(5))}.");
            if (rows.Count != absorbed) return Text($"{sink} has {rows.Count} rows, and {absorbed} records are counted as absorbed.");
            if (world.Tables.Rows[world.Sinks[0]].Keys.Except(rows.Keys).Any()) return Text($"{sink} has other records than {world.Sinks[0]}.");
        }

        return null;
    }

    /// <summary>Who has not come to the end although nothing went wrong any more.</summary>
    public static string Silent(SimWorld world)
    {
        var behind = Enumerable.Range(0, world.Log.Partitions)
            .Where(p => world.Durable(p).Position < world.Log.End(p, long.MaxValue))
            .Select(p => Text($"t/{p} is durable up to {world.Durable(p).Position} of {world.Log.End(p, long.MaxValue)}"));
        return Text($"Silent for {Run.Bound.TotalMinutes} min after the last fault: {string.Join(", ", behind)}.");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
