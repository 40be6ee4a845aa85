using System.Globalization;
using System.Text;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>Sends sales and knows what must come of them.</summary>
internal sealed class Model(string bootstrapServers, int partitions, int seed) : IDisposable
{
    public const string Closer = "closer";
    private const long WindowMs = 2000;
    private static readonly DateTime Start = new(2026, 1, 31, 10, 0, 0, DateTimeKind.Utc);

    private readonly KafkaTestProducer _producer = new(bootstrapServers);
    private readonly Random _random = new(seed);
    private readonly List<(int Partition, string Id, string Customer, int Amount, long At)> _sales = [];
    private readonly List<string>[] _log = [.. Enumerable.Range(0, partitions).Select(_ => new List<string>())];
    private long _now = new DateTimeOffset(Start).ToUnixTimeMilliseconds();
    private int _next;

    /// <summary>What is sent once more comes to any partition instead of the one it came to first.</summary>
    public bool Spreads { get; set; }

    /// <summary>What is sent once more has any message key, or none.</summary>
    public bool OtherKeys { get; set; }

    /// <summary>Records sent, and how many of them were sent before.</summary>
    public int Sent { get; private set; }

    public int Duplicates { get; private set; }

    /// <summary>The rows: id to customer and amount.</summary>
    public SortedDictionary<string, string> Rows { get; } = new(StringComparer.Ordinal);

    /// <summary>The windows: customer and start to count and sum.</summary>
    public SortedDictionary<string, (long Count, long Sum)> Windows { get; } = new(StringComparer.Ordinal);

    /// <summary>Sends records to all partitions; the event time moves by 20 ms with each round.</summary>
    public void Send(int perPartition, int customers = 20)
    {
        var last = new (string Id, string Customer, int Amount, long At)?[partitions];
        for (var i = 0; i < perPartition; i++, _now += 20)
        {
            for (var p = 0; p < partitions; p++)
            {
                if (last[Spreads ? _random.Next(partitions) : p] is { } old && _random.Next(10) == 0)
                {
                    Produce(p, old.Id, old.Customer, old.Amount, old.At, again: true);
                    Duplicates++;
                    continue;
                }

                var sale = (Id: $"{p}-{_next++}", Customer: $"c{_random.Next(customers)}", Amount: _random.Next(1, 100), At: _now - _random.Next(900));
                Produce(p, sale.Id, sale.Customer, sale.Amount, sale.At);
                Add(sale.Id, sale.Customer, sale.Amount, sale.At);
                _sales.Add((p, sale.Id, sale.Customer, sale.Amount, sale.At));
                last[p] = sale;
            }
        }

        _producer.Flush();
    }

    /// <summary>Sends records in order of their times, one partition after the other, each from the same time on.</summary>
    public void SendInOrder(int perPartition, int stepMs)
    {
        for (var p = 0; p < partitions; p++)
        {
            for (var i = 0; i < perPartition; i++)
            {
                var sale = (Id: $"{p}-{_next++}", Customer: $"c{_random.Next(20)}", Amount: _random.Next(1, 100), At: _now + ((long)i * stepMs));
                Produce(p, sale.Id, sale.Customer, sale.Amount, sale.At);
                Add(sale.Id, sale.Customer, sale.Amount, sale.At);
            }
        }

        _now += (long)perPartition * stepMs;
        _producer.Flush();
    }

    /// <summary>Sends some of the sales of a customer once more, with what they said the first time.</summary>
    public void Repeat(int count, string customer)
    {
        var sales = _sales.Where(s => s.Customer == customer).ToList();
        for (var i = 0; i < count; i++)
        {
            var sale = sales[_random.Next(sales.Count)];
            Produce(Spreads ? _random.Next(partitions) : sale.Partition, sale.Id, sale.Customer, sale.Amount, sale.At, again: true);
            Duplicates++;
        }

        _producer.Flush();
    }

    /// <summary>Sends a sale an hour later to each partition, which closes every window before; to some only, when the last are left out.</summary>
    public void Close(int leaveOut = 0)
    {
        _now += 3_600_000;
        for (var p = 0; p < partitions - leaveOut; p++)
        {
            var id = $"{p}-{_next++}";
            Produce(p, id, Closer, 1, _now);
            Rows.Add(id, $"{Closer}:1");
        }

        _producer.Flush();
    }

    /// <summary>Sends one sale to each partition, so many ms after the start; all but the first are the closer's.</summary>
    public void SendAt(string customer, int afterMs)
    {
        for (var p = 0; p < partitions; p++)
        {
            var id = $"{p}-{_next++}";
            var name = p == 0 ? customer : Closer;
            Produce(p, id, name, 1, new DateTimeOffset(Start).ToUnixTimeMilliseconds() + afterMs);
            Rows.Add(id, $"{name}:1");
        }

        _producer.Flush();
    }

    /// <summary>Sends one sale to the first partition, with any number for its Kafka time; null: now.</summary>
    public void SendOne(string id, long? kafkaTime)
    {
        Produce(0, id, "c0", 1, _now, time: kafkaTime);
        Rows.Add(id, "c0:1");
        _producer.Flush();
    }

    /// <summary>How many different sales lie below the positions, per source partition.</summary>
    public long DistinctBelow(IReadOnlyDictionary<string, long> positions) => _log
        .Select((ids, p) => ids.Take((int)positions.GetValueOrDefault($"{TestPipeline.Topic}/{p}")).Distinct(StringComparer.Ordinal).Count())
        .Sum();

    public void Dispose() => _producer.Dispose();

    private void Add(string id, string customer, int amount, long at)
    {
        Rows.Add(id, string.Create(CultureInfo.InvariantCulture, $"{customer}:{amount}"));
        var start = DateTimeOffset.FromUnixTimeMilliseconds(at - (at % WindowMs)).ToString("HH:mm:ss", CultureInfo.InvariantCulture);
        var key = $"{customer}@{start}";
        var (count, sum) = Windows.GetValueOrDefault(key);
        Windows[key] = (count + 1, sum + amount);
    }

    private void Produce(int partition, string id, string customer, int amount, long at, bool again = false, long? time = null)
    {
        var text = DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        var json = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":"{{id}}","customer":"{{customer}}","amount":{{amount}},"at":"{{text}}"}""");
        var key = !again || !OtherKeys ? customer : _random.Next(3) switch { 0 => null, 1 => "another", _ => customer };
        _producer.Send(TestPipeline.Topic, partition, key is null ? null : Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(json), time: time);
        _log[partition].Add(id);
        Sent++;
    }
}
