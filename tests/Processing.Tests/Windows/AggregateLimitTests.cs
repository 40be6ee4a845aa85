using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Processing.Windows.Aggregates;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>What aggregates keep is bounded in bytes, and what they leave out is a function of the values alone.</summary>
public sealed class AggregateLimitTests
{
    [Fact]
    public void Collected_values_are_the_longest_beginning_that_fits_in_whatever_order_and_parts_they_come()
    {
        var random = new Random(11);
        for (var seed = 0; seed < 2_000; seed++)
        {
            var (limit, bytes) = (random.Next(1, 12), random.Next(0, 60));
            var values = Enumerable.Range(0, random.Next(0, 20)).Select(i => (Place: Place(random.Next(6), i), Text: new string('x', random.Next(1, 12)))).ToList();
            var whole = new CollectedValues(limit, bytes);
            foreach (var (place, text) in values.OrderBy(_ => random.Next())) whole.Add(place, Encoding.UTF8.GetBytes(text));
            var parts = Enumerable.Range(0, 3).Select(_ => new CollectedValues(limit, bytes)).ToList();
            foreach (var (place, text) in values.OrderBy(_ => random.Next())) parts[random.Next(3)].Add(place, Encoding.UTF8.GetBytes(text));
            var merged = new CollectedValues(limit, bytes);
            foreach (var part in parts.OrderBy(_ => random.Next())) merged.Add(part);

            var expected = Naive(values, limit, bytes);
            Assert.Equal(expected, Encoding.UTF8.GetString(whole.ToJson()));
            Assert.Equal(expected, Encoding.UTF8.GetString(merged.ToJson()));
        }
    }

    [Fact]
    public void A_group_keeps_no_more_than_its_limit()
    {
        var collected = new CollectedValues(3_000);
        for (var i = 0; i < 3_000; i++) collected.Add(Place(i, i), new byte[100_000]);
        Assert.InRange(collected.EstimatedBytes, 900_000, AggregateLimits.MaxCollectedBytes + 100_000);
        Assert.True(collected.IsCut);
    }

    [Fact]
    public void Long_strings_are_counted_by_their_beginning_and_their_hash()
    {
        var spec = new AggregateSpec("t", AggregateKind.TopK, 2, FieldType.String, FieldType.Json, 3);
        var step = WindowTestRows.Spec(new TumblingWindow(1_000), 0, [spec]);
        var cell = new WindowCell(step);
        // Two long texts, and a short one.
        const int Long = WindowTestRows.LongText;
        List<TestRow> rows = [new(1, 1, Long), new(1, 2, Long), new(1, 3, Long + 1), new(1, 4, Long + 1), new(1, 5, Long + 1), new(1, 6, 5)];
        cell.Apply(WindowTestRows.Rows(rows), WindowTestRows.All(rows.Count), 0, long.MinValue, new LateRows());
        var json = (string)Assert.Single(cell.Query(WindowTestRows.Key(1))).Values[0]!;
        using var top = System.Text.Json.JsonDocument.Parse(json);
        var items = top.RootElement.EnumerateArray().Select(e => (Value: e.GetProperty("value").GetString()!, Count: e.GetProperty("count").GetInt32())).ToList();
        Assert.Equal([3, 2, 1], items.Select(i => i.Count));
        Assert.Matches("^10000001x{892}…#[0-9a-f]{16}$", items[0].Value);
        Assert.Matches("^10000000x{892}…#[0-9a-f]{16}$", items[1].Value);
        Assert.Equal("t5", items[2].Value);
        // Not in the middle of a character: 899 bytes, then two of which the first would be the last one.
        Assert.StartsWith(new string('a', 899) + "…#", Encoding.UTF8.GetString(AggregateLimits.Shorten(Encoding.UTF8.GetBytes(new string('a', 899) + new string('ü', 100)))), StringComparison.Ordinal);
    }

    private static string Naive(List<(ValuePlace Place, string Text)> values, int limit, int bytes)
    {
        var kept = new List<string>();
        var sum = 0;
        var cut = false;
        foreach (var (_, text) in values.OrderBy(v => v.Place, Comparer<ValuePlace>.Create((a, b) => a.CompareTo(b))).Take(limit))
        {
            sum += text.Length;
            cut = sum > bytes;
            if (cut) break;
            kept.Add(text);
        }

        if (cut) kept.Add("\"…\"");
        return "[" + string.Join(',', kept) + "]";
    }

    private static ValuePlace Place(long time, long offset) => new() { Time = time, Offset = offset, Present = 1 };
}
