using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>How keys are spread.</summary>
internal enum KeySpread
{
    /// <summary>10,000 keys, Zipf s = 0.99 with permuted ranks.</summary>
    K10Z,

    /// <summary>1,000,000 keys, uniform.</summary>
    K1MU,

    /// <summary>5,000,000 keys, one after the other, all in one window.</summary>
    K5M,
}

/// <summary>
/// Workload W1: readings of 156 bytes over two hours of event time, with 5 % re-sent, 5 % shifted back, late, cut-off and failing records, from a seed. It
/// keeps the expected totals while it generates, without windows that close, state or watermarks.
/// </summary>
internal sealed class Workload
{
    private const long Hours2 = 2 * 3_600_000L;
    private const long ResendSpan = 45_000;
    private static readonly string[] Units = ["kWh", "V", "A", "C"];

    private readonly Random _random;
    private readonly long _records;
    private readonly long _start;
    private readonly int _keys;
    private readonly double[]? _cumulative;
    private readonly int[]? _permuted;
    private readonly RecentRecords _recent = new();
    private readonly byte[] _id = new byte[16];
    private readonly KeySpread _spread;
    private long _sequence;
    private long _nextKey;

    public Workload(int seed, long records, KeySpread spread, long start)
    {
        _random = new Random(seed);
        _records = records;
        _start = start;
        _spread = spread;
        Expected = new Expected(spread switch { KeySpread.K5M => 6 * 3_600_000, KeySpread.K1MU => 3_600_000, _ => 60_000 });
        _keys = spread switch { KeySpread.K5M => 5_000_000, KeySpread.K1MU => 1_000_000, _ => 10_000 };
        if (spread != KeySpread.K10Z) return;
        _cumulative = new double[_keys];
        var sum = 0.0;
        for (var i = 0; i < _keys; i++) _cumulative[i] = sum += 1 / Math.Pow(i + 1, 0.99);
        for (var i = 0; i < _keys; i++) _cumulative[i] /= sum;
        _permuted = [.. Enumerable.Range(0, _keys)];
        new Random(seed + 1).Shuffle(_permuted);
    }

    public Expected Expected { get; }

    /// <summary>The records in order; the last ones close every window (one per partition, sent by the caller).</summary>
    public IEnumerable<(string Key, byte[] Value)> Records()
    {
        for (var i = 0L; i < _records; i++) yield return Next(i);
    }

    /// <summary>The record that closes every window.</summary>
    public byte[] Closing() => Value(Id(), "closing", _start + Hours2 + (3 * 3_600_000), 100, "kWh", 0);

    private (string Key, byte[] Value) Next(long i)
    {
        var now = _start + (long)(Hours2 * ((double)i / _records));
        Expected.Records++;
        var dice = _random.NextDouble();
        if (dice < 0.05 && _recent.Pick(now - ResendSpan, _random) is { } again)
        {
            Expected.Duplicates++;
            return (again.Key, again.Value);
        }

        var key = NextKey();
        var name = string.Create(CultureInfo.InvariantCulture, $"dev-{key:D7}");
        var at = now;
        if (dice is >= 0.05 and < 0.10) at -= 1000 + _random.Next(29_000);
        var late = _spread != KeySpread.K5M && i > _records / 4 * 3 && dice is >= 0.10 and < 0.101;
        if (late) at -= (67 * 60_000) + _random.Next(10 * 60_000);
        var cents = _random.Next(0, 100_000);
        if (dice is >= 0.101 and < 0.1035)
        {
            Expected.Malformed++;
            var value = Value(Id(), name, at, cents, "kWh", _sequence++);
            return (name, value[..(value.Length / 2)]);
        }

        if (dice is >= 0.1035 and < 0.106)
        {
            Expected.Failing++;
            return (name, Failing(name, at, cents));
        }

        return (name, Good(name, key, at, cents, late));
    }

    private byte[] Good(string name, int key, long at, int cents, bool late)
    {
        var value = Value(Id(), name, at, cents, Units[_random.Next(Units.Length)], _sequence++);
        if (late)
        {
            Expected.Late++;
            return value;
        }

        Expected.Count(key, at, cents);
        _recent.Add(at, name, value);
        return value;
    }

    private byte[] Failing(string name, long at, int cents)
    {
        var kind = _random.Next(3);
        return kind switch
        {
            0 => Value(Id(), name, at, null, "kWh", _sequence++),
            1 => Value(Id(), name, at, -1 - cents, "kWh", _sequence++),
            _ => Value(Id(), name, at, cents, "bar", _sequence++),
        };
    }

    private int NextKey()
    {
        // A prime goes round all of them before one comes again.
        if (_spread == KeySpread.K5M) return (int)(_nextKey++ * 2_654_435_761 % _keys);
        if (_cumulative is null) return _random.Next(_keys);
        var index = Array.BinarySearch(_cumulative, _random.NextDouble());
        return _permuted![Math.Min(index < 0 ? ~index : index, _keys - 1)];
    }

    private Guid Id()
    {
        _random.NextBytes(_id);
        return new Guid(_id);
    }

    private static byte[] Value(Guid id, string key, long at, int? cents, string unit, long sequence)
    {
        var amount = cents is { } c ? (c / 100m).ToString("0.00", CultureInfo.InvariantCulture) : "null";
        return Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"{{\"id\":\"{id}\",\"key\":\"{key}\",\"ts\":{at},\"type\":\"reading\",\"value\":{amount},\"unit\":\"{unit}\",\"region\":\"eu-west-{sequence % 9}\",\"seq\":{sequence % 10}}}"));
    }
}

/// <summary>The good records of the last moments, from which re-sends are drawn; a ring that grows.</summary>
internal sealed class RecentRecords
{
    private (long At, string Key, byte[] Value)[] _ring = new (long, string, byte[])[1024];
    private long _first;
    private long _next;

    public void Add(long at, string key, byte[] value)
    {
        if (_next - _first == _ring.Length)
        {
            var larger = new (long, string, byte[])[_ring.Length * 2];
            for (var i = _first; i < _next; i++) larger[i & (larger.Length - 1)] = _ring[i & (_ring.Length - 1)];
            _ring = larger;
        }

        _ring[_next++ & (_ring.Length - 1)] = (at, key, value);
    }

    /// <summary>One of the records from an event time on, or null when there is none yet.</summary>
    public (string Key, byte[] Value)? Pick(long from, Random random)
    {
        while (_first < _next && _ring[_first & (_ring.Length - 1)].At < from) _first++;
        for (var tries = 0; tries < 16 && _first < _next; tries++)
        {
            // Those shifted back stand among younger ones.
            var (at, key, value) = _ring[(_first + random.NextInt64(_next - _first)) & (_ring.Length - 1)];
            if (at >= from) return (key, value);
        }

        return null;
    }
}
