using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// Whether most records go to quarantine: over the last five minutes in which something was read, or the last thousand records when those are more
/// recent. It looks at records, not at time: a pipeline that fell silent after bad records is no better for it. Time is passed in.
/// </summary>
internal sealed class QuarantineWatch
{
    /// <summary>The share of refused records from which on a pipeline is not well.</summary>
    public const double Share = 0.5;

    /// <summary>Fewer records say nothing.</summary>
    public const long Least = 20;

    private const long Enough = 1_000;
    private const long Span = 300_000;

    private readonly Queue<(long At, long All, long Refused)> _samples = new();

    /// <summary>Takes a look at totals that only grow; when they fall they began anew.</summary>
    public void Observe(long now, long all, long refused)
    {
        if (_samples.TryPeek(out _) && _samples.Last() is var last)
        {
            if (all < last.All || refused < last.Refused) _samples.Clear();
            else if (all == last.All) return;
        }

        if (_samples.Count == 0) _samples.Enqueue((now, 0, 0));
        _samples.Enqueue((now, all, refused));
        while (_samples.Count > 2 && (all - _samples.ElementAt(1).All >= Enough || _samples.ElementAt(1).At <= now - Span)) _samples.Dequeue();
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => _samples.Clear();

    /// <summary>What is wrong, or null.</summary>
    /// <param name="pipeline">Its name.</param>
    /// <param name="topic">The topic that holds what was refused, where no table does: it cannot be listed and replayed then.</param>
    public string? Problem(string pipeline, string? topic = null)
    {
        if (_samples.Count < 2) return null;
        var (_, allBefore, refusedBefore) = _samples.Peek();
        var (_, all, refused) = _samples.Last();
        var (read, bad) = (all - allBefore, refused - refusedBefore);
        if (read < Least || bad <= read * Share) return null;
        var what = string.Create(
            CultureInfo.InvariantCulture, $"{bad:N0} of the last {read:N0} records went to quarantine ({100.0 * bad / read:0} %). ");
        return what + (topic is null
            ? $"'kor quarantine list {pipeline}' says why; correct the pipeline or its producer, then 'kor quarantine replay {pipeline}'."
            : $"The headers of the records in topic '{topic}' say why; correct the pipeline or its producer, then send them again from there.");
    }
}

/// <summary>Collects what is wrong with a pipeline, the same for every surface, and remembers since when.</summary>
internal sealed class HealthWatch
{
    private readonly Dictionary<string, DateTimeOffset> _since = new(StringComparer.Ordinal);

    /// <summary>What is wrong, the worst first. What is not wrong any more is forgotten when <paramref name="remember"/> is set.</summary>
    public IReadOnlyList<HealthIssue> Collect(DateTimeOffset now, IEnumerable<Found> found, bool remember)
    {
        var all = found.ToList();
        if (remember)
        {
            foreach (var gone in _since.Keys.Except(all.Select(f => f.Key), StringComparer.Ordinal).ToList()) _since.Remove(gone);
            foreach (var one in all) _since.TryAdd(one.Key, now);
        }

        return [.. all.OrderByDescending(f => f.Severity).Select(f => new HealthIssue(f.Kind, f.Severity, f.Text, _since.GetValueOrDefault(f.Key, now)))];
    }

    /// <summary>Something that is wrong now.</summary>
    /// <param name="Place">What it is about, within its kind; its text may hold numbers that change.</param>
    internal sealed record Found(string Kind, string Place, PartState Severity, string Text)
    {
        public string Key => $"{Kind} {Place} {Severity}";
    }

    /// <summary>Parts that wait or failed, those with the same reason as one.</summary>
    public static IEnumerable<Found> OfParts(string kind, IEnumerable<(string Name, PartState State, string? Reason)> parts) => parts
        .Where(p => p.State is PartState.Blocked or PartState.Failed)
        .GroupBy(p => (p.State, p.Reason))
        .Select(g => new Found(
            kind, g.First().Name, g.Key.State,
            $"{kind} {g.First().Name}{(g.Count() > 1 ? $" (and {g.Count() - 1} more)" : "")}: {g.Key.Reason ?? Words.Of(g.Key.State)}"));
}
