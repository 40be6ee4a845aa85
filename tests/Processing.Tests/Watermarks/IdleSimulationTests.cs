using KafkaOracleOrleans.Processing.Tests.Windows;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Watermarks;

/// <summary>Partitions, a broker that answers late and a shard, on a virtual clock: what quiet times do to records that come in order.</summary>
public sealed class IdleSimulationTests
{
    private const long IdleAfter = 10_000;
    private const long OutOfOrder = 30_000;
    private const long Size = 300_000;
    private const long Tick = 500;

    [Fact]
    public void A_burst_in_order_after_a_quiet_start_is_never_late_whichever_partition_is_read_first()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var world = new World(seed, 4);
            world.Run(20_000);
            for (var p = 0; p < 4; p++) world.Produce(p, from: 0, count: 4_000, step: 500);
            world.Run(30_000);
            Assert.Equal((16_000, 0), (world.Taken, world.Late.Count));
        }
    }

    [Fact]
    public void A_minute_of_events_each_minute_loses_only_what_the_clock_had_passed_and_says_so()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var world = new World(seed, 4);
            for (var burst = 0; burst < 6; burst++)
            {
                for (var p = 0; p < 4; p++) world.Produce(p, from: burst * 60_000, count: 1_000, step: 60);
                world.Run(60_000);
            }

            Assert.Equal(24_000, world.Taken + world.Late.Count);
            Assert.All(world.Late, l => Assert.Equal(LateReason.Idle, l.Reason));
            // The clock began 10 s after each burst from 30 s behind it, so it was at most 20 s (and what reading took) into the next; one
            // window ends in such a span.
            Assert.InRange(world.Late.Count, 0, 4 * 22_000 / 60);
            var patient = new World(seed, 4) { Patience = 90_000 };
            for (var burst = 0; burst < 6; burst++)
            {
                for (var p = 0; p < 4; p++) patient.Produce(p, from: burst * 60_000, count: 1_000, step: 60);
                patient.Run(60_000);
            }

            Assert.Empty(patient.Late);
        }
    }

    /// <summary>Partitions that read with delays of their own, and look for the end of the log every half second.</summary>
    private sealed class World(int seed, int partitions)
    {
        private static readonly WindowStepSpec Spec = WindowTestRows.Spec(new TumblingWindow(Size), 0, [.. WindowTestRows.Exact.Take(1)]);
        private readonly Random _random = new(seed);
        private readonly ShardWatermark _shard = Known(partitions);
        private readonly WindowCell _cell = new(Spec);
        private readonly Source[] _sources = [.. Enumerable.Range(0, partitions).Select(_ => new Source())];
        private long _now = 1_000;

        public long Patience { get; init; } = IdleAfter;

        public int Taken { get; private set; }

        public List<LateRow> Late { get; } = [];

        private sealed class Source
        {
            public Queue<long> Log { get; } = [];
            public PartitionWatermark Watermark { get; } = new(OutOfOrder);
            public long ReadAt { get; set; }
            public long LastBatch { get; set; }
            public long LookedAt { get; set; }
            public bool Looks { get; set; }
            public bool SawEnd { get; set; }
            public long Ticket { get; set; }
            public long Offset { get; set; }
        }

        public void Produce(int partition, long from, int count, long step)
        {
            var source = _sources[partition];
            source.ReadAt = _now + _random.Next(20, 3_000);
            for (var i = 0; i < count; i++) source.Log.Enqueue(from + (i * step));
        }

        public void Run(long span)
        {
            for (var end = _now + span; _now < end; _now += 20)
            {
                for (var p = 0; p < _sources.Length; p++) Step(p, _sources[p]);
                if (_now % 200 == 0 && _shard.Tick(_now)) Fire();
            }
        }

        private void Step(int number, Source source)
        {
            if (source.Log.Count != 0 && _now >= source.ReadAt)
            {
                source.ReadAt = _now + _random.Next(20, 400);
                Read(number, source);
                (source.LastBatch, source.Ticket) = (_now, 0);
            }
            else if (!source.Looks && _now - source.LookedAt >= Tick && _now - source.LastBatch >= Patience)
            {
                // The broker says what was true when it was asked; the answer is under way for a while.
                (source.Looks, source.LookedAt, source.SawEnd) = (true, _now, source.Log.Count == 0);
            }
            else if (source.Looks && _now - source.LookedAt >= 100)
            {
                source.Looks = false;
                if (source.SawEnd) source.Ticket = _shard.ConfirmIdle("t/" + number, source.Ticket, _now);
                else _shard.Wake("t/" + number, _now);
                Fire();
            }
        }

        private void Read(int number, Source source)
        {
            var rows = new List<TestRow>();
            var watermarks = new List<long>();
            for (var i = _random.Next(1, 800); i > 0 && source.Log.TryDequeue(out var time); i--)
            {
                rows.Add(new TestRow(1, time, 1, number, source.Offset++));
                watermarks.Add(source.Watermark.Current);
                source.Watermark.Observe(time);
            }

            var before = _shard.Current;
            _shard.Observe("t/" + number, source.Watermark.Current, _now);
            var plain = WindowTestRows.Rows(rows);
            var keyed = new KeyedRows
            {
                Count = plain.Count, KeyHashes = plain.KeyHashes, KeyStarts = plain.KeyStarts, KeyBytes = plain.KeyBytes, EventTimes = plain.EventTimes,
                Offsets = plain.Offsets, Inputs = plain.Inputs, Watermarks = [.. watermarks],
            };
            var late = new LateRows();
            _cell.Apply(keyed, WindowTestRows.All(rows.Count), number, before, late);
            Late.AddRange(late.Span.ToArray());
            Taken += rows.Count - late.Count;
            Fire();
        }

        private void Fire()
        {
            if (_cell.NextDue <= _shard.Current) _cell.Advance(_shard.Current, new ClosedWindows(Spec));
        }

        private static ShardWatermark Known(int partitions)
        {
            var shard = new ShardWatermark();
            for (var p = 0; p < partitions; p++) shard.AddSource("t/" + p);
            return shard;
        }
    }
}
