using BenchmarkDotNet.Attributes;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Benchmarks.Micro;

/// <summary>Rows of a stream into windows with count, sum, min and max of a decimal; one operation is one row.</summary>
[MemoryDiagnoser]
public class WindowBenchmarks
{
    private const int BatchRows = 5_000;
    private const int Batches = 200;
    private const long Slice = 18_000;
    private readonly KeyedRows[] _batches = new KeyedRows[Batches];
    private readonly KeyedRows[] _hour = new KeyedRows[Batches];
    private readonly LateRows _late = new();
    private ClosedWindows _closed = null!;
    private WindowCell _cycle = null!;
    private long _time;
    private int[] _all = [];
    private WindowStepSpec _spec = null!;
    private WindowCell _cell = null!;

    [Params(10_000, 1_000_000)]
    public int Keys { get; set; }

    [Params("tumbling 5m", "hopping 5m/1m")]
    public string Window { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var money = FieldType.Decimal(12, 2);
        const long minute = 60_000;
        WindowSpec window = Window.StartsWith('t') ? new TumblingWindow(5 * minute) : new HoppingWindow(5 * minute, minute);
        AggregateSpec[] aggregates =
        [
            new("n", AggregateKind.Count, -1, default, FieldType.Integer),
            new("total", AggregateKind.Sum, 0, money, FieldType.Decimal(28, 2)),
            new("least", AggregateKind.Min, 0, money, money),
            new("most", AggregateKind.Max, 0, money, money),
        ];
        _spec = new WindowStepSpec(window, 0, new Schema(new Field("k", FieldType.Integer)), aggregates, [money]);
        _cell = new WindowCell(_spec, 64);
        _all = [.. Enumerable.Range(0, BatchRows)];
        var random = new Random(1);
        for (var b = 0; b < Batches; b++) _batches[b] = Batch(random, b * 290L, 1_000);
        for (var b = 0; b < Batches; b++) _hour[b] = Batch(random, b * Slice, (int)Slice);
        _cycle = new WindowCell(_spec, 64);
        _closed = new ClosedWindows(_spec);
        Update();
        Cycle();
        for (var i = 0; i < 2; i++) Update();
    }

    /// <summary>A million rows within one minute of event time: no window fires.</summary>
    [Benchmark(OperationsPerInvoke = BatchRows * Batches)]
    public void Update()
    {
        foreach (var batch in _batches) _cell.Apply(batch, _all, 0, long.MinValue, _late);
    }

    /// <summary>A million rows over an hour of event time, every window fired and taken out: a hopping window has five times the results.</summary>
    [Benchmark(OperationsPerInvoke = BatchRows * Batches)]
    public long Cycle()
    {
        var rows = 0L;
        foreach (var batch in _hour)
        {
            for (var i = 0; i < BatchRows; i++) batch.EventTimes[i] += _time == 0 ? 0 : Slice * Batches;
            _cycle.Apply(batch, _all, 0, long.MinValue, _late);
            _closed.Reset();
            _cycle.Advance(batch.EventTimes[0] - (2 * Slice), _closed);
            rows += _closed.Count;
        }

        _time++;
        if (_late.Count != 0) throw new InvalidOperationException("Rows were late.");
        return rows;
    }

    private KeyedRows Batch(Random random, long from, int span)
    {
        var keys = new RowBlock(_spec.Key, BatchRows);
        var amounts = new DecimalColumn(FieldType.Decimal(12, 2));
        amounts.EnsureCapacity(BatchRows);
        var writer = new ByteWriter(BatchRows * 9);
        var starts = new int[BatchRows + 1];
        var hashes = new ulong[BatchRows];
        var times = new long[BatchRows];
        for (var i = 0; i < BatchRows; i++)
        {
            ((LongColumn)keys.Columns[0]).Set(i, random.Next(Keys));
            GroupKeyCodec.Append(keys.Columns, i, ref writer);
            starts[i + 1] = writer.Length;
            hashes[i] = GroupKeyCodec.Hash(writer.Written[starts[i]..]);
            times[i] = from + random.Next(span);
            amounts.Set(i, random.Next(1, 1_000_000) / 100m);
        }

        return new KeyedRows
        {
            Count = BatchRows,
            KeyHashes = hashes,
            KeyStarts = starts,
            KeyBytes = writer.ToArray(),
            EventTimes = times,
            Offsets = new long[BatchRows],
            Inputs = [amounts],
        };
    }
}
