using CsCheck;
using KafkaOracleOrleans.Processing.Dedup;

namespace KafkaOracleOrleans.Processing.Tests.Dedup;

/// <summary>Dedup against a dictionary: any split into batches, restarts, replays and repeated questions.</summary>
public sealed class DedupModelTests
{
    internal sealed record Ask(int Id, int Time, int Body);

    private static readonly Gen<Ask> AskGen =
        Gen.Select(Gen.Int[0, 15], Gen.Int[-2000, 9000], Gen.Int[0, 1], (id, time, body) => new Ask(id, time, body));

    // Mostly rising times, as in a real partition, so that buckets come and go.
    private static readonly Gen<Ask[]> Log = AskGen.Array[1, 80].Select(
        Gen.Int[0, 900], (asks, rise) => asks.Select((a, i) => a with { Time = (a.Time / 3) + (i * rise) }).ToArray());

    private static readonly Gen<long> Within = Gen.OneOf(0L, 500L, 3000L, 20_000L, 1_000_000L);

    [Fact]
    public void Claims_are_what_a_dictionary_says_however_they_are_cut() =>
        Gen.Select(Log, Within, Gen.OneOf(0L, 700L, 5000L), Gen.Int[1, 9].Array[1, 10], Gen.Int[0, 3].Array[1, 10])
            .Sample(t => Check(t.Item1, t.Item2, t.Item3, t.Item4, t.Item5), iter: 1500);

    [Fact]
    public void A_record_sent_again_is_a_duplicate_though_its_id_was_used_at_another_time_since()
    {
        const int Minute = 60_000;
        foreach (var times in new[] { new[] { 20, 9, 20, 9 }, [9, 20, 9, 20] })
        {
            Ask[] log = [.. times.Select(t => new Ask(1, t * Minute, 0))];
            Assert.Equal([false, false, true, true], Claim(new DedupCell(10 * Minute, Minute), log, 0, 4, out _));
        }
    }

    [Fact]
    public void A_replay_from_a_checkpoint_gets_the_same_answers() =>
        Gen.Select(Log, Within, Gen.Int[0, 79], Gen.Int[1, 9])
            .Sample(t => Replay(t.Item1, t.Item2, t.Item3, t.Item4), iter: 500);

    [Fact]
    public void The_same_offsets_asking_again_get_the_same_answers() =>
        Log.Sample(
            log =>
            {
                var cell = new DedupCell(1_000_000, 0);
                var first = Claim(cell, log, 0, log.Length, out _);
                Assert.Equal(first, Claim(cell, log, 0, log.Length, out _));
                var middle = log.Length / 2;
                Assert.Equal(first[middle..], Claim(cell, log, middle, log.Length, out _));
            },
            iter: 500);

    private static void Check(Ask[] log, long within, long slack, int[] cuts, int[] restarts)
    {
        var model = new Model(within, slack);
        var cell = new DedupCell(within, slack);
        var stored = new Dictionary<long, byte[]>();
        var counts = default(DedupCounts);
        var step = 0;
        for (var from = 0; from < log.Length; step++)
        {
            var to = Math.Min(log.Length, from + cuts[step % cuts.Length]);
            Assert.Equal(model.Claim(log, from, to), Claim(cell, log, from, to, out var some));
            counts = new DedupCounts
            {
                Accepted = counts.Accepted + some.Accepted,
                Duplicates = counts.Duplicates + some.Duplicates,
                DifferentBody = counts.DifferentBody + some.DifferentBody,
                TooOld = counts.TooOld + some.TooOld,
            };
            Assert.Equal(model.Remembered, cell.Count);
            if (restarts[step % restarts.Length] == 0) cell = Restart(cell, stored, within, slack);
            Assert.Equal(model.Remembered, cell.Count);
            from = to;
        }

        Assert.Equal(model.Counts, counts);
        if (cell.ForgottenAt is { } end) cell.Forget(end);
        Assert.True(cell.IsEmpty);
        cell = Restart(cell, stored, within, slack);
        Assert.Empty(stored);
        Assert.False(cell.Dirty);
    }

    private static void Replay(Ask[] log, long within, int checkpoint, int cut)
    {
        checkpoint = Math.Min(checkpoint, log.Length);
        var cell = new DedupCell(within, 100);
        var stored = new Dictionary<long, byte[]>();
        Claim(cell, log, 0, checkpoint, out _);
        cell = Restart(cell, stored, within, 100);
        var expected = Claim(cell, log, checkpoint, log.Length, out var counts);
        cell = new DedupCell(within, 100);
        foreach (var (part, payload) in stored) cell.ReadPart(part, payload);
        var actual = new List<bool>();
        for (var from = checkpoint; from < log.Length; from += cut)
            actual.AddRange(Claim(cell, log, from, Math.Min(log.Length, from + cut), out _));
        Assert.Equal(expected, actual);
        Assert.Equal(log.Length - checkpoint, counts.Accepted + counts.Duplicates);
    }

    private static DedupCell Restart(DedupCell cell, Dictionary<long, byte[]> stored, long within, long slack)
    {
        var wasDirty = cell.Dirty;
        var parts = cell.CollectDirty();
        Assert.Equal(wasDirty, parts.Count != 0);
        foreach (var part in parts)
        {
            Assert.True(part.Part >= 0);
            if (part.Payload is null) Assert.True(stored.Remove(part.Part));
            else stored[part.Part] = part.Payload;
        }

        Assert.False(cell.Dirty);
        var read = new DedupCell(within, slack);
        foreach (var (part, payload) in stored) read.ReadPart(part, payload);
        Assert.False(read.Dirty);
        return read;
    }

    private static bool[] Claim(DedupCell cell, Ask[] log, int from, int to, out DedupCounts counts)
    {
        var asks = log[from..to];
        var duplicate = new bool[asks.Length];
        counts = default;
        cell.Claim(
            asks.Length, [.. asks.Select(a => Id(a.Id))], [.. asks.Select(a => (uint)a.Body)], [.. asks.Select(a => (long)a.Time)],
            [.. Enumerable.Range(from, asks.Length).Select(o => 7_000_000_000L + o)], [.. Enumerable.Range(0, asks.Length)],
            duplicate, ref counts);
        return duplicate;
    }

    private static UInt128 Id(int id) => new((ulong)id, (ulong)(id / 4));

    /// <summary>The claim rule, written down plainly.</summary>
    private sealed class Model(long within, long slack)
    {
        private readonly long _bucket = Math.Max(1000, (long)Math.Ceiling(within / 8.0));
        private readonly List<(int Id, long Time, int Body)> _accepted = [];
        private long _max = -1_000_000_000;

        public int Remembered => _accepted.Count;

        public DedupCounts Counts;

        public bool[] Claim(Ask[] log, int from, int to)
        {
            var answers = new bool[to - from];
            for (var i = from; i < to; i++)
            {
                _accepted.RemoveAll(a => Forgotten(a.Time));
                var ask = log[i];
                var near = _accepted.FindIndex(a => a.Id == ask.Id && Math.Abs(ask.Time - a.Time) <= within);
                if (near >= 0)
                {
                    answers[i - from] = true;
                    Counts.Duplicates++;
                    if (_accepted[near].Body != ask.Body) Counts.DifferentBody++;
                }
                else
                {
                    Counts.Accepted++;
                    if (Forgotten(ask.Time)) Counts.TooOld++;
                    else _accepted.Add((ask.Id, ask.Time, ask.Body));
                }

                _max = Math.Max(_max, ask.Time);
            }

            _accepted.RemoveAll(a => Forgotten(a.Time));
            return answers;
        }

        private bool Forgotten(long time) => ((Math.Floor(time / (double)_bucket) + 1) * _bucket) + within <= _max - slack;
    }
}
