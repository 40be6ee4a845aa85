using CsCheck;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Dedup;

/// <summary>Dedup across partitions against a list: any order of the partitions, any cuts, with crashes, replays and checkpoints.</summary>
public sealed class DedupShardTests
{
    private const string Step = "unique";
    private const int Sources = 3;
    private const long Slack = 400;

    private enum Act
    {
        /// <summary>A partition asks about its next rows.</summary>
        Ask,

        /// <summary>As before, and the shard's owner dies before it can answer.</summary>
        AskInVain,

        /// <summary>A partition starts over from its checkpoint.</summary>
        Replay,

        /// <summary>A partition makes its position durable.</summary>
        Checkpoint,

        /// <summary>The shard's owner dies.</summary>
        Crash,

        /// <summary>A partition says that it is idle.</summary>
        Idle,
    }

    private sealed record Deed(Act Act, int Source, int Rows);

    private sealed record Row(int Id, long Time, int Body);

    private static Gen<Deed> Deeds(int idle) => Gen.Select(
        Gen.Frequency(
            (10, Gen.Const(Act.Ask)), (2, Gen.Const(Act.AskInVain)), (2, Gen.Const(Act.Replay)), (3, Gen.Const(Act.Checkpoint)), (2, Gen.Const(Act.Crash)),
            (idle, Gen.Const(Act.Idle))),
        Gen.Int[0, Sources - 1], Gen.Int[1, 7], (act, source, rows) => new Deed(act, source, rows));

    // Times rise at the partition's own pace and are out of order by what is allowed.
    private static readonly Gen<Row[]> LogGen = Gen.Select(Gen.Int[0, 12], Gen.Int[0, (int)Slack], Gen.Int[0, 1]).Array[40].Select(
        Gen.Int[0, 1200], (rows, pace) => rows.Select((r, i) => new Row(r.Item1, (i * (long)pace) - r.Item2, r.Item3)).ToArray());

    [Fact]
    public void Answers_are_what_a_list_says_and_stay_the_same_whatever_dies() =>
        Gen.Select(LogGen.Array[Sources], Deeds(0).Array[1, 60], Gen.OneOf(0L, 500L, 3000L, 1_000_000L))
            .Sample((logs, deeds, within) => new Run(logs, within, forgets: false).Do(deeds), iter: 1500);

    /// <summary>Partitions that are idle and come back find less; what they were told stays all the same.</summary>
    [Fact]
    public void Answers_stay_the_same_also_when_ids_are_forgotten_too_early() =>
        Gen.Select(LogGen.Array[Sources], Deeds(6).Array[1, 60], Gen.OneOf(0L, 500L, 3000L))
            .Sample((logs, deeds, within) => new Run(logs, within, forgets: true).Do(deeds), iter: 3000);

    [Fact]
    public void What_all_partitions_have_passed_is_forgotten_and_deleted()
    {
        var stage = new Stored(1000);
        stage.Ask("a/0", 0, [new(1, 0, 0), new(2, 100, 0)], 0);
        stage.Ask("b/0", 0, [new(3, 50, 0)], 0);
        // One of them goes far ahead: nothing is forgotten on its account.
        stage.Ask("a/0", 2, [new(4, 1_000_000, 0)], 2);
        Assert.Equal(4, stage.Shard.Count);
        Assert.Equal([true], stage.Ask("b/0", 1, [new(1, 60, 0)], 1));
        stage.Ask("b/0", 2, [new(5, 1_000_000, 0)], 2);
        Assert.Equal(2, stage.Shard.Count);
        Assert.Single(stage.Cells.Keys, k => k.Cell == "ids");
        Assert.Equal(Sources - 1, stage.Cells.Keys.Count(k => k.Cell.StartsWith("source/", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_partition_that_is_idle_or_unknown_yet_decides_what_is_kept()
    {
        var stage = new Stored(1000);
        stage.Shard.AddSource("a/0");
        stage.Shard.AddSource("b/0");
        stage.Ask("a/0", 0, [new(1, 0, 0)], 0);
        stage.Ask("a/0", 1, [new(2, 1_000_000, 0)], 1);
        Assert.Equal(2, stage.Shard.Count);
        stage.Shard.SetIdle("b/0", true);
        Assert.Equal(1, stage.Shard.Count);
        // All are idle: time stands still, since those that come back bring what is of now.
        stage.Shard.SetIdle("a/0", true);
        Assert.Equal(1, stage.Shard.Count);
        Assert.Equal(1_000_000 - Slack, stage.Shard.Watermark);
    }

    [Fact]
    public void A_partition_that_comes_back_late_is_searched_for_copies_of_its_own()
    {
        var stage = new Stored(1000);
        stage.Ask("a/0", 0, [new(1, 1_000_000, 0)], 0);
        stage.Shard.AddSource("b/0");
        Assert.Equal([false], stage.Ask("b/0", 0, [new(2, 500_000, 0)], 0));
        stage.Restart();
        Assert.Equal([true, false], stage.Ask("b/0", 1, [new(2, 500_001, 0), new(3, 500_002, 0)], 1));
        Assert.Equal(500_002 - Slack, stage.Shard.Watermark);
        Assert.Equal(3, stage.Shard.Count);
    }

    [Fact]
    public void A_bucket_that_is_forgotten_and_comes_back_before_anything_is_stored_stays()
    {
        var stage = new Stored(1000);
        stage.Ask("b/0", 0, [new(1, 0, 0)], 0);
        stage.Ask("a/0", 0, [new(2, 10, 0)], 0);
        stage.Ask("a/0", 1, [new(3, 1_000_000, 0)], 1);
        stage.Shard.SetIdle("b/0", true);
        Assert.Equal(1, stage.Shard.Count);
        // Copies are found from the first batch of the partition that comes back.
        Assert.Equal([false, true, false], stage.Ask("b/0", 1, [new(4, 20, 0), new(4, 21, 0), new(5, 22, 0)], 1));
        stage.Restart();
        Assert.Equal(3, stage.Shard.Count);
        Assert.Equal([true], stage.Ask("b/0", 4, [new(5, 23, 0)], 4));
    }

    [Fact]
    public void A_call_that_was_long_on_its_way_claims_nothing()
    {
        var stage = new Stored(1000);
        stage.Ask("a/0", 0, [new(1, 0, 0)], 0);
        stage.Ask("a/0", 1, [new(2, 1_000_000, 0)], 1);
        stage.Ask(new DedupSpan("a/0", null, 1, 0, 0), [(0, new(7, 1_000_000, 0))], save: true);
        Assert.Equal(1, stage.Shard.Count);
    }

    [Fact]
    public void A_row_that_a_step_before_judged_otherwise_the_first_time_is_decided_when_it_comes()
    {
        var stage = new Stored(1_000_000);
        stage.Ask(new DedupSpan("a/0", null, 3, 0, 0), [(0, new(1, 0, 0)), (2, new(2, 2, 0))], save: true);
        // Offset 1 was not among them.
        Assert.Equal([false], stage.Ask(new DedupSpan("a/0", null, 3, 0, 0), [(1, new(3, 1, 0))], save: true));
        Assert.Equal([true], stage.Ask("b/0", 0, [new(3, 5, 0)], 0));
        Assert.Equal([true], stage.Ask(new DedupSpan("c/0", null, 9, 0, 0), [(8, new(3, 1, 0))], save: true));
        Assert.Equal([false], stage.Ask(new DedupSpan("a/0", null, 3, 0, 0), [(1, new(3, 1, 0))], save: true));
    }

    [Fact]
    public void A_record_refused_behind_the_step_holds_its_id_when_it_is_played_again()
    {
        var stage = new Stored(1000);
        stage.Ask("a/0", 7, [new(1, 0, 0), new(2, 5, 0)], 0);
        stage.Ask("b/0", 7, [new(1, 1, 0)], 0);
        Assert.Equal([false, false], stage.AskLink("a/0", 0, [(7, new(1, 0, 0)), (8, new(2, 5, 0))]));
        Assert.Equal([true], stage.AskLink("b/0", 0, [(7, new(1, 1, 0))]));
        Assert.Equal(2, stage.Shard.Count);
    }

    [Fact]
    public void Decisions_are_deleted_when_the_partition_has_made_them_durable()
    {
        var stage = new Stored(1_000_000);
        stage.Ask("a/0", 0, [new(1, 0, 0), new(1, 1, 0)], 0);
        stage.Ask("a/0", 2, [new(1, 2, 0)], 0);
        Assert.Equal([2, 3], stage.Cells.Keys.Where(k => k.Cell == "seen/0").Select(k => k.Part).Order());
        stage.Ask("a/0", 3, [new(1, 3, 0)], 2);
        Assert.Equal([3, 4], stage.Cells.Keys.Where(k => k.Cell == "seen/0").Select(k => k.Part).Order());
        stage.Restart();
        Assert.Equal([true], stage.Ask("a/0", 2, [new(1, 2, 0)], 2));
    }

    [Fact]
    public void A_commit_writes_little_more_than_what_is_new()
    {
        var stage = new Stored(1_000_000);
        for (var i = 0; i < 40; i++) stage.Ask("a/0", i * 100, [.. Enumerable.Range(i * 100, 100).Select(id => new Row(id, id, 0))], i * 100);
        var upserts = new List<CellState>();
        stage.Ask("a/0", 4000, [.. Enumerable.Range(4000, 20).Select(id => new Row(id, id, 0))], 4000, save: false);
        stage.Shard.Collect(upserts, []);
        Assert.InRange(upserts.Sum(u => u.Payload.Length), 20 * 20, 20_000);
        stage.Restart();
        Assert.Equal(4000, stage.Shard.Count);
    }

    [Fact]
    public void A_replay_from_quarantine_gets_its_answers_again_link_by_link()
    {
        var stage = new Stored(1000);
        stage.Ask("a/0", 0, [new(1, 0, 0)], 0);
        // Offsets of one link lie anywhere, also above those of the next.
        Assert.Equal([true, false], stage.AskLink("a/0", 0, [(5, new(1, 10, 0)), (9, new(2, 20, 0))]));
        stage.Restart();
        Assert.Equal([true, false], stage.AskLink("a/0", 0, [(5, new(1, 10, 0)), (9, new(2, 20, 0))]));
        // After another definition came into force more of its rows may get here.
        Assert.Equal([true, false, true], stage.AskLink("a/0", 0, [(5, new(1, 10, 0)), (9, new(2, 20, 0)), (11, new(1, 15, 0))]));
        Assert.Equal([true], stage.AskLink("a/0", 1, [(3, new(2, 30, 0))]));
        Assert.Equal([true], stage.AskLink("a/0", 1, [(3, new(2, 30, 0))]));
        Assert.Equal([false], stage.AskLink("a/0", 2, [(5, new(7, 30, 0))]));
    }

    [Fact]
    public void An_older_epoch_is_told_apart_also_after_a_restart()
    {
        var stage = new Stored(1000);
        Assert.Equal(DedupShard.Epoch.New, stage.Shard.Admit("a/0", 3));
        Assert.Equal(DedupShard.Epoch.Known, stage.Shard.Admit("a/0", 3));
        stage.Save();
        stage.Restart();
        Assert.Equal(DedupShard.Epoch.Old, stage.Shard.Admit("a/0", 2));
        Assert.Equal(DedupShard.Epoch.Known, stage.Shard.Admit("a/0", 3));
    }

    [Fact]
    public void Ids_lie_in_the_shards_they_have_always_lain_in()
    {
        Assert.Equal(4, DedupShard.Of(new UInt128(0xDEADBEEF_00000000, 7), 5));
        Assert.Equal(0, DedupShard.Of(new UInt128(0x00000000_FFFFFFFF, ulong.MaxValue), 4096));
    }

    /// <summary>State that was written must be read for ever: when this fails, the format has changed and needs a new version.</summary>
    [Fact]
    public void The_formats_of_version_1_stay_what_they_are()
    {
        var stage = new Stored(8000);
        stage.Shard.Admit("orders/0", 9);
        stage.Ask("orders/0", 100, [new(1, 1000, 5), new(1, 1001, 5), new(2, 1200, 6), new(2, 1300, 6)], 100);
        Assert.Equal("01010F", Convert.ToHexString(stage.Header!));
        Assert.Equal("0100086F72646572732F30D00112880E", Convert.ToHexString(stage.Cells[new CellId(Step, "source/0", 0)]));
        Assert.Equal("01D00102CA0104", Convert.ToHexString(stage.Cells[new CellId(Step, "seen/0", 104)]));
        var ids = Assert.Single(stage.Cells, c => c.Key.Cell == "ids");
        Assert.Equal(2, ids.Key.Part >> 18);
        Assert.Equal(
            "01E8070200880E000200000000000000000100000000000000C2C9EA9A17000500000000000000000000000200000000000000E6CDF7C607C80106000000DA52A762", Convert.ToHexString(ids.Value));
        stage.Restart();
        Assert.Equal(2, stage.Shard.Count);
        Assert.Equal(DedupShard.Epoch.Known, stage.Shard.Admit("orders/0", 9));
    }

    [Fact]
    public void Damaged_state_is_refused_and_never_misread()
    {
        var stage = new Stored(8000);
        stage.Ask("orders/0", 100, [new(1, 1000, 5), new(1, 1001, 5)], 100);
        var cells = stage.Cells.Select(c => new CellState(c.Key, c.Value, null)).ToList();
        for (var length = 0; length < stage.Header!.Length; length++)
            Assert.Throws<CorruptStateException>(() => DedupShard.Restore(Step, 8000, stage.Header[..length], cells));
        foreach (var cell in cells)
        {
            for (var length = 0; length < cell.Payload.Length; length++)
                Assert.Throws<CorruptStateException>(() => DedupShard.Restore(Step, 8000, stage.Header, Cut(cell, length)));
        }

        Assert.Throws<CorruptStateException>(() => DedupShard.Restore(Step, 8000, stage.Header, []));
        byte[] newer = [2, .. stage.Header[1..]];
        Assert.Contains("version 2", Assert.Throws<CorruptStateException>(() => DedupShard.Restore(Step, 8000, newer, cells)).Message, StringComparison.Ordinal);
        var stray = new CellState(new CellId(Step, "seen/7", 104), cells[^1].Payload, null);
        Assert.Throws<CorruptStateException>(() => DedupShard.Restore(Step, 8000, stage.Header, [.. cells, stray]));

        IReadOnlyList<CellState> Cut(CellState cell, int length) => [.. cells.Where(c => c != cell), cell with { Payload = cell.Payload[..length] }];
    }

    private static UInt128 Id(int id) => new((ulong)id, (ulong)(id / 4));

    /// <summary>A shard and what is stored of it.</summary>
    private sealed class Stored(long within)
    {
        public DedupShard Shard { get; private set; } = new(Step, within);

        public byte[]? Header { get; private set; }

        public Dictionary<CellId, byte[]> Cells { get; } = [];

        public bool[] Ask(string source, long from, Row[] rows, long durable, bool save = true) =>
            Ask(new DedupSpan(source, null, from + rows.Length, durable, rows.Max(r => r.Time) - Slack), rows.Select((r, i) => (from + i, r)), save);

        public bool[] AskLink(string source, long link, IEnumerable<(long Offset, Row Row)> rows) =>
            Ask(new DedupSpan(source, link, link + 1, link, long.MinValue), rows, save: true);

        public bool[] Ask(in DedupSpan span, IEnumerable<(long Offset, Row Row)> asked, bool save)
        {
            var rows = asked.ToArray();
            var duplicates = new List<int>();
            var counts = default(DedupCounts);
            Shard.Claim(
                span,
                new DedupRows(
                    rows.Length, [.. rows.Select(r => Id(r.Row.Id))], [.. rows.Select(r => (uint)r.Row.Body)], [.. rows.Select(r => r.Row.Time)],
                    [.. rows.Select(r => r.Offset)]),
                duplicates, ref counts);
            Assert.Equal(duplicates.Order().Distinct(), duplicates);
            if (save) Save();
            return [.. Enumerable.Range(0, rows.Length).Select(duplicates.Contains)];
        }

        public void Save()
        {
            var upserts = new List<CellState>();
            var deletes = new List<CellId>();
            Header = Shard.Collect(upserts, deletes);
            Assert.Empty(upserts.Select(u => u.Id).Intersect(deletes));
            foreach (var id in deletes) Cells.Remove(id);
            foreach (var cell in upserts) Cells[cell.Id] = cell.Payload;
        }

        public void Restart() =>
            Shard = DedupShard.Restore(Step, within, Header, [.. Cells.Select(c => new CellState(c.Key, c.Value, null))]);
    }

    private sealed class Run
    {
        private readonly Row[][] _logs;
        private readonly long _within;
        private readonly Stored _stored;
        private readonly long[] _position = new long[Sources];
        private readonly long[] _durable = new long[Sources];
        private readonly Dictionary<(int Source, long Offset), bool> _answers = [];
        private readonly List<Row> _accepted = [];

        private readonly bool _forgets;

        public Run(Row[][] logs, long within, bool forgets)
        {
            (_logs, _within, _forgets, _stored) = (logs, within, forgets, new Stored(within));
            Know();
        }

        public void Do(Deed[] deeds)
        {
            foreach (var deed in deeds) Do(deed);
        }

        private void Do(Deed deed)
        {
            var (source, log) = (deed.Source, _logs[deed.Source]);
            switch (deed.Act)
            {
                case Act.Replay:
                    _position[source] = _durable[source];
                    return;
                case Act.Checkpoint:
                    _durable[source] = _position[source];
                    return;
                case Act.Crash:
                    _stored.Restart();
                    Know();
                    return;
                case Act.Idle:
                    _stored.Shard.SetIdle($"t/{source}", true);
                    return;
            }

            var from = _position[source];
            var rows = log[(int)from..(int)Math.Min(log.Length, from + deed.Rows)];
            if (rows.Length == 0) return;
            // A function of the records up to here alone, as the partition's is.
            var watermark = log[..(int)(from + rows.Length)].Max(r => r.Time) - Slack;
            var span = new DedupSpan($"t/{source}", null, from + rows.Length, _durable[source], watermark);
            var answers = _stored.Ask(span, rows.Select((r, i) => (from + i, r)), deed.Act == Act.Ask);
            if (deed.Act == Act.AskInVain)
            {
                _stored.Restart();
                Know();
                return;
            }

            _position[source] += rows.Length;
            for (var i = 0; i < rows.Length; i++) Check(source, from + i, rows[i], answers[i]);
        }

        private void Check(int source, long offset, Row row, bool duplicate)
        {
            if (!_answers.TryAdd((source, offset), duplicate))
            {
                Assert.Equal(_answers[(source, offset)], duplicate);
                return;
            }

            var held = _accepted.Exists(a => a.Id == row.Id && Math.Abs(a.Time - row.Time) <= _within);
            if (duplicate || !_forgets) Assert.Equal(held, duplicate);
            if (!duplicate) _accepted.Add(row);
        }

        private void Know()
        {
            for (var i = 0; i < Sources; i++) _stored.Shard.AddSource($"t/{i}");
        }
    }
}
