namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>How long something took lately: counts by bucket, two buckets an octave from 0.1 ms to 105 s. A quantile is off by a fifth at most.</summary>
public sealed class DurationSketch
{
    /// <summary>How many buckets there are.</summary>
    public const int Buckets = 42;

    private const double Least = 0.0001;

    // What is worth less than this is forgotten, so that a sketch nobody adds to becomes empty.
    private const float Forgotten = 0.01f;

    private readonly float[] _counts = new float[Buckets];

    /// <summary>The counts by bucket; those of several sketches may be added up.</summary>
    public float[] Counts => (float[])_counts.Clone();

    /// <summary>Counts a duration.</summary>
    public void Add(TimeSpan duration) => _counts[BucketOf(duration.TotalSeconds)]++;

    /// <summary>Makes what was counted so far worth half; called at fixed distances, so that the quantiles are of lately.</summary>
    public void Halve()
    {
        for (var i = 0; i < Buckets; i++) _counts[i] = _counts[i] < Forgotten ? 0 : _counts[i] / 2;
    }

    /// <summary>A quantile (0 to 1) of counts, s; null when nothing was counted.</summary>
    public static double? Quantile(ReadOnlySpan<float> counts, double q)
    {
        var total = 0.0;
        foreach (var count in counts) total += count;
        if (total <= 0) return null;
        var wanted = q * total;
        var seen = 0.0;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= wanted && counts[i] > 0) return Middle(i);
        }

        return Middle(counts.Length - 1);
    }

    /// <summary>The point of a bucket from which both its bounds are equally far in relation; of the first one half its bound.</summary>
    private static double Middle(int bucket) => bucket == 0 ? Least / 2 : Least * Math.Pow(2, (bucket - 0.5) / 2);

    private static int BucketOf(double seconds) => seconds <= Least ? 0 : Math.Clamp((int)Math.Ceiling(2 * Math.Log2(seconds / Least)), 1, Buckets - 1);
}
