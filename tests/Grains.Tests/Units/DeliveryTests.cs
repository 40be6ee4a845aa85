using System.Collections.Concurrent;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Sinks;
using KafkaOracleOrleans.Grains.Tests.Support;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>When rows are sent to a sink's lane, on a clock that only the test moves.</summary>
public sealed class DeliveryTests : IDisposable
{
    private readonly Clock _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Writer _writer = new();
    private readonly SinkPlan _plan = TestPipeline.Compile().Sinks[0];
    private long _next;

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        _writer.Dispose();
    }

    [Fact]
    public async Task Rows_wait_for_their_number_their_bytes_or_the_interval()
    {
        var delivery = Start(new FlushPlan(100, 1 << 20, 60_000));
        Enqueue(delivery, 40);
        Enqueue(delivery, 40);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Empty(_writer.Calls);
        Enqueue(delivery, 40);
        // What fits into one call goes; the rest waits on.
        Assert.Equal(80, await _writer.NextAsync());
        Assert.Equal(40, delivery.PendingRows);
        await AdvanceUntilAsync(() => _writer.Calls.Count == 2, TimeSpan.FromSeconds(30));
        Assert.Equal(40, await _writer.NextAsync());

        var small = Start(new FlushPlan(100_000, 1024, 3_600_000));
        Enqueue(small, 1);
        Assert.Empty(_writer.Calls.Skip(2));
        Enqueue(small, 500);
        Assert.Equal(1, await _writer.NextAsync());
        Assert.Equal(500, await _writer.NextAsync());
    }

    [Fact]
    public async Task A_failed_sink_is_tried_again_when_it_said_and_not_before()
    {
        _writer.Answers.Enqueue(new SinkReply(SinkAnswer.Failed, -1, "no table", 0) { RetryAfter = TimeSpan.FromMinutes(1) });
        _writer.Answers.Enqueue(new SinkReply(SinkAnswer.Failed, -1, "no table", 0) { RetryAfter = TimeSpan.FromMinutes(1) });
        var delivery = Start(new FlushPlan(10, 1 << 20, 1000));
        Enqueue(delivery, 10);
        await _writer.NextAsync();
        await UntilAsync(() => delivery.State == PartState.Failed);
        Assert.Equal("no table", delivery.Reason);
        // The state is set before the wait begins: a clock moved between them would be the wait's own beginning.
        await UntilAsync(() => _time.Waits(TimeSpan.FromMinutes(1)));
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Single(_writer.Calls);
        _time.Advance(TimeSpan.FromSeconds(1));
        await _writer.NextAsync();
        Assert.Equal(-1, delivery.Confirmed);
        await AdvanceUntilAsync(() => _writer.Calls.Count == 3, TimeSpan.FromMinutes(1));
        await UntilAsync(() => delivery.State == PartState.Running);
        Assert.Equal((10, 0), (delivery.Confirmed, delivery.PendingRows));
    }

    private SinkDelivery Start(FlushPlan flush) => new(_writer, _plan with { Flush = flush }, 1, -1, new EngineOptions(), _time, _stop.Token);

    private void Enqueue(SinkDelivery delivery, int rows)
    {
        var block = new RowBlock(_plan.InputSchema, rows) { Count = rows };
        _next += rows;
        delivery.Enqueue(block, [.. Enumerable.Range((int)_next - rows, rows).Select(i => (long)i)], null, null, _next);
    }

    /// <summary>Moves the clock step by step: what waits may not have begun to when it is moved once.</summary>
    private Task AdvanceUntilAsync(Func<bool> condition, TimeSpan step) => UntilAsync(() =>
    {
        if (condition()) return true;
        _time.Advance(step);
        return false;
    });

    private static async Task UntilAsync(Func<bool> condition)
    {
        var until = TimeProvider.System.GetUtcNow().AddSeconds(30);
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetUtcNow() < until, "Waited in vain.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>A clock that only the test moves, and that knows for how long it was asked to wait.</summary>
    private sealed class Clock : FakeTimeProvider
    {
        private readonly ConcurrentBag<TimeSpan> _waits = [];

        public bool Waits(TimeSpan due) => _waits.Contains(due);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Add(dueTime);
            return timer;
        }
    }

    /// <summary>Notes the calls and answers as told, with Ok when nothing was told.</summary>
    private sealed class Writer : ISinkGrain, IDisposable
    {
        private readonly SemaphoreSlim _called = new(0);
        private int _seen;

        public List<int> Calls { get; } = [];

        public Queue<SinkReply> Answers { get; } = [];

        public Task<SinkReply> WriteAsync(SinkCall call)
        {
            Calls.Add(call.Rows.Count);
            _called.Release();
            return Task.FromResult(Answers.TryDequeue(out var answer) ? answer : new SinkReply(SinkAnswer.Ok, call.Progress, null, 0));
        }

        public async Task<int> NextAsync()
        {
            Assert.True(await _called.WaitAsync(TimeSpan.FromSeconds(30)), "Nothing was sent.");
            return Calls[_seen++];
        }

        public Task<SinkReply> FenceAsync(string owner, long epoch, int version) => throw new NotSupportedException();

        public void Dispose() => _called.Dispose();

        public Task StopAsync() => Task.CompletedTask;

        public Task<SinkStatus> GetStatusAsync() => throw new NotSupportedException();
    }
}
