using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// What each step of a partition did and which part of the partition's time it took lately. Told of batches and of the requests of a batch, never of records. Times are
/// a monotonic clock's.
/// </summary>
public sealed class StepLoads
{
    /// <summary>Stands for decoding and all steps that work on rows by themselves: map, filter, quality, explode.</summary>
    public const string Rows = "";

    /// <summary>Stands for writing refused records down.</summary>
    public const string Quarantine = "*";

    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(10);

    // A share is smoothed, so that one slow batch is seen and does not make a sentence of its own.
    private const double Weight = 0.4;

    private readonly Dictionary<string, Load> _loads = new(StringComparer.Ordinal);
    private (Load Load, bool Blocked, TimeSpan Since)? _current;
    private TimeSpan _rolled;
    private TimeSpan _halved;

    /// <summary>Begins at a time.</summary>
    public StepLoads(TimeSpan at) => (_rolled, _halved) = (at, at);

    /// <summary>A batch is done.</summary>
    public void Note(IReadOnlyList<StepTally> tallies)
    {
        foreach (var tally in tallies)
        {
            var load = Of(tally.Step.Id);
            load.In += tally.In;
            var isWindow = tally.Step is WindowPlan;
            load.Out += isWindow ? 0 : tally.Out;
            load.Dropped += isWindow ? tally.Late : Math.Max(0, tally.In - tally.Out);
        }
    }

    /// <summary>The partition begins to wait for a step, or (blocked) for room at a sink.</summary>
    public void Enter(string step, bool blocked, TimeSpan at) => _current = (Of(step), blocked, at);

    /// <summary>It waits no longer.</summary>
    public void Leave(TimeSpan at)
    {
        if (_current is not var (load, blocked, since)) return;
        _current = null;
        load.Durations.Add(at - since);
        load.Spend(at - Later(since, _rolled), blocked);
    }

    /// <summary>Time of a batch that was spent on a step in pieces.</summary>
    public void Spent(string step, TimeSpan time)
    {
        var load = Of(step);
        load.Durations.Add(time);
        load.Spend(time, false);
    }

    /// <summary>Takes stock of the time since the last call; what is under way counts as far as it has come.</summary>
    public void Roll(TimeSpan at)
    {
        var elapsed = at - _rolled;
        if (elapsed <= TimeSpan.Zero) return;
        if (_current is var (current, blocked, since)) current.Spend(at - Later(since, _rolled), blocked);
        _rolled = at;
        var halve = at - _halved >= HalfLife;
        if (halve) _halved = at;
        foreach (var load in _loads.Values)
        {
            load.Roll(elapsed);
            if (halve) load.Durations.Halve();
        }
    }

    /// <summary>What is known of each step.</summary>
    public IEnumerable<StepLoad> Read() =>
        _loads.Values.Select(l => new StepLoad(l.Step, l.In, l.Out, l.Dropped, l.Busy, l.Blocked, l.Durations.Counts));

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private Load Of(string step)
    {
        if (!_loads.TryGetValue(step, out var load)) _loads[step] = load = new Load(step);
        return load;
    }

    private sealed class Load(string step)
    {
        private TimeSpan _busy;
        private TimeSpan _blocked;

        public string Step { get; } = step;

        public long In { get; set; }

        public long Out { get; set; }

        public long Dropped { get; set; }

        public double Busy { get; private set; }

        public double Blocked { get; private set; }

        public DurationSketch Durations { get; } = new();

        public void Spend(TimeSpan time, bool blocked)
        {
            if (time <= TimeSpan.Zero) return;
            if (blocked) _blocked += time;
            else _busy += time;
        }

        public void Roll(TimeSpan elapsed)
        {
            Busy += Weight * (Math.Min(1, _busy / elapsed) - Busy);
            Blocked += Weight * (Math.Min(1, _blocked / elapsed) - Blocked);
            (_busy, _blocked) = (TimeSpan.Zero, TimeSpan.Zero);
        }
    }
}

/// <summary>What a step of a partition did.</summary>
/// <param name="Step">The id of a step or sink; <see cref="StepLoads.Rows"/> or <see cref="StepLoads.Quarantine"/>.</param>
/// <param name="In">Rows that came in.</param>
/// <param name="Out">Rows of its main output; 0 for window steps, whose windows leave from the shards.</param>
/// <param name="Dropped">Rows that did not go on.</param>
/// <param name="Busy">The part of the time the partition worked in it or waited for its answer lately, 0 to 1.</param>
/// <param name="Blocked">The part of the time it waited for room lately, 0 to 1.</param>
/// <param name="Durations">How long batches were in it lately, as <see cref="DurationSketch.Counts"/>.</param>
public sealed record StepLoad(string Step, long In, long Out, long Dropped, double Busy, double Blocked, float[] Durations);
