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
}

/// <summary>What the sink and the counters must show for a workload.</summary>
internal sealed class Expected
{
    public Dictionary<(int Key, long Window), Totals> Windows { get; } = [];
    public long Records { get; set; }
    public long Malformed { get; set; }
    public long Failing { get; set; }
    public long Late { get; set; }
    public long Duplicates { get; set; }

    public struct Totals
    {
        public long Count;
        public long SumCents;
        public long MinCents;
        public long MaxCents;
    }
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
    private readonly long _windowSize;
    private readonly int _keys;
    private readonly double[]? _cumulative;
    private readonly int[]? _permuted;
    private readonly Queue<(long At, string Key, byte[] Value)> _resendable = new();
    private readonly List<(long At, string Key, byte[] Value)> _pool = [];
    private readonly byte[] _id = new byte[16];
    private long _sequence;

    public Workload(int seed, long records, KeySpread spread, long start)
    {
        _random = new Random(seed);
        _records = records;
        _start = start;
        _windowSize = spread == KeySpread.K1MU ? 3_600_000 : 300_000;
        _keys = spread == KeySpread.K1MU ? 1_000_000 : 10_000;
        if (spread != KeySpread.K10Z) return;
        _cumulative = new double[_keys];
        var sum = 0.0;
        for (var i = 0; i < _keys; i++) _cumulative[i] = sum += 1 / Math.Pow(i + 1, 0.99);
        for (var i = 0; i < _keys; i++) _cumulative[i] /= sum;
        _permuted = [.. Enumerable.Range(0, _keys)];
        new Random(seed + 1).Shuffle(_permuted);
    }

    public Expected Expected { get; } = new();

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
        if (dice < 0.05 && Resend(now) is { } again) return again;
        var key = NextKey();
        var name = string.Create(CultureInfo.InvariantCulture, $"dev-{key:D7}");
        var at = now;
        if (dice is >= 0.05 and < 0.10) at -= 1000 + _random.Next(29_000);
        var late = i > _records / 4 * 3 && dice is >= 0.10 and < 0.101;
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

        Count(key, at, cents);
        _resendable.Enqueue((at, name, value));
        return value;
    }

    private void Count(int key, long at, int cents)
    {
        ref var totals = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(
            Expected.Windows, (key, at - (at % _windowSize)), out var known);
        totals.MinCents = known ? Math.Min(totals.MinCents, cents) : cents;
        totals.MaxCents = known ? Math.Max(totals.MaxCents, cents) : cents;
        totals.Count++;
        totals.SumCents += cents;
    }

    /// <summary>An exact copy of a record at most 45 s of event time old; half of the candidates are kept back to be older.</summary>
    private (string Key, byte[] Value)? Resend(long now)
    {
        while (_resendable.TryPeek(out var oldest) && oldest.At < now - ResendSpan + 31_000) _pool.Add(_resendable.Dequeue());
        for (var tries = 0; tries < 8 && _pool.Count != 0; tries++)
        {
            var index = _random.Next(_pool.Count);
            var (at, key, value) = _pool[index];
            _pool[index] = _pool[^1];
            _pool.RemoveAt(_pool.Count - 1);
            if (at < now - ResendSpan) continue;
            Expected.Duplicates++;
            return (key, value);
        }

        return null;
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
