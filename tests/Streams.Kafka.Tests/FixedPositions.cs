using System.Collections.Concurrent;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Positions by stream key; fails as often as told first.</summary>
public sealed class FixedPositions : IKafkaPositionSource
{
    private readonly ConcurrentDictionary<string, long> _positions = new();

    public int Failures { get; set; }

    public long this[string key]
    {
        set => _positions[key] = value;
    }

    public ValueTask<long?> GetPositionAsync(
        string source, string topic, int partition, CancellationToken cancellationToken)
    {
        if (Failures-- > 0)
            throw new InvalidOperationException("no database today");
        return ValueTask.FromResult<long?>(
            _positions.TryGetValue($"{source}/{topic}/{partition}", out var position) ? position : null);
    }
}
