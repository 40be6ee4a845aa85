using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.WebConsole.Data;

/// <summary>The last 15 minutes of a few numbers, one sample a <see cref="Period"/>: 900 samples of 8 floats, 29 KB a pipeline. Not thread-safe.</summary>
public sealed class Series
{
    /// <summary>Samples kept.</summary>
    public const int Capacity = 900;

    /// <summary>The distance between samples.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly float[] _values = new float[Capacity * Columns];
    private long _last = -1;

    /// <summary>The numbers of a sample.</summary>
    public static int Columns { get; } = Enum.GetValues<Measure>().Length;

    /// <summary>The bytes of one series.</summary>
    public static int Bytes => Capacity * Columns * sizeof(float);

    /// <summary>Takes a sample; those of times that were left out are unknown.</summary>
    public void Add(DateTimeOffset at, Func<Measure, double?> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        var slot = SlotOf(at);
        if (slot < _last) return;
        for (var gap = Math.Max(_last + 1, slot - Capacity + 1); gap < slot; gap++) Fill(gap, NothingKnown);
        Fill(slot, value);
        _last = slot;
    }

    /// <summary>Fills in what was measured before anybody looked, where nothing is known yet.</summary>
    public void Seed(PipelineMetrics past)
    {
        ArgumentNullException.ThrowIfNull(past);
        if (_last < 0) return;
        var width = past.StepSeconds;
        foreach (var series in past.Series)
        {
            if (MeasureOf(series.Name) is not { } measure) continue;
            for (var i = 0; i < series.Values.Count * width; i++)
            {
                var slot = SlotOf(past.From) + i;
                if (slot < 0 || slot > _last || slot <= _last - Capacity || series.Values[i / width] is not { } value) continue;
                ref var known = ref _values[Index(slot, measure)];
                if (float.IsNaN(known)) known = (float)value;
            }
        }
    }

    private static Measure? MeasureOf(string name) => name switch
    {
        "recordsPerSecond" => Measure.In,
        "rowsPerSecond" => Measure.Out,
        "lag" => Measure.Lag,
        "lagSeconds" => Measure.LagSeconds,
        "quarantinedPerSecond" => Measure.Quarantined,
        "latePerSecond" => Measure.Late,
        "watermarkDelaySeconds" => Measure.WatermarkDelay,
        "batchMs" => Measure.BatchMs,
        _ => null,
    };

    /// <summary>
    /// The last <paramref name="span"/> up to a time as averages of equal stretches, oldest first; NaN where nothing is known. Stretches begin at fixed times, so that
    /// all but the last stay as they are while time goes on.
    /// </summary>
    public float[] Read(Measure measure, DateTimeOffset until, TimeSpan span, int points)
    {
        var slots = Math.Clamp((int)(span / Period), 1, Capacity);
        var width = Math.Max(1, slots / Math.Max(1, points));
        var end = SlotOf(until) / width;
        var values = new float[Math.Max(1, slots / width)];
        for (var i = 0; i < values.Length; i++) values[i] = Average(measure, (end - values.Length + 1 + i) * width, width);
        return values;
    }

    private float Average(Measure measure, long from, int width)
    {
        var (sum, known) = (0.0, 0);
        for (var slot = from; slot < from + width; slot++)
        {
            if (_last < 0 || slot < 0 || slot > _last || slot <= _last - Capacity) continue;
            var value = _values[Index(slot, measure)];
            if (float.IsNaN(value)) continue;
            sum += value;
            known++;
        }

        return known == 0 ? float.NaN : (float)(sum / known);
    }

    private void Fill(long slot, Func<Measure, double?> value)
    {
        for (var i = 0; i < Columns; i++) _values[Index(slot, (Measure)i)] = value((Measure)i) is { } number ? (float)number : float.NaN;
    }

    private static double? NothingKnown(Measure measure) => null;

    private static long SlotOf(DateTimeOffset at) => at.UtcTicks / Period.Ticks;

    private static int Index(long slot, Measure measure) => (int)(slot % Capacity) * Columns + (int)measure;
}

/// <summary>What is kept of each pipeline over time.</summary>
public enum Measure
{
    /// <summary>Records consumed per second.</summary>
    In,

    /// <summary>Rows written per second.</summary>
    Out,

    /// <summary>Records between positions and ends.</summary>
    Lag,

    /// <summary>The age of the oldest record not worked off, s.</summary>
    LagSeconds,

    /// <summary>Records quarantined per second.</summary>
    Quarantined,

    /// <summary>Records that came too late per second.</summary>
    Late,

    /// <summary>Now minus the watermark, s.</summary>
    WatermarkDelay,

    /// <summary>Time of working a batch off, ms.</summary>
    BatchMs,
}
