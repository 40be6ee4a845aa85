using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>A reign over the partition: how it begins, what it does, and how it ends.</summary>
internal sealed partial class PartitionGrain
{
    private async Task<bool> TryOwnAsync()
    {
        if (_owned) return true;
        try
        {
            await OwnAsync();
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            if (!_stopped) SetState(StateOf(e), e.Message);
            return false;
        }
    }

    private Task OwnAsync() => _owned ? Task.CompletedTask : _owning.RunAsync();

    /// <summary>
    /// Begins a term, or ends it: whatever goes wrong on the way (a seek that gets lost, too) leaves nothing of it behind, so that the next call
    /// begins anew. A term that is half there would be taken for a whole one, and nobody would ever start its loop.
    /// </summary>
    private async Task BeginReignAsync()
    {
        try
        {
            await LoadReignAsync();
            if (_accepted is { } position) await SeekAsync(position);
            // Whoever stopped the partition meanwhile found no term to end.
            if (_stopped || _reign.IsCancellationRequested) throw new PipelineChangedException($"Partition '{_owner}' was stopped while it began.");
        }
        catch
        {
            await EndReignAsync();
            throw;
        }

        // The last thing of a beginning, after its last wait: who finds it set finds a term with a loop.
        _owned = true;
        local.Add(_id.ToString());
        SetState(PartState.Running, null);
        LogOwned(_owner, _epoch, _fresh ? -1 : _header.Position);
        _pump = PumpAsync(_reign.Token);
    }

    /// <summary>Raises the epoch and loads the checkpoint.</summary>
    private async Task LoadReignAsync()
    {
        _runtime = await plans.GetCurrentAsync(_id.Source);
        await GrainFactory.GetGrain<IPipelineGrain>(_id.Source).RegisterSourceAsync(_source);
        _reign = new CancellationTokenSource();
        var lease = await store.AcquireAsync(_owner, _reign.Token);
        _epoch = lease.Epoch;
        _fresh = lease.Header is null;
        _merges = _runtime.Plan.Steps.Any(s => s is DedupPlan { Global: true } or DedupPlan { Cells.Groups: 0 } or WindowPlan { GrainPer.Groups: 0 });
        if (_fresh) _first ??= await GrainFactory.GetGrain<IPipelineGrain>(_id.Source).GetStartAsync(_source);
        _header = lease.Header is null ? new PartitionHeader() : PartitionHeader.Decode(lease.Header);
        _pipeline = new PartitionPipeline(_runtime.Plan, _runtime.Version);
        _loads = new StepLoads(Clock);
        _merger = new BatchMerger();
        _transforms = new TransformRunner(transforms);
        _pipeline.Restore(_header.Watermark, _header.Steps);
        _accepted = _fresh ? _first : _header.Position;
        _reader = null;
        ResetCheckpointing();
        await LoadCellsAsync();
        await LoadReplayAsync();
        OpenLanes();
    }

    private async Task PumpAsync(CancellationToken reign)
    {
        await Task.Yield();
        try
        {
            while (!reign.IsCancellationRequested)
            {
                await ReplayIfAskedAsync(reign);
                if (_queue.Count != 0) await WorkAsync(reign);
                else await _wake.Task.WaitAsync(reign);
                if (_wake.Task.IsCompleted) _wake = NewSignal();
                await CheckpointIfDueAsync();
            }
        }
        catch (OperationCanceledException) when (reign.IsCancellationRequested)
        {
            // The reign ended elsewhere; the next one replays from the checkpoint.
        }
        catch (Exception e)
        {
            await FailAsync(e);
        }
    }

    private async Task WorkAsync(CancellationToken reign)
    {
        var batches = new List<KafkaBatch>();
        if (_merges && !_cautious) BatchMerger.Take(_queue, batches, memory.RowsAtOnce(BatchMerger.MaxRows));
        else batches.Add(_queue.Dequeue());
        try
        {
            // Admitted batches are all of one topic; early ones of a first start may not know of which.
            if (batches[^1].TopicId is { Length: > 0 } topic) _header.TopicId = topic;
            if (_fresh) await FirstCheckpointAsync(batches[0].From);
            await ProcessAsync(batches.Count == 1 ? Raw(batches[0]) : _merger.Merge(batches), batches.Sum(b => b.SizeBytes), reign);
        }
        finally
        {
            foreach (var batch in batches) batch.Release();
        }

        if (_restarts.Failures > 0) Tell("recovered", $"goes on after {_restarts.Failures} restarts.", false);
        _restarts.Reset();
        _faults = 0;
        var room = _room;
        _room = NewSignal();
        room.TrySetResult();
    }

    /// <summary>The loop failed: memory is dropped and, after a wait, the partition starts over from its checkpoint.</summary>
    private async Task FailAsync(Exception e)
    {
        // Of one that leaves its silo nothing starts over here, and nobody has to do anything about it.
        LogStartsOver(_leaves && e.IsLost() ? LogLevel.Debug : LogLevel.Warning, _owner, _epoch, e);
        SetState(StateOf(e), e.Message);
        await EndReignAsync();
        if (!_fresh && e is EpochFencedException or OwnerFencedException)
        {
            DeactivateOnIdle();
            return;
        }

        // A stop rule stays in force until an operator starts the pipeline again.
        if (GivesUp(e)) GiveUp(e);
        else await RestartAsync(e);
    }

    /// <summary>What needs an operator, and what mends itself.</summary>
    private static PartState StateOf(Exception e) =>
        e is PipelineStopException or CorruptStateException ? PartState.Failed : PartState.Blocked;

    private void GiveUp(Exception e)
    {
        _stopped = true;
        _gaveUp = true;
        var why = e is PipelineStopException ? e.Message : $"Gave up after {_options.MaxRestarts} restarts without progress: {e.Message}";
        SetState(PartState.Failed, why);
        Tell("failed", why, false);
    }

    private async Task RestartAsync(Exception e)
    {
        if (_restarts.Failures == 0) Tell("restart", $"starts over from its checkpoint. {e.Message}", true);
        await _restarts.WaitAsync(CancellationToken.None);
        // An activation on its way out must not take the reign from the one that follows it.
        if (!_stopped && !_leaves) await TryOwnAsync();
    }

    private async Task EndReignAsync()
    {
        // All of it before the first wait: the next reign may begin meanwhile, and what is there then is its own.
        _owned = false;
        local.Remove(_id.ToString());
        _reignEnded.TrySetResult();
        _reignEnded = NewSignal();
        EndHolding();
        while (_queue.TryDequeue(out var batch)) batch.Release();
        var lanes = _lanes.ToArray();
        _lanes.Clear();
        await _reign.CancelAsync();
        foreach (var lane in lanes) await lane.Loop;
        var room = _room;
        _room = NewSignal();
        room.TrySetResult();
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: epoch {Epoch}, position {Position}.")]
    private partial void LogOwned(string owner, long epoch, long position);

    [LoggerMessage(Message = "Partition {Owner}: epoch {Epoch} ends; starting over from the checkpoint.")]
    private partial void LogStartsOver(LogLevel level, string owner, long epoch, Exception reason);
}
