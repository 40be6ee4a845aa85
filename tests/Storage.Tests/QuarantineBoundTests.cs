using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>When the records of a quarantine are counted, and what fits.</summary>
public sealed class QuarantineBoundTests
{
    private readonly Clock _clock = new();
    private long _there;
    private int _counts;

    /// <summary>Else a pipeline would wait for ever for room that cannot be made.</summary>
    [Fact]
    public async Task A_batch_larger_than_the_bound_goes_into_an_empty_quarantine()
    {
        var bound = new QuarantineBound(3, 0, _clock);
        Assert.Null(await AddAsync(bound, 5));
        Assert.Equal(5, await AddAsync(bound, 1));
    }

    [Fact]
    public async Task Records_are_counted_once_a_minute_while_they_fit_and_every_five_seconds_while_they_do_not()
    {
        var bound = new QuarantineBound(10, 0, _clock);
        for (var i = 0; i < 10; i++) Assert.Null(await AddAsync(bound, 1));
        Assert.Equal(1, _counts);
        for (var i = 0; i < 5; i++) Assert.Equal(10, await AddAsync(bound, 1));
        Assert.InRange(_counts, 1, 2);
        _there = 4;
        _clock.Now += TimeSpan.FromSeconds(5);
        var before = _counts;
        Assert.Null(await AddAsync(bound, 1));
        Assert.Null(await AddAsync(bound, 1));
        Assert.Equal(before + 1, _counts);
        // Others add too: what is known does not hold for ever.
        _there = 10;
        Assert.Null(await AddAsync(bound, 1));
        _clock.Now += TimeSpan.FromMinutes(1);
        Assert.Equal(11, await AddAsync(bound, 1));
    }

    [Fact]
    public async Task Without_a_bound_nothing_is_counted()
    {
        var bound = new QuarantineBound(0, 0, _clock);
        for (var i = 0; i < 3; i++) Assert.Null(await AddAsync(bound, 1_000_000));
        Assert.Equal(0, _counts);
        Assert.Null(bound.TooFast("p", 1_000_000));
    }

    private async Task<long?> AddAsync(QuarantineBound bound, int records)
    {
        var full = await bound.FullAtAsync("p", records, () =>
        {
            _counts++;
            return Task.FromResult(_there);
        });
        if (full is null) _there += records;
        return full;
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
