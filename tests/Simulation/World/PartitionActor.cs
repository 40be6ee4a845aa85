using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Dedup;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Partitions;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Protocol.Writers;
using KafkaOracleOrleans.Simulation.Engine;

namespace KafkaOracleOrleans.Simulation.World;

/// <summary>
/// Stands in for the owner of a partition, which is not in Protocol yet: the same life, deliveries, claims and decisions, and a loop of its own around
/// them.
/// </summary>
internal sealed class PartitionActor
{
    private readonly SimWorld _world;
    private readonly Activation _activation;
    private readonly Owner<PartitionTerm> _owner;
    private readonly Backoff _restarts;
    private bool _flag;
    private long _flagged;

    public PartitionActor(SimWorld world, Activation activation, int number)
    {
        (_world, _activation, Number) = (world, activation, number);
        Context = world.Context(activation.Place);
        Store = world.Store(activation.Place);
        _restarts = Context.NewBackoff();
        _owner = new Owner<PartitionTerm>(BeginAsync);
        activation.Assert = _owner.Assert;
        activation.Leave = LeaveAsync;
        activation.Place.Post(_ => _ = TickAsync(), null);
    }

    public int Number { get; }

    public string Name => SimWorld.PartitionOwner(Number);

    public OwnerContext Context { get; }

    public SimStore Store { get; }

    public SimWorld World => _world;

    public Place Place => _activation.Place;

    public PartitionTerm? Term => _owner.Term;

    private bool Left { get; set; }

    /// <summary>Takes a batch in, if it comes next; false: it was dropped, and comes again when it is missing.</summary>
    public async Task<bool> DeliverAsync(LogBatch batch)
    {
        if (Left || await TryOwnAsync() is not { } term) return false;
        return await term.AdmitAsync(batch);
    }

    /// <summary>Where the reader goes on.</summary>
    public async Task<long> PositionAsync()
    {
        if (Left) throw new TimeoutException("It leaves.");
        if (_world.Planted == Planted.FlagBeforeTheLoop && _flag && Term is null) return _flagged;
        return (await _owner.OwnAsync()).Accepted;
    }

    public async Task FailAsync(PartitionTerm term, Exception e)
    {
        if (!ReferenceEquals(term, Term)) return;
        _world.Scheduler.Tell(Place.Name, $"starts over: {e.GetType().Name}: {e.Message}");
        // A newer owner acts elsewhere: this one must not take the partition from it again.
        if (Context.Faults.Classify(e) == FaultKind.Fenced) Supersede();
        await _owner.EndAsync(term);
        if (Left) return;
        await _restarts.WaitAsync(CancellationToken.None);
        if (!Left) await TryOwnAsync();
    }

    private void Supersede()
    {
        Left = true;
        _world.Cluster.Deactivate(_activation);
    }

    public void GotOn() => _restarts.Reset();

    private async Task LeaveAsync()
    {
        Left = true;
        await _owner.EndAsync();
    }

    /// <summary>A partition that nobody calls begins all the same.</summary>
    private async Task TickAsync()
    {
        while (!Left)
        {
            await Context.Time.DelayAsync(TimeSpan.FromMilliseconds(1000), CancellationToken.None);
            (await TryOwnAsync())?.Tick();
        }
    }

    private async Task<PartitionTerm?> TryOwnAsync()
    {
        // Planted: who finds the flag believes that there is a loop.
        if (_world.Planted == Planted.FlagBeforeTheLoop && _flag && Term is null) return null;
        if (Left) return null;
        try
        {
            return await _owner.OwnAsync();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _world.Scheduler.Tell(Place.Name, $"cannot begin: {e.Message}");
            if (Context.Faults.Classify(e) == FaultKind.Fenced) Supersede();
            return null;
        }
    }

    private async Task<PartitionTerm> BeginAsync(TermBirth birth)
    {
        _flag = false;
        var lease = await Store.AcquireAsync(Name, birth.Stopping);
        birth.Enter(OwnerState.Loading);
        var header = PartitionHeader.Decode(lease.Header);
        birth.Enter(OwnerState.Seeking);
        (_flag, _flagged) = (true, header.Position);
        if (lease.Header is not null) await _world.SeekAsync(Place, Number, header.Position).UntilAsync(birth.Stopping);
        birth.Stopping.ThrowIfCancellationRequested();
        _flag = false;
        _world.Scheduler.Tell(Place.Name, $"epoch {lease.Epoch}, position {header.Position}");
        var term = new PartitionTerm(this, new Epoch(lease.Epoch), header);
        term.Start();
        return term;
    }
}

/// <summary>What a partition has made durable.</summary>
internal sealed record PartitionHeader(long Position, long Consumed, long Absorbed, long Duplicate, long Watermark)
{
    public byte[] Encode()
    {
        var bytes = new byte[40];
        long[] values = [Position, Consumed, Absorbed, Duplicate, Watermark];
        Buffer.BlockCopy(values, 0, bytes, 0, 40);
        return bytes;
    }

    public static PartitionHeader Decode(byte[]? bytes) => bytes is null
        ? new PartitionHeader(0, 0, 0, 0, long.MinValue)
        : new PartitionHeader(At(bytes, 0), At(bytes, 1), At(bytes, 2), At(bytes, 3), At(bytes, 4));

    private static long At(byte[] bytes, int n) => BitConverter.ToInt64(bytes, n * 8);
}

/// <summary>A partition under one epoch.</summary>
internal sealed class PartitionTerm : ITerm
{
    private const int MostQueued = 3;
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly PartitionActor _actor;
    private readonly OwnerContext _context;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopping;
    private readonly Signal _wake = new();
    private readonly Queue<LogBatch> _queue = new();
    private readonly List<SinkDelivery> _deliveries = [];
    private PartitionHeader _header;
    private long _durable;
    private bool _changed;
    private bool _commits;
    private Exception? _commitFailure;
    private long _lastCheckpoint;
    private long _silentSince;
    private bool _toldIdle;

    public PartitionTerm(PartitionActor actor, Epoch epoch, PartitionHeader header)
    {
        (_actor, _context, Epoch, _header) = (actor, actor.Context, epoch, header);
        _stopping = _stop.Token;
        _durable = Accepted = header.Position;
        _lastCheckpoint = _silentSince = _context.Time.GetTimestamp();
    }

    public Epoch Epoch { get; }

    /// <summary>The next position to take in.</summary>
    public long Accepted { get; private set; }

    private SimWorld World => _actor.World;

    public void Start()
    {
        foreach (var sink in World.Sinks)
            _deliveries.Add(new SinkDelivery(World.Writer(_actor.Place, sink, _actor.Number), World.Plan(sink), 1, _header.Position, _context, _stopping, _actor.Name, Epoch));
        _ = RunAsync();
    }

    public async Task<bool> AdmitAsync(LogBatch batch)
    {
        switch (Admission.Judge(Accepted, batch.From, batch.To, batch.Records.Length))
        {
            case Admitted.Seen when World.Planted != Planted.RedeliveryWorkedOff:
                return false;
            case Admitted.Gap when World.Planted != Planted.GapIgnored:
                World.Scheduler.Tell(_actor.Place.Name, $"expected {Accepted}, got [{batch.From}, {batch.To})");
                await World.SeekAsync(_actor.Place, _actor.Number, Accepted);
                return false;
        }

        if (_queue.Count >= MostQueued || _stopping.IsCancellationRequested) return false;
        Accepted = batch.To;
        _queue.Enqueue(batch);
        _wake.Set();
        return true;
    }

    /// <summary>A partition at its end and silent is idle: ids are not kept on its account.</summary>
    public void Tick()
    {
        var atEnd = _queue.Count == 0 && _header.Position >= World.Log.End(_actor.Number, World.NowMs);
        var silent = _context.Time.GetElapsedTime(_silentSince) > TimeSpan.FromSeconds(2);
        var idle = atEnd && silent;
        // That it is not idle any more is told until its records tell it themselves, and no call waits for the one before.
        if (idle == _toldIdle && (idle || atEnd)) return;
        _toldIdle = idle;
        for (var shard = 0; shard < World.DedupShards; shard++) _ = World.TellIdleAsync(_actor.Place, shard, SimWorld.Source(_actor.Number), idle);
    }

    public void Assert()
    {
        foreach (var delivery in _deliveries) delivery.Assert();
        if (_durable > _header.Position) throw new InvariantException($"{_actor.Name}: durable up to {_durable}, worked off up to {_header.Position}.");
        if (_header.Position > Accepted) throw new InvariantException($"{_actor.Name}: worked off up to {_header.Position}, taken in up to {Accepted}.");
        if (_header.Consumed != _header.Absorbed + _header.Duplicate) throw new InvariantException($"{_actor.Name}: {_header} does not add up.");
    }

    public async ValueTask DisposeAsync()
    {
        _stop.Cancel();
        foreach (var delivery in _deliveries) await delivery.Loop;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            while (!_stopping.IsCancellationRequested)
            {
                if (_commitFailure is { } failure) throw failure;
                if (_queue.Count != 0)
                {
                    await WorkAsync(_queue.Dequeue());
                }
                else if (World.Planted == Planted.LostLatch)
                {
                    // Planted: a wait between the look and the wait for news.
                    await _context.Time.DelayAsync(TimeSpan.FromMilliseconds(1), _stopping);
                    await _wake.NextAsync(_stopping);
                }
                else
                {
                    await _wake.NextAsync(CheckpointInterval / 2, _context.Time, _stopping);
                }

                if (_changed && !_commits && _context.Time.GetElapsedTime(_lastCheckpoint) >= CheckpointInterval) _ = CheckpointAsync();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The next term replays from the checkpoint.
        }
        catch (Exception e)
        {
            await _actor.FailAsync(this, e);
        }
    }

    private async Task WorkAsync(LogBatch batch)
    {
        var watermark = Math.Max(_header.Watermark, batch.Records.Max(r => r.EventTime) - SimLog.Disorder);
        if (World.Planted == Planted.WatermarksMixed) watermark = World.MixedWatermark = Math.Max(World.MixedWatermark, watermark + (SimLog.Within * 2));
        var duplicate = new bool[batch.Records.Length];
        var claims = new List<(int[] Rows, Task<DedupReply> Reply)>();
        for (var shard = 0; shard < World.DedupShards; shard++)
        {
            var of = shard;
            int[] rows = [.. Enumerable.Range(0, batch.Records.Length).Where(i => DedupShard.Of(SimWorld.Hash(batch.Records[i].Id), World.DedupShards) == of)];
            claims.Add((rows, ClaimAsync(shard, batch, rows, watermark)));
        }

        foreach (var (rows, reply) in claims)
        {
            foreach (var row in (await reply).Duplicates) duplicate[rows[row]] = true;
        }

        _stopping.ThrowIfCancellationRequested();
        LogRecord[] fresh = [.. batch.Records.Where((_, i) => !duplicate[i])];
        foreach (var delivery in _deliveries)
        {
            delivery.Enqueue(SinkRows.Of(_actor.Number, fresh), [.. fresh.Select(r => r.Offset)], null, null, batch.To);
            delivery.Advance(batch.To);
        }

        _header = new PartitionHeader(
            batch.To, _header.Consumed + batch.Records.Length, _header.Absorbed + fresh.Length, _header.Duplicate + batch.Records.Length - fresh.Length, watermark);
        _changed = true;
        _silentSince = _context.Time.GetTimestamp();
        _toldIdle = false;
        _actor.GotOn();
    }

    private async Task<DedupReply> ClaimAsync(int shard, LogBatch batch, int[] rows, long watermark)
    {
        var claim = new DedupClaim(
            Epoch,
            new DedupSpan(SimWorld.Source(_actor.Number), null, batch.To, _durable, watermark),
            new DedupRows(
                rows.Length, [.. rows.Select(r => SimWorld.Hash(batch.Records[r].Id))], new uint[rows.Length],
                [.. rows.Select(r => batch.Records[r].EventTime)], [.. rows.Select(r => batch.Records[r].Offset)]));
        var backoff = _context.NewBackoff();
        while (true)
        {
            try
            {
                var reply = await World.ClaimAsync(_actor.Place, shard, claim).UntilAsync(_stopping);
                if (reply.Answer == DedupAnswer.Ok) return reply;
                if (reply.Answer == DedupAnswer.Fenced) throw new OwnerFencedException($"dedup shard {shard}");
            }
            catch (Exception e) when (_context.Faults.Classify(e) == FaultKind.Lost)
            {
                // Whether it was decided is unknown; the repetition gets the same answer.
                if (World.Planted == Planted.LostCallNotRepeated) return DedupReply.Busy("");
            }

            await backoff.WaitAsync(_stopping);
        }
    }

    private async Task CheckpointAsync()
    {
        _commits = true;
        _changed = false;
        _lastCheckpoint = _context.Time.GetTimestamp();
        var header = _header;
        try
        {
            foreach (var delivery in _deliveries)
            {
                while (World.Planted != Planted.CheckpointWithoutSinks && !CheckpointGate.HasSink(header.Position, delivery.Confirmed))
                {
                    if (delivery.IsFenced) throw new OwnerFencedException($"sink {delivery.Sink.Id}");
                    if (CheckpointGate.Urges(header.Position, _header.Position, World.IsDraining)) delivery.Flush();
                    await new Signal().NextAsync(Poll, _context.Time, _stopping);
                }
            }

            if (World.Planted == Planted.LateSnapshot) header = _header;
            await CommitAsync(new CheckpointWrite { Owner = _actor.Name, Epoch = Epoch.Value, Header = header.Encode() });
            _stopping.ThrowIfCancellationRequested();
            _durable = header.Position;
        }
        catch (Exception) when (_stopping.IsCancellationRequested)
        {
            // The next term's business.
        }
        catch (Exception e)
        {
            _commitFailure = e;
            _wake.Set();
        }
        finally
        {
            _commits = false;
        }
    }

    private async Task CommitAsync(CheckpointWrite write)
    {
        var backoff = _context.NewBackoff();
        while (true)
        {
            try
            {
                await _actor.Store.CommitAsync(write, _stopping);
                return;
            }
            catch (StoreUnavailableException) when (!_stopping.IsCancellationRequested)
            {
                // The same write again.
            }

            await backoff.WaitAsync(_stopping);
        }
    }
}
