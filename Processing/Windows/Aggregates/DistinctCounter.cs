using System.Buffers.Binary;
using System.IO.Hashing;
using System.Numerics;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>
/// Counts distinct values: exactly up to a limit, above it by HyperLogLog with 2^14 registers, whose standard error is 0.81 %. The state
/// is a function of the set of values: neither order nor merging shows.
/// </summary>
internal sealed class DistinctCounter(int limit) : IStateObject
{
    /// <summary>The largest exact limit.</summary>
    public const int MaxLimit = 100_000;

    private const int Precision = 14;
    private const int Registers = 1 << Precision;

    // The longest run of zeros in the bits that do not choose the register, plus one.
    private const int MaxRank = 64 - Precision + 1;
    private const int SparseLimit = 5000;

    private UInt128[] _slots = [];
    private bool _hasZero;
    private int _count;
    private byte[]? _registers;

    public long EstimatedBytes => 72 + (_slots.LongLength * 16) + (_registers?.LongLength ?? 0);

    public void Add(UInt128 value)
    {
        if (_registers is not null) Observe(value);
        else if (TryInsert(value) && _count > limit) Estimated();
    }

    public void Add(DistinctCounter other)
    {
        if (other._registers is not null)
        {
            Estimated();
            for (var i = 0; i < Registers; i++) _registers![i] = Math.Max(_registers[i], other._registers[i]);
            return;
        }

        if (other._hasZero) Add(UInt128.Zero);
        foreach (var value in other._slots)
        {
            if (value != 0) Add(value);
        }
    }

    /// <summary>The number of distinct values.</summary>
    public long Estimate()
    {
        if (_registers is null) return _count;
        Span<int> histogram = stackalloc int[MaxRank + 1];
        histogram.Clear();
        foreach (var register in _registers) histogram[register]++;
        const double m = Registers;
        var z = m * Tau(1 - (histogram[MaxRank] / m));
        for (var k = MaxRank - 1; k >= 1; k--) z = 0.5 * (z + histogram[k]);
        z += m * Sigma(histogram[0] / m);
        return (long)Math.Round(m * m / (2 * Math.Log(2) * z));
    }

    public void Write(ref ByteWriter w)
    {
        if (_registers is not null)
        {
            WriteRegisters(ref w);
            return;
        }

        w.Byte(0);
        w.VarUInt((ulong)_count);
        var values = new UInt128[_count];
        var n = 0;
        if (_hasZero) values[n++] = 0;
        foreach (var value in _slots)
        {
            if (value != 0) values[n++] = value;
        }

        Array.Sort(values);
        foreach (var value in values)
        {
            w.VarUInt((ulong)value);
            w.VarUInt((ulong)(value >> 64));
        }
    }

    public static DistinctCounter Read(int limit, ref ByteReader r)
    {
        var counter = new DistinctCounter(limit);
        var kind = r.Byte();
        if (kind == 0)
        {
            var count = r.Count(Math.Min(MaxLimit, r.Remaining / 2), "a number of distinct values");
            for (var i = 0; i < count; i++)
            {
                UInt128 value = r.VarUInt();
                counter.Add(value | ((UInt128)r.VarUInt() << 64));
            }

            return counter;
        }

        counter._registers = new byte[Registers];
        if (kind == 1) r.Bytes(Registers).CopyTo(counter._registers);
        else if (kind == 2) ReadSparse(counter._registers, ref r);
        else throw r.Fault("a distinct count is of an unknown kind");
        foreach (var register in counter._registers)
        {
            if (register > MaxRank) throw r.Fault("a register is out of range");
        }

        return counter;
    }

    private static void ReadSparse(byte[] registers, ref ByteReader r)
    {
        var count = r.Count(SparseLimit, "a number of registers");
        var index = -1;
        for (var i = 0; i < count; i++)
        {
            index += r.Count(Registers - 1, "a register's distance") + 1;
            if (index >= Registers) throw r.Fault("a register's number is out of range");
            registers[index] = r.Byte();
        }
    }

    private void WriteRegisters(ref ByteWriter w)
    {
        var used = Registers - _registers.AsSpan().Count((byte)0);
        if (used > SparseLimit)
        {
            w.Byte(1);
            w.Bytes(_registers);
            return;
        }

        w.Byte(2);
        w.VarUInt((ulong)used);
        var last = -1;
        for (var i = 0; i < Registers; i++)
        {
            if (_registers![i] == 0) continue;
            w.VarUInt((ulong)(i - last - 1));
            w.Byte(_registers[i]);
            last = i;
        }
    }

    private bool TryInsert(UInt128 value)
    {
        if (value == 0)
        {
            if (_hasZero) return false;
            _hasZero = true;
            _count++;
            return true;
        }

        if ((_count + 1) * 4L > _slots.Length * 3L) Rehash();
        if (!Place(value)) return false;
        _count++;
        return true;
    }

    private void Rehash()
    {
        var old = _slots;
        _slots = new UInt128[Math.Max(4, old.Length * 2)];
        foreach (var value in old)
        {
            if (value != 0) Place(value);
        }
    }

    private bool Place(UInt128 value)
    {
        var mask = _slots.Length - 1;
        for (var i = (int)(Hash(value) >> 33) & mask; ; i = (i + 1) & mask)
        {
            if (_slots[i] == value) return false;
            if (_slots[i] != 0) continue;
            _slots[i] = value;
            return true;
        }
    }

    private void Estimated()
    {
        if (_registers is not null) return;
        _registers = new byte[Registers];
        if (_hasZero) Observe(0);
        foreach (var value in _slots)
        {
            if (value != 0) Observe(value);
        }

        _slots = [];
        _hasZero = false;
        _count = 0;
    }

    private void Observe(UInt128 value)
    {
        var hash = Hash(value);
        var register = (int)(hash >> (64 - Precision));
        var rank = (byte)Math.Min(MaxRank, BitOperations.LeadingZeroCount(hash << Precision) + 1);
        if (rank > _registers![register]) _registers[register] = rank;
    }

    // Part of the stored format: registers hold what it gave.
    private static ulong Hash(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, value);
        return XxHash3.HashToUInt64(bytes);
    }

    // The estimator of O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017): unbiased over the whole range.
    private static double Sigma(double x)
    {
        if (x >= 1) return double.PositiveInfinity;
        double y = 1;
        var z = x;
        while (true)
        {
            x *= x;
            var next = z + (x * y);
            if (next <= z) return z;
            z = next;
            y += y;
        }
    }

    private static double Tau(double x)
    {
        if (x is <= 0 or >= 1) return 0;
        double y = 1;
        var z = 1 - x;
        while (true)
        {
            x = Math.Sqrt(x);
            y *= 0.5;
            var next = z - ((1 - x) * (1 - x) * y);
            if (next >= z) return z / 3;
            z = next;
        }
    }
}
