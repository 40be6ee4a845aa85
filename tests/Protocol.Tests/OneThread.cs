namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>A scheduler of one thread, which is what the protocol is written for. What waits for ever shows as a test that says so.</summary>
internal sealed class OneThread : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();

    public override void Post(SendOrPostCallback d, object? state) => _queue.Enqueue((d, state));

    public void RunAll()
    {
        while (_queue.TryDequeue(out var item)) item.Callback(item.State);
    }

    public static void Run(Func<Task> test)
    {
        var (before, context) = (Current, new OneThread());
        SetSynchronizationContext(context);
        try
        {
            var task = test();
            context.RunAll();
            Assert.True(task.IsCompleted, "The test waits for something that nobody does.");
            task.GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }
}
