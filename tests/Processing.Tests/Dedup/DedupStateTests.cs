using System.IO.Hashing;
using CsCheck;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Dedup;

public sealed class DedupStateTests
{
    /// <summary>State that was written must be read for ever: when this fails, the format has changed and needs a new version.</summary>
    [Fact]
    public void The_format_of_version_1_stays_what_it_is()
    {
        var part = Assert.Single(Small().CollectDirty());
        Assert.Equal(
            "01E8070100870EC801024BF38BCA2401CC29FCBBA892E4D2CD450064010000007B96C39FABDC175CBA9150C1A664380C0264020000001116D5BB",
            Convert.ToHexString(part.Payload!));
        Assert.Equal(1L << 18, part.Part);
        Assert.Equal(8000, part.DueAt);
        var read = new DedupCell(8000, 500);
        read.ReadPart(part.Part, part.Payload!);
        Assert.Equal(2, read.Count);
        Assert.Equal([true, true, false], Claim(read, [1, 2, 3], -1, 200));
    }

    [Fact]
    public void Any_damaged_or_cut_off_byte_is_found()
    {
        var part = Assert.Single(Small().CollectDirty());
        for (var i = 0; i < part.Payload!.Length; i++)
        {
            var damaged = (byte[])part.Payload.Clone();
            damaged[i] ^= 0x10;
            Assert.Throws<CorruptStateException>(() => new DedupCell(8000, 500).ReadPart(part.Part, damaged));
            Assert.Throws<CorruptStateException>(() => new DedupCell(8000, 500).ReadPart(part.Part, part.Payload.AsSpan(0, i)));
        }

        Assert.Throws<CorruptStateException>(() => new DedupCell(8000, 500).ReadPart(part.Part + 1, part.Payload));
        var fault = Assert.Throws<CorruptStateException>(() => new DedupCell(80_000, 500).ReadPart(part.Part, part.Payload));
        Assert.Contains("another span", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nonsense_with_a_right_checksum_is_refused_or_read_but_never_breaks()
    {
        var part = Assert.Single(Small().CollectDirty());
        Gen.Select(Gen.Int[0, part.Payload!.Length - 5], Gen.Byte).Sample((at, value) =>
        {
            var body = part.Payload[..^4];
            body[at] = value;
            byte[] sealedAgain = [.. body, .. BitConverter.GetBytes(XxHash32.HashToUInt32(body))];
            var fault = Record.Exception(() => new DedupCell(8000, 500).ReadPart(part.Part, sealedAgain));
            Assert.True(fault is null or CorruptStateException, fault?.ToString());
        });
    }

    [Fact]
    public void A_checkpoint_writes_what_is_new_and_deletes_what_is_forgotten()
    {
        var cell = new DedupCell(80_000);
        Claim(cell, Enumerable.Range(0, 20_000), 0, 1);
        Assert.Equal(5, cell.CollectDirty().Count);
        Claim(cell, Enumerable.Range(20_000, 100), 20_000, 1);
        var part = Assert.Single(cell.CollectDirty());
        Assert.InRange(part.Payload!.Length, 10_000, 128 * 1024);
        Claim(cell, [50_000], 50_000, 95_000);
        var parts = cell.CollectDirty();
        Assert.Equal(5, parts.Count(p => p.Payload is null));
        Assert.Single(parts, p => p.Payload is not null);
        Assert.Equal(1, cell.Count);
    }

    /// <summary>Enough ids that pages, index and read-ahead are used as in production, while buckets come and go and the cell restarts.</summary>
    [Fact]
    public void Many_ids_are_told_apart_over_many_buckets()
    {
        const int batch = 5_000;
        var cell = new DedupCell(100_000);
        var stored = new Dictionary<long, byte[]>();
        for (var b = 0; b < 60; b++)
        {
            // Each batch is new but for its last tenth, which repeats the one before.
            var from = b * batch * 9 / 10;
            var ids = Enumerable.Range(from - (batch / 10), batch).ToArray();
            var answers = Claim(cell, ids, b * batch, b * 10_000);
            for (var i = 0; i < batch; i++) Assert.Equal(b != 0 && i < batch / 10, answers[i]);
            Assert.InRange(cell.Count, 0, 13 * batch);
            if (b % 7 != 6) continue;
            foreach (var part in cell.CollectDirty())
            {
                if (part.Payload is null) Assert.True(stored.Remove(part.Part));
                else stored[part.Part] = part.Payload;
            }

            cell = new DedupCell(100_000);
            foreach (var (part, payload) in stored) cell.ReadPart(part, payload);
        }
    }

    [Fact]
    public void A_remembered_id_costs_less_than_40_bytes_and_a_claim_allocates_nothing()
    {
        var cell = new DedupCell(3_600_000);
        var next = 0;
        var ids = new UInt128[5000];
        var bodies = new uint[5000];
        var times = new long[5000];
        var offsets = new long[5000];
        var all = Enumerable.Range(0, 5000).ToArray();
        var duplicate = new bool[5000];
        var counts = default(DedupCounts);

        void Batch()
        {
            for (var i = 0; i < ids.Length; i++, next++)
            {
                ids[i] = new UInt128((ulong)next * 0x94D049BB133111EB, (ulong)next * 0xBF58476D1CE4E5B9);
                times[i] = next * 10L;
                offsets[i] = next;
            }

            cell.Claim(ids.Length, ids, bodies, times, offsets, all, duplicate, ref counts);
        }

        // The index grows for the last time while stale slots pile up.
        for (var i = 0; i < 400; i++) Batch();
        Assert.InRange(cell.Count, 360_000, 420_000);
        Assert.InRange((double)cell.EstimatedBytes / cell.Count, 28, 40);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++) Batch();
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / (20.0 * 5000), 0, 1);
        Assert.Equal(next, counts.Accepted);
    }

    [Fact]
    public void A_repetition_is_told_apart_from_a_conflict()
    {
        var cell = new DedupCell(1000);
        var counts = default(DedupCounts);
        var duplicate = new bool[3];
        cell.Claim(3, [5, 5, 5], [1, 1, 2], [10, 20, 30], [100, 101, 102], [0, 1, 2], duplicate, ref counts);
        Assert.Equal([false, true, true], duplicate);
        Assert.Equal(new DedupCounts { Accepted = 1, Duplicates = 2, DifferentBody = 1 }, counts);
    }

    [Fact]
    public void A_belated_record_does_not_take_an_id_from_a_later_offset()
    {
        var cell = new DedupCell(1000);
        var counts = default(DedupCounts);
        var duplicate = new bool[2];
        cell.Claim(1, [5], [1], [20], [150], [0], duplicate, ref counts);
        cell.Claim(2, [5, 6], [1, 1], [10, 10], [100, 101], [0, 1], duplicate, ref counts, belated: true);
        Assert.Equal([true, false], duplicate);
        // Asked again, as after a crash, both get the same answer, and so does the one that holds the id.
        cell.Claim(2, [5, 6], [1, 1], [10, 10], [100, 101], [0, 1], duplicate, ref counts, belated: true);
        Assert.Equal([true, false], duplicate);
        cell.Claim(1, [5], [1], [20], [150], [0], duplicate, ref counts);
        Assert.False(duplicate[0]);
    }

    private static DedupCell Small()
    {
        var cell = new DedupCell(8000, 500);
        Claim(cell, [1, 2], 100, -900);
        return cell;
    }

    private static bool[] Claim(DedupCell cell, IEnumerable<int> ids, long offset, long time)
    {
        if (offset < 0) offset = 1_000_000;
        UInt128[] all = [.. ids.Select(Id)];
        var duplicate = new bool[all.Length];
        var counts = default(DedupCounts);
        cell.Claim(
            all.Length, all, [.. ids.Select(i => (uint)i)], [.. all.Select(_ => time)], [.. all.Select((_, i) => offset + i)],
            [.. Enumerable.Range(0, all.Length)], duplicate, ref counts);
        return duplicate;
    }

    private static UInt128 Id(int id) => XxHash128.HashToUInt128(BitConverter.GetBytes(id));
}
