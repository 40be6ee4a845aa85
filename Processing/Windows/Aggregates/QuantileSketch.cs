using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows.Aggregates;

/// <summary>
/// Quantiles with a relative error of at most 1 %: values are counted in buckets whose bounds grow by 2 % (a DDSketch). The
/// state is a function of the multiset of values: neither order nor merging shows. Values smaller than the largest magnitude divided by
/// 10^35 share a bucket per sign.
/// </summary>
internal sealed class QuantileSketch : IStateObject
{
    /// <summary>The relative error of a quantile.</summary>
    public const double RelativeError = 0.01;

    private static readonly double LogGamma = Math.Log((1 + RelativeError) / (1 - RelativeError));
    private readonly Buckets _positive = new();
    private readonly Buckets _negative = new();
    private long _zeros;
    private double _min = double.PositiveInfinity;
    private double _max = double.NegativeInfinity;

    public long EstimatedBytes => 160 + _positive.Bytes + _negative.Bytes;

    public long Count => _zeros + _positive.Total + _negative.Total;

    public void Add(double value)
    {
        if (value > 0) _positive.Add(Index(value), 1);
        else if (value < 0) _negative.Add(Index(-value), 1);
        else _zeros++;
        _min = Math.Min(_min, value);
        _max = Math.Max(_max, value);
    }

    public void Add(QuantileSketch other)
    {
        _positive.Add(other._positive);
        _negative.Add(other._negative);
        _zeros += other._zeros;
        _min = Math.Min(_min, other._min);
        _max = Math.Max(_max, other._max);
    }

    /// <summary>
    /// The value at rank floor(p * (n - 1)) of the sorted values, within 1 %; never outside the smallest and largest value.
    /// </summary>
    public double Quantile(double p)
    {
        var rank = (long)Math.Floor(p * (Count - 1));
        double value;
        if (rank < _negative.Total) value = -Value(_negative.IndexAt(_negative.Total - 1 - rank));
        else if (rank < _negative.Total + _zeros) value = 0;
        else value = Value(_positive.IndexAt(rank - _negative.Total - _zeros));
        return Math.Clamp(value, _min, _max);
    }

    public void Write(ref ByteWriter w)
    {
        w.VarUInt((ulong)_zeros);
        w.Double(_min);
        w.Double(_max);
        _positive.Write(ref w);
        _negative.Write(ref w);
    }

    public static QuantileSketch Read(ref ByteReader r)
    {
        var sketch = new QuantileSketch { _zeros = ReadCount(ref r), _min = r.Double(), _max = r.Double() };
        sketch._positive.Read(ref r);
        sketch._negative.Read(ref r);
        if (!(sketch._min <= sketch._max) || sketch.Count <= 0) throw r.Fault("a percentile's bounds are out of order");
        return sketch;
    }

    private static int Index(double magnitude) => (int)Math.Ceiling(Math.Log(magnitude) / LogGamma);

    // The point of a bucket from which both its bounds are equally far in relation.
    private static double Value(int index) => Math.Exp(index * LogGamma) * (1 - RelativeError);

    private static long ReadCount(ref ByteReader r)
    {
        var count = r.VarUInt();
        return count <= int.MaxValue * 4096UL ? (long)count : throw r.Fault("a count is out of range");
    }

    /// <summary>Counts by bucket number, in an array that spans the numbers in use; at most <see cref="MaxSpan"/> of them.</summary>
    private sealed class Buckets
    {
        private const int MaxSpan = 4096;
        private long[] _counts = [];
        private int _first;

        public long Total { get; private set; }

        public long Bytes => _counts.LongLength * 8;

        public void Add(int index, long count)
        {
            if (_counts.Length == 0)
            {
                _first = index;
                _counts = new long[1];
            }

            Total += count;
            if (index < _first || index >= _first + _counts.Length) index = Extend(index);
            _counts[index - _first] += count;
        }

        public void Add(Buckets other)
        {
            // From the top, so that what is too small is folded once.
            for (var i = other._counts.Length - 1; i >= 0; i--)
            {
                if (other._counts[i] != 0) Add(other._first + i, other._counts[i]);
            }
        }

        /// <summary>The bucket that holds a rank, smallest magnitude first.</summary>
        public int IndexAt(long rank)
        {
            for (var i = 0; i < _counts.Length; i++)
            {
                rank -= _counts[i];
                if (rank < 0) return _first + i;
            }

            return _first + _counts.Length - 1;
        }

        public void Write(ref ByteWriter w)
        {
            var used = 0;
            foreach (var count in _counts) used += count == 0 ? 0 : 1;
            w.VarUInt((ulong)used);
            var last = 0;
            for (var i = 0; i < _counts.Length; i++)
            {
                if (_counts[i] == 0) continue;
                w.VarInt(_first + i - last);
                w.VarUInt((ulong)_counts[i]);
                last = _first + i;
            }
        }

        public void Read(ref ByteReader r)
        {
            var used = r.Count(MaxSpan, "a number of buckets");
            long index = 0;
            for (var i = 0; i < used; i++)
            {
                index += r.VarInt();
                if (Math.Abs(index) > 1_000_000) throw r.Fault("a bucket's number is out of range");
                Add((int)index, ReadCount(ref r));
            }
        }

        // Makes room for a bucket and returns its number, or that of the lowest one kept when it lies below the span. Only buckets in use
        // decide what the span is, so that room made in advance does not show.
        private int Extend(int index)
        {
            var top = Math.Max(_first + _counts.AsSpan().LastIndexOfAnyExcept(0L), index);
            var lowest = top - MaxSpan + 1;
            var first = Math.Max(Math.Min(_first, index), lowest);
            // Some room on the growing side, so that neighbours do not each cost a copy.
            if (index < _first) first = Math.Max(lowest, first - 16);
            var end = Math.Min(first + MaxSpan, index < _first ? top + 1 : top + 17);
            var counts = new long[end - first];
            for (var i = 0; i < _counts.Length && _first + i <= top; i++) counts[Math.Max(0, _first + i - first)] += _counts[i];
            _counts = counts;
            _first = first;
            return Math.Max(index, first);
        }
    }
}
