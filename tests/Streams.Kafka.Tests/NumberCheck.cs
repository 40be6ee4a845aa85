using System.Collections.Concurrent;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Checks that each partition's records are those the producer numbered, in order, none missing.</summary>
public sealed class NumberCheck
{
    private readonly ConcurrentDictionary<int, int> _next = new();

    public ConcurrentQueue<string> Faults { get; } = new();

    public void Check(KafkaBatch batch, int i)
    {
        var number = BitConverter.ToInt32(batch.Key(i));
        var expected = _next.GetValueOrDefault(batch.Partition);
        if (number != expected)
            Faults.Enqueue($"partition {batch.Partition}, offset {batch.Offsets[i]}: {number} instead of {expected}");
        _next[batch.Partition] = number + 1;
    }
}
