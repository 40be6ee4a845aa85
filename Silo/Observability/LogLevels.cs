using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace KafkaOracleOrleans.Silo.Observability;

/// <summary>Levels of this silo's log that somebody set for a while; they come on top of the configuration's and go back by themselves.</summary>
internal sealed class LogLevels(TimeProvider time) : IConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>, IDisposable
{
    /// <summary>The most that are set at a time. One more is refused.</summary>
    public const int Max = 50;

    /// <summary>The longest that a level stays, minutes.</summary>
    public const int MaxMinutes = 24 * 60;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (LogLevel Level, DateTimeOffset Until, ITimer Timer)> _set = new(StringComparer.Ordinal);
    private CancellationTokenSource _changed = new();

    public string? Name => Options.DefaultName;

    /// <summary>What is set now.</summary>
    public IReadOnlyList<(string Category, LogLevel Level, DateTimeOffset Until)> Current
    {
        get
        {
            lock (_lock) return [.. _set.Select(s => (s.Key, s.Value.Level, s.Value.Until)).OrderBy(s => s.Key, StringComparer.Ordinal)];
        }
    }

    /// <summary>Sets a category's level for so long; null takes it back. Returns when it ends; false when too many are set.</summary>
    public bool Set(string category, LogLevel? level, TimeSpan length, out DateTimeOffset until)
    {
        until = time.GetUtcNow() + length;
        lock (_lock)
        {
            if (level is not null && !_set.ContainsKey(category) && _set.Count >= Max) return false;
            if (_set.Remove(category, out var before)) before.Timer.Dispose();
            if (level is { } wanted) _set[category] = (wanted, until, time.CreateTimer(_ => Set(category, null, TimeSpan.Zero, out var _), null, length, Timeout.InfiniteTimeSpan));
        }

        Tell();
        return true;
    }

    public void Configure(LoggerFilterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var (category, level, _) in Current) options.Rules.Add(new LoggerFilterRule(null, category, level, null));
    }

    public IChangeToken GetChangeToken()
    {
        lock (_lock) return new CancellationChangeToken(_changed.Token);
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var (_, _, timer) in _set.Values) timer.Dispose();
            _set.Clear();
            _changed.Dispose();
        }
    }

    private void Tell()
    {
        CancellationTokenSource before;
        lock (_lock) (before, _changed) = (_changed, new CancellationTokenSource());
        before.Cancel();
        before.Dispose();
    }
}
