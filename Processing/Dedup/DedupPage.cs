using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>A claimed id: 28 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct DedupClaim
{
    public ulong IdLow;
    public ulong IdHigh;

    /// <summary>Offset after the page's base; of shared cells, the mark of the record.</summary>
    public uint Offset;

    /// <summary>Event time after the bucket's start, ms.</summary>
    public uint Time;

    public uint Body;
}

/// <summary>
/// Up to <see cref="Size"/> claims of one time bucket in the order they were made: what is stored as one part. A full page never
/// changes, so a checkpoint writes little more than what is new.
/// <para>
/// Stored: version 1; length of a bucket, ms; bucket; number of the page; largest event time seen by the cell; base offset; number of claims;
/// per claim the id (16 bytes), the offset's distance from the one before, the time in the bucket, the body's hash (4 bytes); and an XxHash32.
/// </para>
/// </summary>
internal sealed class DedupPage(long bucket, int number, long baseOffset, int limit = DedupPage.Size, DedupClaim[]? room = null)
{
    public const int SizeBits = 12;
    public const int Size = 1 << SizeBits;

    /// <summary>Of pages where every batch is stored at once: most of what a commit writes again is the last page.</summary>
    public const int SmallSizeBits = 9;

    /// <summary>Bits of a part's number that tell the pages of a bucket apart.</summary>
    public const int NumberBits = 18;

    private const byte Version = 1;
    private const string Format = "dedup state";

    // A page takes up to 115 kB: a checkpoint must not fill the large object heap with what it throws away at once.
    [ThreadStatic]
    private static ByteWriter _scratch;

    private DedupClaim[] _claims = room ?? [];

    public long Bucket { get; } = bucket;

    /// <summary>The page's number within its bucket.</summary>
    public int Number { get; } = number;

    public long BaseOffset { get; } = baseOffset;

    /// <summary>Claims in the page.</summary>
    public int Count { get; private set; }

    public int Capacity => _claims.Length;

    /// <summary>The array, for the next page that needs one; the page must not be used any more.</summary>
    public DedupClaim[] Room => _claims;

    public bool Dirty { get; set; } = true;

    public bool Stored { get; set; }

    public ref DedupClaim this[int place] => ref _claims[place];

    public ReadOnlySpan<DedupClaim> Claims => _claims.AsSpan(0, Count);

    /// <summary>The part's number: not negative, so that it can't be taken for "all parts".</summary>
    public long Part => (((Bucket << 1) ^ (Bucket >> 63)) << NumberBits) | (uint)Number;

    /// <summary>True when a claim of an offset can be added.</summary>
    public bool Takes(long offset) => Count < limit && offset >= BaseOffset && offset - BaseOffset <= uint.MaxValue;

    public int Add(in DedupClaim claim)
    {
        if (Count == _claims.Length) Array.Resize(ref _claims, Math.Clamp(Count * 2, 4, limit));
        _claims[Count] = claim;
        Dirty = true;
        return Count++;
    }

    public byte[] Write(long bucketLength, long maxTime)
    {
        ref var w = ref _scratch;
        w.Clear();
        w.Byte(Version);
        w.VarUInt((ulong)bucketLength);
        w.VarInt(Bucket);
        w.VarUInt((ulong)Number);
        w.VarInt(maxTime);
        w.VarInt(BaseOffset);
        w.VarUInt((ulong)Count);
        var last = 0u;
        foreach (ref readonly var claim in Claims)
        {
            w.UInt64(claim.IdLow);
            w.UInt64(claim.IdHigh);
            w.VarInt((long)claim.Offset - last);
            w.VarUInt(claim.Time);
            w.Int32((int)claim.Body);
            last = claim.Offset;
        }

        w.Int32((int)XxHash32.HashToUInt32(w.Written));
        return w.ToArray();
    }

    public static DedupPage Read(long part, ReadOnlySpan<byte> payload, long bucketLength, int limit, out long maxTime)
    {
        var r = new ByteReader(payload, Format);
        var version = r.Byte();
        if (version != Version)
        {
            throw r.Fault(string.Create(
                CultureInfo.InvariantCulture, $"version {version} is not known to this program, which knows {Version}"));
        }

        if (payload.Length < 5) throw r.Fault("the data ends too early");
        var body = payload[..^4];
        if ((int)XxHash32.HashToUInt32(body) != new ByteReader(payload[^4..], Format).Int32())
            throw r.Fault("the checksum does not fit: the data is damaged");
        r = new ByteReader(body, Format);
        r.Byte();
        if (r.VarUInt() != (ulong)bucketLength)
            throw r.Fault("it was written with another span; give the changed step a new id, or reset its state");
        var bucket = r.VarInt();
        var number = r.Count((1 << NumberBits) - 1, "a page's number");
        maxTime = r.VarInt();
        var page = new DedupPage(bucket, number, r.VarInt(), limit) { Dirty = false, Stored = true };
        if (page.Part != part) throw r.Fault("it belongs to another part");
        var count = r.Count(Math.Min(limit, r.Remaining / 22), "a number of claims");
        page._claims = new DedupClaim[count];
        page.Count = count;
        long offset = 0;
        for (var i = 0; i < count; i++) page.ReadClaim(ref r, i, bucketLength, ref offset);
        r.ExpectEnd();
        return page;
    }

    private void ReadClaim(ref ByteReader r, int place, long bucketLength, ref long offset)
    {
        ref var claim = ref _claims[place];
        claim.IdLow = r.UInt64();
        claim.IdHigh = r.UInt64();
        offset += r.VarInt();
        if (offset is < 0 or > uint.MaxValue) throw r.Fault("an offset is out of range");
        claim.Offset = (uint)offset;
        var time = r.VarUInt();
        if (time >= (ulong)bucketLength) throw r.Fault("a time is outside its bucket");
        claim.Time = (uint)time;
        claim.Body = (uint)r.Int32();
    }
}
