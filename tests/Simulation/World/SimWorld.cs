using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Dedup;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;
using KafkaOracleOrleans.Protocol.Writers;
using KafkaOracleOrleans.Simulation.Engine;

namespace KafkaOracleOrleans.Simulation.World;

/// <summary>How large a world is, and how much may go wrong in it.</summary>
/// <param name="Records">Per partition.</param>
/// <param name="Accidents">How many silos are killed or stopped, databases cut off and activations lost, at most.</param>
internal sealed record WorldSize(int Silos, int Partitions, int DedupShards, int Sinks, int Records, int Accidents)
{
    /// <summary>How long the log grows and things go wrong, virtual ms.</summary>
    public const long Duration = 40_000;

    /// <summary>The size that belongs to a seed.</summary>
    public static WorldSize Of(SimRandom random) => new(random.Next(1, 4), random.Next(1, 5), random.Next(1, 4), random.Next(1, 3), random.Next(4, 40), random.Next(0, 13));
}

/// <summary>Everything in a run, and how its parts reach each other.</summary>
internal sealed class SimWorld
{
    private readonly SimRandom _random;
    private readonly SimDatabase _database = new();
    private readonly FaultSorter _faults = new(_ => null);
    private readonly SinkPlan[] _plans;
    private readonly Reader[] _readers;

    public SimWorld(SimRandom random, WorldSize size, Planted planted, List<string>? history)
    {
        (_random, Planted, Size) = (random, planted, size);
        Scheduler = new Scheduler(random) { History = history };
        Log = new SimLog(random, size.Partitions, size.Records, WorldSize.Duration);
        Cluster = new Cluster(Scheduler, random, size.Silos) { Make = Make, IsReentrant = static key => key[0] != 'w' };
        Sinks = [.. Enumerable.Range(0, size.Sinks).Select(s => $"sink{s}")];
        _plans = [.. Sinks.Select(NewPlan)];
        Cluster.Start();
        // The provider's readers are where no accident reaches them: what they lose and double is the network's doing.
        var provider = new Silo("provider", TimeSpan.Zero);
        _readers = [.. Enumerable.Range(0, size.Partitions).Select(p => new Reader(this, new Place(Scheduler, $"reader{p}", provider), p))];
    }

    public Planted Planted { get; }

    public WorldSize Size { get; }

    public Scheduler Scheduler { get; }

    public SimLog Log { get; }

    public Cluster Cluster { get; }

    public SimTables Tables { get; } = new();

    public StoreRates StoreRates { get; } = new();

    public StoreRates SinkRates { get; } = new();

    public string[] Sinks { get; }

    public int DedupShards => Size.DedupShards;

    /// <summary>Faults are over: what is left is worked off.</summary>
    public bool IsDraining { get; set; }

    public long MixedWatermark { get; set; } = long.MinValue;

    public long NowMs => Scheduler.Now / TimeSpan.TicksPerMillisecond;

    /// <summary>From 0 to below a bound, by chance.</summary>
    public int Pick(int below) => _random.Next(below);

    public static string Source(int partition) => partition switch { 0 => "t/0", 1 => "t/1", 2 => "t/2", 3 => "t/3", _ => $"t/{partition}" };

    public static string PartitionOwner(int partition) => $"p/partition/t/{partition}";

    public static UInt128 Hash(long id) => new((ulong)id * 0x9E3779B97F4A7C15, (ulong)id);

    public OwnerContext Context(Place place) =>
        new(place.Time, new RetryPace(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5)), _random.NextDouble, _faults);

    public SimStore Store(Place place) => new(_database, Scheduler, _random, place, StoreRates, Planted);

    public SinkPlan Plan(string sink) => _plans[Array.IndexOf(Sinks, sink)];

    public PartitionHeader Durable(int partition) => PartitionHeader.Decode(_database.Of(PartitionOwner(partition)).Header);

    public IWriter Writer(Place place, string sink, int partition) => new RemoteWriter(this, place, $"w/{sink}/{partition}");

    public Task<DedupReply> ClaimAsync(Place from, int shard, DedupClaim claim) =>
        Cluster.CallAsync<DedupOwner, DedupReply>(from, $"d/{shard}", owner => owner.ClaimAsync(claim));

    public async Task TellIdleAsync(Place from, int shard, string source, bool idle)
    {
        try
        {
            await Cluster.CallAsync<DedupOwner, bool>(from, $"d/{shard}", async owner =>
            {
                await owner.SetIdleAsync(source, idle);
                return true;
            });
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // It is told again when it changes; until then ids are kept for longer.
            Scheduler.Tell(from.Name, $"cannot tell d/{shard} of {source}: {e.Message}");
        }
    }

    public Task SeekAsync(Place from, int partition, long position)
    {
        var done = new TaskCompletionSource();
        if (_random.Strikes(Cluster.Rates.LostCall * 3))
        {
            Scheduler.Tell(from.Name, "its seek gets lost");
            Scheduler.Schedule(new Due(from, () => done.TrySetException(new TimeoutException("The seek got lost."))), Cluster.ResponseTimeout);
            return done.Task;
        }

        Scheduler.After(TimeSpan.FromMilliseconds(1 + _random.Next(5)), () =>
        {
            _readers[partition].Seek(position);
            from.Post(_ => done.TrySetResult(), null);
        });
        return done.Task;
    }

    public Task<bool> DeliverAsync(Place from, int partition, LogBatch batch) =>
        Cluster.CallAsync<PartitionActor, bool>(from, $"p/{partition}", actor => actor.DeliverAsync(batch));

    public Task<long> PositionAsync(Place from, int partition) =>
        Cluster.CallAsync<PartitionActor, long>(from, $"p/{partition}", actor => actor.PositionAsync());

    private void Make(Activation activation)
    {
        var (key, place) = (activation.Key, activation.Place);
        switch (key[0])
        {
            case 'p':
                activation.Actor = new PartitionActor(this, activation, int.Parse(key.AsSpan(2), System.Globalization.CultureInfo.InvariantCulture));
                break;
            case 'd':
                var events = new OwnerEvents(this, activation);
                var owner = new DedupOwner(new DedupIdentity($"p/dedup/unique/{key[2..]}", "unique"), new Ports(this, place), Store(place), events, Context(place));
                (activation.Actor, activation.Assert, activation.Leave) = (owner, owner.Assert, owner.EndAsync);
                break;
            default:
                var parts = key.Split('/');
                var writer = new SinkWriter(
                    new WriterIdentity(parts[1], $"t/{parts[2]}", TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(10)), new Ports(this, place) { Sink = parts[1] },
                    new SimSinks(Tables, Scheduler, _random, place, SinkRates, Planted), Store(place), new WriterEvents(this, activation), Context(place));
                (activation.Actor, activation.Assert, activation.Leave) = (writer, writer.Assert, writer.CloseAsync);
                break;
        }
    }

    private SinkPlan NewPlan(string sink) => new()
    {
        Id = sink,
        From = new InputRef("unique"),
        InputSchema = SinkRows.Schema,
        Spec = new SinkSpec("p", sink, "c", sink, SinkMode.Append, SinkRows.Schema, ["partition", "offset"], null, false, false),
        Source = [0, 1, 2],
        FromWindow = false,
        Flush = new FlushPlan(_random.Next(1, 20), 1 << 20, _random.Next(50, 1500)),
    };

    /// <summary>What owners ask of the pipeline.</summary>
    private sealed class Ports(SimWorld world, Place place) : IDedupPorts, IWriterPorts
    {
        public string Sink { get; init; } = "";

        public async Task<long> WithinAsync(CancellationToken stopping)
        {
            await place.Time.DelayAsync(TimeSpan.FromMilliseconds(1), stopping);
            return SimLog.Within;
        }

        public Task<IReadOnlyList<string>> SourcesAsync(CancellationToken stopping) =>
            Task.FromResult<IReadOnlyList<string>>([.. Enumerable.Range(0, world.Size.Partitions).Select(Source)]);

        public Task<WriterPlan> PlanAsync(int atLeast, CancellationToken cancellation) => Task.FromResult(new WriterPlan(world.Plan(Sink), 1));
    }

    private sealed class OwnerEvents(SimWorld world, Activation activation) : IOwnerEvents
    {
        public void Became(Condition condition, string? reason) => world.Scheduler.Tell(activation.Place.Name, $"{condition}. {reason}");

        public void Began(Epoch epoch, int cells) => world.Scheduler.Tell(activation.Place.Name, $"epoch {epoch}, {cells} ids");

        public void Ended(Epoch epoch) => world.Scheduler.Tell(activation.Place.Name, $"epoch {epoch} is over");

        public void StartsOver(Epoch epoch, FaultKind kind, Exception reason) => world.Scheduler.Tell(activation.Place.Name, $"starts over: {kind}: {reason.Message}");

        public void Checkpointed(TimeSpan took)
        {
        }

        public void CheckpointFailed()
        {
        }

        public void Superseded() => world.Cluster.Deactivate(activation);
    }

    private sealed class WriterEvents(SimWorld world, Activation activation) : IWriterEvents
    {
        public void Became(Condition condition, string? reason) => world.Scheduler.Tell(activation.Place.Name, $"{condition}. {reason}");

        public void Opened(Epoch epoch, long progress)
        {
        }

        public IDisposable? Writing(WriterPlan plan, int rows) => null;

        public void Wrote(WriterCall call, TimeSpan took)
        {
        }

        public void Refused(string code, bool retries)
        {
        }

        public void FailedUnexpectedly(Exception e)
        {
            // Nothing here fails without being told to: a defect of the writer, or of the world.
            if (e is InvalidOperationException or NullReferenceException or InvariantException) world.Tables.Fault ??= $"{activation.Place.Name}: {e}";
        }

        public void Uncounted(string reason)
        {
        }

        public void Superseded() => world.Cluster.Deactivate(activation);
    }

    private sealed class RemoteWriter(SimWorld world, Place place, string key) : IWriter
    {
        public Task<WriterReply> WriteAsync(WriterCall call)
        {
            var answer = world.Cluster.CallAsync<SinkWriter, WriterReply>(place, key, writer => writer.WriteAsync(call));
            return world.Planted == Planted.ConfirmedBeforeCommitted
                ? Task.FromResult(new WriterReply(WriterAnswer.Ok, call.Progress, null, 0))
                : answer;
        }

        public Task<WriterReply> FenceAsync(string owner, Epoch epoch, int version) =>
            world.Cluster.CallAsync<SinkWriter, WriterReply>(place, key, writer => writer.FenceAsync(owner, epoch, version));
    }
}

/// <summary>The provider's reader of a partition: it delivers in order, and neither waits for what became of a delivery nor repeats it.</summary>
internal sealed class Reader
{
    private readonly SimWorld _world;
    private readonly Place _place;
    private readonly int _partition;
    private long? _next;
    private int _rests;

    public Reader(SimWorld world, Place place, int partition)
    {
        (_world, _place, _partition) = (world, place, partition);
        place.Post(_ => _ = RunAsync(), null);
    }

    public void Seek(long position)
    {
        _world.Scheduler.Tell(_place.Name, $"goes on at {position}");
        _next = position;
    }

    private async Task RunAsync()
    {
        while (true)
        {
            try
            {
                await StepAsync();
            }
            catch (Exception e) when (e is not InvariantException)
            {
                // Whoever owns the partition asks for what is missing.
                _world.Scheduler.Tell(_place.Name, $"hears: {e.Message}");
                await _place.Time.DelayAsync(TimeSpan.FromMilliseconds(200), CancellationToken.None);
            }
        }
    }

    private async Task StepAsync()
    {
        if (_next is not { } next)
        {
            var position = await _world.PositionAsync(_place, _partition);
            _next ??= position;
            return;
        }

        if (_world.Log.Read(_partition, next, 1 + _world.Pick(7), _world.NowMs) is { } batch)
        {
            _rests = 0;
            _next = batch.To;
            if (!await _world.DeliverAsync(_place, _partition, batch)) await _place.Time.DelayAsync(TimeSpan.FromMilliseconds(50), CancellationToken.None);
            return;
        }

        await _place.Time.DelayAsync(TimeSpan.FromMilliseconds(500), CancellationToken.None);
        // At the end of the log it looks now and then whether all has come.
        if (++_rests % 4 == 0) _next = null;
    }
}
