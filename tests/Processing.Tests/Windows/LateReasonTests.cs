using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>Why a row is late: the log says so, or a partition that was taken for idle let its window be closed.</summary>
public sealed class LateReasonTests
{
    public static TheoryData<WindowSpec> Windows => [new TumblingWindow(60), new HoppingWindow(60, 20), new SessionWindow(60, 1_000)];

    [Theory]
    [MemberData(nameof(Windows))]
    public void A_row_that_only_the_shards_watermark_has_passed_is_late_because_its_partition_was_idle(WindowSpec window)
    {
        var spec = WindowTestRows.Spec(window, 0, [new("n", AggregateKind.Count, -1, default, FieldType.Integer)]);
        var cell = new WindowCell(spec);
        cell.Advance(500, new ClosedWindows(spec));
        var late = new LateRows();
        // The first partition has passed them itself, the second has not.
        Apply(cell, partition: 0, own: 300, late);
        Apply(cell, partition: 1, own: 45, late);
        Assert.Equal([LateReason.Watermark, LateReason.Idle], late.Span.ToArray().Select(l => l.Reason));
        Assert.Equal(late[0].WindowEnd, late[1].WindowEnd);
        Assert.Equal((300 - late[0].WindowEnd, 500 - late[1].WindowEnd), (late[0].LateBy, late[1].LateBy));
    }

    private static void Apply(WindowCell cell, int partition, long own, LateRows late)
    {
        var row = WindowTestRows.Rows([new TestRow(1, 50, 1, partition)]);
        var judged = new KeyedRows
        {
            Count = row.Count, KeyHashes = row.KeyHashes, KeyStarts = row.KeyStarts, KeyBytes = row.KeyBytes, EventTimes = row.EventTimes, Offsets = row.Offsets,
            Inputs = row.Inputs, Watermarks = [own],
        };
        cell.Apply(judged, [0], partition, 500, late);
    }
}
