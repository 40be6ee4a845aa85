using System.IO.Hashing;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Fuzz;

/// <summary>
/// Stored state with its checksum made right again, since a wrong one keeps everything behind it from being reached. What a reader
/// accepts must work like any state: it is written again, fired and added to.
/// </summary>
internal static class StateTargets
{
    private const int ChecksumBytes = 4;
    private const long Far = 4_000_000_000_000;

    private static readonly FieldType Money = FieldType.Decimal(12, 2);
    private static readonly Schema Key = new(new Field("s", FieldType.String));

    /// <summary>The steps whose states are read: every kind of window, and every aggregate.</summary>
    public static IReadOnlyDictionary<string, WindowStepSpec> Steps { get; } = new Dictionary<string, WindowStepSpec>
    {
        ["window-tumbling"] = Step(new TumblingWindow(60_000)),
        ["window-hopping"] = Step(new HoppingWindow(60_000, 20_000)),
        ["window-session"] = Step(new SessionWindow(10_000, 60_000)),
        ["window-calendar"] = Step(new CalendarWindow(CalendarUnit.Day, "Europe/Vienna")),
        ["window-totals"] = Step(new RunningTotals()),
    };

    /// <summary>Reads a window step's part and works on with it.</summary>
    public static void Window(string step, byte[] input)
    {
        var spec = Steps[step];
        var cell = new WindowCell(spec);
        try
        {
            cell.ReadPart(0, Sealed(input));
        }
        catch (CorruptStateException)
        {
            return;
        }

        var written = new System.Buffers.ArrayBufferWriter<byte>();
        cell.Write(written);
        var again = new System.Buffers.ArrayBufferWriter<byte>();
        WindowCell.Read(spec, written.WrittenSpan).Write(again);
        if (!written.WrittenSpan.SequenceEqual(again.WrittenSpan)) throw new InvalidOperationException("What was written reads back as something else.");
        cell.Query(Rows(1).Key(0));
        cell.Apply(Rows(3), [0, 1, 2], 0, long.MinValue, new LateRows());
        var closed = new ClosedWindows(spec);
        cell.Advance(Far, closed);
        cell.CollectDirty();
        if (cell.NextDue <= Far) throw new InvalidOperationException($"After firing up to {Far}, {cell.NextDue} is due.");
    }

    /// <summary>Reads a dedup part and works on with it.</summary>
    public static void Dedup(byte[] input)
    {
        var cell = new DedupCell(3_600_000, 30_000);
        try
        {
            cell.ReadPart(0, Sealed(input));
        }
        catch (CorruptStateException)
        {
            return;
        }

        var counts = default(DedupCounts);
        var duplicate = new bool[4];
        cell.Claim(4, [1, 2, 9, 9], [7, 8, 9, 9], [1000, 2000, 4000, 5000], [20, 21, 22, 23], [0, 1, 2, 3], duplicate, ref counts);
        if (counts.Accepted + counts.Duplicates != 4) throw new InvalidOperationException("A claim was neither accepted nor refused.");
        cell.CollectDirty();
        cell.Forget(Far);
        if (!cell.IsEmpty) throw new InvalidOperationException($"{cell.Count} ids are remembered for ever.");
    }

    /// <summary>The header of a shard that has decided some rows of one partition.</summary>
    public static byte[] ShardHeader { get; } = MadeShard().Header;

    /// <summary>That partition.</summary>
    public static byte[] ShardSource { get; } = MadeShard().Source;

    /// <summary>The duplicates among those rows.</summary>
    public static byte[] SeenOffsets { get; } = MadeShard().Seen;

    /// <summary>The stored cells of the shard's only partition: what it is, and its duplicates.</summary>
    public static CellState[] Partition(byte[] source, byte[] seen) =>
        [new(new CellId("unique", "source/0", 0), source, null), new(new CellId("unique", "seen/0", 104), seen, null)];

    /// <summary>Reads a dedup shard and works on with it. Throws <see cref="CorruptStateException"/>.</summary>
    public static void DedupShard(byte[] header, CellState[] cells)
    {
        var shard = Processing.Dedup.DedupShard.Restore("unique", 3_600_000, header, cells);
        var duplicates = new List<int>();
        Ask(shard, 200, duplicates);
        if (duplicates.Contains(0)) throw new InvalidOperationException("A row that was never seen is a duplicate.");
        var again = new List<int>();
        Ask(shard, 200, again);
        if (!again.SequenceEqual(duplicates)) throw new InvalidOperationException("The same rows got another answer.");
        shard.Collect([], []);
    }

    private static void Ask(DedupShard shard, long from, List<int> duplicates)
    {
        var counts = default(DedupCounts);
        // Another partition than that of the stored state: what this one may ask about does not hang on what was read.
        var span = new DedupSpan("other/0", null, from + 4, 0, 5000);
        shard.Claim(span, new DedupRows(4, [11, 12, 19, 19], [7, 8, 9, 9], [1000, 2000, 4000, 5000], [from, from + 1, from + 2, from + 3]), duplicates, ref counts);
    }

    private static byte[] Payload(List<CellState> cells, string cell) => cells.Find(c => c.Id.Cell == cell)!.Payload;

    private static (byte[] Header, byte[] Source, byte[] Seen) MadeShard()
    {
        var shard = new DedupShard("unique", 3_600_000);
        shard.Admit("orders/0", 9);
        var counts = default(DedupCounts);
        shard.Claim(
            new DedupSpan("orders/0", null, 104, 100, 900), new DedupRows(4, [1, 1, 2, 2], [5, 5, 6, 6], [1000, 1001, 1200, 1300], [100, 101, 102, 103]), [], ref counts);
        var upserts = new List<CellState>();
        return (shard.Collect(upserts, []), Payload(upserts, "source/0"), Payload(upserts, "seen/0"));
    }

    /// <summary>States of a step with a few keys and windows.</summary>
    public static IReadOnlyList<byte[]> Parts(string step)
    {
        var cell = new WindowCell(Steps[step]);
        var late = new LateRows();
        cell.Apply(Rows(3), [0, 1, 2], 0, long.MinValue, late);
        var few = cell.CollectDirty()[0].Payload!;
        cell.Apply(Rows(40), [.. Enumerable.Range(0, 40)], 0, long.MinValue, late);
        cell.Advance(30_000, new ClosedWindows(Steps[step]));
        cell.Apply(Rows(40), [.. Enumerable.Range(0, 40)], 1, 30_000, late);
        return [few, cell.CollectDirty()[0].Payload!];
    }

    private static byte[] Sealed(byte[] input)
    {
        if (input.Length <= ChecksumBytes) return input;
        var copy = (byte[])input.Clone();
        var body = copy.AsSpan(0, copy.Length - ChecksumBytes);
        BitConverter.TryWriteBytes(copy.AsSpan(copy.Length - ChecksumBytes), XxHash32.HashToUInt32(body));
        return copy;
    }

    private static WindowStepSpec Step(WindowSpec window)
    {
        FieldType[] inputs = [Money, FieldType.Double, FieldType.String, FieldType.Decimal(28, 4)];
        return new WindowStepSpec(
            window, 20_000, Key,
            [
                new("n", AggregateKind.Count, -1, default, FieldType.Integer),
                new("values", AggregateKind.CountValues, 0, Money, FieldType.Integer),
                new("sum", AggregateKind.Sum, 0, Money, FieldType.Decimal(28, 2)),
                new("wide", AggregateKind.Sum, 3, inputs[3], inputs[3]),
                new("mean", AggregateKind.Avg, 0, Money, FieldType.Decimal(28, 6)),
                new("least", AggregateKind.Min, 0, Money, Money),
                new("most", AggregateKind.Max, 2, FieldType.String, FieldType.String),
                new("deviation", AggregateKind.StdDev, 1, FieldType.Double, FieldType.Double),
                new("first", AggregateKind.First, 0, Money, Money),
                new("last", AggregateKind.Last, 2, FieldType.String, FieldType.String),
                new("kinds", AggregateKind.CountDistinct, 0, Money, FieldType.Integer, 8),
                new("share", AggregateKind.Percentile, 1, FieldType.Double, FieldType.Double, 0.9),
                new("top", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 2),
                new("all", AggregateKind.Collect, 0, Money, FieldType.Json, 5),
            ],
            inputs);
    }

    private static KeyedRows Rows(int count)
    {
        var inputs = Steps["window-totals"].InputTypes.Select(t => Column.Create(t, count)).ToArray();
        var key = new BinaryColumn(FieldType.String);
        key.EnsureCapacity(count);
        var writer = default(ByteWriter);
        var starts = new int[count + 1];
        var hashes = new ulong[count];
        for (var i = 0; i < count; i++)
        {
            key.Set(i, i % 3 == 0 ? "k1"u8 : "k2"u8);
            GroupKeyCodec.Append([key], i, ref writer);
            starts[i + 1] = writer.Length;
            hashes[i] = GroupKeyCodec.Hash(writer.Written[starts[i]..]);
            ((DecimalColumn)inputs[0]).Set(i, i / 4m);
            ((DoubleColumn)inputs[1]).Set(i, Math.Pow(-10, i % 9));
            ((BinaryColumn)inputs[2]).Set(i, i % 2 == 0 ? "even"u8 : "odd"u8);
            ((DecimalColumn)inputs[3]).Set(i, i * 1_000_000_000_000_000.0001m);
            if (i % 7 == 6) inputs[i % 4].SetNull(i);
        }

        return new KeyedRows
        {
            Count = count, KeyHashes = hashes, KeyStarts = starts, KeyBytes = writer.ToArray(),
            EventTimes = [.. Enumerable.Range(0, count).Select(i => (i * 3_001L) - 9_000)],
            Offsets = [.. Enumerable.Range(0, count).Select(i => (long)i)], Inputs = inputs,
        };
    }
}
