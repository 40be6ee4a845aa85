using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Pages of windows, since when a watermark stands, and what totals have in their tables.</summary>
public sealed class WindowSearchTests
{
    private static readonly WindowRow[] Rows =
    [
        .. Enumerable.Range(0, 25).Select(i => new WindowRow { Key = $"C-{i:00}", Start = i / 10 * 1000, End = (i / 10 * 1000) + 1000, Revision = 0, Values = [] }),
    ];

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 4)]
    [InlineData(true, 7)]
    [InlineData(true, 25)]
    public void Pages_together_are_all_windows_once_in_order(bool closed, int limit)
    {
        var found = new List<WindowRow>();
        string? after = null;
        do
        {
            var page = WindowSearch.Page(new WindowQuery("w", closed, limit) { After = after }, Rows.Reverse(), complete: true);
            Assert.Equal(25, page.Total);
            found.AddRange(page.Rows);
            after = page.Next;
            // Not everybody may see keys.
            Assert.DoesNotContain("C-", after ?? "", StringComparison.Ordinal);
        }
        while (after is not null);
        var expected = closed ? Rows.OrderByDescending(r => r.End).ThenBy(r => r.Key, StringComparer.Ordinal) : Rows.OrderBy(r => r.End).ThenBy(r => r.Key, StringComparer.Ordinal);
        Assert.Equal(expected.Select(r => r.Key), found.Select(r => r.Key));
    }

    [Fact]
    public void Keys_and_times_choose_and_a_page_that_is_none_is_refused()
    {
        WindowPage Find(string? key, long? from, long? to) => WindowSearch.Page(new WindowQuery("w", false, 100) { Key = key, From = from, To = to }, Rows, false);
        Assert.Equal(["C-02", "C-20", "C-21", "C-22", "C-23", "C-24"], Find("c-2", null, null).Rows.Concat(Find("02", null, null).Rows).Select(r => r.Key).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(15, Find(null, 1000, null).Total);
        Assert.Equal(10, Find(null, null, 1000).Total);
        Assert.False(Find(null, null, null).Complete);
        // Running totals have no times and belong to every span.
        Assert.Equal(1, WindowSearch.Page(new WindowQuery("t", false, 10) { From = 5 }, [new WindowRow { Key = "k", Revision = 1, Values = [] }], true).Total);
        Assert.Throws<ArgumentException>(() => WindowSearch.Page(new WindowQuery("w", false, 1) { After = "12" }, Rows, true));
    }

    [Fact]
    public void It_is_known_since_when_a_watermark_stands()
    {
        var watch = new WatermarkWatch();
        var at = DateTimeOffset.UnixEpoch;
        watch.Observe(at, [Part(1, 10, 10)]);
        watch.Observe(at.AddSeconds(5), [Part(1, 10, 10)]);
        Assert.Equal(at, watch.Of(Part(1, 10, 10)).WatermarkSince);
        Assert.Null(watch.Of(Part(2, 10, 10)).WatermarkSince);
        watch.Observe(at.AddSeconds(9), [Part(2, 10, 10)]);
        Assert.Equal(at.AddSeconds(9), watch.Of(Part(2, 10, 10)).WatermarkSince);
    }

    [Fact]
    public void Totals_are_fresh_once_all_that_was_read_is_durable()
    {
        var shard = new ShardStatus
        {
            Step = "t", Shard = 0, State = PartState.Running, Epoch = 1, Cells = 1, OutboxEntries = 0, Late = 0, ClosedWindows = 0, LastCheckpointMs = 1,
            Fresh = new Dictionary<string, SinkFreshness> { ["out"] = new(1, 300), ["new"] = new(null, null) },
        };
        Assert.Equal([0, null], TotalsFreshness.Of(true, shard, [Part(1, 10, 10)]).Values.Select(f => f.Seconds));
        Assert.Equal(300, TotalsFreshness.Of(true, shard, [Part(1, 9, 10)])["out"].Seconds);
        Assert.Equal(300, TotalsFreshness.Of(true, shard with { OutboxEntries = 1 }, [Part(1, 10, 10)])["out"].Seconds);
        Assert.Equal(300, TotalsFreshness.Of(true, shard with { Buffered = new Dictionary<string, int> { ["out"] = 2 } }, [Part(1, 10, 10)])["out"].Seconds);
        // A window that is open holds records back on purpose.
        Assert.Equal(300, TotalsFreshness.Of(false, shard, [Part(1, 10, 10)])["out"].Seconds);
    }

    private static PartitionStatus Part(long watermark, long checkpoint, long end) => new()
    {
        Partition = "t/0", State = PartState.Running, Position = end, Checkpoint = checkpoint, End = end, Watermark = watermark, Counts = RecordCounts.Zero, Epoch = 1,
        RecordsPerSecond = 0, Rules = new Dictionary<string, long>(),
    };
}
