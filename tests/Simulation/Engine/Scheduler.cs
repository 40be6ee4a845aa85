using System.Globalization;
using System.Runtime.CompilerServices;

namespace KafkaOracleOrleans.Simulation.Engine;

/// <summary>
/// One thread, one virtual clock, one seed: which of the places with something to do goes next is chance, and time passes only when none has.
/// </summary>
internal sealed class Scheduler(SimRandom random)
{
    private readonly PriorityQueue<Due, (long At, long Number)> _due = new();
    private readonly List<Place> _ready = [];
    private long _number;
    private volatile bool _escaped;

    /// <summary>Virtual time, ticks of 100 ns since the beginning.</summary>
    public long Now { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Now);

    public int Thread { get; } = Environment.CurrentManagedThreadId;

    /// <summary>Something came back on another thread: the run is not repeatable.</summary>
    public bool Escaped
    {
        get => _escaped;
        set => _escaped = value;
    }

    /// <summary>Events so far.</summary>
    public long Steps { get; private set; }

    /// <summary>What happened, one line an event; null: nobody reads it.</summary>
    public List<string>? History { get; set; }

    public void Tell(string place, string what) =>
        History?.Add(string.Create(CultureInfo.InvariantCulture, $"{Elapsed.TotalSeconds,9:0.000} {place,-14} {what}"));

    /// <summary>Tells something whose text is made only when somebody reads it.</summary>
    public void Tell(string place, [InterpolatedStringHandlerArgument("")] ref Line what)
    {
        if (History is not null) Tell(place, what.ToString());
    }

    /// <summary>Does something at a time, in nobody's place.</summary>
    public void After(TimeSpan wait, Action action) => Schedule(new Due(null, action), wait);

    public void Schedule(Due due, TimeSpan wait) => _due.Enqueue(due, (Now + Math.Max(0, wait.Ticks), _number++));

    public void List(Place place)
    {
        if (place.IsListed || place.Silo.IsPaused || place.Silo.IsDead || !place.HasWork) return;
        place.IsListed = true;
        _ready.Add(place);
    }

    /// <summary>The next event; returns where it was, null for what has no place. False: nothing will ever happen again.</summary>
    public bool Step(out Place? where)
    {
        Steps++;
        where = null;
        while (_ready.Count != 0)
        {
            var index = random.Next(_ready.Count);
            var place = _ready[index];
            if (place.Silo.IsPaused || place.Silo.IsDead)
            {
                Unlist(index);
                continue;
            }

            SynchronizationContext.SetSynchronizationContext(place);
            place.RunOne();
            SynchronizationContext.SetSynchronizationContext(null);
            if (!place.HasWork) Unlist(_ready[index] == place ? index : _ready.IndexOf(place));
            where = place;
            return true;
        }

        while (_due.TryDequeue(out var due, out var at))
        {
            if (due.IsCancelled) continue;
            Now = Math.Max(Now, at.At);
            due.Fire();
            return true;
        }

        return false;
    }

    private void Unlist(int index)
    {
        _ready[index].IsListed = false;
        _ready[index] = _ready[^1];
        _ready.RemoveAt(_ready.Count - 1);
    }
}

/// <summary>Something that happens at a time.</summary>
internal sealed class Due(Place? place, Action action)
{
    public bool IsCancelled { get; set; }

    public void Fire()
    {
        if (place is null) action();
        else place.Post(static a => ((Action)a!)(), action);
    }
}

/// <summary>A line of the history: no text is made while there is none.</summary>
[InterpolatedStringHandler]
internal ref struct Line
{
    private DefaultInterpolatedStringHandler _text;
    private readonly bool _isRead;

    public Line(int literal, int formatted, Scheduler scheduler, out bool isRead)
    {
        isRead = _isRead = scheduler.History is not null;
        if (isRead) _text = new DefaultInterpolatedStringHandler(literal, formatted, CultureInfo.InvariantCulture);
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public override string ToString() => _isRead ? _text.ToStringAndClear() : "";
}
