namespace KafkaOracleOrleans.Simulation.Engine;

/// <summary>A process: its places live and die with it.</summary>
internal sealed class Silo(string name, TimeSpan clockSkew)
{
    public string Name { get; } = name;

    /// <summary>What its clock shows beside the truth.</summary>
    public TimeSpan ClockSkew { get; } = clockSkew;

    public List<Place> Places { get; } = [];

    public bool IsDead { get; set; }

    /// <summary>Everything stands still, and goes on later as if nothing had happened: a zombie.</summary>
    public bool IsPaused { get; set; }
}

/// <summary>
/// Where one activation runs: one thing at a time, in the order it came. What waits here when its silo dies is never heard of again, so a silo is killed at
/// whatever wait its activations happen to be in.
/// </summary>
internal sealed class Place : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();
    private readonly Scheduler _scheduler;

    public Place(Scheduler scheduler, string name, Silo silo)
    {
        (_scheduler, Name, Silo) = (scheduler, name, silo);
        Time = new SimTime(scheduler, this);
        silo.Places.Add(this);
    }

    public string Name { get; }

    public Silo Silo { get; }

    public SimTime Time { get; }

    public bool HasWork => _queue.Count != 0;

    /// <summary>Whether the scheduler knows that there is something to do here.</summary>
    public bool IsListed { get; set; }

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (Environment.CurrentManagedThreadId != _scheduler.Thread)
        {
            // Whatever did this is not repeatable: the run says so.
            _scheduler.Escaped = true;
            return;
        }

        if (Silo.IsDead) return;
        _queue.Enqueue((d, state));
        _scheduler.List(this);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("Nothing blocks in a simulation.");

    public void RunOne()
    {
        var (callback, state) = _queue.Dequeue();
        callback(state);
    }

    public void Clear() => _queue.Clear();
}
