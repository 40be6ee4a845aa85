using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

public sealed class AggregateTests
{
    private static readonly FieldType Money = WindowTestRows.Money;

    [Fact]
    public void Percentiles_are_within_one_percent_of_the_value_at_their_rank() =>
        Gen.Select(Gen.Int[-1_000_000, 1_000_000].Array[1, 300], Gen.OneOf(0.01, 0.25, 0.5, 0.95, 0.999))
            .Sample((cents, p) =>
            {
                var sorted = cents.Select(c => c / 8.0).Order().ToList();
                var expected = sorted[(int)Math.Floor(p * (sorted.Count - 1))];
                var actual = (double)One(Double(AggregateKind.Percentile, p), Rows(cents))!;
                Assert.True(Math.Abs(actual - expected) <= (Math.Abs(expected) * 0.01) + 1e-9, $"{actual} for {expected}");
            });

    [Theory]
    [InlineData(900, 1000, 0)]
    [InlineData(1000, 1000, 0)]
    [InlineData(5_000, 1000, 0.03)]
    [InlineData(60_000, 1000, 0.03)]
    [InlineData(200_000, 100, 0.03)]
    public void Distinct_values_are_exact_to_the_limit_and_estimated_above(int values, int limit, double error)
    {
        var spec = new AggregateSpec("d", AggregateKind.CountDistinct, 3, FieldType.Integer, FieldType.Integer, limit);
        var rows = Enumerable.Range(0, values).Concat(Enumerable.Range(0, values / 2)).Select(c => new TestRow(1, 1, c)).ToList();
        var actual = (long)One(spec, rows)!;
        Assert.InRange(actual, values * (1 - error), values * (1 + error));
    }

    [Fact]
    public void Variance_and_deviation_are_those_of_a_sample() =>
        Gen.Int[-100_000, 100_000].Array[1, 50].Sample(cents =>
        {
            // A large common part is what naive sums of squares lose the variance to.
            var rows = Rows([.. cents.Select(c => c + 1_000_000_000)]);
            var variance = One(Double(AggregateKind.Variance), rows);
            var deviation = One(Double(AggregateKind.StdDev), rows);
            if (cents.Length < 2)
            {
                Assert.Null(variance);
                Assert.Null(deviation);
                return;
            }

            var mean = cents.Average(c => (decimal)c);
            var expected = (double)(cents.Sum(c => (c - mean) * (c - mean)) / (cents.Length - 1)) / 64;
            Assert.Equal(expected, (double)variance!, (expected * 1e-9) + 1e-9);
            Assert.Equal(Math.Sqrt(expected), (double)deviation!, (Math.Sqrt(expected) * 1e-9) + 1e-9);
        });

    [Fact]
    public void The_most_frequent_values_come_first_with_their_counts()
    {
        var spec = new AggregateSpec("t", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 2);
        var json = (string)One(spec, Rows([1, 1, 1, 2, 2, 3, 3, 3, 3]))!;
        Assert.Equal("""[{"value":"t3","count":4},{"value":"t1","count":3}]""", json);
    }

    [Fact]
    public void A_value_more_frequent_than_its_share_of_the_counters_is_always_found()
    {
        var spec = new AggregateSpec("t", AggregateKind.TopK, 3, FieldType.Integer, FieldType.Json, 3);
        var rows = Enumerable.Range(0, 30_000).Select(i => new TestRow(1, 1, i % 20 == 0 ? 7 : 1000 + i)).ToList();
        using var json = JsonDocument.Parse((string)One(spec, rows)!);
        Assert.Equal(7, json.RootElement[0].GetProperty("value").GetInt32());
        Assert.InRange(json.RootElement[0].GetProperty("count").GetInt64(), 1500, 1500 + (30_000 / 100));
    }

    [Theory]
    [InlineData(AggregateKind.Min, "2|10|-5|0.25|1.5|true|a|-3|7")]
    [InlineData(AggregateKind.Max, "4|30|5|0.5|2.5|true|b|3|9")]
    [InlineData(AggregateKind.First, "3|30|5|0.5|2.5|true|b|3|9")]
    [InlineData(AggregateKind.Last, "4|10|-5|0.25|1.5|true|a|-3|7")]
    public void Every_type_has_its_extremes_and_places(AggregateKind kind, string expected)
    {
        FieldType[] types =
        [
            FieldType.Integer, FieldType.Timestamp, FieldType.Decimal(28, 3), FieldType.Double, Money, FieldType.Boolean,
            FieldType.String, FieldType.Date, FieldType.Integer,
        ];
        object?[][] rows =
        [
            [3L, 30L, 5m, 0.5, 2.5m, true, "b", 3L, 9L],
            [null, null, null, null, null, null, null, null, null],
            [2L, 20L, 0m, 0.3, 2m, null, null, 1L, 8L],
            [4L, 10L, -5m, 0.25, 1.5m, true, "a", -3L, 7L],
        ];
        var columns = types.Select(t => Column.Create(t, rows.Length)).ToArray();
        for (var r = 0; r < rows.Length; r++)
        {
            for (var c = 0; c < types.Length; c++) Set(columns[c], r, rows[r][c]);
        }

        var specs = types.Select((t, i) => new AggregateSpec("a" + i, kind, i, t, t)).ToList();
        var spec = new WindowStepSpec(new TumblingWindow(10), 0, WindowTestRows.KeySchema, specs, types);
        var plain = WindowTestRows.Rows([.. rows.Select((_, i) => new TestRow(1, 1 + (i / 3), 0, 0, i))]);
        var keyed = new KeyedRows
        {
            Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes,
            EventTimes = plain.EventTimes, Offsets = plain.Offsets, Inputs = columns,
        };
        var cell = new WindowCell(spec);
        cell.Apply(keyed, [0, 1, 2, 3], 0, long.MinValue, new LateRows());
        var values = cell.Query(WindowTestRows.Key(1))[0].Values.Select(v => v switch
        {
            bool b => b ? "true" : "false",
            decimal d => d.ToString("0.###", CultureInfo.InvariantCulture),
            IFormattable f => f.ToString(null, CultureInfo.InvariantCulture),
            _ => v?.ToString() ?? "-",
        });
        Assert.Equal(expected, string.Join('|', values));
    }

    [Fact]
    public void A_sum_beyond_28_digits_is_null_and_counted()
    {
        var type = FieldType.Decimal(28, 0);
        var spec = new WindowStepSpec(
            new TumblingWindow(10), 0, WindowTestRows.KeySchema,
            [new("s", AggregateKind.Sum, 0, type, type), new("m", AggregateKind.Avg, 0, type, type)], [type]);
        var plain = WindowTestRows.Rows([.. Enumerable.Range(0, 11).Select(_ => new TestRow(1, 1, 1))]);
        var column = new DecimalColumn(type);
        column.EnsureCapacity(11);
        for (var i = 0; i < 11; i++) column.Set(i, 9_999_999_999_999_999_999_999_999_999m);
        var keyed = new KeyedRows
        {
            Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes,
            EventTimes = plain.EventTimes, Offsets = plain.Offsets, Inputs = [column],
        };
        var cell = new WindowCell(spec);
        cell.Apply(keyed, WindowTestRows.All(11), 0, long.MinValue, new LateRows());
        var closed = new ClosedWindows(spec);
        cell.Advance(10, closed);
        Assert.Equal(1, closed.Overflows);
        Assert.Equal("1|0|10000|-|9999999999999999999999999999|1", Assert.Single(WindowTestRows.Lines(closed.Rows)));
    }

    [Theory]
    [InlineData("1|2", "1.5")]
    [InlineData("0|1", "0.5")]
    [InlineData("0|0|1", "0.333333")]
    [InlineData("0|1|1", "0.666667")]
    [InlineData("0|-1|-1", "-0.666667")]
    public void Means_are_rounded_half_away_from_zero(string values, string expected)
    {
        var spec = new AggregateSpec("m", AggregateKind.Avg, 3, FieldType.Integer, FieldType.Decimal(28, 6));
        var mean = (decimal)One(spec, Rows([.. values.Split('|').Select(v => int.Parse(v, CultureInfo.InvariantCulture))]))!;
        Assert.Equal(expected, mean.ToString("0.######", CultureInfo.InvariantCulture));
    }

    /// <summary>What one pane holds, six panes hold together: hopping windows merge, tumbling windows do not.</summary>
    [Fact]
    public void Merged_panes_hold_what_one_pane_would()
    {
        AggregateSpec[] specs =
        [
            Double(AggregateKind.Sum), Double(AggregateKind.Avg), Double(AggregateKind.Variance), Double(AggregateKind.Percentile, 0.9),
            Double(AggregateKind.First), Double(AggregateKind.Max),
            new("d", AggregateKind.CountDistinct, 3, FieldType.Integer, FieldType.Integer, 20),
            new("t", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 3),
            new("c", AggregateKind.Collect, 0, Money, FieldType.Json, 7),
            new("b", AggregateKind.Last, 2, FieldType.String, FieldType.String),
            new("x", AggregateKind.Max, 2, FieldType.String, FieldType.String),
        ];
        var tumbling = WindowTestRows.Spec(new TumblingWindow(60), 0, specs);
        var hopping = WindowTestRows.Spec(new HoppingWindow(60, 10), 0, specs);
        Gen.Select(Gen.Int[0, 59], Gen.Int[-500, 500], (time, cents) => new TestRow(1, time, cents)).Array[1, 80].Sample(rows =>
        {
            var numbered = rows.Select((r, i) => r with { Offset = i }).ToList();
            var one = Apply(tumbling, numbered).Query(WindowTestRows.Key(1)).Single(w => w.Start == 0).Values;
            var merged = Apply(hopping, numbered).Query(WindowTestRows.Key(1)).Single(w => w.Start == 0).Values;
            for (var i = 0; i < one.Count; i++)
            {
                if (one[i] is double expected) Assert.Equal(expected, (double)merged[i]!, 1e-9 * (1 + Math.Abs(expected)));
                else Assert.Equal(one[i], merged[i]);
            }
        });
    }

    [Fact]
    public void Sums_of_doubles_do_not_show_the_order_of_the_rows() =>
        Gen.Int[-1_000_000, 1_000_000].Array[1, 40].Sample(cents =>
        {
            var there = One(Double(AggregateKind.Sum), Rows(cents));
            var back = One(Double(AggregateKind.Sum), Rows([.. cents.Reverse()]));
            Assert.Equal(there, back);
        });

    /// <summary>Also where values lie so far apart that the smallest ones share a bucket.</summary>
    [Fact]
    public void Percentiles_do_not_show_the_order_of_the_rows_or_how_panes_were_merged() =>
        Gen.Select(Gen.Int[-300, 300], Gen.Int[1, 9], Gen.Bool, (exponent, digit, negative) =>
                (negative ? -digit : digit) * Math.Pow(10, exponent)).Array[2, 60]
            .Sample(values =>
            {
                var there = Percentiles(new TumblingWindow(600), values, v => v);
                var back = Percentiles(new TumblingWindow(600), values, v => v.Reverse());
                Assert.Equal(State(there), State(back));
                var restored = WindowCell.Read(PercentileStep(new TumblingWindow(600)), Convert.FromHexString(State(there)));
                Assert.Equal(State(there), State(restored));
                var merged = Percentiles(new HoppingWindow(600, 10), values, v => v);
                Assert.Equal(
                    there.Query(WindowTestRows.Key(1)).Single().Values,
                    merged.Query(WindowTestRows.Key(1)).Single(w => w.Start == 0).Values);
            });

    [Fact]
    public void Running_totals_are_given_for_the_keys_that_changed()
    {
        var spec = WindowTestRows.Spec(
            new RunningTotals(), 0,
            [new("n", AggregateKind.Count, -1, default, FieldType.Integer), new("t", AggregateKind.Sum, 0, Money, FieldType.Decimal(28, 2))]);
        var cell = new WindowCell(spec, 4);
        var closed = new ClosedWindows(spec);
        Assert.Equal(["customer", "n", "t", "revision"], closed.Rows.Schema.Fields.Select(f => f.Name));
        var late = new LateRows();
        cell.Apply(WindowTestRows.Rows([new(1, 5, 100), new(2, -7, 250), new(1, 1, 150)]), [0, 1, 2], 0, 1_000_000, late);
        Assert.Null(cell.NextDue);
        cell.Advance(long.MinValue, closed);
        Assert.Equal(["1|2|2.50|1", "2|1|2.50|1"], WindowTestRows.Lines(closed.Rows).Order(StringComparer.Ordinal));
        closed.Reset();
        cell.Advance(long.MaxValue, closed);
        Assert.Equal(0, closed.Count);
        cell.Apply(WindowTestRows.Rows([new(2, 5, null)]), [0], 0, 0, late);

        // What has changed and not been given survives a restart.
        var restored = new WindowCell(spec, 4);
        foreach (var part in cell.CollectDirty()) restored.ReadPart(part.Part, part.Payload);
        restored.Advance(0, closed);
        Assert.Equal(["2|2|2.50|2"], WindowTestRows.Lines(closed.Rows));
        Assert.Equal(2, restored.KeyCount);
        Assert.Equal(0, late.Count);
    }

    private static WindowStepSpec PercentileStep(WindowSpec window) => new(
        window, 0, WindowTestRows.KeySchema,
        [.. new[] { 0.01, 0.25, 0.5, 0.75, 0.99 }.Select((p, i) =>
            new AggregateSpec("p" + i, AggregateKind.Percentile, 0, FieldType.Double, FieldType.Double, p))],
        [FieldType.Double]);

    /// <summary>Values ten milliseconds apart, applied one by one in an order.</summary>
    private static WindowCell Percentiles(WindowSpec window, double[] values, Func<IEnumerable<int>, IEnumerable<int>> order)
    {
        var plain = WindowTestRows.Rows([.. values.Select((_, i) => new TestRow(1, i * 10, 0, 0, i))]);
        var column = new DoubleColumn();
        column.EnsureCapacity(values.Length);
        for (var i = 0; i < values.Length; i++) column.Set(i, values[i]);
        var keyed = new KeyedRows
        {
            Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes,
            EventTimes = plain.EventTimes, Offsets = plain.Offsets, Inputs = [column],
        };
        var cell = new WindowCell(PercentileStep(window));
        foreach (var row in order(Enumerable.Range(0, values.Length))) cell.Apply(keyed, [row], 0, long.MinValue, new LateRows());
        return cell;
    }

    private static string State(WindowCell cell)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        cell.Write(output);
        return Convert.ToHexString(output.WrittenSpan);
    }

    private static AggregateSpec Double(AggregateKind kind, double parameter = 0) =>
        new(kind + "_double", kind, 1, FieldType.Double, FieldType.Double, parameter);

    private static List<TestRow> Rows(int[] cents) => [.. cents.Select((c, i) => new TestRow(1, 1, c, 0, i))];

    private static object? One(AggregateSpec aggregate, List<TestRow> rows) =>
        Assert.Single(Apply(WindowTestRows.Spec(new TumblingWindow(60), 0, [aggregate]), rows).Query(WindowTestRows.Key(1))).Values[0];

    private static WindowCell Apply(WindowStepSpec spec, List<TestRow> rows)
    {
        var cell = new WindowCell(spec);
        cell.Apply(WindowTestRows.Rows(rows), WindowTestRows.All(rows.Count), 0, long.MinValue, new LateRows());
        return cell;
    }

    private static void Set(Column column, int row, object? value)
    {
        switch (value)
        {
            case null: column.SetNull(row); break;
            case long v: ((LongColumn)column).Set(row, v); break;
            case decimal v: ((DecimalColumn)column).Set(row, v); break;
            case double v: ((DoubleColumn)column).Set(row, v); break;
            case bool v: ((BooleanColumn)column).Set(row, v); break;
            case string v: ((BinaryColumn)column).Set(row, Encoding.UTF8.GetBytes(v)); break;
        }
    }
}
