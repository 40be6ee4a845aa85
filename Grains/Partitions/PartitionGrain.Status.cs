using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>The clockwork of a partition: rates, idleness, and going on after the provider was sent away.</summary>
internal sealed partial class PartitionGrain
{
    private static readonly TimeSpan Rate = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan InputRate = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private long _lastChecked;
    private long _lastFollowed;
    private long _rateAt;
    private long _rateFrom;
    private double _rate;
    private long _inputAt;
    private long _inputFrom;
    private double? _inputRate;
    private bool _idle;
    private bool _idleTold;
    private long _idleToldAt;

    // Per shard, as the last confirmation was answered; and whether a shard waits for the next one.
    private long[] _idleTickets = [];
    private bool _idleSoon;
    private bool _paused;
    private long? _seekTo;

    // Null before the first term.
    private StepLoads _loads = null!;

    private TimeSpan Clock => time.GetElapsedTime(0);

    public Task<PartitionStatus> GetStatusAsync() => Task.FromResult(new PartitionStatus
    {
        Partition = _source,
        State = WorstState(out var reason),
        Reason = reason,
        Position = Position,
        Checkpoint = _durable < 0 ? null : _durable,
        End = _end < 0 ? null : _end,
        Watermark = _header.Watermark == long.MinValue ? null : _header.Watermark,
        Counts = _header.Counts,
        Epoch = _epoch,
        RecordsPerSecond = _rate,
        Idle = _idle,
        Rules = new Dictionary<string, long>(_header.Rules, StringComparer.Ordinal),
        Silo = RuntimeIdentity,
        Restarts = _owned ? 0 : _restarts.Failures,
        LagSeconds = LagSeconds(),
        Buffered = _lanes.ToDictionary(l => l.Sink.Id, l => l.PendingRows, StringComparer.Ordinal),
        UnreadSeconds = _reader is null ? time.GetElapsedTime(_readAt).TotalSeconds : null,
        Fresh = _lanes.ToDictionary(l => l.Sink.Id, l => l.Fresh(IsComplete(l)), StringComparer.Ordinal),
        InputPerSecond = _inputRate,
        BatchMs = _batchMs,
        Steps =
        [
            .. _loads?.Read().Select(l => new StepStatus
            {
                Step = l.Step, In = l.In, Out = l.Out, Dropped = l.Dropped, Busy = l.Busy, Blocked = l.Blocked, Durations = l.Durations,
            }) ?? [],
        ],
    });

    private async Task TickAsync(CancellationToken cancellation)
    {
        UpdateRate();
        ShowGauges();
        if (_stopped && !_gaveUp) return;
        if (_owned) _wake.TrySetResult();
        try
        {
            if (_owned && _paused && _queue.Count == 0 && !memory.IsTight) await ResumeAsync();
            // Also without a term and with a full queue: what waits in the log grows then as well.
            await LookAtReaderAsync();
            if (!_owned || _stopped) return;
            await CheckProviderAsync();
            await TellIdlenessAsync();
            await FollowReaderAsync();
            var told = (_idle && !_idleSoon) || _shards.Count + _dedupShards.Count == 0;
            Pace(told && !_changed && !_paused && _queue.Count == 0 && time.GetElapsedTime(_lastBatchAt) >= Quiet);
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            // The next tick tries again; nothing was changed here.
            LogTick(_owner, e);
        }
    }

    private void Pace(bool rests)
    {
        if (rests == _rests) return;
        _rests = rests;
        var tick = rests ? RestingTick : Tick;
        _timer?.Change(tick, tick);
    }

    /// <summary>
    /// A quiet partition makes sure that the provider stands where it does. A seek can get lost while a partition changes hands, and the
    /// provider may have asked for the position before this grain started over: at the end of the log no further batch would show the gap. A pause
    /// can outlive the activation that asked for it.
    /// </summary>
    private async Task CheckProviderAsync()
    {
        if (_paused || _queue.Count != 0 || _accepted is not { } position) return;
        if (time.GetElapsedTime(_lastBatchAt) < Quiet || time.GetElapsedTime(_lastChecked) < Quiet) return;
        _lastChecked = time.GetTimestamp();
        if (_reader is not { } status) return;
        if (status.State == KafkaPartitionState.Paused) await kafka.ResumeAsync(_id.Source, _id.Topic, _id.Partition);
        if (status.State is not (KafkaPartitionState.AtEnd or KafkaPartitionState.Running or KafkaPartitionState.Paused)) return;
        if (status.Position <= position) return;
        LogMisplaced(_owner, status.Position, position);
        await SeekAsync(position);
    }

    /// <summary>A partition lives on the silo that reads it, so that batches do not cross the network twice.</summary>
    private async Task FollowReaderAsync()
    {
        if (_leaves || _replayAsked is not null || time.GetElapsedTime(_lastFollowed) < Quiet) return;
        _lastFollowed = time.GetTimestamp();
        var reader = _reader is null ? null : _placement.Find(_reader.Silo);
        if (_placement.Find(RuntimeIdentity) is not { } here || _placement.Move(reader, here) is not { } silo) return;
        LogMoves(_owner, silo);
        Placement.Ask(this, silo);
    }

    private void UpdateRate()
    {
        var now = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_rateAt, now);
        if (elapsed < Rate) return;
        _loads?.Roll(Clock);
        var consumed = _header.Counts.Consumed;
        _rate = _rateAt == 0 ? 0 : Math.Max(0, consumed - _rateFrom) / elapsed.TotalSeconds;
        _rateAt = now;
        _rateFrom = consumed;
        UpdateInputRate(now);
    }

    /// <summary>By how the end of the log moves, which is asked for every few seconds only.</summary>
    private void UpdateInputRate(long now)
    {
        var elapsed = time.GetElapsedTime(_inputAt, now);
        if (_end < 0 || (_inputAt != 0 && elapsed < InputRate)) return;
        if (_inputAt != 0) _inputRate = Math.Max(0, _end - _inputFrom) / elapsed.TotalSeconds;
        _inputAt = now;
        _inputFrom = _end;
    }

    /// <summary>
    /// A partition that is at its end and silent for long enough says so to the shards, again and again: a shard lets the others pass only as far as
    /// they had come before the partition last looked at the end of its log. One that is paused or cut off is not at its end.
    /// </summary>
    private async Task TellIdlenessAsync()
    {
        if (_shards.Count + _dedupShards.Count == 0 || _queue.Count != 0 || _runtime is null) return;
        var tickets = _idleTickets;
        var silent = time.GetElapsedTime(_lastBatchAt).TotalMilliseconds >= _runtime.Plan.Source.IdleAfter;
        var idle = silent && IsAtEnd();
        if (!idle && !_idle) return;
        if (!idle && _idleTold) return;
        // Each time is a call to every shard: news at once, the rest now and then.
        if (idle && _idle && !_idleSoon && time.GetElapsedTime(_idleToldAt) < Quiet) return;
        _idle = idle;
        _idleToldAt = time.GetTimestamp();
        var position = _fresh ? 0 : _header.Position;
        var durable = _fresh ? 0 : _durable;
        IAggregatorGrain[] shards = [.. _shards.Values.SelectMany(s => s)];
        var answers = await Task.WhenAll(shards.Select(
            (s, i) => s.ConfirmIdleAsync(_source, position, durable, idle, tickets.Length == shards.Length ? tickets[i] : 0, _pipeline.Claimed)));
        await Task.WhenAll(_dedupShards.Values.SelectMany(s => s).Select(s => s.SetIdleAsync(_source, idle)));
        _idleTickets = idle ? Array.ConvertAll(answers, Math.Abs) : [];
        _idleSoon = Array.Exists(answers, a => a < 0);
        _idleTold = !idle;
    }

    private bool IsAtEnd() => _reader is { State: KafkaPartitionState.AtEnd, OpenTransactionAt: < 0 } status && (_fresh || status.Position == _header.Position);

    private async Task PauseAsync()
    {
        _paused = true;
        try
        {
            await kafka.PauseAsync(_id.Source, _id.Topic, _id.Partition);
        }
        catch (KafkaPartitionNotOwnedException e)
        {
            LogTick(_owner, e);
        }
    }

    private async Task ResumeAsync()
    {
        if (_seekTo is { } position) await SeekAsync(position);
        await kafka.ResumeAsync(_id.Source, _id.Topic, _id.Partition);
        _paused = false;
    }

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Partition {Owner}: the provider stood at {Found} instead of {Position}; reading again from there.")]
    private partial void LogMisplaced(string owner, long found, long position);

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: moves to silo {Silo}, which reads it.")]
    private partial void LogMoves(string owner, SiloAddress silo);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Partition {Owner}: the clockwork met an error and tries again.")]
    private partial void LogTick(string owner, Exception reason);
}
