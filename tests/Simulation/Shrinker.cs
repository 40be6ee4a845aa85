using KafkaOracleOrleans.Simulation.World;

namespace KafkaOracleOrleans.Simulation;

/// <summary>Makes the world of a failing seed smaller for as long as it still fails: fewer of everything, one kind after another.</summary>
internal static class Shrinker
{
    public static Outcome Shrink(Outcome failing, Planted planted)
    {
        var best = failing;
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var smaller in Smaller(best.Size))
            {
                var outcome = Run.Execute(failing.Seed, planted, _ => smaller);
                if (outcome.Fault is null) continue;
                best = outcome;
                changed = true;
                break;
            }
        }

        return Run.Execute(failing.Seed, planted, _ => best.Size, record: true);
    }

    private static IEnumerable<WorldSize> Smaller(WorldSize size)
    {
        if (size.Accidents > 0) yield return size with { Accidents = size.Accidents / 2 };
        if (size.Accidents > 1) yield return size with { Accidents = size.Accidents - 1 };
        if (size.Partitions > 1) yield return size with { Partitions = size.Partitions - 1 };
        if (size.Records > 2) yield return size with { Records = size.Records / 2 };
        if (size.Records > 1) yield return size with { Records = size.Records - 1 };
        if (size.DedupShards > 1) yield return size with { DedupShards = size.DedupShards - 1 };
        if (size.Sinks > 1) yield return size with { Sinks = size.Sinks - 1 };
        if (size.Silos > 1) yield return size with { Silos = size.Silos - 1 };
    }
}
