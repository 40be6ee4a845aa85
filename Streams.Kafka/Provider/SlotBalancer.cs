using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>
/// Shares the slots out among the active silos: each slot in turn goes to the least loaded silo, by rendezvous hash
/// among equals. Every silo computes the same answer from the membership alone; slots in a row, where a topic's
/// partitions are, are spread as evenly as all of them. No waiting for silos to mature.
/// </summary>
internal sealed class SlotBalancer(IServiceProvider services, SlotOwners owners, ILogger<SlotBalancer> logger)
    : QueueBalancerBase(services, logger)
{
    private QueueId[] _slots = [];
    private QueueId[] _mine = [];

    public override Task Initialize(IStreamQueueMapper queueMapper)
    {
        ArgumentNullException.ThrowIfNull(queueMapper);
        _slots = [.. queueMapper.GetAllQueues()];
        return base.Initialize(queueMapper);
    }

    public override IEnumerable<QueueId> GetMyQueues() => Volatile.Read(ref _mine);

    protected override void OnClusterMembershipChange(HashSet<SiloAddress> activeSilos)
    {
        var silos = activeSilos.Order().ToArray();
        var assigned = Share(_slots.Length, silos);
        owners.Update(silos, assigned);
        var me = Array.IndexOf(silos, SiloAddress);
        Volatile.Write(ref _mine, [.. _slots.Where((_, i) => assigned[i] == me && me >= 0)]);
        ReaderLog.SlotsShared(logger, _mine.Length, _slots.Length, silos.Length);
        NotifyListeners().Ignore();
    }

    /// <summary>The index of the silo of each slot.</summary>
    internal static int[] Share(int slots, IReadOnlyList<SiloAddress> silos)
    {
        var assigned = new int[slots];
        if (silos.Count == 0)
        {
            Array.Fill(assigned, -1);
            return assigned;
        }

        var load = new int[silos.Count];
        var ranks = silos.Select(s => (uint)s.GetConsistentHashCode()).ToArray();
        for (var slot = 0; slot < slots; slot++)
        {
            var best = 0;
            for (var silo = 1; silo < ranks.Length; silo++)
            {
                if (load[silo] < load[best]
                    || (load[silo] == load[best] && Weight(slot, ranks[silo]) > Weight(slot, ranks[best])))
                    best = silo;
            }

            assigned[slot] = best;
            load[best]++;
        }

        return assigned;
    }

    private static ulong Weight(int slot, uint silo)
    {
        // The finaliser of SplitMix64.
        var x = ((ulong)silo << 32) + (ulong)slot + 0x9E3779B97F4A7C15UL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}

/// <summary>The balancer's latest answer: which silo to ask first about a slot, and which silos there are.</summary>
internal sealed class SlotOwners
{
    private State _state = new([], []);

    public IReadOnlyList<SiloAddress> Silos => Volatile.Read(ref _state).Silos;

    public void Update(SiloAddress[] silos, int[] bySlot) => Volatile.Write(ref _state, new State(silos, bySlot));

    public SiloAddress? OwnerOf(int slot)
    {
        var state = Volatile.Read(ref _state);
        return slot < state.BySlot.Length && state.BySlot[slot] >= 0 ? state.Silos[state.BySlot[slot]] : null;
    }

    private sealed record State(SiloAddress[] Silos, int[] BySlot);
}
