using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Writers;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// Playing quarantined records again. They come between two batches, as a chain of their own towards shards and sink lanes: its n-th link is
/// durable here, with the records in it, before it has any effect, and is repeated after a crash until everything it does is durable. What has
/// applied link n knows it by its number. So a record counts once, whatever dies when, and however often it is asked for.
/// A reign before this one may have sent on what lies after its last checkpoint, and decided there without the replay. So none begins before this
/// reign has come as far, with all older ones shut out.
/// </summary>
internal sealed partial class PartitionGrain
{
    private static readonly TimeSpan ReplayAnswer = TimeSpan.FromSeconds(20);

    private ReplayState _replay = new();
    private bool _replayChanged;
    private ReplayJob? _replayAsked;

    // How far shards and lanes have come by what older reigns sent; null: not asked for in this reign.
    private long? _replayFrom;
    private TaskCompletionSource _reignEnded = NewSignal();

    /// <summary>A replay somebody waits for.</summary>
    private sealed record ReplayJob(string? Sink, IReadOnlyList<string> Ids)
    {
        public TaskCompletionSource Done { get; } = NewSignal();

        public bool Is(ReplayCall call) => Sink == call.Sink && Ids.SequenceEqual(call.Ids, StringComparer.Ordinal);
    }

    public async Task<ReplayReply> ReplayAsync(ReplayCall call)
    {
        if (_stopped) return new ReplayReply(false, $"Partition {_source} is stopped; start the pipeline first.");
        if (!await TryOwnAsync()) return new ReplayReply(false, null);
        if (_fresh) return new ReplayReply(false, $"Partition {_source} has not read anything yet.");
        if (_replayAsked is { } running && !running.Is(call))
        {
            await WaitForReplayAsync(running);
            return new ReplayReply(false, null);
        }

        var job = _replayAsked ??= new ReplayJob(call.Sink, call.Ids);
        _wake.TrySetResult();
        await WaitForReplayAsync(job);
        return new ReplayReply(job.Done.Task.IsCompleted, null);
    }

    /// <summary>Until it is over, this reign is, or the answer is due.</summary>
    private async Task WaitForReplayAsync(ReplayJob job) =>
        await Task.WhenAny(job.Done.Task, _reignEnded.Task, Task.Delay(ReplayAnswer, time));

    private async Task LoadReplayAsync()
    {
        var found = await store.ReadCellsAsync(_owner, [ReplayState.Cell], _reign.Token);
        _replay = found.Count == 0 ? new ReplayState() : ReplayState.Decode(found[0].Payload, _id.Source, _id.Topic, _id.Partition);
        _replayChanged = false;
        _replayFrom = null;
    }

    /// <summary>Goes on with what a reign before this one began, and begins what was asked for. Between two batches only.</summary>
    private async Task ReplayIfAskedAsync(CancellationToken reign)
    {
        if (_replay.Stage != ReplayStage.None) await FinishReplayAsync(reign);
        if (_replayAsked is not { } job || _fresh) return;
        _replayFrom ??= await FenceAsync(reign);
        if (_replayFrom is not { } from || _header.Position < from) return;
        IReadOnlyList<QuarantinedRecord> records = [];
        await RetryAsync(async () => records = await quarantine.FindAsync(_id.Source, job.Ids, reign), reign);
        // What lies ahead of the position will be read from the log.
        records = [.. records.Where(r => r.Record.Topic == _id.Topic && r.Record.Partition == _id.Partition && r.Record.Offset < _header.Position)];
        if (records.Count != 0)
        {
            _replay.Begin(job.Sink, records);
            await SaveReplayAsync(reign);
            await FinishReplayAsync(reign);
        }

        _replayAsked = null;
        job.Done.TrySetResult();
    }

    /// <summary>Shuts older reigns out of shards and lanes; returns how far they have come there, or null when not all of them answer now.</summary>
    private async Task<long?> FenceAsync(CancellationToken reign)
    {
        var from = 0L;
        try
        {
            foreach (var shard in _shards.Values.SelectMany(s => s))
                from = Math.Max(from, await shard.FenceAsync(_source, _epoch).WaitAsync(reign));
            foreach (var lane in _lanes)
            {
                var reply = await lane.FenceAsync();
                if (reply.Answer == WriterAnswer.Fenced) throw new OwnerFencedException($"sink '{lane.Sink.Id}'");
                if (reply.Answer != WriterAnswer.Ok) return NotYet($"sink '{lane.Sink.Id}': {reply.Reason}");
                from = Math.Max(from, reply.Confirmed);
            }
        }
        catch (Exception e) when (e.Kind() is FaultKind.Lost or FaultKind.Unavailable or FaultKind.Changed)
        {
            return NotYet(e.Message);
        }

        return from;
    }

    private long? NotYet(string why)
    {
        // The clockwork wakes the loop, which tries again; records go on meanwhile.
        LogReplayWaits(_owner, why);
        return null;
    }

    private async Task FinishReplayAsync(CancellationToken reign)
    {
        if (_replay.Stage == ReplayStage.Begun)
        {
            var leaving = await ApplyReplayAsync(reign);
            _replay.Applied(leaving);
            await SaveReplayAsync(reign);
        }

        await RetryAsync(() => quarantine.RemoveAsync(_id.Source, _replay.Leaving, reign), reign);
        LogReplayed(_owner, _replay.Number, _replay.Leaving.Count);
        _replay.End();
        await SaveReplayAsync(reign);
        // Without traffic nothing else would say that what it waited for is over.
        SetState(PartState.Running, null);
    }

    /// <summary>Makes the replay's state durable, with everything before it.</summary>
    private async Task SaveReplayAsync(CancellationToken reign)
    {
        var urgent = _urgent;
        _urgent = true;
        try
        {
            await _commit;
            if (_commitFailure is { } before) throw before;
            _replayChanged = true;
            await BeginCheckpointAsync();
            await _commit;
            if (_commitFailure is { } failure) throw failure;
            reign.ThrowIfCancellationRequested();
        }
        finally
        {
            _urgent = urgent;
        }
    }

    /// <summary>Runs the records through the steps as they are now; returns the ids that leave the quarantine.</summary>
    private async Task<IReadOnlyList<string>> ApplyReplayAsync(CancellationToken reign)
    {
        // One record may lie there twice, refused by two versions at two places: it counts once all the same.
        var records = _replay.Records.GroupBy(r => r.Record.Offset).OrderBy(g => g.Key).ToList();
        var raw = ReplayPlan.Batch([.. records.Select(g => g.First().Record)]);
        var steps = new PartitionPipeline(ReplayPlan.Of(_runtime!.Plan, _replay.Sink), _runtime.Version);
        steps.Restore(_header.Watermark, []);
        steps.Begin(raw, time.GetUtcNow().ToUnixTimeMilliseconds());
        var refused = new Dictionary<long, QuarantineRecord>();
        var touched = new List<IAggregatorGrain>();
        SinkRequest? rows = null;
        while (steps.Next() is { } request)
        {
            switch (request)
            {
                case DedupRequest dedup:
                    await ClaimReplayAsync(dedup, reign);
                    break;
                case WindowRequest window:
                    await ApplyReplayAsync(window, touched, reign);
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
                case SinkRequest sink when _replay.Sink is null:
                    await WriteReplayAsync(sink, [], reign);
                    break;
                case SinkRequest sink:
                    rows = sink;
                    break;
                case QuarantineRequest again:
                    foreach (var record in again.Records) refused[record.Offset] = record;
                    break;
                default:
                    throw new NotSupportedException($"The step kind behind {request.GetType().Name} is not known to this build.");
            }
        }

        if (refused.Count != 0) await RetryAsync(() => quarantine.RenewAsync([.. refused.Values.Select(AsBefore)], reign), reign);
        foreach (var shard in touched) await ShardDurableAsync(shard, Names.Replay(_source), _replay.Number + 1, urge: true, reign);
        if (_replay.Sink is null) AccountReplay(steps.Counts);
        return await LeavingAsync(records, refused, rows, reign);
    }

    /// <summary>
    /// A record that only a sink refused stays a record for that sink, whatever refuses it now: everything else has had it.
    /// </summary>
    private QuarantineRecord AsBefore(QuarantineRecord refused) =>
        _replay.Sink is null ? refused : refused with { Place = $"sink:{_replay.Sink}" };

    private async Task<IReadOnlyList<string>> LeavingAsync(
        List<IGrouping<long, QuarantinedRecord>> records, Dictionary<long, QuarantineRecord> refused, SinkRequest? rows, CancellationToken reign)
    {
        var leaving = new List<string>();
        foreach (var record in records)
        {
            var still = refused.TryGetValue(record.Key, out var again) ? AsBefore(again).Place : null;
            leaving.AddRange(record.Where(r => r.Record.Place != still).Select(r => r.Id));
        }

        if (rows is not { Rows.Count: > 0 }) return leaving;
        // They leave in the transaction that writes their rows; those the database refuses again are back at once.
        await WriteReplayAsync(rows, leaving, reign);
        return [];
    }

    private async Task ApplyReplayAsync(WindowRequest request, List<IAggregatorGrain> touched, CancellationToken reign)
    {
        var shards = _shards[request.Step.Id];
        var calls = new List<Task<ApplyReply>>();
        for (var i = 0; i < shards.Length; i++)
        {
            // Unlike the log's, this chain may leave shards out: a link is over before the next begins.
            if (request.Shards[i] is not { Count: > 0 } rows) continue;
            touched.Add(shards[i]);
            calls.Add(ApplyAsync(shards[i], new SubBatch
            {
                Source = Names.Replay(_source),
                Partition = _id.Partition,
                Epoch = _epoch,
                From = _replay.Number,
                To = _replay.Number + 1,
                Watermark = _header.Watermark,
                DurablePosition = _replay.Number,
                Rows = rows,
            }, reign));
        }

        foreach (var call in calls)
        {
            foreach (var late in (await call).Late)
                request.Late.Add(new LateOffset(late.Offset, late.WindowStart, late.WindowEnd, late.LateBy, late.Reason));
        }
    }

    private async Task WriteReplayAsync(SinkRequest request, IReadOnlyList<string> released, CancellationToken reign)
    {
        if (request.Rows.Count == 0) return;
        var lane = Names.PartitionLane(_runtime!, Names.Replay(_source));
        var grain = GrainFactory.GetGrain<ISinkGrain>($"{_id.Source}/{request.Sink.Id}/{lane}");
        var order = new long[request.Rows.Count];
        Array.Fill(order, _replay.Number);
        var call = new SinkCall
        {
            Rows = request.Rows,
            Order = order,
            Deletes = request.Deletes,
            Raw = request.Raw,
            Progress = _replay.Number + 1,
            Version = _runtime!.Version,
            Released = released,
            Owner = _owner,
            Epoch = _epoch,
        };
        var backoff = _options.NewBackoff(time);
        while (await CallSinkAsync(grain, call, reign) is { } wait)
        {
            SetState(wait.State, $"Sink '{request.Sink.Id}', replay from quarantine: {wait.Reason}");
            if (wait.After is { } after) await Task.Delay(after, time, reign);
            else await backoff.WaitAsync(reign);
        }
    }

    /// <summary>Null when the rows are written; otherwise why not yet.</summary>
    private static async Task<(PartState State, string Reason, TimeSpan? After)?> CallSinkAsync(ISinkGrain grain, SinkCall call, CancellationToken reign)
    {
        try
        {
            var reply = await grain.WriteAsync(call).WaitAsync(reign);
            if (reply.Answer == SinkAnswer.Ok) return null;
            if (reply.Answer == SinkAnswer.Fenced) throw new OwnerFencedException(grain.GetPrimaryKeyString());
            return (reply.Answer == SinkAnswer.Failed ? PartState.Failed : PartState.Blocked, reply.Reason ?? "", reply.RetryAfter);
        }
        catch (Exception e) when (e.IsLost())
        {
            // Whether it was written is unknown; the lane's progress tells at the repetition.
            return (PartState.Blocked, $"the sink's writer did not answer: {e.Message}", null);
        }
    }

    /// <summary>A record that was in quarantine is now what it has become; it was consumed before.</summary>
    private void AccountReplay(BatchCounts counts)
    {
        _header.Counts += new RecordCounts(
            0, counts.Absorbed, counts.Duplicate, counts.Late, counts.Filtered, counts.Quarantined - counts.Consumed);
        EngineMetrics.Replayed(_id.Source, counts.Consumed - counts.Quarantined, counts.Quarantined);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: a replay from quarantine waits. {Reason}")]
    private partial void LogReplayWaits(string owner, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Owner}: replay {Number} is done; {Records} records left the quarantine.")]
    private partial void LogReplayed(string owner, long number, int records);
}
