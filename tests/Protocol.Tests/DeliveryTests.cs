using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Writers;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>When rows are sent to a sink's lane, on a clock that only the test moves.</summary>
public sealed class DeliveryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Writer _writer = new();
    private long _next;

    public void Dispose() => _stop.Dispose();

    [Fact]
    public void Rows_wait_for_their_number_their_bytes_or_the_interval() => OneThread.Run(async () =>
    {
        var delivery = Start(new FlushPlan(100, 1 << 20, 60_000));
        Enqueue(delivery, 40);
        Enqueue(delivery, 40);
        await AdvanceAsync(TimeSpan.FromSeconds(59));
        Assert.Empty(_writer.Calls);
        Enqueue(delivery, 40);
        await SettleAsync();
        // What fits into one call goes; the rest waits on.
        Assert.Equal([80], _writer.Calls);
        Assert.Equal(40, delivery.PendingRows);
        delivery.Assert();
        await AdvanceAsync(TimeSpan.FromSeconds(59));
        Assert.Single(_writer.Calls);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal([80, 40], _writer.Calls);

        var small = Start(new FlushPlan(100_000, 1024, 3_600_000));
        Enqueue(small, 1);
        await SettleAsync();
        Assert.Equal(2, _writer.Calls.Count);
        Enqueue(small, 500);
        await SettleAsync();
        Assert.Equal([80, 40, 1, 500], _writer.Calls);
        _stop.Cancel();
        await delivery.Loop;
    });

    [Fact]
    public void A_failed_sink_is_tried_again_when_it_said_and_not_before() => OneThread.Run(async () =>
    {
        var noTable = new WriterReply(WriterAnswer.Failed, -1, "no table", 0, TimeSpan.FromMinutes(1));
        _writer.Answers.Enqueue(noTable);
        _writer.Answers.Enqueue(noTable);
        var delivery = Start(new FlushPlan(10, 1 << 20, 1000));
        Enqueue(delivery, 10);
        await SettleAsync();
        Assert.Equal((Condition.Failed, "no table"), (delivery.State, delivery.Reason));
        await AdvanceAsync(TimeSpan.FromSeconds(59));
        Assert.Single(_writer.Calls);
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal((2, -1), (_writer.Calls.Count, delivery.Confirmed));
        await AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Equal((3, Condition.Running, 10, 0), (_writer.Calls.Count, delivery.State, delivery.Confirmed, delivery.PendingRows));
        _stop.Cancel();
        await delivery.Loop;
    });

    /// <summary>Whoever waits in a loop must hear of the end at once, or never gives the scheduler back on which the news would come.</summary>
    [Fact]
    public void A_wait_for_news_with_a_limit_ends_with_its_owner() => OneThread.Run(async () =>
    {
        var delivery = Start(new FlushPlan(10, 1 << 20, 1000));
        var limit = TimeSpan.FromMilliseconds(200);
        var over = delivery.ChangedAsync(limit);
        await AdvanceAsync(limit);
        Assert.True(over.IsCompletedSuccessfully);
        var waiting = delivery.ChangedAsync(limit);
        await SettleAsync();
        Assert.False(waiting.IsCompleted);
        _stop.Cancel();
        await SettleAsync();
        Assert.True(waiting.IsCanceled);
        Assert.True(delivery.ChangedAsync(limit).IsCanceled);
        await delivery.Loop;
    });

    /// <summary>A checkpoint at C asks for rows below C to be confirmed: what was handed in after them, or is under way, does not count.</summary>
    [Fact]
    public void A_position_is_confirmed_when_all_rows_below_it_are_written_and_not_before() => OneThread.Run(async () =>
    {
        var delivery = Start(new FlushPlan(10, 1 << 20, 1000));
        delivery.Advance(5);
        Assert.Equal(5, delivery.Confirmed);
        _writer.Hold = new TaskCompletionSource();
        _next = 5;
        Enqueue(delivery, 10);
        await SettleAsync();
        Assert.Equal(10, delivery.InFlight);
        delivery.Advance(20);
        await SettleAsync();
        Assert.Equal((5, 20), (delivery.Confirmed, delivery.Sent));
        delivery.Assert();
        _writer.Hold.SetResult();
        await SettleAsync();
        Assert.Equal((20, 0), (delivery.Confirmed, delivery.PendingRows));
        _stop.Cancel();
        await delivery.Loop;
    });

    [Fact]
    public void A_fenced_owner_sends_nothing_more() => OneThread.Run(async () =>
    {
        _writer.Answers.Enqueue(new WriterReply(WriterAnswer.Fenced, 3, "A newer owner.", 0));
        var delivery = Start(new FlushPlan(10, 1 << 20, 1000));
        Enqueue(delivery, 10);
        await SettleAsync();
        Enqueue(delivery, 10);
        await AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.True(delivery.IsFenced);
        Assert.Equal((1, -1), (_writer.Calls.Count, delivery.Confirmed));
        _stop.Cancel();
        await delivery.Loop;
    });

    private SinkDelivery Start(FlushPlan flush) => new(_writer, TestSink.Plan(flush), 1, -1, TestSink.Context(_time), _stop.Token);

    private void Enqueue(SinkDelivery delivery, int rows)
    {
        _next += rows;
        long[] ids = [.. Enumerable.Range((int)_next - rows, rows).Select(i => (long)i)];
        delivery.Enqueue(TestSink.Rows(ids), ids, null, null, _next);
    }

    private async Task AdvanceAsync(TimeSpan step)
    {
        await SettleAsync();
        _time.Advance(step);
        await SettleAsync();
    }

    /// <summary>Until nobody has anything to do before the clock moves: turns go round, and few are needed.</summary>
    private static async Task SettleAsync()
    {
        for (var turn = 0; turn < 50; turn++) await Task.Yield();
    }

    /// <summary>Notes the calls and answers as told, with Ok when nothing was told.</summary>
    private sealed class Writer : IWriter
    {
        public List<int> Calls { get; } = [];

        public Queue<WriterReply> Answers { get; } = [];

        public TaskCompletionSource? Hold { get; set; }

        public async Task<WriterReply> WriteAsync(WriterCall call)
        {
            Calls.Add(call.Rows.Count);
            if (Hold is not null) await Hold.Task;
            return Answers.TryDequeue(out var answer) ? answer : new WriterReply(WriterAnswer.Ok, call.Progress, null, 0);
        }

        public Task<WriterReply> FenceAsync(string owner, Epoch epoch, int version) => throw new NotSupportedException();
    }
}
