using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Writers;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>Working a batch off: the row steps say what they need, this does it.</summary>
internal sealed partial class PartitionGrain
{
    private readonly List<SinkDelivery> _lanes = [];

    // The Kafka time of the newest record so far, the batch under way included.
    private long _newestAt;
    private double? _batchMs;
    private readonly Dictionary<string, IAggregatorGrain[]> _shards = new(StringComparer.Ordinal);

    private async Task ProcessAsync(RawBatch batch, long bytes, CancellationToken reign)
    {
        var started = time.GetTimestamp();
        var waited = TimeSpan.Zero;
        using var trace = EngineTraces.Process(_id.Source, _runtime!.Plan.Source.GroupId, _id.Topic, _id.Partition, batch.From, batch.To, batch.Count);
        _newestAt = NewestAt(batch);
        _pipeline.Begin(batch, time.GetUtcNow().ToUnixTimeMilliseconds());
        while (_pipeline.Next() is { } request)
        {
            var asked = time.GetTimestamp();
            _loads.Enter(request is QuarantineRequest ? StepLoads.Quarantine : StepOf(request), request is SinkRequest, Clock);
            using (EngineTraces.Step(StepOf(request))) await DoAsync(request, batch, reign);
            _loads.Leave(Clock);
            var took = time.GetElapsedTime(asked);
            waited += took;
            EngineMetrics.Waited(_id.Source, StepOf(request), took, request is SinkRequest);
        }

        var rows = time.GetElapsedTime(started) - waited;
        _loads.Spent(StepLoads.Rows, rows);
        EngineMetrics.Spent(_id.Source, "rows", rows, false);
        if (_taps is not null) ShowTaps();
        foreach (var lane in _lanes)
        {
            lane.Mark(batch.To, _newestAt);
            lane.Advance(batch.To);
        }

        Account(batch, bytes, time.GetElapsedTime(started));
        SetState(PartState.Running, null);
    }

    private async Task DoAsync(PartitionRequest request, RawBatch batch, CancellationToken reign)
    {
        switch (request)
        {
            case DedupRequest dedup:
                if (dedup.Step.Global) await ClaimSharedAsync(dedup, batch.To, reign);
                else await ClaimAsync(dedup);
                break;
            case WindowRequest window:
                await ApplyAsync(window, batch, reign);
                break;
            case SinkRequest sink:
                await SendAsync(sink, batch.To, reign);
                break;
            case SchemaRequest schemas:
                await RetryAsync(() => SchemaAnswers.AnswerAsync(schemas, _runtime!.Plan, registries, reign), reign);
                break;
            case LookupRequest lookup:
                await RetryAsync(() => LookUpAsync(lookup, reign), reign);
                break;
            case CustomRequest custom:
                _transforms.Answer(custom);
                break;
            case QuarantineRequest refused:
                await RetryAsync(() => quarantine.AddAsync(refused.Records, reign), reign);
                EngineMetrics.Refused(_id.Source, refused.Records);
                break;
            default:
                throw new NotSupportedException($"The step kind behind {request.GetType().Name} is not known to this build.");
        }
    }

    private static string StepOf(PartitionRequest request) => request switch
    {
        DedupRequest dedup => dedup.Step.Id,
        WindowRequest window => window.Step.Id,
        SinkRequest sink => sink.Sink.Id,
        LookupRequest lookup => lookup.Step.Id,
        SchemaRequest => "schema",
        CustomRequest custom => custom.Step.Id,
        _ => "quarantine",
    };

    private void Account(RawBatch batch, long bytes, TimeSpan duration)
    {
        var counts = _pipeline.Counts;
        _header.Position = batch.To;
        _header.Watermark = _pipeline.Watermark;
        _header.Counts += new RecordCounts(
            counts.Consumed, counts.Absorbed, counts.Duplicate, counts.Late, counts.Filtered, counts.Quarantined);
        foreach (var (rule, failed) in _pipeline.RuleFailures)
        {
            if (failed == 0) continue;
            _header.Rules[rule] = _header.Rules.GetValueOrDefault(rule) + failed;
        }

        _idleTold = false;
        _idleTickets = [];
        _changed = true;
        local.Moved();
        _header.NewestAt = _newestAt;
        if (batch.Count != 0)
        {
            _header.LastAt = Math.Max(0, batch.Timestamps[batch.Count - 1]);
            _batchMs = _batchMs is { } before ? before + ((duration.TotalMilliseconds - before) * 0.1) : duration.TotalMilliseconds;
        }

        EngineMetrics.Batch(_id.Source, _id.Topic, counts, bytes, duration);
        _loads.Note(_pipeline.Tallies);
        StepMetrics.Stepped(_id.Source, _runtime!.Plan, _pipeline.Tallies);
    }

    private long NewestAt(RawBatch batch)
    {
        var newest = _header.NewestAt;
        foreach (var at in batch.Timestamps.AsSpan(0, batch.Count)) newest = Math.Max(newest, at);
        return newest;
    }

    private async Task LookUpAsync(LookupRequest request, CancellationToken reign)
    {
        var started = time.GetTimestamp();
        var failed = true;
        try
        {
            await LookupAnswers.AnswerAsync(request, lookups, reign);
            failed = false;
        }
        finally
        {
            EngineMetrics.LookedUp(_id.Source, request.Step.Id, time.GetElapsedTime(started), failed);
        }
    }

    /// <summary>Repeats what fails because something outside is away, and shows it as a state; an outage never turns into a result.</summary>
    private async Task RetryAsync(Func<Task> action, CancellationToken reign)
    {
        var backoff = _options.NewBackoff(time);
        while (true)
        {
            try
            {
                await action();
                // Without traffic nothing else would say so.
                if (backoff.Failures > 0) SetState(PartState.Running, null);
                return;
            }
            catch (Exception e) when (e is StoreUnavailableException or SinkUnavailableException or SchemaRegistryException)
            {
                SetState(PartState.Blocked, e.Message);
            }
            catch (SinkConfigurationException e)
            {
                SetState(PartState.Failed, e.Message);
            }

            await backoff.WaitAsync(reign);
        }
    }

    private async Task ApplyAsync(WindowRequest request, RawBatch batch, CancellationToken reign)
    {
        var shards = _shards[request.Step.Id];
        var calls = new Task<ApplyReply>[shards.Length];
        for (var i = 0; i < shards.Length; i++) calls[i] = ApplyAsync(shards[i], SubBatchOf(request.Shards[i], batch), reign);
        foreach (var call in calls)
        {
            var reply = await call;
            foreach (var late in reply.Late)
                request.Late.Add(new LateOffset(late.Offset, late.WindowStart, late.WindowEnd, late.LateBy, late.Reason));
        }
    }

    private async Task<ApplyReply> ApplyAsync(IAggregatorGrain shard, SubBatch batch, CancellationToken reign)
    {
        var backoff = _options.NewBackoff(time);
        while (true)
        {
            // Should it be lost, whether it was applied is unknown; positions make the repetition harmless.
            var reply = await TryCallAsync(shard, () => shard.ApplyAsync(batch), reign);
            switch (reply?.Answer)
            {
                case ApplyAnswer.Ok:
                    return reply;
                case ApplyAnswer.Rewind:
                    throw new RewindException($"Shard {shard.GetPrimaryKeyString()} is at {reply.Applied}, before {batch.From}.");
                case ApplyAnswer.Fenced:
                    throw new OwnerFencedException(shard.GetPrimaryKeyString());
                default:
                    SetState(PartState.Blocked, $"Shard {shard.GetPrimaryKeyString()}: {reply?.Reason ?? "does not answer."}");
                    await backoff.WaitAsync(reign);
                    break;
            }
        }
    }

    /// <summary>The answer to a call; null when it or the call got lost.</summary>
    private async Task<T?> TryCallAsync<T>(IAddressable grain, Func<Task<T>> call, CancellationToken reign)
        where T : class
    {
        try
        {
            return await call().WaitAsync(reign);
        }
        catch (Exception e) when (e.IsLost())
        {
            LogCall(_owner, grain, e);
            return null;
        }
    }

    private SubBatch SubBatchOf(KeyedRows? rows, RawBatch batch) => new()
    {
        Source = _source,
        Partition = _id.Partition,
        Epoch = _epoch,
        From = batch.From,
        To = batch.To,
        Watermark = _pipeline.Watermark,
        DurablePosition = _durable,
        Rows = rows,
        NewestAt = _newestAt,
    };

    private async Task SendAsync(SinkRequest request, long progress, CancellationToken reign)
    {
        var lane = _lanes.Find(l => l.Sink.Id == request.Sink.Id)
            ?? throw new PipelineChangedException($"There is no lane for sink '{request.Sink.Id}'.");
        while (lane.PendingBytes > _options.SinkShare(local.Count * _lanes.Count))
        {
            SetState(lane.Part(), $"Sink '{lane.Sink.Id}' holds {lane.PendingRows} rows not yet written. {lane.Reason}");
            lane.Flush();
            await ChangedAsync(lane);
        }

        lane.Enqueue(request.Rows, request.Offsets, request.Deletes, request.Raw, progress);
        reign.ThrowIfCancellationRequested();
    }

    private static async Task ChangedAsync(SinkDelivery lane, TimeSpan? within = null)
    {
        if (lane.IsFenced) throw new OwnerFencedException($"sink '{lane.Sink.Id}'");
        await (within is { } limit ? lane.ChangedAsync(limit) : lane.ChangedAsync());
    }

    private void OpenLanes()
    {
        _lanes.Clear();
        _shards.Clear();
        _dedupShards.Clear();
        var lane = Names.PartitionLane(_runtime!, _source);
        foreach (var sink in _runtime!.Plan.Sinks.Where(s => !s.FromWindow))
        {
            var grain = GrainFactory.GetGrain<ISinkGrain>($"{_id.Source}/{sink.Id}/{lane}");
            var delivery = new SinkDelivery(
                new GrainWriter(grain), sink, _runtime.Version, _fresh ? -1 : _header.Position, Owners.Context(_options, time), _reign.Token, _owner, new Epoch(_epoch));
            // Everything below the checkpoint is in the table.
            delivery.Mark(delivery.Confirmed, _header.NewestAt);
            _lanes.Add(delivery);
        }

        foreach (var step in _runtime.Plan.Steps.OfType<WindowPlan>())
        {
            _shards[step.Id] = [.. Enumerable.Range(0, step.Shards)
                .Select(s => GrainFactory.GetGrain<IAggregatorGrain>(Names.Shard(_id.Source, step.Id, s)))];
        }

        foreach (var step in _runtime.Plan.Steps.OfType<DedupPlan>().Where(s => s.Global))
        {
            _dedupShards[step.Id] = [.. Enumerable.Range(0, step.Shards)
                .Select(s => GrainFactory.GetGrain<IDedupShardGrain>(Names.Shard(_id.Source, step.Id, s)))];
        }
    }

    private static RawBatch Raw(KafkaBatch batch) => new()
    {
        Topic = batch.Topic,
        Partition = batch.Partition,
        From = batch.From,
        To = batch.To,
        Count = batch.Count,
        Buffer = batch.Buffer,
        KeyStart = batch.KeyOffset,
        KeyLength = batch.KeyLength,
        ValueStart = batch.ValueOffset,
        ValueLength = batch.ValueLength,
        Offsets = batch.Offsets,
        Timestamps = batch.TimestampsMs,
        Headers = row => HeadersOf(batch, row),
        HeaderCount = batch.HeaderCount,
    };

    private static List<KeyValuePair<string, byte[]?>> HeadersOf(KafkaBatch batch, int row)
    {
        var headers = new List<KeyValuePair<string, byte[]?>>();
        foreach (var header in batch.Headers(row)) headers.Add(new(header.Key, header.IsNull ? null : header.Value.ToArray()));
        return headers;
    }
}
