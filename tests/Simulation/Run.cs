using KafkaOracleOrleans.Simulation.Engine;
using KafkaOracleOrleans.Simulation.World;

namespace KafkaOracleOrleans.Simulation;

/// <summary>What became of a run.</summary>
/// <param name="Fault">What was wrong; null: nothing.</param>
/// <param name="Steps">Events.</param>
/// <param name="Elapsed">Virtual time.</param>
/// <param name="History">One line an event, if it was asked for.</param>
internal sealed record Outcome(ulong Seed, WorldSize Size, string? Fault, long Steps, TimeSpan Elapsed, IReadOnlyList<string> History);

/// <summary>
/// One run of one seed: a world in which things go wrong for a minute, then nothing any more and all that is left is worked off. It is judged by the log
/// alone; see <see cref="Verdict"/>.
/// </summary>
internal sealed class Run
{
    /// <summary>After the last fault everything is worked off and durable within this virtual time, or somebody is silent for good.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromMinutes(5);

    private readonly SimRandom _random;
    private readonly SimWorld _world;
    private readonly ulong _seed;

    private Run(ulong seed, Planted planted, Func<WorldSize, WorldSize>? resize, List<string>? history)
    {
        _seed = seed;
        _random = new SimRandom(seed);
        var size = WorldSize.Of(_random);
        _world = new SimWorld(_random, resize?.Invoke(size) ?? size, planted, history);
        SetRates();
        for (var i = 0; i < _world.Size.Accidents; i++)
            _world.Scheduler.After(TimeSpan.FromMilliseconds(_random.Next((int)WorldSize.Duration)), Accident);
        _world.Scheduler.After(TimeSpan.FromMilliseconds(WorldSize.Duration), EndFaults);
    }

    /// <summary>Runs a seed; the same arguments give the same run, event by event.</summary>
    public static Outcome Execute(ulong seed, Planted planted = Planted.None, Func<WorldSize, WorldSize>? resize = null, bool record = false)
    {
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            var history = record ? new List<string>() : null;
            var run = new Run(seed, planted, resize, history);
            var fault = run.Go();
            if (fault is not null) run._world.Scheduler.Tell("verdict", fault);
            return new Outcome(seed, run._world.Size, fault, run._world.Scheduler.Steps, run._world.Scheduler.Elapsed, history ?? []);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private string? Go()
    {
        var scheduler = _world.Scheduler;
        var until = (WorldSize.Duration * TimeSpan.TicksPerMillisecond) + Bound.Ticks;
        var look = 0L;
        while (scheduler.Step(out var where))
        {
            if (scheduler.Escaped) return "Something left the scheduler: the run cannot be repeated.";
            if (where is not null && Broken(where) is { } broken) return broken;
            if (_world.Tables.Fault is { } fault) return fault;
            if (!_world.IsDraining || scheduler.Now < look) continue;
            look = scheduler.Now + (100 * TimeSpan.TicksPerMillisecond);
            if (Enumerable.Range(0, _world.Log.Partitions).All(p => _world.Durable(p).Position >= _world.Log.End(p, long.MaxValue))) return Verdict.Of(_world);
            if (scheduler.Now > until) return Verdict.Silent(_world);
        }

        return "Nothing happens any more.";
    }

    private string? Broken(Place where)
    {
        try
        {
            _world.Cluster.At(where)?.Assert();
            return null;
        }
        catch (Protocol.Owners.InvariantException e)
        {
            return e.Message;
        }
    }

    /// <summary>Each kind of fault is absent from half of the runs, so that none hides behind another.</summary>
    private void SetRates()
    {
        var calls = _world.Cluster.Rates;
        (calls.LostCall, calls.LostAnswer, calls.Doubled, calls.Slow) = (Rate(0.06), Rate(0.06), Rate(0.06), Rate(0.06));
        foreach (var rates in new[] { _world.StoreRates, _world.SinkRates })
            (rates.Before, rates.After, rates.Slow) = (Rate(0.1), Rate(0.1), Rate(0.04));
    }

    private double Rate(double most) => _random.Strikes(0.5) ? 0 : _random.NextDouble() * most;

    private void Accident()
    {
        var cluster = _world.Cluster;
        var kind = _random.Next(6);
        if (kind < 3 && cluster.Silos.Count == 0) return;
        switch (kind)
        {
            case 0 or 1:
                cluster.Kill(cluster.Silos[_random.Next(cluster.Silos.Count)]);
                break;
            case 2:
                Pause(cluster.Silos[_random.Next(cluster.Silos.Count)]);
                break;
            case 3 when cluster.Keys is { Length: > 0 } keys:
                Lose(keys[_random.Next(keys.Length)]);
                break;
            case 4:
                _world.StoreRates.OutUntil = _world.Scheduler.Now + TimeSpan.FromMilliseconds(_random.Next(500, 15_000)).Ticks;
                _world.Scheduler.Tell("store", "is away");
                break;
            default:
                _world.SinkRates.OutUntil = _world.Scheduler.Now + TimeSpan.FromMilliseconds(_random.Next(500, 15_000)).Ticks;
                _world.Scheduler.Tell("sinks", "are away");
                break;
        }
    }

    /// <summary>A silo stands still. The others may take it for dead meanwhile; then it acts for a moment when it goes on, and ends.</summary>
    private void Pause(Silo silo)
    {
        var (cluster, scheduler) = (_world.Cluster, _world.Scheduler);
        var still = TimeSpan.FromMilliseconds(_random.Next(200, 40_000));
        cluster.Pause(silo);
        scheduler.After(still, () => cluster.Resume(silo));
        if (_random.Strikes(0.3)) return;
        scheduler.After(still * _random.NextDouble(), () => cluster.Forget(silo));
        scheduler.After(still + TimeSpan.FromMilliseconds(_random.Next(5000)), () => cluster.Kill(silo));
    }

    /// <summary>Two activations of one key, for a while.</summary>
    private void Lose(string key)
    {
        var activation = _world.Cluster.Activate(key);
        _world.Cluster.Lose(key);
        _world.Scheduler.After(TimeSpan.FromMilliseconds(_random.Next(8000)), () => _world.Cluster.Deactivate(activation));
    }

    private void EndFaults()
    {
        _world.Scheduler.Tell("operator", "no more faults");
        _world.IsDraining = true;
        var calls = _world.Cluster.Rates;
        calls.LostCall = calls.LostAnswer = calls.Doubled = calls.Slow = 0;
        foreach (var rates in new[] { _world.StoreRates, _world.SinkRates }) rates.Before = rates.After = rates.Slow = rates.OutUntil = 0;
        foreach (var silo in _world.Cluster.Silos.ToArray()) _world.Cluster.Resume(silo);
    }
}
