using KafkaOracleOrleans.Protocol.Cells;
using System.Globalization;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>What a shard knows of cells that are not in memory.</summary>
public sealed class ColdKeysTests
{
    /// <summary>Against a dictionary: names of one to 300 bytes come, are called, come due, and their slots and bytes are used again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_is_a_dictionary_with_a_queue(int seed)
    {
        var random = new Random(seed);
        var keys = new ColdKeys();
        var model = new Dictionary<string, long>(StringComparer.Ordinal);
        for (var step = 0; step < 60_000; step++)
        {
            var name = Name(random.Next(3_000));
            switch (random.Next(10))
            {
                case < 5:
                    var due = random.Next(5) == 0 ? long.MaxValue : step + random.Next(2_000);
                    keys.Add(name, due);
                    model[name] = Math.Min(due, model.GetValueOrDefault(name, long.MaxValue));
                    break;
                case < 9:
                    Assert.Equal(model.ContainsKey(name), keys.Contains(name));
                    Assert.Equal(model.TryGetValue(name, out var known), keys.TryTake(name, out var taken));
                    if (model.Remove(name)) Assert.Equal(known, taken);
                    break;
                default:
                    while (keys.TryTakeDue(step, out var gone, out var at))
                    {
                        Assert.Equal(model.Values.Min(), at);
                        Assert.True(model.Remove(gone, out var wanted));
                        Assert.Equal(wanted, at);
                    }

                    Assert.DoesNotContain(model.Values, d => d <= step);
                    break;
            }

            Assert.Equal(model.Count, keys.Count);
            Assert.Equal(model.Values.Any(d => d != long.MaxValue), keys.HasDue);
        }

        Assert.Equal(model.Values.Order().Take(20), keys.Soonest(20).Select(n => model[n]));
    }

    /// <summary>A cell that comes and goes for days before it is due must not fill memory with where it stood.</summary>
    [Fact]
    public void What_comes_and_goes_takes_no_more_memory()
    {
        var keys = new ColdKeys();
        for (var i = 0; i < 1_000; i++) keys.Add(Name(i), 1_000_000);
        var before = keys.Bytes;
        for (var round = 0; round < 300; round++)
        {
            for (var i = 0; i < 1_000; i++)
            {
                Assert.True(keys.TryTake(Name(i), out _));
                keys.Add(Name(i), 1_000_000);
            }
        }

        Assert.InRange(keys.Queued, 1_000, 4_000);
        Assert.InRange(keys.Bytes, 0, before + (256 << 10));
    }

    [Fact]
    public void A_million_keys_take_about_a_hundred_bytes_each()
    {
        var keys = new ColdKeys();
        for (var i = 0; i < 1_000_000; i++) keys.Add(string.Create(CultureInfo.InvariantCulture, $"customer-{i:d8}"), i);
        Assert.InRange(keys.Bytes, 0, 100_000_000);
        keys.Clear();
        Assert.Equal(0, keys.Count);
        Assert.False(keys.Contains("customer-00000001"));
    }

    private static string Name(int number) => new string('ä', number % 150) + number.ToString(CultureInfo.InvariantCulture);
}
