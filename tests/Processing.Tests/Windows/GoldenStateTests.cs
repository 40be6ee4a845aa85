using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>
/// State of every kind of window and every aggregate, byte by byte as version 1 writes it. State that was written must be read for ever:
/// when a line differs, the format has changed and needs a new version. KOR_UPDATE_GOLDEN=1 adds lines that are missing and never
/// touches one that is there.
/// </summary>
public sealed class GoldenStateTests
{
    private static readonly string GoldenFile = Path.Combine(Root, "tests", "Processing.Tests", "Golden", "state-v1.txt");
    private static readonly string GoldenFile2 = Path.Combine(Root, "tests", "Processing.Tests", "Golden", "state-v2.txt");
    private static readonly string GoldenFile3 = Path.Combine(Root, "tests", "Processing.Tests", "Golden", "state-v3.txt");
    private static readonly Lock Writing = new();

    private static readonly Dictionary<string, WindowSpec> Windows = new()
    {
        ["tumbling"] = new TumblingWindow(60),
        ["hopping"] = new HoppingWindow(60, 20),
        ["session"] = new SessionWindow(15, 90),
        ["calendar"] = new CalendarWindow(CalendarUnit.Hour, "Europe/Vienna"),
        ["totals"] = new RunningTotals(),
    };

    private static readonly IReadOnlyList<AggregateSpec> Aggregates =
    [
        .. WindowTestRows.Exact,
        new("double_sum", AggregateKind.Sum, 1, FieldType.Double, FieldType.Double),
        new("double_mean", AggregateKind.Avg, 1, FieldType.Double, FieldType.Double),
        new("variance", AggregateKind.Variance, 1, FieldType.Double, FieldType.Double),
        new("deviation", AggregateKind.StdDev, 0, WindowTestRows.Money, FieldType.Double),
        new("double_least", AggregateKind.Min, 1, FieldType.Double, FieldType.Double),
        new("double_last", AggregateKind.Last, 1, FieldType.Double, FieldType.Double),
        new("wide_first", AggregateKind.First, 4, FieldType.Decimal(28, 4), FieldType.Decimal(28, 4)),
        new("estimate", AggregateKind.CountDistinct, 3, FieldType.Integer, FieldType.Integer, 3),
        new("texts", AggregateKind.CountDistinct, 2, FieldType.String, FieldType.Integer, 100),
        new("share", AggregateKind.Percentile, 1, FieldType.Double, FieldType.Double, 0.75),
        new("top", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 2),
        new("latest", AggregateKind.Max, 5, FieldType.Timestamp, FieldType.Timestamp),
    ];

    public static TheoryData<string> Kinds => [.. Windows.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Window_state_is_written_as_version_1_did_and_read_back(string kind)
    {
        var spec = WindowTestRows.Spec(Windows[kind], 30, Aggregates);
        var cell = new WindowCell(spec);
        var rows = Enumerable.Range(0, 24)
            .Select(i => new TestRow(1 + (i % 2), (i * 13) - 100, i % 11 == 10 ? null : (i * 37) - 200, i % 3, i)).ToList();
        cell.Apply(WindowTestRows.Rows(rows), WindowTestRows.All(rows.Count), 0, long.MinValue, new LateRows());
        cell.Advance(20, new ClosedWindows(spec));
        // A late row makes a fired window fire again, and begins a fired session earlier.
        cell.Apply(WindowTestRows.Rows([new TestRow(1, 6, 5, 0, 30), new TestRow(2, -5, 7, 0, 31)]), [0, 1], 0, 20, new LateRows());
        var payload = Assert.Single(cell.CollectDirty()).Payload!;

        // Hopping windows and sessions have a second version; what the first wrote is read all the same.
        if (kind is not ("hopping" or "session")) Compare("window-" + kind, payload);
        else payload = Convert.FromHexString(File.ReadAllLines(GoldenFile).First(l => l.StartsWith($"window-{kind} ", StringComparison.Ordinal)).Split(' ')[1]);

        var read = new WindowCell(spec);
        read.ReadPart(0, payload);
        for (var key = 1; key <= 2; key++)
            Assert.Equal(Describe(cell, key), Describe(read, key));
        // Version 1 dropped sessions a gap earlier.
        if (kind != "session") Assert.Equal(cell.NextDue, read.NextDue);
    }

    [Theory]
    [InlineData("hopping")]
    [InlineData("session")]
    public void State_of_partly_late_rows_and_of_sources_is_written_as_version_2_did_and_read_back(string kind)
    {
        var spec = WindowTestRows.Spec(Windows[kind], 10, [.. Aggregates.Take(4)]);
        var cell = new WindowCell(spec);
        List<TestRow> rows = [new(1, 5, 100, 0, 0), new(1, 16, 200, 1, 0), new(2, 7, 300, 1, 1), new(1, 12, 400, 0, 1), new(1, 200, 500, 0, 2)];
        var plain = WindowTestRows.Rows(rows);
        var keyed = new KeyedRows
        {
            Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes, EventTimes = plain.EventTimes,
            Offsets = plain.Offsets, Inputs = plain.Inputs,
            // The fourth row is late for the first window over its pane, and in time for a session of its own.
            Watermarks = [long.MinValue, 0, 1, 32, 40],
        };
        var late = new LateRows();
        cell.Apply(keyed, WindowTestRows.All(rows.Count), 0, long.MinValue, late, 6);
        cell.Apply(WindowTestRows.Rows([new TestRow(1, 24, 600, 1, 2)]), [0], 1, 0, late, 7);
        Assert.Equal((0, kind == "hopping" ? 1 : 0), (late.Count, late.Partly));
        var payload = Assert.Single(cell.CollectDirty()).Payload!;

        Compare("window-" + kind, payload, GoldenFile2);

        var read = new WindowCell(spec);
        read.ReadPart(0, payload);
        for (var key = 1; key <= 2; key++)
            Assert.Equal(Describe(cell, key), Describe(read, key));
        Assert.Equal(cell.NextDue, read.NextDue);
    }

    [Theory]
    [InlineData("tumbling")]
    [InlineData("session")]
    public void State_that_leaves_values_out_for_their_size_is_written_as_version_3_did_and_read_back(string kind)
    {
        var spec = WindowTestRows.Spec(Windows[kind], 10, [new("all", AggregateKind.Collect, 2, FieldType.String, FieldType.Json, 5), .. Aggregates.Take(2)]);
        var cell = new WindowCell(spec);
        List<TestRow> rows = [new(1, 5, 100, 0, 0), new(1, 12, WindowTestRows.HugeText, 0, 1), new(1, 13, 3, 0, 2), new(2, 7, 300, 0, 3)];
        cell.Apply(WindowTestRows.Rows(rows), WindowTestRows.All(rows.Count), 0, long.MinValue, new LateRows());
        var payload = Assert.Single(cell.CollectDirty()).Payload!;

        Compare("window-" + kind, payload, GoldenFile3);

        var read = new WindowCell(spec);
        read.ReadPart(0, payload);
        for (var key = 1; key <= 2; key++)
            Assert.Equal(Describe(cell, key), Describe(read, key));
        Assert.Contains("[\"t2\",\"…\"]", Describe(read, 1), StringComparison.Ordinal);
        Assert.Equal(cell.NextDue, read.NextDue);
    }

    [Fact]
    public void Dedup_state_is_written_as_version_1_did_and_read_back()
    {
        var cell = new DedupCell(60_000, 1_000);
        var counts = default(DedupCounts);
        UInt128[] ids = [1, UInt128.MaxValue, new UInt128(5, 6), 1];
        cell.Claim(
            4, ids, [7, uint.MaxValue, 9, 7], [1_000, 1_001, 999, 1_500], [10, 4_000_000_010, 11, 12], [0, 2, 3, 1], new bool[4], ref counts);
        var payload = Assert.Single(cell.CollectDirty()).Payload!;

        Compare("dedup", payload);

        var read = new DedupCell(60_000, 1_000);
        read.ReadPart(0, payload);
        Assert.Equal((cell.Count, cell.ForgottenAt), (read.Count, read.ForgottenAt));
    }

    [Fact]
    public void The_watermark_of_a_shard_is_written_as_version_1_did_and_read_back()
    {
        var watermark = new ShardWatermark();
        watermark.AddSource("orders/2");
        watermark.Observe("orders/0", 1_767_225_600_000, 5);
        watermark.Observe("orders/1", -5, 5);
        watermark.SetIdle("orders/2", 6);
        var bytes = watermark.Encode();

        Compare("shard-watermark", bytes);

        // Which sources are idle is for their partitions to say again.
        var read = ShardWatermark.Decode(bytes);
        Assert.Equal((watermark.Current, false), (read.Current, read.IsIdle("orders/2")));
        read.SetIdle("orders/2", 6);
        Assert.Equal(bytes, read.Encode());
    }

    private static string Describe(WindowCell cell, int key) => string.Join('\n', cell.Query(WindowTestRows.Key(key))
        .Select(w => FormattableString.Invariant($"{w.Start} {w.End} {w.Revision} {string.Join('|', w.Values)}")));

    private static void Compare(string name, byte[] bytes, string? file = null)
    {
        lock (Writing)
        {
            file ??= GoldenFile;
            var lines = File.Exists(file) ? File.ReadAllLines(file).ToList() : [];
            var known = lines.Find(l => l.StartsWith(name + " ", StringComparison.Ordinal));
            if (known is null && Environment.GetEnvironmentVariable("KOR_UPDATE_GOLDEN") == "1")
            {
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                known = $"{name} {Convert.ToHexString(bytes)}";
                lines.Add(known);
                lines.Sort(StringComparer.Ordinal);
                File.WriteAllLines(file, lines);
            }

            Assert.Equal(known, $"{name} {Convert.ToHexString(bytes)}");
        }
    }
}
