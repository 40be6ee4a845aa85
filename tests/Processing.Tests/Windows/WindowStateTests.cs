using System.Buffers;
using System.IO.Hashing;
using CsCheck;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

public sealed class WindowStateTests
{
    private static readonly WindowStepSpec Small = WindowTestRows.Spec(
        new TumblingWindow(60), 30,
        [
            new("n", AggregateKind.Count, -1, default, FieldType.Integer),
            new("total", AggregateKind.Sum, 0, WindowTestRows.Money, FieldType.Decimal(28, 2)),
            new("least", AggregateKind.Min, 0, WindowTestRows.Money, WindowTestRows.Money),
        ]);

    private static readonly WindowStepSpec Everything = WindowTestRows.Spec(
        new HoppingWindow(60, 20), 30,
        [
            .. WindowTestRows.Exact,
            new("v", AggregateKind.Variance, 1, FieldType.Double, FieldType.Double),
            new("p", AggregateKind.Percentile, 1, FieldType.Double, FieldType.Double, 0.5),
            new("t", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 3),
            new("h", AggregateKind.CountDistinct, 3, FieldType.Integer, FieldType.Integer, 2),
        ]);

    /// <summary>State that was written must be read for ever: when this fails, the format has changed and needs a new version.</summary>
    [Fact]
    public void The_format_of_version_1_stays_what_it_is()
    {
        var part = Assert.Single(SmallCell().CollectDirty());
        Assert.Equal(
            "0100030000000002030C0204030C0200000000000000008002" // version, kind of window, aggregates, parts, fired up to, keys
            + "0902070000000000000068679576016E2716" // customer 7 and its hash
            + "01773C00000202EE050001FA01" // [-60, 0): 2 rows, sum 375, least 125
            + "09020900000000000000F51D982602F8CB1A" // customer 9
            + "01783C0000010000" // [60, 120): 1 row, no amounts
            + "586F27C3",
            Convert.ToHexString(part.Payload!));
        Assert.Equal((0L, -60L + 60), (part.Part, part.DueAt!.Value));
        var read = new WindowCell(Small);
        read.ReadPart(0, part.Payload!);
        Assert.Equal(0, read.NextDue);
        var closed = new ClosedWindows(Small);
        read.Advance(0, closed);
        Assert.Equal("7|-60000|0|2|3.75|1.25|1", Assert.Single(WindowTestRows.Lines(closed.Rows)));
    }

    [Fact]
    public void Any_damaged_or_cut_off_byte_is_found()
    {
        var payload = Assert.Single(SmallCell().CollectDirty()).Payload!;
        for (var i = 0; i < payload.Length; i++)
        {
            var damaged = (byte[])payload.Clone();
            damaged[i] ^= 0x10;
            Assert.Throws<CorruptStateException>(() => new WindowCell(Small).ReadPart(0, damaged));
            Assert.Throws<CorruptStateException>(() => new WindowCell(Small).ReadPart(0, payload.AsSpan(0, i)));
        }
    }

    [Fact]
    public void Nonsense_with_a_right_checksum_is_refused_or_read_but_never_breaks()
    {
        var cell = new WindowCell(Everything);
        var rows = Enumerable.Range(0, 30).Select(i => new TestRow(i % 3, i * 7, i * 11, 0, i)).ToList();
        cell.Apply(WindowTestRows.Rows(rows), WindowTestRows.All(30), 0, long.MinValue, new LateRows());
        var payload = Assert.Single(cell.CollectDirty()).Payload!;
        var intact = new WindowCell(Everything);
        intact.ReadPart(0, payload);
        Gen.Select(Gen.Int[0, payload.Length - 5], Gen.Byte, Gen.Bool).Sample((at, value, cut) =>
        {
            var body = payload[..^4];
            body[at] = value;
            if (cut) body = body[..at];
            byte[] sealedAgain = [.. body, .. BitConverter.GetBytes(XxHash32.HashToUInt32(body))];
            var fault = Record.Exception(() => new WindowCell(Everything).ReadPart(0, sealedAgain));
            Assert.True(fault is null or CorruptStateException, fault?.ToString());
        });
    }

    [Fact]
    public void State_of_another_definition_version_or_part_is_refused_with_the_reason()
    {
        var payload = Assert.Single(SmallCell().CollectDirty()).Payload!;
        var other = Small with { Aggregates = [.. Small.Aggregates.Take(2)] };
        Assert.Contains("other windows or aggregates", Fault(() => new WindowCell(other).ReadPart(0, payload)), StringComparison.Ordinal);
        Assert.Contains("number of parts", Fault(() => new WindowCell(Small, 2).ReadPart(0, payload)), StringComparison.Ordinal);
        Assert.Contains("no part 1", Fault(() => new WindowCell(Small).ReadPart(1, payload)), StringComparison.Ordinal);
        byte[] newer = [4, .. payload[1..]];
        Assert.Contains("version 4", Fault(() => new WindowCell(Small).ReadPart(0, newer)), StringComparison.Ordinal);
    }

    [Fact]
    public void Only_changed_parts_are_handed_out()
    {
        var cell = new WindowCell(Small, 64);
        var rows = WindowTestRows.Rows([.. Enumerable.Range(0, 5000).Select(i => new TestRow(i, 1, i))]);
        cell.Apply(rows, WindowTestRows.All(5000), 0, long.MinValue, new LateRows());
        var parts = cell.CollectDirty();
        Assert.Equal(64, parts.Count);
        Assert.Equal(5000, cell.KeyCount);
        foreach (var part in parts) Assert.InRange(part.Payload!.Length, 500, 8000);
        Assert.Empty(cell.CollectDirty());
        cell.Apply(rows, [17], 0, long.MinValue, new LateRows());
        Assert.Single(cell.CollectDirty());

        // All windows fire and are dropped: every part is deleted.
        cell.Advance(1000, new ClosedWindows(Small));
        var gone = cell.CollectDirty();
        Assert.Equal(64, gone.Count);
        Assert.All(gone, p => Assert.Null(p.Payload));
        Assert.Empty(cell.CollectDirty());
    }

    [Fact]
    public void A_row_into_an_open_window_allocates_nothing()
    {
        var spec = WindowTestRows.Spec(
            new HoppingWindow(60, 20), 0, [.. WindowTestRows.Exact.Where(a => a.Kind is not AggregateKind.Collect)]);
        var cell = new WindowCell(spec, 8);
        var rows = WindowTestRows.Rows([.. Enumerable.Range(0, 2000).Select(i => new TestRow(i % 300, i % 60, i % 50, 0, i))]);
        var all = WindowTestRows.All(2000);
        var late = new LateRows();
        for (var i = 0; i < 3; i++) cell.Apply(rows, all, 0, long.MinValue, late);
        var before = GC.GetAllocatedBytesForCurrentThread();
        cell.Apply(rows, all, 0, long.MinValue, late);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_step_that_cannot_run_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new WindowCell(Small with { Window = new HoppingWindow(50, 20) }));
        Assert.Throws<ArgumentException>(() => new WindowCell(Small with { Window = new TumblingWindow(0) }));
        Assert.Throws<ArgumentException>(() => new WindowCell(Small with { AllowedLateness = -1 }));
        Assert.Throws<ArgumentException>(() => new WindowCell(Small, 3));
    }

    [Fact]
    public void A_memory_estimate_grows_with_the_keys()
    {
        var cell = new WindowCell(Small);
        var empty = cell.EstimatedBytes;
        Assert.InRange(empty, 1, 1500);
        var rows = WindowTestRows.Rows([.. Enumerable.Range(0, 10_000).Select(i => new TestRow(i, 1, i))]);
        cell.Apply(rows, WindowTestRows.All(10_000), 0, long.MinValue, new LateRows());
        Assert.InRange((cell.EstimatedBytes - empty) / 10_000, 50, 320);
    }

    private static WindowCell SmallCell()
    {
        var cell = new WindowCell(Small);
        var rows = WindowTestRows.Rows([new(7, -5, 125), new(7, -60, 250), new(9, 60, null)]);
        cell.Apply(rows, [0, 1, 2], 0, long.MinValue, new LateRows());
        return cell;
    }

    private static string Fault(Action act) => Assert.Throws<CorruptStateException>(act).Message;
}
