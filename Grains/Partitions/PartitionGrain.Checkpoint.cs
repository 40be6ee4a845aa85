using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Partitions;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// Checkpoints. A snapshot at position C is taken between two batches; it is committed once every shard has made C durable and every sink lane
/// has confirmed it, so that a replay from C loses nothing. Work goes on meanwhile.
/// </summary>
internal sealed partial class PartitionGrain
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private bool _changed;
    private Task _commit = Task.CompletedTask;
    private Exception? _commitFailure;
    private bool _urgent;

    // After a restart the first batch is made durable before the next is begun, so that faults that keep coming cannot hold the partition in place.
    private bool _cautious;

    // The dedup cells take more memory than they may.
    private bool _crowded;
    private long _durable = -1;
    private long _checkpointedAt;
    private long _lastCheckpoint;

    private void ResetCheckpointing()
    {
        _changed = false;
        _commit = Task.CompletedTask;
        _commitFailure = null;
        _urgent = false;
        _crowded = false;
        _cautious = _restarts.Failures > 0;
        _durable = _fresh ? -1 : _header.Position;
        _lastCheckpoint = time.GetTimestamp();
    }

    /// <summary>Writes down where a partition begins before its first record counts: "latest" must not move when the silo dies.</summary>
    private async Task FirstCheckpointAsync(long position)
    {
        _header.Position = position;
        var write = new CheckpointWrite { Owner = _owner, Epoch = _epoch, Header = _header.Encode() };
        await RetryAsync(() => store.CommitAsync(write, _reign.Token), _reign.Token);
        _durable = position;
        _fresh = false;
    }

    private async Task CheckpointIfDueAsync()
    {
        if (_commitFailure is { } failure) throw failure;
        // Cells go once they are durable, and until then no more fit: nothing is worked off meanwhile.
        _crowded = IsCrowded();
        if (_crowded)
        {
            await _commit;
            if (_commitFailure is { } late) throw late;
            _crowded = IsCrowded();
        }

        if (!_changed || !_commit.IsCompleted) return;
        if (!Hurries && time.GetElapsedTime(_lastCheckpoint) < _options.CheckpointInterval) return;
        await BeginCheckpointAsync();
        if (!_cautious && !_crowded) return;
        await _commit;
        if (_commitFailure is { } refused) throw refused;
        _cautious = false;
        _crowded = false;
        IsCrowded();
    }

    /// <summary>A checkpoint is wanted now: sinks and shards are urged.</summary>
    private bool Hurries => _urgent || _cautious || _crowded;

    private async Task BeginCheckpointAsync()
    {
        var upserts = new List<CellState>();
        var deletes = new List<CellId>();
        await CollectAsync(upserts, deletes);
        RetireCells(deletes);
        if (_replayChanged) upserts.Add(new CellState(ReplayState.Cell, _replay.Encode(), null));
        _replayChanged = false;
        _header.Steps = _pipeline.SaveState();
        var write = new CheckpointWrite
        {
            Owner = _owner,
            Epoch = _epoch,
            Header = _header.Encode(),
            Upserts = upserts,
            Deletes = deletes,
        };
        var saved = _cells.Values.SelectMany(c => c.Dirty).ToArray();
        foreach (var cells in _cells.Values) cells.Dirty.Clear();
        _changed = false;
        _lastCheckpoint = time.GetTimestamp();
        _commit = CommitAsync(write, _header.Position, saved, _reign.Token);
    }

    private async Task CommitAsync(CheckpointWrite write, long position, CellEntry[] saved, CancellationToken reign)
    {
        var started = time.GetTimestamp();
        using var trace = EngineTraces.Checkpoint(_owner);
        try
        {
            await Task.WhenAll(SinksDurableAsync(position), ShardsDurableAsync(position, reign));
            await RetryAsync(() => store.CommitAsync(write, reign), reign);
            reign.ThrowIfCancellationRequested();
            _durable = position;
            _checkpointedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
            EngineMetrics.Checkpointed(_id.Source, "partition", time.GetElapsedTime(started));
            foreach (var cell in saved) cell.Saving = false;
            await AdviseAsync(position);
        }
        catch (Exception) when (reign.IsCancellationRequested)
        {
            // The next reign replays from the checkpoint before; this one's fault is none of its business.
        }
        catch (Exception e)
        {
            // Noticed by the loop, which starts over.
            EngineMetrics.CheckpointFailed(_id.Source, "partition");
            trace.Failed(e);
            _commitFailure = e;
            _wake.TrySetResult();
        }
    }

    /// <summary>
    /// Waits until the sinks have confirmed a position. Their rows go when the sink's flush says so, and the checkpoint waits for that; not when it
    /// is urgent, nor when so much was read since that a replay would be long and what is to be kept large.
    /// </summary>
    private async Task SinksDurableAsync(long position)
    {
        foreach (var lane in _lanes)
        {
            while (!CheckpointGate.HasSink(position, lane.Confirmed))
            {
                if (CheckpointGate.Urges(position, _header.Position, Hurries)) lane.Flush();
                await ChangedAsync(lane, Poll);
            }
        }
    }

    private async Task ShardsDurableAsync(long position, CancellationToken reign)
    {
        foreach (var shard in _shards.Values.SelectMany(s => s)) await ShardDurableAsync(shard, _source, position, Hurries, reign);
    }

    private async Task ShardDurableAsync(IAggregatorGrain shard, string source, long position, bool urge, CancellationToken reign)
    {
        var urged = false;
        while (true)
        {
            var at = await PositionAsync(shard, source, reign);
            var standing = CheckpointGate.OfShard(position, at.Applied, at.Durable);
            if (standing == ShardStanding.Durable) break;
            // It had taken this in and started over since; without traffic nothing else would tell.
            if (standing == ShardStanding.Behind)
                throw new RewindException($"Shard {shard.GetPrimaryKeyString()} is at {at.Applied} again, before {position}.");
            if ((urge || _urgent || _crowded) && !urged)
            {
                await shard.CheckpointAsync().WaitAsync(reign);
                urged = true;
            }
            else
            {
                await Task.Delay(Poll, time, reign);
            }
        }
    }

    private async Task<ShardPosition> PositionAsync(IAggregatorGrain shard, string source, CancellationToken reign)
    {
        try
        {
            return await shard.GetPositionAsync(source).WaitAsync(reign);
        }
        catch (Exception e) when (e.IsLost())
        {
            LogCall(_owner, shard, e);
            return new ShardPosition(null, -1);
        }
    }

    /// <summary>Tells Kafka, for lag tools. Only advice: the truth is the checkpoint.</summary>
    private async Task AdviseAsync(long position)
    {
        try
        {
            await kafka.CommitAsync(_id.Source, _id.Topic, _id.Partition, position);
        }
        catch (Exception e) when (e is KafkaPartitionNotOwnedException || e.IsLost())
        {
            LogAdvice(_owner, position, e);
        }
    }

    /// <summary>Before the partition is given up in order: works off what it can and makes it durable.</summary>
    private async Task TryLastCheckpointAsync(CancellationToken cancellation)
    {
        try
        {
            _urgent = true;
            _wake.TrySetResult();
            while (_owned && (_changed || !_commit.IsCompleted || _queue.Count != 0))
            {
                _wake.TrySetResult();
                await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // What is not durable is replayed by the next owner.
            LogNoLastCheckpoint(_owner, _durable);
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Partition {Owner}: call to {Grain} failed and is repeated.")]
    private partial void LogCall(string owner, IAddressable grain, Exception reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Partition {Owner}: the offset {Position} was not committed to Kafka.")]
    private partial void LogAdvice(string owner, long position, Exception reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: no last checkpoint; the next owner replays from {Position}.")]
    private partial void LogNoLastCheckpoint(string owner, long position);
}
