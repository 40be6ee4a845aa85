namespace KafkaOracleOrleans.Simulation.Engine;

/// <summary>One activation of an actor: its place, and its calls, one at a time unless it is reentrant.</summary>
internal sealed class Activation(string key, Place place, bool reentrant)
{
    private readonly Queue<Func<Task>> _calls = new();
    private bool _busy;

    public string Key { get; } = key;

    public Place Place { get; } = place;

    public object Actor { get; set; } = null!;

    /// <summary>Throws when something that always holds does not.</summary>
    public Action Assert { get; set; } = static () => { };

    /// <summary>Lets go of what it has, in order.</summary>
    public Func<Task> Leave { get; set; } = static () => Task.CompletedTask;

    public void Invoke(Func<Task> call)
    {
        if (reentrant)
        {
            Place.Post(static c => _ = ((Func<Task>)c!)(), call);
            return;
        }

        _calls.Enqueue(call);
        if (_busy) return;
        _busy = true;
        Place.Post(static a => _ = ((Activation)a!).PumpAsync(), this);
    }

    private async Task PumpAsync()
    {
        while (_calls.TryDequeue(out var call)) await call();
        _busy = false;
    }
}

/// <summary>How often calls go wrong; chances from 0 to 1.</summary>
internal sealed class CallRates
{
    public double LostCall { get; set; }
    public double LostAnswer { get; set; }
    public double Doubled { get; set; }

    /// <summary>A call or an answer that takes seconds instead of milliseconds, and may come after later ones.</summary>
    public double Slow { get; set; }
}

/// <summary>Silos, the directory of activations, and the network between them.</summary>
internal sealed class Cluster(Scheduler scheduler, SimRandom random, int silos)
{
    public static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Activation> _directory = new(StringComparer.Ordinal);
    private readonly List<Silo> _silos = [];
    private readonly Dictionary<Place, Activation> _activations = [];
    private int _number;

    public CallRates Rates { get; } = new();

    /// <summary>Makes the actor of a key.</summary>
    public Action<Activation> Make { get; set; } = static _ => { };

    public Func<string, bool> IsReentrant { get; set; } = static _ => false;

    public IReadOnlyList<Silo> Silos => _silos;

    public Scheduler Scheduler => scheduler;

    public void Start()
    {
        for (var i = 0; i < silos; i++) AddSilo();
    }

    public void AddSilo() => _silos.Add(new Silo($"silo{++_number}", TimeSpan.FromSeconds(random.Next(-2, 3))));

    public Activation? At(Place place) => _activations.GetValueOrDefault(place);

    public T? Find<T>(string key)
        where T : class => _directory.GetValueOrDefault(key)?.Actor as T;

    /// <summary>A silo dies with all its activations; another takes its place.</summary>
    public void Kill(Silo silo)
    {
        if (silo.IsDead) return;
        scheduler.Tell(silo.Name, "is killed");
        silo.IsDead = true;
        _silos.Remove(silo);
        Forget(silo);
        foreach (var place in silo.Places)
        {
            place.Clear();
            _activations.Remove(place);
        }

        scheduler.After(TimeSpan.FromMilliseconds(random.Next(3000)), AddSilo);
    }

    public void Pause(Silo silo)
    {
        scheduler.Tell(silo.Name, "stands still");
        silo.IsPaused = true;
    }

    public void Resume(Silo silo)
    {
        if (!silo.IsPaused || silo.IsDead) return;
        scheduler.Tell(silo.Name, "goes on");
        silo.IsPaused = false;
        foreach (var place in silo.Places) scheduler.List(place);
    }

    /// <summary>The others take a silo for dead: its activations are made anew elsewhere, whatever the old ones do.</summary>
    public void Forget(Silo silo)
    {
        foreach (var key in _directory.Where(d => d.Value.Place.Silo == silo).Select(d => d.Key).ToArray()) _directory.Remove(key);
    }

    /// <summary>The directory loses an activation, which goes on all the same.</summary>
    public void Lose(string key)
    {
        if (_directory.Remove(key)) scheduler.Tell(key, "is lost by the directory");
    }

    public string[] Keys => [.. _directory.Keys.Order(StringComparer.Ordinal)];

    /// <summary>An activation leaves in order.</summary>
    public void Deactivate(Activation activation)
    {
        if (_directory.GetValueOrDefault(activation.Key) == activation) _directory.Remove(activation.Key);
        activation.Place.Post(static a => _ = ((Activation)a!).Leave(), activation);
    }

    public Activation Activate(string key)
    {
        if (_directory.TryGetValue(key, out var known)) return known;
        var alive = _silos.Where(s => !s.IsPaused).ToArray();
        var silo = alive.Length != 0 ? alive[random.Next(alive.Length)] : _silos[random.Next(_silos.Count)];
        var place = new Place(scheduler, $"{key}#{++_number}", silo);
        var activation = new Activation(key, place, IsReentrant(key));
        Make(activation);
        _directory[key] = activation;
        _activations[place] = activation;
        scheduler.Tell(place.Name, $"is activated on {silo.Name}");
        return activation;
    }

    /// <summary>Calls an actor. The call or its answer may be lost, doubled or late; what dies does not answer.</summary>
    public Task<TAnswer> CallAsync<TActor, TAnswer>(Place from, string to, Func<TActor, Task<TAnswer>> call)
        where TActor : class
    {
        var answer = new TaskCompletionSource<TAnswer>();
        var timeout = new Due(from, () => answer.TrySetException(new TimeoutException($"No answer from {to}.")));
        scheduler.Schedule(timeout, ResponseTimeout);
        var copies = random.Strikes(Rates.LostCall) ? 0 : random.Strikes(Rates.Doubled) ? 2 : 1;
        if (copies != 1) scheduler.Tell(from.Name, copies == 0 ? $"its call to {to} gets lost" : $"its call to {to} is doubled");
        for (var copy = 0; copy < copies; copy++)
        {
            scheduler.After(Delay(), () =>
            {
                // Between two silos of which all are dead nothing is heard.
                if (_silos.Count != 0) Deliver(Activate(to));
            });
        }

        return answer.Task;

        void Deliver(Activation activation) => activation.Invoke(async () =>
        {
            TAnswer result = default!;
            Exception? fault = null;
            try
            {
                result = await call((TActor)activation.Actor);
            }
            catch (Exception e)
            {
                fault = e;
            }

            if (random.Strikes(Rates.LostAnswer))
            {
                scheduler.Tell(to, $"its answer to {from.Name} gets lost");
                return;
            }

            scheduler.After(Delay(), () =>
            {
                timeout.IsCancelled = true;
                from.Post(_ =>
                {
                    if (fault is null) answer.TrySetResult(result);
                    else answer.TrySetException(fault);
                }, null);
            });
        });
    }

    private TimeSpan Delay() => TimeSpan.FromMilliseconds(random.Strikes(Rates.Slow) ? random.Next(100, 8000) : 1 + random.Next(5));
}
