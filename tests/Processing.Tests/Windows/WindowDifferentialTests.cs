using System.Buffers;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>
/// One log has one result: record by record, in any batches, with the partitions read in any order against each other, and gone on from any
/// checkpoint after a crash; and it is what a naive model says. No partition is idle here: that is the one thing which is not in the log.
/// </summary>
public sealed class WindowDifferentialTests
{
    private const long Minute = 60_000;

    private static readonly Dictionary<string, (WindowSpec Window, long Unit)> Windows = new()
    {
        ["tumbling"] = (new TumblingWindow(60, 7), 1),
        ["hopping 2"] = (new HoppingWindow(50, 25, -20), 1),
        ["hopping 5"] = (new HoppingWindow(50, 10), 1),
        ["hopping 12"] = (new HoppingWindow(120, 10, 3), 1),
        ["session"] = (new SessionWindow(20, 1_000_000), 1),
        ["short session"] = (new SessionWindow(6, 1_000_000), 1),
        ["calendar"] = (new CalendarWindow(CalendarUnit.Hour, "Europe/Vienna"), Minute),
        ["totals"] = (new RunningTotals(), 1),
    };

    public static TheoryData<string> Kinds => [.. Windows.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_log_has_one_result_and_it_is_the_models(string kind)
    {
        var (window, unit) = Windows[kind];
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            long lateness = random.Next(4) switch { 0 => 0, 1 => 5, 2 => 30, _ => 200 };
            var spec = WindowTestRows.Spec(window, lateness * unit);
            var log = MakeLog(random, unit, random.Next(1, 4), keysStay: false);
            var (rows, late) = NaiveLog.Of(spec, [.. log.SelectMany(p => p)]);
            for (var way = 0; way < 5; way++)
            {
                var run = new Run(spec, log, new Random((seed * 100) + way), largest: way == 0 ? 1 : 12, crashes: way >= 2);
                run.Play();
                var where = $"{kind}, seed {seed}, way {way}";
                Same(rows, run.Rows(), where);
                Same(late, run.Late, where);
                Assert.True(run.IsEmpty, where);
            }
        }
    }

    /// <summary>A megabyte holds five of these texts: which are left out must not depend on who comes first.</summary>
    [Theory]
    [InlineData("tumbling")]
    [InlineData("hopping 2")]
    [InlineData("session")]
    public void Values_that_are_too_large_together_are_cut_alike_however_they_come(string kind)
    {
        IReadOnlyList<AggregateSpec> aggregates =
        [
            new("all", AggregateKind.Collect, 2, FieldType.String, FieldType.Json, 40), new("top", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 3),
            new("first", AggregateKind.First, 2, FieldType.String, FieldType.String), new("last", AggregateKind.Last, 2, FieldType.String, FieldType.String),
        ];
        var cut = 0;
        for (var seed = 0; seed < 5; seed++)
        {
            var random = new Random(seed);
            var spec = WindowTestRows.Spec(Windows[kind].Window, seed * 15, aggregates);
            var log = MakeLog(random, 1, random.Next(1, 4), keysStay: false);
            foreach (var rows in log)
            {
                for (var i = 0; i < rows.Count; i++) rows[i] = rows[i] with { Row = rows[i].Row with { Key = 0, Cents = random.Next(4) == 0 ? 7 : WindowTestRows.LongText + random.Next(12) } };
            }

            List<string>? first = null;
            for (var way = 0; way < 4; way++)
            {
                var run = new Run(spec, log, new Random((seed * 100) + way), largest: way == 0 ? 1 : 12, crashes: way >= 2);
                run.Play();
                first ??= run.Rows();
                Same(first, run.Rows(), $"{kind}, seed {seed}, way {way}");
            }

            cut += first!.Count(r => r.Contains("\"…\"]", StringComparison.Ordinal));
        }

        Assert.True(cut > 0, "Nothing was cut.");
    }

    [Fact]
    public void Sessions_that_reach_their_longest_have_one_result_when_a_key_stays_in_its_partition()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var spec = WindowTestRows.Spec(new SessionWindow(20, 45), random.Next(3) switch { 0 => 0, 1 => 15, _ => 100 });
            var log = MakeLog(random, 1, 3, keysStay: true);
            List<string>? first = null;
            List<string> firstLate = [];
            for (var way = 0; way < 5; way++)
            {
                var run = new Run(spec, log, new Random((seed * 100) + way), largest: way == 0 ? 1 : 12, crashes: way >= 2);
                run.Play();
                first ??= run.Rows();
                if (way == 0) firstLate = [.. run.Late];
                Same(first, run.Rows(), $"seed {seed}, way {way}");
                Same(firstLate, run.Late, $"seed {seed}, way {way}");
                foreach (var row in run.Rows().Select(r => r.Split('|')))
                    Assert.InRange(long.Parse(row[2]) - long.Parse(row[1]), 1, 45_000);
            }
        }
    }

    [Fact]
    public void Dedup_finds_the_same_copies_however_a_partition_is_batched_and_wherever_it_goes_on_from()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var random = new Random(seed);
            var log = MakeLog(random, 1, 1, keysStay: false)[0];
            UInt128[] ids = [.. log.Select(_ => (UInt128)random.Next(12))];
            var first = Duplicates(log, ids, new Random(0), 1, crashes: false);
            for (var way = 1; way < 4; way++)
                Assert.Equal(first, Duplicates(log, ids, new Random((seed * 100) + way), 9, crashes: way >= 2));
        }
    }

    private static bool[] Duplicates(List<LoggedRow> log, UInt128[] ids, Random random, int largest, bool crashes)
    {
        var cell = new DedupCell(40, 10);
        var found = new bool[ids.Length];
        var (saved, savedAt, at) = ((IReadOnlyList<CellPart>)[], 0, 0);
        while (at < ids.Length)
        {
            var count = Math.Min(random.Next(1, largest + 1), ids.Length - at);
            int[] rows = [.. Enumerable.Range(at, count)];
            var flags = new bool[ids.Length];
            var counts = default(DedupCounts);
            cell.Claim(
                ids.Length, ids, new uint[ids.Length], [.. log.Select(r => r.Row.Time)], [.. log.Select(r => r.Row.Offset)], rows, flags, ref counts);
            foreach (var row in rows) found[row] = flags[row];
            at += count;
            if (random.Next(4) == 0) (saved, savedAt) = (cell.CollectDirty() is { Count: > 0 } parts ? parts : saved, at);
            if (!crashes || random.Next(6) != 0) continue;
            cell = new DedupCell(40, 10);
            foreach (var part in saved.Where(p => p.Payload is not null)) cell.ReadPart(part.Part, part.Payload!);
            at = savedAt;
        }

        return found;
    }

    /// <summary>Partitions whose times go up and down, with now and then a record from long ago or of another time.</summary>
    private static List<List<LoggedRow>> MakeLog(Random random, long unit, int partitions, bool keysStay)
    {
        var log = new List<List<LoggedRow>>();
        for (var p = 0; p < partitions; p++)
        {
            var rows = new List<LoggedRow>();
            var watermark = new PartitionWatermark(random.Next(0, 25) * unit);
            long time = random.Next(-100, 100);
            for (var offset = 0; offset < random.Next(1, 60); offset++)
            {
                time += random.Next(-8, 14);
                var at = random.Next(9) == 0 ? time - random.Next(0, 150) : time;
                var key = keysStay ? (random.Next(2) * partitions) + p : random.Next(3);
                int? cents = random.Next(10) == 0 ? null : random.Next(-50, 400);
                rows.Add(new LoggedRow(new TestRow(key, at * unit, cents, p, offset), watermark.Current));
                watermark.Observe(at * unit);
            }

            log.Add(rows);
        }

        return log;
    }

    private static void Same(IEnumerable<string> expected, IEnumerable<string> actual, string where)
    {
        List<string> one = [.. expected.Order(StringComparer.Ordinal)], other = [.. actual.Order(StringComparer.Ordinal)];
        Assert.True(
            one.SequenceEqual(other),
            $"{where}\nmissing:\n{string.Join('\n', one.Except(other).Take(5))}\ntoo much:\n{string.Join('\n', other.Except(one).Take(5))}");
    }

    /// <summary>A shard that is fed the partitions in some order, saved now and then, and sometimes thrown back to what it saved.</summary>
    private sealed class Run(WindowStepSpec spec, List<List<LoggedRow>> log, Random random, int largest, bool crashes)
    {
        private readonly Dictionary<string, string[]> _table = new(StringComparer.Ordinal);
        private readonly Dictionary<(int, long), string> _late = [];
        private readonly ClosedWindows _closed = new(spec);
        private readonly List<string> _outbox = [];
        private WindowCell _cell = new(spec, 4);
        private ShardWatermark _watermark = new();
        private int[] _applied = new int[log.Count];
        private (byte[] Cell, byte[] Watermark, int[] Applied)? _saved;

        public List<string> Late => [.. _late.Values];

        public bool IsEmpty => _cell.IsEmpty || spec.Window is RunningTotals;

        public List<string> Rows() => [.. _table.Values.Select(r => string.Join('|', r[..^1]))];

        public void Play()
        {
            for (var p = 0; p < log.Count; p++) _watermark.AddSource("t/" + p);
            while (_applied.Where((at, p) => at < log[p].Count).Any())
            {
                var p = random.Next(log.Count);
                if (_applied[p] == log[p].Count) continue;
                Apply(p, Math.Min(random.Next(1, largest + 1), log[p].Count - _applied[p]));
                if (random.Next(5) == 0) Save();
                if (crashes && random.Next(12) == 0 && _saved is not null) Crash();
            }

            Fire(long.MaxValue / 4);
            Save();
        }

        private void Apply(int p, int count)
        {
            var batch = log[p].GetRange(_applied[p], count);
            var before = _watermark.Current;
            var last = new PartitionWatermark(0);
            // The partition's watermark after the batch is the one before the next record.
            var next = _applied[p] + count;
            last.Restore(next < log[p].Count ? log[p][next].Watermark : batch[^1].Watermark);
            _watermark.Observe("t/" + p, last.Current, 0);
            var plain = WindowTestRows.Rows(batch.ConvertAll(r => r.Row));
            var rows = new KeyedRows
            {
                Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes, EventTimes = plain.EventTimes,
                Offsets = plain.Offsets, Inputs = plain.Inputs, Watermarks = [.. batch.Select(r => r.Watermark)],
            };
            var late = new LateRows();
            _cell.Apply(rows, WindowTestRows.All(count), p, before, late);
            foreach (var l in late.Span)
            {
                Assert.Equal(LateReason.Watermark, l.Reason);
                _late[(p, batch[l.Row].Row.Offset)] = NaiveLog.Late(batch[l.Row].Row, l.WindowStart, l.WindowEnd, l.LateBy);
            }

            if (_cell.NextDue <= _watermark.Current) Fire(_watermark.Current);
            _applied[p] += count;
        }

        private void Fire(long watermark)
        {
            _closed.Reset();
            _cell.Advance(watermark, _closed);
            _outbox.AddRange(WindowTestRows.Lines(_closed.Rows));
        }

        /// <summary>What an upserting sink does: no row goes back, and a withdrawn one goes.</summary>
        private void Write()
        {
            foreach (var line in _outbox)
            {
                var fields = line.Split('|');
                // Totals have no window; the model gives them one of no length.
                if (spec.Window is RunningTotals) fields = [fields[0], "0", "0", .. fields[1..]];
                var key = fields[0] + "|" + fields[1];
                if (_table.TryGetValue(key, out var held) && int.Parse(held[^1]) >= int.Parse(fields[^1])) continue;
                if (spec.Window is SessionWindow && fields[1] == fields[2]) _table.Remove(key);
                else _table[key] = fields;
            }

            _outbox.Clear();
        }

        private void Save()
        {
            if (spec.Window is RunningTotals) Fire(0);
            var buffer = new ArrayBufferWriter<byte>();
            _cell.Write(buffer);
            // Nothing leaves before the decision behind it is durable.
            Write();
            _saved = (buffer.WrittenSpan.ToArray(), _watermark.Encode(), [.. _applied]);
        }

        private void Crash()
        {
            _outbox.Clear();
            _cell = WindowCell.Read(spec, _saved!.Value.Cell);
            _watermark = ShardWatermark.Decode(_saved.Value.Watermark);
            _applied = [.. _saved.Value.Applied];
        }
    }
}
