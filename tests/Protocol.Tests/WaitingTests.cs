using KafkaOracleOrleans.Protocol.Waiting;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>Waits that end on the scheduler they came from, and never inside what ends them.</summary>
public sealed class WaitingTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void News_wakes_all_who_wait_and_nobody_who_comes_later() => OneThread.Run(async () =>
    {
        var signal = new Signal();
        signal.Set();
        var (one, two) = (signal.NextAsync(CancellationToken.None), signal.NextAsync(CancellationToken.None));
        Assert.Equal((2, false), (signal.Waiting, one.IsCompleted));
        signal.Set();
        await Task.WhenAll(one, two);
        var late = signal.NextAsync(CancellationToken.None);
        Assert.False(late.IsCompleted);
        signal.Set();
        await late;
    });

    [Fact]
    public void A_wait_ends_with_its_time_or_its_token_and_leaves_nothing_behind() => OneThread.Run(async () =>
    {
        var signal = new Signal();
        Assert.False(await signal.NextAsync(TimeSpan.Zero, _time, CancellationToken.None));
        var wait = signal.NextAsync(TimeSpan.FromSeconds(5), _time, CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(wait.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await wait);
        using var stop = new CancellationTokenSource();
        var stopped = signal.NextAsync(stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped);
        Assert.Equal(0, signal.Waiting);
    });

    [Fact]
    public void Whoever_waits_is_never_run_inside_the_call_that_wakes_or_stops_it()
    {
        var context = new OneThread();
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        try
        {
            var (signal, stop, call) = (new Signal(), new CancellationTokenSource(), new TaskCompletionSource<int>());
            var log = new List<string>();
            _ = WaitAsync(() => signal.NextAsync(CancellationToken.None), "news");
            _ = WaitAsync(() => _time.DelayAsync(TimeSpan.FromSeconds(1), CancellationToken.None), "time");
            _ = WaitAsync(() => call.Task.UntilAsync(stop.Token), "stopped");
            _time.Advance(TimeSpan.FromSeconds(1));
            signal.Set();
            stop.Cancel();
            Assert.Empty(log);
            context.RunAll();
            Assert.Equal(["time", "news", "stopped"], log);
            stop.Dispose();

            async Task WaitAsync(Func<Task> wait, string name)
            {
                try
                {
                    await wait();
                }
                catch (OperationCanceledException)
                {
                    // Stopped.
                }

                log.Add(name);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    [Fact]
    public void A_call_gives_what_it_gives_and_is_left_to_itself_when_its_caller_stops() => OneThread.Run(async () =>
    {
        using var stop = new CancellationTokenSource();
        Assert.Equal(1, await Task.FromResult(1).UntilAsync(stop.Token));
        await Assert.ThrowsAsync<IOException>(() => Task.FromException<int>(new IOException()).UntilAsync(stop.Token));
        var call = new TaskCompletionSource<int>();
        var later = call.Task.UntilAsync(stop.Token);
        call.SetResult(2);
        Assert.Equal(2, await later);
        var lost = new TaskCompletionSource<int>().Task.UntilAsync(stop.Token);
        stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost);
    });

    [Fact]
    public void Waits_double_up_to_their_bound_and_begin_anew_after_success()
    {
        foreach (var (chance, share) in new[] { (0.0, 0.5), (0.999, 0.9995) })
        {
            var backoff = new Backoff(new RetryPace(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10)), _time, () => chance);
            foreach (var bound in new[] { 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000 }) Assert.Equal(bound * share, backoff.Next().TotalMilliseconds, 6);
            Assert.Equal(9, backoff.Failures);
            backoff.Reset();
            Assert.Equal(100 * share, backoff.Next().TotalMilliseconds, 6);
        }
    }
}
