using System.IO.Hashing;
using System.Text;
using Orleans.Runtime.Placement;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>
/// Where an owner should be, and for how long it has been elsewhere. A move costs a checkpoint and cold reads, so it waits until the
/// cluster has been the same for a while: <see cref="EngineOptions.MoveAfter"/>.
/// </summary>
internal sealed class Placement(IClusterMembershipService membership, TimeSpan after, TimeProvider time)
{
    private SiloAddress? _wanted;
    private long _since;

    /// <summary>The silo to move to now; null: stay.</summary>
    public SiloAddress? Move(SiloAddress? wanted, SiloAddress here)
    {
        if (wanted is null || wanted.Equals(here))
        {
            _wanted = null;
            return null;
        }

        if (!wanted.Equals(_wanted))
        {
            _wanted = wanted;
            _since = time.GetTimestamp();
        }

        if (time.GetElapsedTime(_since) < after) return null;
        // A move that was asked for may come to nothing; after as long again it is asked for once more.
        _since = time.GetTimestamp();
        return wanted;
    }

    /// <summary>The active silo of that name; null when there is none.</summary>
    public SiloAddress? Find(string silo) => Active().FirstOrDefault(s => s.ToString() == silo);

    /// <summary>Asks Orleans to move a shard's activation when that is due; returns the silo it goes to, or null.</summary>
    public SiloAddress? MoveShard(Grain grain, string identity, string step, int shard)
    {
        if (Find(identity) is not { } here || Move(OfShard(step, shard), here) is not { } silo) return null;
        Ask(grain, silo);
        return silo;
    }

    /// <summary>The silo of a shard: the shards of a step go round the silos, those of different steps from different ones on.</summary>
    private SiloAddress? OfShard(string step, int shard)
    {
        var silos = Active();
        if (silos.Count == 0) return null;
        var first = XxHash32.HashToUInt32(Encoding.UTF8.GetBytes(step));
        return silos[(int)((first + (uint)shard) % (uint)silos.Count)];
    }

    /// <summary>Asks Orleans to begin the calling activation's next life on a silo.</summary>
    public static void Ask(Grain grain, SiloAddress silo)
    {
        RequestContext.Set(IPlacementDirector.PlacementHintKey, silo);
        grain.MigrateOnIdle();
        RequestContext.Remove(IPlacementDirector.PlacementHintKey);
    }

    private List<SiloAddress> Active() =>
    [
        .. membership.CurrentSnapshot.Members.Values.Where(m => m.Status == SiloStatus.Active).Select(m => m.SiloAddress).Order(),
    ];
}
