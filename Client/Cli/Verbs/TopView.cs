using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>What <c>kor top</c> shows, and what keys make of it. Knows no terminal and no clock.</summary>
internal sealed class TopView
{
    // At the default interval, the last minute.
    private const int KeptRates = 30;

    /// <summary>The keys, for the last line of the screen.</summary>
    public const string Keys = "up/down choose  enter parts  esc back  s sort  / filter  p pause  q quit";

    private static readonly (string Name, Comparison<PipelineStatus> Compare)[] Orders =
    [
        ("rate", (a, b) => b.RecordsPerSecond.CompareTo(a.RecordsPerSecond)),
        ("lag", (a, b) => Nullable.Compare(b.Lag, a.Lag)),
        ("state", (a, b) => b.State.CompareTo(a.State)),
        ("quarantined", (a, b) => b.Refused.CompareTo(a.Refused)),
        ("name", (a, b) => string.CompareOrdinal(a.Name, b.Name)),
    ];

    private readonly Dictionary<string, Queue<double>> _history = new(StringComparer.Ordinal);
    private PipelineStatus[] _all = [];
    private int _order;
    private string? _chosen;

    /// <summary>True: what is shown stays as it is.</summary>
    public bool Paused { get; private set; }

    /// <summary>Only pipelines whose names contain this.</summary>
    public string Filter { get; private set; } = "";

    /// <summary>True while the filter is being typed.</summary>
    public bool Typing { get; private set; }

    /// <summary>The pipeline whose parts are shown; null: the list.</summary>
    public string? Opened { get; private set; }

    /// <summary>What the list is sorted by.</summary>
    public string Order => Orders[_order].Name;

    /// <summary>The pipelines in the order shown.</summary>
    public IReadOnlyList<PipelineStatus> Shown
    {
        get
        {
            var shown = _all.Where(p => p.Name.Contains(Filter, StringComparison.OrdinalIgnoreCase)).ToList();
            shown.Sort((a, b) => Orders[_order].Compare(a, b) is var by && by != 0 ? by : string.CompareOrdinal(a.Name, b.Name));
            return shown;
        }
    }

    /// <summary>Takes over what the server says.</summary>
    public void Take(PipelineStatus[] pipelines)
    {
        _all = pipelines;
        foreach (var gone in _history.Keys.Except(pipelines.Select(p => p.Name), StringComparer.Ordinal).ToList()) _history.Remove(gone);
        foreach (var p in pipelines)
        {
            if (!_history.TryGetValue(p.Name, out var rates)) _history.Add(p.Name, rates = new Queue<double>());
            rates.Enqueue(p.RecordsPerSecond);
            if (rates.Count > KeptRates) rates.Dequeue();
        }
    }

    /// <summary>A key was pressed; false: it is to end.</summary>
    public bool Press(ConsoleKeyInfo key)
    {
        if (Typing)
        {
            Type(key);
            return true;
        }

        switch (key.Key)
        {
            case ConsoleKey.Q:
                return false;
            case ConsoleKey.S:
                _order = (_order + 1) % Orders.Length;
                break;
            case ConsoleKey.P:
                Paused = !Paused;
                break;
            case ConsoleKey.UpArrow:
                Choose(-1);
                break;
            case ConsoleKey.DownArrow:
                Choose(1);
                break;
            case ConsoleKey.Enter:
                Opened = _chosen ?? (Shown is [{ } first, ..] ? first.Name : null);
                break;
            case ConsoleKey.Escape or ConsoleKey.Backspace:
                if (Opened is null) Filter = "";
                Opened = null;
                break;
            default:
                Typing = key.KeyChar == '/';
                break;
        }

        return true;
    }

    private void Type(ConsoleKeyInfo key)
    {
        switch (key.Key)
        {
            case ConsoleKey.Enter:
                Typing = false;
                break;
            case ConsoleKey.Escape:
                (Typing, Filter) = (false, "");
                break;
            case ConsoleKey.Backspace:
                Filter = Filter.Length == 0 ? "" : Filter[..^1];
                break;
            default:
                if (!char.IsControl(key.KeyChar)) Filter += key.KeyChar;
                break;
        }
    }

    private void Choose(int step)
    {
        var names = Shown.Select(p => p.Name).ToList();
        if (names.Count == 0) return;
        var at = _chosen is null ? -1 : names.IndexOf(_chosen);
        _chosen = names[Math.Clamp(at < 0 ? 0 : at + step, 0, names.Count - 1)];
    }

    /// <summary>Writes the screen.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="now">Now.</param>
    /// <param name="interactive">True: with bars, the choice and the keys.</param>
    public void Write(CliOutput output, DateTimeOffset now, bool interactive)
    {
        var silos = _all.SelectMany(p => p.Partitions).Select(p => p.Silo).Where(s => s is not null).Distinct().Count();
        output.Sentence(
            $"{Show.Time(now)}   {Show.Count(_all.Length)} pipelines on {Show.Count(silos)} silos   {Show.Rate(_all.Sum(p => p.RecordsPerSecond))} records/s   "
            + $"lag {Show.Count(_all.Sum(p => p.Lag ?? 0))}   failed {Show.Count(_all.Count(p => p.Condition == PipelineCondition.Failed))}");
        output.Line();
        if (Opened is { } opened && _all.FirstOrDefault(p => p.Name == opened) is { } one)
        {
            StatusText.Write(output, one, now);
        }
        else
        {
            var bars = interactive ? _history.ToDictionary(h => h.Key, h => Show.Bars(h.Value), StringComparer.Ordinal) : null;
            output.Table(StatusText.Pipelines(Shown, now, bars, interactive ? _chosen : null));
            foreach (var p in Shown.OrderBy(p => p.Name, StringComparer.Ordinal))
            {
                if (Verdict.Of(p).Bottleneck is { } bottleneck) output.Sentence($"{p.Name}: bottleneck {TableModel.OneLine(bottleneck)}", Tone.Warning);
            }
        }

        if (!interactive) return;
        output.Line();
        var state = string.Create(CultureInfo.InvariantCulture, $"by {Order}{(Filter.Length != 0 || Typing ? $"   filter /{Filter}{(Typing ? "_" : "")}" : "")}{(Paused ? "   PAUSED" : "")}");
        output.Line(state, Paused ? Tone.Warning : Tone.Faint);
        output.Sentence(Keys, Tone.Faint);
    }
}
