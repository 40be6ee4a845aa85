using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.WebConsole.Data;
using KafkaOracleOrleans.WebConsole.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.WebConsole.Tests;

public sealed class FeedTests
{
    private readonly FakeApi _api = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task All_pages_share_one_look_a_second_and_nobody_asks_when_none_is_open()
    {
        _api.Answers["GET pipelines"] = new List<PipelineStatus> { Samples.Status() };
        var feed = new StatusFeed(_api, _time);
        await NextAsync();
        Assert.Empty(_api.Calls);

        var pages = Enumerable.Range(0, 50).Select(_ => feed.Watch(() => Task.CompletedTask)).ToList();
        // One look at once, and one with every second that passes, however many pages there are.
        for (var i = 1; i <= 5; i++) await LookAsync(i + 1);
        Assert.Single(_api.Calls, c => c.Path == "pipelines/orders/metrics");

        foreach (var page in pages) page.Dispose();
        var asked = _api.Calls.Count;
        for (var i = 0; i < 5; i++) await NextAsync();
        Assert.Equal(asked, _api.Calls.Count);
        Assert.Equal(0, feed.Watchers);
    }

    [Fact]
    public async Task Rates_are_what_happened_between_two_looks_and_a_count_that_went_back_tells_none()
    {
        var feed = new StatusFeed(_api, _time);
        foreach (var (written, quarantined) in new[] { (100L, 0L), (300L, 4L), (50L, 4L) })
        {
            _api.Answers["GET pipelines"] = new List<PipelineStatus> { Samples.Status(written: written, quarantined: quarantined) };
            await feed.NowAsync();
            if (written == 100) Assert.Null(feed.State!.RatesOf("orders").Rows);
            if (written == 300) Assert.Equal((100, 2), (feed.State!.RatesOf("orders").Rows, feed.State.RatesOf("orders").Quarantined));
            _time.Advance(TimeSpan.FromSeconds(2));
        }

        Assert.Null(feed.State!.RatesOf("orders").Rows);
        Assert.Equal(0, feed.State.RatesOf("orders").Quarantined);
    }

    [Fact]
    public async Task A_look_that_fails_says_so_and_keeps_what_was_known()
    {
        var feed = new StatusFeed(_api, _time);
        _api.Answers["GET pipelines"] = new List<PipelineStatus> { Samples.Status() };
        await feed.NowAsync();
        _time.Advance(TimeSpan.FromSeconds(5));
        _api.Answers["GET pipelines"] = new ApiAnswer(503, """{"title":"Database unavailable","detail":"No answer."}"""u8.ToArray());
        var state = await feed.NowAsync();

        Assert.Equal("No answer.", state.Fault?.Detail);
        Assert.Single(state.Pipelines);
    }

    /// <summary>Lets seconds pass until there were so many looks; never more looks than seconds.</summary>
    private async Task LookAsync(int looks)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (Looks < looks && DateTime.UtcNow < deadline) await NextAsync();
        Assert.InRange(Looks, looks, _passed + 1);
    }

    private int Looks => _api.Calls.Count(c => c.Path == "pipelines");

    private int _passed;

    private async Task NextAsync()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        _passed++;
        // What the timer set off runs on the pool.
        for (var i = 0; i < 20; i++) await Task.Delay(2, TestContext.Current.CancellationToken);
    }
}
