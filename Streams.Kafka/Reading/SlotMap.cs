using System.Text;
using Orleans.Runtime;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// Spreads partitions over slots: (hash(source/topic) + partition) % slots, so the partitions of a topic never differ
/// by more than one per slot. Stable between processes and versions.
/// </summary>
internal sealed class SlotMap : IConsistentRingStreamQueueMapper
{
    private readonly QueueId[] _slots;

    public SlotMap(string providerName, int slots)
    {
        _slots = new QueueId[slots];
        var step = uint.MaxValue / (uint)slots;
        for (var i = 0; i < slots; i++)
            _slots[i] = QueueId.GetQueueId(providerName, (uint)i, (uint)i * step);
    }

    public static int SlotOf(KafkaStreamId id, int slots)
    {
        var hash = Hash(Encoding.UTF8.GetBytes($"{id.Source}/{id.Topic}"));
        return (int)((hash + (uint)id.Partition) % (uint)slots);
    }

    /// <summary>FNV-1a.</summary>
    public static uint Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var b in bytes)
            hash = (hash ^ b) * 16777619u;
        return hash;
    }

    public IEnumerable<QueueId> GetAllQueues() => _slots;

    public QueueId GetQueueForStream(StreamId streamId) =>
        KafkaStreamId.TryParse(streamId.GetKeyAsString(), out var id)
            ? _slots[SlotOf(id, _slots.Length)]
            : _slots[Hash(streamId.Key.Span) % (uint)_slots.Length];

    public IEnumerable<QueueId> GetQueuesForRange(IRingRange range) =>
        _slots.Where(slot => range.InRange(slot.GetUniformHashCode()));
}
