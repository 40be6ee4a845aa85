using System.Text.Json;
using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary><c>kor new</c>: what it writes is valid and passes its own test.</summary>
public sealed class NewVerbTests : IAsyncDisposable
{
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public NewVerbTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    [Fact]
    public async Task Every_pattern_becomes_a_pipeline_that_passes_its_test()
    {
        var list = await _kor.RunAsync("new", "--list", "-o", "jsonl");
        var names = list.Lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("name").GetString()!).ToList();
        Assert.Contains("window-aggregate-write", names);
        foreach (var name in names)
        {
            Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("new", $"my-{name}", "--template", name, "--dir", "made")).Code);
            var test = await _kor.RunAsync("test", $"made/my-{name}.test.yaml");
            Assert.True(test.Code == ExitCodes.Ok, name + "\n" + test.Out + test.Error);
        }
    }

    [Fact]
    public async Task Nothing_is_written_over()
    {
        await _kor.RunAsync("new", "mine");
        var again = await _kor.RunAsync("new", "mine");
        Assert.Equal(ExitCodes.Conflict, again.Code);
        Assert.Contains("mine.yaml' is there already", again.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("new", "mine", "--force")).Code);
    }

    [Theory]
    [InlineData(ExitCodes.Usage, "a name")]
    [InlineData(ExitCodes.Usage, "no name", "9 lives")]
    [InlineData(ExitCodes.NotFound, "Did you mean 'late-data'?", "x", "--template", "late-date")]
    [InlineData(ExitCodes.Usage, "not both", "x", "--template", "late-data", "--from-topic", "t")]
    public async Task What_makes_no_sense_is_refused(int code, string message, params string[] args)
    {
        var result = await _kor.RunAsync(["new", .. args]);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(code, result.Code);
    }

    [Fact]
    public async Task Fields_are_guessed_from_a_topic()
    {
        TopicRecord Record(long offset, string value) => new(0, offset, null, null, value, "utf8");
        _silo.Answer("GET /api/v1/topics/shop.orders-v1/records?limit=500", new TopicRecords("shop.orders-v1", "main", 3,
        [
            Record(0, """{"order_id":"o1","amount":10.5,"placed-at":"2026-01-31T10:00:00Z","at":"2026-01-31T10:00:00Z","lines":[{"sku":"it's: #1"}],"2nd":true}"""),
            Record(1, """{"order_id":"o2","amount":7,"placed-at":"2026-01-31T10:00:01Z","at":"2026-01-31T10:00:01Z","lines":[],"2nd":null,"customer_id":"c1"}"""),
            Record(2, "no json"),
        ]));
        var result = await _kor.RunAsync("new", "--from-topic", "shop.orders-v1");
        Assert.Equal(["shop-orders-v1.yaml", "shop-orders-v1.test.yaml"], result.Lines);
        Assert.Contains("Fields guessed from 2 of 3 records: order_id:string, amount:decimal", result.Error, StringComparison.Ordinal);
        var text = await File.ReadAllTextAsync(Path.Combine(_kor.Folder, "shop-orders-v1.yaml"), TestContext.Current.CancellationToken);
        Assert.Contains("    order_id: { type: string, required: true }\n", text, StringComparison.Ordinal);
        Assert.Contains("    placed_at: { type: timestamp, path: [placed-at] }\n", text, StringComparison.Ordinal);
        Assert.Contains("    _2nd: { type: boolean, path: [\"2nd\"] }\n", text, StringComparison.Ordinal);
        Assert.Contains("eventTime: { field: at,", text, StringComparison.Ordinal);
        Assert.Contains("table: SHOP_ORDERS_V1_ROWS,", text, StringComparison.Ordinal);
        var valid = await _kor.RunAsync("validate", "shop-orders-v1.yaml", "--deny-warnings");
        Assert.True(valid.Code == ExitCodes.Ok, text + valid.Out + valid.Error);
        var test = await _kor.RunAsync("test", "shop-orders-v1.test.yaml");
        Assert.True(test.Code == ExitCodes.Ok, text + test.Out + test.Error);
    }

    [Fact]
    public async Task A_topic_without_objects_gives_no_pipeline()
    {
        _silo.Answer("GET /api/v1/topics/t/records?limit=500", new TopicRecords("t", "main", 1, [new TopicRecord(0, 0, null, null, "a,b", "utf8")]));
        var result = await _kor.RunAsync("new", "x", "--from-topic", "t");
        Assert.Contains("The values of topic 't' are no JSON objects: they look like CSV with 2 values in a line", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
        Assert.Empty(Directory.EnumerateFiles(_kor.Folder));
    }
}
