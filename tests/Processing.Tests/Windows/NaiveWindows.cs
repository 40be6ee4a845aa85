using System.Globalization;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>Tumbling and hopping windows by the book: every window keeps its rows and is computed anew whenever it fires.</summary>
internal sealed class NaiveWindows(long size, long every, long offset, long lateness)
{
    private readonly Dictionary<(long Start, int Key), Window> _windows = [];

    public List<string> Late { get; } = [];

    public void Apply(IEnumerable<TestRow> rows, long watermark)
    {
        foreach (var row in rows)
        {
            var taken = false;
            var last = Floor(row.Time - offset, every) + offset;
            for (var start = last; start > row.Time - size; start -= every)
            {
                if (start + size + lateness <= watermark) continue;
                taken = true;
                if (!_windows.TryGetValue((start, row.Key), out var window)) _windows[(start, row.Key)] = window = new Window();
                window.Rows.Add(row);
                window.Changed = true;
            }

            if (!taken) Late.Add($"{row.Key}|{row.Offset}|{last}|{last + size}|{watermark - last - size - lateness}");
        }
    }

    public List<string> Advance(long watermark)
    {
        var fired = new List<string>();
        foreach (var ((start, key), window) in _windows.Where(w => w.Value.Changed && w.Key.Start + size <= watermark))
        {
            window.Changed = false;
            window.Revision++;
            fired.Add(Line(key, start, start + size, window.Rows, window.Revision));
        }

        return fired;
    }

    /// <summary>The smallest watermark at which a window fires or is dropped.</summary>
    public long? Due(long watermark)
    {
        var due = _windows
            .SelectMany(w => w.Value.Changed ? [w.Key.Start + size] : Array.Empty<long>())
            .DefaultIfEmpty(long.MaxValue).Min();
        return due == long.MaxValue ? null : due;
    }

    public static string Line(int key, long start, long end, IReadOnlyList<TestRow> rows, int revision) =>
        string.Create(CultureInfo.InvariantCulture, $"{key}|{start * 1000}|{end * 1000}|{Aggregates(rows)}|{revision}");

    public static string Aggregates(IReadOnlyList<TestRow> all)
    {
        var rows = all.Where(r => r.Cents is not null).OrderBy(r => r.Time).ThenBy(r => r.Offset).ThenBy(r => r.Partition).ToList();
        if (rows.Count == 0) return $"{all.Count}|0|-|-|-|-|-|-|-|-|-|0|-";
        var cents = rows.Select(r => (decimal)r.Cents!.Value).ToList();
        var money = cents.Select(c => c / 100m).ToList();
        var wide = cents.Select(c => c * 1_000_000_000_000_000.0001m).ToList();
        string[] values =
        [
            N(all.Count), N(rows.Count), F(money.Sum(), 2), F(decimal.Round(money.Sum() / money.Count, 6, MidpointRounding.AwayFromZero), 6),
            F(money.Min(), 2), F(money.Max(), 2), F(money[0], 2), WindowTestRows.Text(rows[^1].Cents!.Value),
            rows.Select(r => WindowTestRows.Text(r.Cents!.Value)).Min(StringComparer.Ordinal)!,
            F(wide.Sum(), 4), F(wide.Max(), 4), N(cents.Distinct().Count()),
            "[" + string.Join(',', rows.Take(5).Select(r => r.Cents!.Value)) + "]",
        ];
        return string.Join('|', values);
    }

    public static long Floor(long value, long step) => (long)Math.Floor(value / (double)step) * step;

    private static string N(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string F(decimal value, int digits) => value.ToString("F" + digits, CultureInfo.InvariantCulture);

    private sealed class Window
    {
        public List<TestRow> Rows { get; } = [];
        public bool Changed { get; set; }
        public int Revision { get; set; }
    }
}
