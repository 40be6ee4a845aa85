using System.Buffers;
using CsCheck;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>Tumbling, hopping and session windows against naive models: any order, split, number of parts, watermarks and restarts.</summary>
public sealed class WindowModelTests
{
    /// <summary>Rows come, the watermark rises, and perhaps the cell is saved and read again.</summary>
    internal sealed record Act(TestRow[] Rows, int Rise, bool Advance, int Restart);

    private static readonly Gen<TestRow> Row = Gen.Select(
        Gen.Int[0, 3], Gen.Int[-150, 300], Gen.Int[-60, 400], Gen.Int[0, 2],
        (key, time, cents, partition) => new TestRow(key, time, cents < -40 ? null : cents, partition));

    private static readonly Gen<Act[]> Acts = Gen.Select(
        Row.Array[0, 10], Gen.Int[0, 60], Gen.Bool, Gen.Int[0, 5],
        (rows, rise, advance, restart) => new Act(rows, rise, advance, restart)).Array[1, 12];

    private static readonly Gen<(long Size, long Every, long Offset)> Shape = Gen.OneOf<(long, long, long)>(
        (10, 10, 0), (60, 60, 7), (60, 60, -3), (60, 10, 0), (60, 20, 5), (50, 25, -20), (90, 30, 1000));

    [Fact]
    public void Windows_are_what_the_naive_model_says() =>
        Gen.Select(Shape, Gen.OneOf(0L, 15L, 100L), Gen.OneOf(1, 4, 64), Gen.Int[-200, 100], Acts)
            .Sample(t => Check(t.Item1, t.Item2, t.Item3, t.Item4, t.Item5), iter: 1000);

    [Fact]
    public void Sessions_are_what_sorting_the_log_says() =>
        Gen.Select(Gen.OneOf(5L, 20L, 60L), Gen.OneOf(1, 16), Acts)
            .Sample(t => CheckSessions(t.Item1, t.Item2, t.Item3), iter: 1000);

    [Fact]
    public void Every_row_is_in_a_session_or_late() =>
        Gen.Select(Gen.OneOf(5L, 20L), Gen.OneOf(0L, 10L, 100_000L), Gen.OneOf(15L, 40L, 1000L), Acts)
            .Sample(t => CountSessions(t.Item1, t.Item2, t.Item3, t.Item4), iter: 1000);

    private static void Check((long Size, long Every, long Offset) shape, long lateness, int parts, int from, Act[] acts)
    {
        WindowSpec window = shape.Size == shape.Every
            ? new TumblingWindow(shape.Size, shape.Offset)
            : new HoppingWindow(shape.Size, shape.Every, shape.Offset);
        var subject = new Subject(WindowTestRows.Spec(window, lateness), parts);
        var model = new NaiveWindows(shape.Size, shape.Every, shape.Offset, lateness);
        long watermark = from;
        foreach (var act in acts.Append(new Act([], 100_000, true, 0)))
        {
            if (act.Advance || subject.Cell.NextDue <= watermark) Same(model.Advance(watermark), subject.Advance(watermark));
            else Assert.Empty(model.Advance(watermark));
            var numbered = subject.Apply(act.Rows, watermark);
            model.Apply(numbered, watermark);
            if (model.Due(watermark) is { } due) Assert.True(subject.Cell.NextDue <= due);
            watermark += act.Rise;
            subject.Restart(act.Restart);
        }

        Same(model.Advance(watermark), subject.Advance(watermark));
        Same(model.Late, subject.LateLines);
        Assert.True(subject.Cell.IsEmpty);
        Assert.Null(subject.Cell.NextDue);
        Assert.Equal(0, subject.Cell.OpenWindows);
        subject.Restart(1);
        Assert.Empty(subject.Stored);
    }

    private static void CheckSessions(long gap, int parts, Act[] acts)
    {
        var subject = new Subject(WindowTestRows.Spec(new SessionWindow(gap, 1_000_000), 1_000_000), parts);
        var all = new List<TestRow>();
        var rows = new Dictionary<string, string[]>();
        long watermark = -100;
        foreach (var act in acts)
        {
            if (act.Advance || subject.Cell.NextDue <= watermark) Upsert(rows, subject.Advance(watermark));
            all.AddRange(subject.Apply(act.Rows, watermark));
            watermark += act.Rise;
            subject.Restart(act.Restart);
        }

        Upsert(rows, subject.Advance(10_000));
        Assert.Empty(subject.LateLines);
        var live = rows.Values.Where(r => r[1] != r[2]).Select(r => string.Join('|', r[..^1])).ToList();
        Same(Sessions(all, gap), live);
        Upsert(rows, subject.Advance(long.MaxValue));
        Assert.True(subject.Cell.IsEmpty);
    }

    private static void CountSessions(long gap, long lateness, long maxLength, Act[] acts)
    {
        var subject = new Subject(WindowTestRows.Spec(new SessionWindow(gap, maxLength), lateness), 4);
        var rows = new Dictionary<string, string[]>();
        var applied = 0;
        long watermark = -100;
        foreach (var act in acts)
        {
            if (act.Advance || subject.Cell.NextDue <= watermark) Upsert(rows, subject.Advance(watermark));
            applied += subject.Apply(act.Rows, watermark).Count;
            watermark += act.Rise;
            subject.Restart(act.Restart);
        }

        Upsert(rows, subject.Advance(1_000_000));
        Assert.True(subject.Cell.IsEmpty);
        Assert.Equal(applied - subject.LateLines.Count, rows.Values.Sum(r => int.Parse(r[3])));
        foreach (var row in rows.Values) Assert.InRange(long.Parse(row[2]) - long.Parse(row[1]), 0, maxLength * 1000);
        foreach (var key in rows.Values.Where(r => r[1] != r[2]).GroupBy(r => r[0]))
        {
            var spans = key.Select(r => (Start: long.Parse(r[1]), End: long.Parse(r[2]))).Order().ToList();
            for (var i = 1; i < spans.Count; i++) Assert.True(spans[i - 1].End <= spans[i].Start || lateness < 100_000);
        }
    }

    /// <summary>What a sink that upserts by key and window start holds.</summary>
    private static void Upsert(Dictionary<string, string[]> rows, List<string> fired)
    {
        foreach (var line in fired)
        {
            var fields = line.Split('|');
            var key = fields[0] + "|" + fields[1];
            if (rows.TryGetValue(key, out var old)) Assert.True(int.Parse(old[^1]) < int.Parse(fields[^1]), line);
            rows[key] = fields;
        }
    }

    private static List<string> Sessions(List<TestRow> rows, long gap)
    {
        var lines = new List<string>();
        foreach (var key in rows.GroupBy(r => r.Key))
        {
            List<TestRow> session = [];
            foreach (var row in key.OrderBy(r => r.Time))
            {
                if (session.Count != 0 && row.Time - session[^1].Time >= gap) Close();
                session.Add(row);
            }

            Close();

            void Close()
            {
                var line = NaiveWindows.Line(key.Key, session[0].Time, session[^1].Time + gap, session, 0);
                lines.Add(line[..line.LastIndexOf('|')]);
                session = [];
            }
        }

        return lines;
    }

    private static void Same(IEnumerable<string> expected, IEnumerable<string> actual) =>
        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));

    /// <summary>A cell that is saved and read again.</summary>
    internal sealed class Subject(WindowStepSpec spec, int parts)
    {
        private readonly ClosedWindows _closed = new(spec);
        private long _offset;

        public WindowCell Cell { get; private set; } = new(spec, parts);

        public Dictionary<long, byte[]> Stored { get; } = [];

        public List<string> LateLines { get; } = [];

        public List<TestRow> Apply(TestRow[] rows, long watermark)
        {
            var numbered = rows.Select(r => r with { Offset = _offset++ }).ToList();
            foreach (var partition in numbered.GroupBy(r => r.Partition))
            {
                var late = new LateRows();
                var keyed = WindowTestRows.Rows(numbered);
                int[] selected = [.. WindowTestRows.All(numbered.Count).Where(i => numbered[i].Partition == partition.Key)];
                Cell.Apply(keyed, selected, partition.Key, watermark, late);
                foreach (var l in late.Span)
                    LateLines.Add($"{numbered[l.Row].Key}|{numbered[l.Row].Offset}|{l.WindowStart}|{l.WindowEnd}|{l.LateBy}");
            }

            return numbered;
        }

        public List<string> Advance(long watermark)
        {
            _closed.Reset();
            Cell.Advance(watermark, _closed);
            Assert.Equal(0, _closed.Overflows);
            return WindowTestRows.Lines(_closed.Rows);
        }

        /// <summary>1 and 2: through the stored parts; 3: as a whole; otherwise not at all.</summary>
        public void Restart(int how)
        {
            var due = Cell.NextDue;
            var empty = Cell.IsEmpty;
            if (how is 1 or 2)
            {
                var wasDirty = Cell.Dirty;
                var parts1 = Cell.CollectDirty();
                Assert.True(wasDirty || parts1.Count == 0);
                Assert.False(Cell.Dirty);
                foreach (var part in parts1)
                {
                    if (part.Payload is null) Assert.True(Stored.Remove(part.Part));
                    else Stored[part.Part] = part.Payload;
                }

                if (how == 2) return;
                Cell = new WindowCell(spec, parts);
                foreach (var (part, payload) in Stored) Cell.ReadPart(part, payload);
            }
            else if (how == 3)
            {
                var buffer = new ArrayBufferWriter<byte>();
                Cell.Write(buffer);
                var dirty = Cell.CollectDirty();
                foreach (var part in dirty)
                {
                    if (part.Payload is null) Stored.Remove(part.Part);
                    else Stored[part.Part] = part.Payload;
                }

                Cell = WindowCell.Read(spec, buffer.WrittenSpan);
                Assert.False(Cell.Dirty);
                var again = new ArrayBufferWriter<byte>();
                Cell.Write(again);
                Assert.Equal(buffer.WrittenSpan.ToArray(), again.WrittenSpan.ToArray());
            }

            Assert.Equal(due, Cell.NextDue);
            Assert.Equal(empty, Cell.IsEmpty);
        }
    }
}
