using System.Collections.Concurrent;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// The partitions that this silo owns. Before a silo stops, all its grains have to answer for a last checkpoint: later, when Orleans deactivates them
/// all at once, a partition can no longer reach its shards and sinks.
/// </summary>
public sealed class LocalPartitions(IGrainFactory grains, TimeProvider time)
{
    private long _movedAt = time.GetTimestamp();

    private readonly ConcurrentDictionary<string, bool> _owned = new(StringComparer.Ordinal);

    /// <summary>How many there are.</summary>
    internal int Count => _owned.Count;

    /// <summary>When a partition of this silo last got a batch further; a timestamp of the time provider.</summary>
    internal long MovedAt => Interlocked.Read(ref _movedAt);

    internal void Moved() => Interlocked.Exchange(ref _movedAt, time.GetTimestamp());

    internal void Add(string key) => _owned[key] = true;

    internal void Remove(string key) => _owned.TryRemove(key, out _);

    /// <summary>Makes durable what the partitions have taken in; they take in nothing more. Returns how many could not be asked.</summary>
    public async Task<int> HandOverAsync(CancellationToken cancellation)
    {
        var calls = _owned.Keys.Select(k => TryHandOverAsync(k, cancellation)).ToArray();
        return (await Task.WhenAll(calls)).Count(done => !done);
    }

    private async Task<bool> TryHandOverAsync(string key, CancellationToken cancellation)
    {
        try
        {
            await grains.GetGrain<IPartitionGrain>(key).HandOverAsync().WaitAsync(cancellation);
            return true;
        }
        catch (Exception e) when (e.Kind() is FaultKind.Cancelled or FaultKind.Lost)
        {
            // What is not durable is read again by the next owner.
            return false;
        }
    }
}
