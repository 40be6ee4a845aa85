using System.Globalization;
using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Partitions;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// The consumer of a partition's stream. Batches are accepted into a short queue and worked off by a loop on the grain's own scheduler, so
/// that a delivery never waits for a database, and a slow sink shows as a full queue.
/// </summary>
[GrainType("kor.partition")]
[ImplicitStreamSubscription(KafkaStreamId.Namespace)]
[PreferLocalPlacement]
internal sealed partial class PartitionGrain(
    PlanProvider plans,
    IStateStore store,
    IKafkaPartitionControl kafka,
    ILookupSource lookups,
    ISchemaRegistries registries,
    IQuarantine quarantine,
    IEnumerable<IRecordTransform> transforms,
    LocalPartitions local,
    MemoryWatch memory,
    IClusterMembershipService membership,
    IOptions<EngineOptions> options,
    TimeProvider time,
    ILogger<PartitionGrain> log) : Grain, IPartitionGrain, IAsyncObserver<KafkaBatch>, IStreamSubscriptionObserver, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    // While nothing arrives and everything is told.
    private static readonly TimeSpan RestingTick = TimeSpan.FromSeconds(2);

    // A delivery waits this long for room in the queue; well below the response timeout of 30 s.
    private static readonly TimeSpan RoomDeadline = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan MemoryPoll = TimeSpan.FromMilliseconds(200);

    private readonly EngineOptions _options = options.Value;
    private readonly Queue<KafkaBatch> _queue = new();
    private BatchMerger _merger = new();
    private KafkaStreamId _id;
    private string _owner = "";
    private string _source = "";

    private PipelineRuntime? _runtime;
    private PartitionPipeline _pipeline = null!;
    private TransformRunner _transforms = null!;
    private PartitionHeader _header = new();
    private long _epoch;
    private CancellationTokenSource _reign = new();
    private Task _pump = Task.CompletedTask;
    private SharedRun _owning = null!;
    private bool _owned;
    private bool _stopped;
    private bool _leaves;
    private IGrainTimer? _timer;
    private bool _rests;
    private bool _fresh;
    private readonly Placement _placement = new(membership, options.Value.MoveAfter, time);

    // A step has a grain per key, or a transaction per batch.
    private bool _merges;
    private long? _accepted;

    // Where a partition without a checkpoint began; what follows must not be taken for the beginning.
    private long? _first;
    private long _end = -1;
    private long _lastBatchAt;
    private TaskCompletionSource _wake = NewSignal();
    private TaskCompletionSource _room = NewSignal();
    private Backoff _restarts = null!;
    private PartState _state = PartState.Starting;
    private string? _reason;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _id = KafkaStreamId.Parse(this.GetPrimaryKeyString());
        _owner = Names.PartitionOwner(_id.Source, _id.Topic, _id.Partition);
        _source = Names.Source(_id.Topic, _id.Partition);
        _restarts = _options.NewBackoff(time);
        _owning = new SharedRun(BeginReignAsync);
        _lastBatchAt = _readAt = time.GetTimestamp();
        PartMetrics.Add(_gauges = new PartitionGauges(_id.Source, _id.Topic, _id.Partition));
        _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public void Dispose() => _reign.Dispose();

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        // What was handed over before, or could not be, has had its time.
        var handedOver = _leaves;
        _leaves = true;
        if (_owned && !_stopped && !handedOver) await TryLastCheckpointAsync(cancellationToken);
        await EndReignAsync();
        PartMetrics.Remove(_gauges);
        if (reason.ReasonCode == DeactivationReasonCode.Migrating) LeaveCells();
    }

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        await handleFactory.Create<KafkaBatch>().ResumeAsync(this);

    public async Task OnNextAsync(KafkaBatch item, StreamSequenceToken? token = null)
    {
        // The next owner asks for the position and gets it again.
        if (_stopped || _leaves)
        {
            item.Release();
            return;
        }

        // Should it be dropped for now, what follows must not be taken for the beginning.
        _first ??= item.From;
        if (!await TryOwnAsync() || !await AdmitAsync(item))
        {
            item.Release();
            return;
        }

        _accepted = item.To;
        // What waited in a queue may be older than what was asked for since.
        _end = Math.Max(_end, item.HighWatermark);
        _lastBatchAt = time.GetTimestamp();
        _queue.Enqueue(item);
        _wake.TrySetResult();
        Pace(rests: false);
    }

    public Task OnErrorAsync(Exception ex)
    {
        LogStreamError(_owner, ex);
        return Task.CompletedTask;
    }

    public async Task<long?> GetPositionAsync()
    {
        // "Unknown" would make the reader begin where the pipeline once started.
        if (_stopped) throw new PipelineChangedException($"Partition '{_owner}' is stopped.");
        if (_owning.Running is { } owning) await owning;
        else if (!_owned) await OwnAsync();
        return _accepted;
    }

    public Task<bool> KnowsTopicAsync() => Task.FromResult(_header.TopicId.Length > 0);

    public async Task WakeAsync()
    {
        // What gave up waits for an operator, who stops and starts it.
        if (_gaveUp) return;
        if (_stopped)
        {
            _stopped = false;
            SetState(PartState.Starting, null);
        }

        await TryOwnAsync();
    }

    public async Task HandOverAsync()
    {
        _leaves = true;
        using var deadline = new CancellationTokenSource(Deadlines.Stop);
        if (_owned && !_stopped) await TryLastCheckpointAsync(deadline.Token);
    }

    public async Task StopAsync()
    {
        if (_owned && !_stopped)
        {
            using var deadline = new CancellationTokenSource(Deadlines.Stop);
            await TryLastCheckpointAsync(deadline.Token);
        }

        _stopped = true;
        _first = null;
        _replayAsked = null;
        await EndReignAsync();
        SetState(PartState.Stopped, null);
        DeactivateOnIdle();
    }

    /// <summary>
    /// Whether a batch comes next. One from before is a redelivery, which is dropped; one from after means that something was lost on the way: the
    /// provider is sent back. So no loss can pass unseen.
    /// </summary>
    private async Task<bool> AdmitAsync(KafkaBatch batch)
    {
        _accepted ??= _first ?? batch.From;
        switch (Admission.Judge(_accepted.Value, batch.From, batch.To, batch.Count))
        {
            case Admitted.Seen:
                return false;
            case Admitted.Gap:
                LogGap(_owner, _accepted.Value, batch.From, batch.To);
                await SeekAsync(_accepted.Value);
                return false;
        }

        if (!await IsOfTopicAsync(batch)) return false;
        var reign = _epoch;
        var started = time.GetTimestamp();
        // A grain per key costs a call however few rows there are for it: more of them at once are fewer calls. So it is with transactions.
        while (_queue.Count >= (_merges ? 3 * _options.QueuedBatches : _options.QueuedBatches) || memory.IsTight)
        {
            var left = RoomDeadline - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero) return await RefuseAsync(batch.From);
            // Memory that is there again has no signal.
            await Task.WhenAny(_room.Task, Task.Delay(memory.IsTight && left > MemoryPoll ? MemoryPoll : left, time));
        }

        return _owned && reign == _epoch && batch.From == _accepted;
    }

    /// <summary>
    /// Whether the batch is of the topic that the position is of. Offsets of a topic that was deleted and made again mean other records: who went on
    /// from the old position would skip as many of them.
    /// </summary>
    private async Task<bool> IsOfTopicAsync(KafkaBatch batch)
    {
        if (batch.TopicId == _header.TopicId || _header.TopicId.Length == 0) return true;
        var fault = batch.TopicId.Length == 0
            ? new TopicUnknownException($"Whether topic '{_id.Topic}' is the one that was read before is not known yet.")
            : (Exception)new PipelineStopException(string.Create(
                CultureInfo.InvariantCulture,
                $"Topic '{_id.Topic}' was deleted and created again since position {_header.Position} was reached, which means nothing in the new one. {SkipRemedy(0)}"));
        await FailAsync(fault);
        return false;
    }

    /// <summary>The cluster tells it when it gets to it.</summary>
    internal sealed class TopicUnknownException(string message) : Exception(message);

    /// <summary>There is no room for long: the batch is dropped unseen and asked for again when there is.</summary>
    private async Task<bool> RefuseAsync(long position)
    {
        _seekTo = position;
        await PauseAsync();
        return false;
    }

    private async Task SeekAsync(long position)
    {
        try
        {
            await kafka.SeekAsync(_id.Source, _id.Topic, _id.Partition, position);
            _seekTo = null;
        }
        catch (KafkaPartitionNotOwnedException)
        {
            // Whoever takes the partition over asks this grain for its position.
            _seekTo = null;
        }
    }

    private void SetState(PartState state, string? reason)
    {
        if (state != _state) LogState(_owner, state, reason ?? "");
        _state = state;
        _reason = reason;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: {State}. {Reason}")]
    private partial void LogState(string owner, PartState state, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Owner}: expected {Position}, got [{From}, {To}); reading again from there.")]
    private partial void LogGap(string owner, long position, long from, long to);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Owner}: the stream reports an error.")]
    private partial void LogStreamError(string owner, Exception error);
}
