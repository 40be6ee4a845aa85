using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>Count, sum, smallest and largest of some readings, in cents.</summary>
internal struct Totals
{
    public long Count;
    public long SumCents;
    public long MinCents;
    public long MaxCents;

    public void Add(in Totals other)
    {
        if (other.Count == 0) return;
        MinCents = Count == 0 ? other.MinCents : Math.Min(MinCents, other.MinCents);
        MaxCents = Count == 0 ? other.MaxCents : Math.Max(MaxCents, other.MaxCents);
        Count += other.Count;
        SumCents += other.SumCents;
    }
}

/// <summary>What the sink and the counters must show for a workload: totals per key and span of time, from which windows are put together.</summary>
internal sealed class Expected(long span)
{
    private readonly Dictionary<(int Key, long Start), Totals> _spans = [];

    public long Records { get; set; }

    public long Malformed { get; set; }

    public long Failing { get; set; }

    public long Late { get; set; }

    public long Duplicates { get; set; }

    public void Count(int key, long at, int cents)
    {
        ref var totals = ref CollectionsMarshal.GetValueRefOrAddDefault(_spans, (key, at - (at % span)), out _);
        totals.Add(new Totals { Count = 1, SumCents = cents, MinCents = cents, MaxCents = cents });
    }

    /// <summary>The windows of a size that begin at every multiple of a step and hold a record.</summary>
    public Dictionary<(int Key, long Start), Totals> Windows(long size, long every)
    {
        var windows = new Dictionary<(int Key, long Start), Totals>();
        foreach (var ((key, start), totals) in _spans)
        {
            for (var window = start - (start % every); window > start - size; window -= every)
                CollectionsMarshal.GetValueRefOrAddDefault(windows, (key, window), out _).Add(totals);
        }

        return windows;
    }
}
