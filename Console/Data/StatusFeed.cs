using KafkaOracleOrleans.Grains.Interfaces;
using static System.FormattableString;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>
/// The status of all pipelines for all open pages together: asked for once a second, however many look, and not at all when nobody does. What it saw of the last 15
/// minutes is kept, <see cref="Series.Bytes"/> bytes a pipeline, for at most <see cref="MaxSeries"/> pipelines.
/// </summary>
public sealed class StatusFeed(IConsoleApi api, TimeProvider time)
{
    /// <summary>Pipelines with a history; those beyond have their present numbers only.</summary>
    public const int MaxSeries = 500;

    /// <summary>How long back histories go.</summary>
    public static readonly TimeSpan Span = Series.Capacity * Series.Period;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly List<Func<Task>> _watchers = [];
    private readonly Dictionary<string, Series> _series = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (DateTimeOffset At, PipelineStatus Status)> _before = new(StringComparer.Ordinal);
    private readonly HashSet<string> _seeded = new(StringComparer.Ordinal);
    private CancellationTokenSource? _work;

    /// <summary>What was seen last; null before the first answer.</summary>
    public FeedState? State { get; private set; }

    /// <summary>How many look.</summary>
    public int Watchers
    {
        get
        {
            lock (_lock) return _watchers.Count;
        }
    }

    /// <summary>Calls <paramref name="changed"/> after every look until the result is disposed of.</summary>
    public IDisposable Watch(Func<Task> changed)
    {
        lock (_lock)
        {
            _watchers.Add(changed);
            if (_watchers.Count == 1) _work = Begin();
        }

        return new Watcher(this, changed);
    }

    /// <summary>The status, asked for now if it is older than a look's distance.</summary>
    public async Task<FeedState> NowAsync()
    {
        if (State is { } state && time.GetUtcNow() - state.At < 2 * Series.Period) return state;
        return await LookAsync(CancellationToken.None);
    }

    /// <summary>A pipeline's last 15 minutes, oldest first; NaN where nothing is known.</summary>
    public float[] History(string pipeline, Measure measure, int points)
    {
        lock (_lock)
        {
            return _series.TryGetValue(pipeline, out var series) ? series.Read(measure, time.GetUtcNow(), Span, points) : [];
        }
    }

    /// <summary>All pipelines' last 15 minutes together: sums, or for a duration the worst.</summary>
    public float[] History(Measure measure, int points)
    {
        List<float[]> all;
        lock (_lock) all = [.. _series.Values.Select(s => s.Read(measure, time.GetUtcNow(), Span, points))];
        if (all.Count == 0) return [];
        var values = new float[all[0].Length];
        for (var i = 0; i < values.Length; i++)
        {
            var known = all.Select(s => s[i]).Where(v => !float.IsNaN(v)).ToList();
            values[i] = known.Count == 0 ? float.NaN : measure is Measure.LagSeconds or Measure.WatermarkDelay or Measure.BatchMs ? known.Max() : known.Sum();
        }

        return values;
    }

    private CancellationTokenSource Begin()
    {
        var work = new CancellationTokenSource();
        _ = RunAsync(work);
        return work;
    }

    private async Task RunAsync(CancellationTokenSource work)
    {
        using var _ = work;
        var cancellation = work.Token;
        // What passed since somebody looked last is asked for again.
        _seeded.Clear();
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                var began = time.GetTimestamp();
                await LookAsync(cancellation);
                await SeedAsync(cancellation);
                await TellAsync();
                // A look that takes long is a cluster that has other things to do.
                var took = time.GetElapsedTime(began);
                var wait = TimeSpan.FromTicks(Math.Max((Series.Period - took).Ticks, took.Ticks * 4));
                await Task.Delay(wait < TimeSpan.FromSeconds(15) ? wait : TimeSpan.FromSeconds(15), time, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Nobody looks any more.
        }
    }

    private async Task<FeedState> LookAsync(CancellationToken cancellation)
    {
        var answer = await AskAsync<List<PipelineStatus>>("pipelines", cancellation);
        cancellation.ThrowIfCancellationRequested();
        var now = time.GetUtcNow();
        var state = answer.IsOk ? new FeedState(now, answer.Value, Rates(now, answer.Value), null) : (State ?? FeedState.Nothing(now)) with { Fault = answer.Fault };
        State = state;
        return state;
    }

    private async Task<Answer<T>> AskAsync<T>(string path, CancellationToken cancellation)
        where T : class
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, Patience, Timeout.InfiniteTimeSpan);
        try
        {
            // As the console itself, which sees what every viewer does; what records hold is asked for as the user.
            return ConsoleClient.Read<T>(await api.SendAsync(null, new ApiCall("GET", path), limit.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new Answer<T>(null, new ApiFault(
                504, "Took too long", Invariant($"How the pipelines are doing could not be told within {Patience.TotalSeconds:0} s; what is shown is older."), []));
        }
    }

    /// <summary>
    /// What was measured while nobody looked, of pipelines that are new here and of all when looks begin anew. A pipeline that does not tell has a gap, and the next
    /// looks go on.
    /// </summary>
    private async Task SeedAsync(CancellationToken cancellation)
    {
        List<string> unseeded;
        lock (_lock) unseeded = [.. _series.Keys.Where(n => !_seeded.Contains(n))];
        foreach (var name in unseeded)
        {
            cancellation.ThrowIfCancellationRequested();
            _seeded.Add(name);
            var past = await AskAsync<PipelineMetrics>($"pipelines/{ConsoleClient.Path(name)}/metrics", cancellation);
            if (!past.IsOk) continue;
            lock (_lock)
            {
                if (_series.TryGetValue(name, out var series)) series.Seed(past.Value);
            }
        }
    }

    private Dictionary<string, PipelineRates> Rates(DateTimeOffset now, List<PipelineStatus> statuses)
    {
        var rates = new Dictionary<string, PipelineRates>(StringComparer.Ordinal);
        lock (_lock)
        {
            foreach (var status in statuses)
            {
                var rate = _before.TryGetValue(status.Name, out var before) ? PipelineRates.Of(before.Status, status, now - before.At) : PipelineRates.Unknown;
                rates[status.Name] = rate;
                // Two looks in one moment tell no rate.
                if (before.Status is null || now - before.At >= Series.Period / 2) _before[status.Name] = (now, status);
                if (!_series.TryGetValue(status.Name, out var series))
                {
                    if (_series.Count >= MaxSeries) continue;
                    _series[status.Name] = series = new Series();
                }

                series.Add(now, m => rate.Of(m, status, now));
            }

            foreach (var gone in _series.Keys.Where(n => !rates.ContainsKey(n)).ToList())
            {
                _series.Remove(gone);
                _seeded.Remove(gone);
                _before.Remove(gone);
            }
        }

        return rates;
    }

    private Task TellAsync()
    {
        List<Func<Task>> watchers;
        lock (_lock) watchers = [.. _watchers];
        return Task.WhenAll(watchers.Select(TellAsync));
    }

    private static async Task TellAsync(Func<Task> watcher)
    {
        try
        {
            await watcher();
        }
        catch (ObjectDisposedException)
        {
            // The page was closed in this moment, and its watch ends with it.
        }
    }

    private void End(Func<Task> watcher)
    {
        lock (_lock)
        {
            if (!_watchers.Remove(watcher) || _watchers.Count != 0) return;
            _work?.Cancel();
            _work = null;
        }
    }

    private sealed class Watcher(StatusFeed feed, Func<Task> changed) : IDisposable
    {
        public void Dispose() => feed.End(changed);
    }
}

/// <summary>What a look at all pipelines showed.</summary>
/// <param name="At">When.</param>
/// <param name="Pipelines">Their status; the last one known when the look failed.</param>
/// <param name="Rates">What happened per second since the look before.</param>
/// <param name="Fault">Why the last look failed; null: it did not.</param>
public sealed record FeedState(
    DateTimeOffset At, IReadOnlyList<PipelineStatus> Pipelines, IReadOnlyDictionary<string, PipelineRates> Rates, ApiFault? Fault)
{
    /// <summary>Before anything was seen.</summary>
    public static FeedState Nothing(DateTimeOffset at) => new(at, [], new Dictionary<string, PipelineRates>(), null);

    /// <summary>A pipeline, or null.</summary>
    public PipelineStatus? Find(string name) => Pipelines.FirstOrDefault(p => p.Name == name);

    /// <summary>The rates of a pipeline.</summary>
    public PipelineRates RatesOf(string name) => Rates.GetValueOrDefault(name) ?? PipelineRates.Unknown;
}
