using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>One generated record.</summary>
internal readonly record struct GeneratedOrder(string Key, string Value);

/// <summary>
/// Orders with the flaws of real ones, from a seed: 3 % sent twice, 1 % an hour late, 0.5 % bad (half cut off, half with a negative amount), the rest up to
/// 20 s out of order. The same seed and start give the same records.
/// </summary>
internal sealed class OrderGenerator(int seed)
{
    private const int Customers = 500;
    private readonly Random _random = new(seed);
    private readonly Queue<GeneratedOrder> _again = new();
    private long _next;

    /// <summary>The next record, as if it was made at a time (ms since the Unix epoch).</summary>
    public GeneratedOrder Next(long nowMs)
    {
        var dice = _random.NextDouble();
        if (dice < 0.03 && _again.TryDequeue(out var resent)) return resent;
        var late = dice is >= 0.03 and < 0.04;
        var bad = dice is >= 0.04 and < 0.045;
        var order = Make(late ? nowMs - 3_600_000 : nowMs - _random.Next(20_000), bad);
        if (bad || late) return order;
        _again.Enqueue(order);
        if (_again.Count > 1000) _again.Dequeue();
        return order;
    }

    private GeneratedOrder Make(long createdMs, bool bad)
    {
        // Squaring makes some customers far busier than others.
        var customer = (int)(Customers * Math.Pow(_random.NextDouble(), 2));
        var amount = _random.Next(100, 50_000) / 100m;
        var cutOff = bad && _random.Next(2) == 0;
        if (bad && !cutOff) amount = -amount;
        var created = DateTimeOffset.FromUnixTimeMilliseconds(createdMs)
            .ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var text = new StringBuilder(160)
            .Append(CultureInfo.InvariantCulture, $"{{\"order_id\":\"o-{seed}-{_next++:D9}\",\"customer_id\":\"c-{customer:D4}\",")
            .Append(CultureInfo.InvariantCulture, $"\"amount\":{amount:0.00},\"currency\":\"EUR\",\"created_at\":\"{created}\"}}");
        if (cutOff) text.Length -= 20;
        return new GeneratedOrder($"c-{customer:D4}", text.ToString());
    }
}
