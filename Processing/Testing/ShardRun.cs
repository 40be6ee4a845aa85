using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>A shard of a window step: its watermark and its cells, called in the order in which the engine calls them.</summary>
internal sealed class ShardRun
{
    private readonly WindowPlan _step;
    private readonly ShardWatermark _watermark = new();
    private readonly SortedDictionary<string, WindowCell> _cells = new(StringComparer.Ordinal);
    private readonly LateRows _late = new();

    public ShardRun(WindowPlan step, IEnumerable<string> sources)
    {
        _step = step;
        foreach (var source in sources) _watermark.AddSource(source);
    }

    /// <summary>The shard's watermark, ms; <see cref="long.MinValue"/> when there is none.</summary>
    public long Watermark => _watermark.Current;

    /// <summary>How many windows have not been dropped yet; 0 for running totals.</summary>
    public int OpenWindows => _step.Window.Window is RunningTotals ? 0 : _cells.Values.Sum(c => c.OpenWindows);

    /// <summary>The smallest watermark at which something fires or is dropped.</summary>
    public long? NextDue => _cells.Values.Min(c => c.NextDue);

    /// <summary>Takes a sub-batch in. What fires is appended to <paramref name="closed"/>, late rows to <paramref name="late"/>.</summary>
    public void Apply(
        string source, int partition, KeyedRows? rows, long partitionWatermark, long nowMs, List<LateOffset> late, ClosedWindows closed)
    {
        var before = _watermark.Current;
        _watermark.Observe(source, partitionWatermark, nowMs);
        if (rows is { Count: > 0 })
        {
            foreach (var (cell, selected) in Scatter(rows))
            {
                _late.Clear();
                cell.Apply(rows, selected.ToArray(), partition, before, _late, SourceTags.Of(source));
                foreach (var row in _late.Span) late.Add(new LateOffset(rows.Offsets[row.Row], row.WindowStart, row.WindowEnd, row.LateBy, row.Reason));
            }
        }

        Fire(closed);
    }

    /// <summary>Says that a source is at its end and silent.</summary>
    public void SetIdle(string source, long claimed, long nowMs, ClosedWindows closed)
    {
        _watermark.SetIdle(source, nowMs, claimed);
        Fire(closed);
    }

    /// <summary>Lets wall-clock time pass; what is idle makes sure meanwhile that it is.</summary>
    public void Tick(long nowMs, ClosedWindows closed)
    {
        _watermark.ConfirmAll(nowMs);
        Fire(closed);
    }

    /// <summary>Takes the totals of the keys that changed.</summary>
    public void Flush(ClosedWindows closed)
    {
        if (_step.Window.Window is not RunningTotals) return;
        foreach (var cell in _cells.Values) cell.Advance(long.MinValue, closed);
    }

    private void Fire(ClosedWindows closed)
    {
        var watermark = _watermark.Current;
        if (watermark == long.MinValue) return;
        foreach (var cell in _cells.Values)
        {
            if (cell.NextDue <= watermark) cell.Advance(watermark, closed);
        }
    }

    private Dictionary<WindowCell, List<int>> Scatter(KeyedRows rows)
    {
        var byCell = new Dictionary<WindowCell, List<int>>();
        for (var row = 0; row < rows.Count; row++)
        {
            var name = _step.GrainPer.Groups > 0
                ? ((rows.KeyHashes[row] >> 32) % (uint)_step.GrainPer.Groups).ToString(System.Globalization.CultureInfo.InvariantCulture)
                : Convert.ToHexString(rows.Key(row));
            if (!_cells.TryGetValue(name, out var cell)) _cells.Add(name, cell = new WindowCell(_step.Window));
            if (!byCell.TryGetValue(cell, out var selected)) byCell.Add(cell, selected = []);
            selected.Add(row);
        }

        return byCell;
    }
}
