using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>What exceptions of Orleans, of the stream provider and of this room mean to owners.</summary>
internal static class GrainFaults
{
    /// <summary>Sorts all exceptions.</summary>
    public static readonly FaultSorter Sorter = new(e => e switch
    {
        PipelineChangedException => FaultKind.Changed,
        KafkaPartitionNotOwnedException => FaultKind.Moved,
        PartitionGrain.TopicUnknownException => FaultKind.Unavailable,
        OrleansException => FaultKind.Lost,
        _ => null,
    });

    /// <summary>What an exception means.</summary>
    public static FaultKind Kind(this Exception e) => Sorter.Classify(e);

    /// <summary>A call or its answer got lost, or the grain called could not be reached: what became of it is unknown.</summary>
    public static bool IsLost(this Exception e) => e.Kind() == FaultKind.Lost;
}
