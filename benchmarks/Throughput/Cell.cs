using System.Globalization;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>What is measured: a workload, how the keys are spread over grains, and what is hoped for.</summary>
/// <param name="GrainPer">Null: the floor, which only reads and parses.</param>
internal sealed record Cell(
    string Name, string Text, KeySpread Keys, string? GrainPer, int Shards, bool Hopping, double? Goal, int? GoalMb)
{
    private const int SmallMb = 1536;
    private const int LargeMb = 3072;

    public static IReadOnlyList<Cell> All { get; } =
    [
        new("floor", "bare consume and parse, 10,000 Zipf keys", KeySpread.K10Z, null, 0, false, null, null),
        new("groups", "10,000 Zipf keys, `group(4)`, 4 shards", KeySpread.K10Z, "group(4)", 4, false, 1.7, SmallMb),
        new("keys", "10,000 Zipf keys, a grain per key, 4 shards", KeySpread.K10Z, "key", 4, false, 3.0, SmallMb),
        new("million", "1,000,000 uniform keys, 1 h windows, `group(8)`, 4 shards", KeySpread.K1MU, "group(8)", 4, false, 3.3, LargeMb),
        new("across", "dedup across partitions (`scope: global`, 4 shards), 10,000 Zipf keys, windows `group(4)`", KeySpread.K10Z, "group(4)", 4, false, null, SmallMb),
        new("memory", "a new key with each record, a grain per key, 4 shards, in 2.4 GB of heap", KeySpread.K5M, "key", 4, false, null, 2560),
        new("hopping", "query B (hopping 5 min / 1 min), 10,000 Zipf keys, `group(4)`, 4 shards", KeySpread.K10Z, "group(4)", 4, true, null, SmallMb),
    ];

    /// <summary>What the silo's process gets besides: NAME=VALUE.</summary>
    public IReadOnlyList<string> Environment => Name == "memory" ? ["DOTNET_GCHeapHardLimit=0x9999999A"] : [];

    public string Dedup => Name == "memory" ? "scope: partition" : Name == "across" ? $"scope: global, shards: {Shards}" : GrainPer == "key" ? "cellBy: message_key" : $"scope: partition, grainPer: {GrainPer}";

    public string Window => Hopping ? "{ hopping: 5m, every: 1m }" : $"{{ tumbling: {Keys switch { KeySpread.K5M => "6h", KeySpread.K1MU => "1h", _ => "5m" }} }}";

    public (long Size, long Every) Span =>
        Keys == KeySpread.K5M ? (6 * 3_600_000, 6 * 3_600_000) : Keys == KeySpread.K1MU ? (3_600_000, 3_600_000) : (300_000, Hopping ? 60_000 : 300_000);
}

/// <summary>What a run cost.</summary>
internal sealed record Cost(long Records, double CpuSeconds, double SystemSeconds, double WallSeconds, long PeakRssMb)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Records,11:N0} records: {CpuSeconds:0.0} CPU-s ({SystemSeconds:0.0} in the kernel), {WallSeconds:0.0} s, {Records / WallSeconds:N0}/s, peak {PeakRssMb} MB");
}

/// <summary>The cost of a cell: the slope between a short and a long run, so that start-up counts for nobody.</summary>
internal sealed record Slope(Cell Cell, Cost Short, Cost Long)
{
    public double PerMillion => (Long.CpuSeconds - Short.CpuSeconds) / (Long.Records - Short.Records) * 1e6;

    public double RecordsPerSecond => (Long.Records - Short.Records) / (Long.WallSeconds - Short.WallSeconds);

    /// <summary>A row of the table in benchmarks/README.md.</summary>
    public string Row(double? floor) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Cell.Text} | {PerMillion:0.00} | {(Cell.Goal is { } g ? g.ToString("0.0", CultureInfo.InvariantCulture) : "")} | {(floor is { } f ? (PerMillion / f).ToString("0.0", CultureInfo.InvariantCulture) : "")} | {RecordsPerSecond / 1000:0} k | {Long.PeakRssMb} | {Cell.GoalMb?.ToString(CultureInfo.InvariantCulture) ?? ""} | {(Cell.GrainPer is null ? "" : "rows and counts equal the model")} |");
}

/// <summary>The seed and how many records the runs have.</summary>
internal sealed record Sizes(int Seed, long Small, long Large);
