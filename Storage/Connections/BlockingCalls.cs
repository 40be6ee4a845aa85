namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Calls of a driver that block their thread, with a peer that may never answer.</summary>
internal static class BlockingCalls
{
    /// <summary>
    /// Runs a call on a thread of the pool and waits for it so long; then it is left alone, and
    /// <paramref name="late"/> is handed its outcome should it ever end. Throws <see cref="HungCallException"/>.
    /// </summary>
    public static async Task<T> RunAsync<T>(
        Func<Task<T>> call, TimeSpan limit, TimeProvider time, string timedOut, Func<Task<T>, ValueTask> late)
    {
        var running = Task.Run(call);
        using var over = new CancellationTokenSource();
        if (await Task.WhenAny(running, Task.Delay(limit, time, over.Token)).ConfigureAwait(false) == running)
        {
            await over.CancelAsync().ConfigureAwait(false);
            return await running.ConfigureAwait(false);
        }

        _ = AfterwardsAsync(running, late);
        throw new HungCallException(timedOut);
    }

    private static async Task AfterwardsAsync<T>(Task<T> running, Func<Task<T>, ValueTask> late)
    {
        await Task.WhenAny(running).ConfigureAwait(false);
        // Its failure has been reported as a timeout long since.
        _ = running.Exception;
        await late(running).ConfigureAwait(false);
    }
}

/// <summary>A call of a driver was given up while it was still running.</summary>
internal sealed class HungCallException(string message) : TimeoutException(message);

/// <summary>
/// Threads kept ready for a blocking driver: each of its connections can hold one for as long as its server is silent,
/// and what else needs the pool (Orleans' heartbeats above all) must not wait for it to grow by one thread per half second.
/// </summary>
internal sealed class ReservedThreads : IDisposable
{
    private static readonly Lock Gate = new();

    private int _count;

    private ReservedThreads(int count) => _count = count;

    /// <summary>Raises the pool's minimum by a number of threads until disposed.</summary>
    public static ReservedThreads Reserve(int count) => new(Change(count));

    public void Dispose() => Change(-Interlocked.Exchange(ref _count, 0));

    /// <summary>The number by which the minimum was changed; 0 when the runtime did not take it.</summary>
    private static int Change(int by)
    {
        if (by == 0) return 0;
        lock (Gate)
        {
            ThreadPool.GetMinThreads(out var workers, out var completions);
            ThreadPool.GetMaxThreads(out var most, out _);
            var target = Math.Clamp(workers + by, 1, most);
            return ThreadPool.SetMinThreads(target, completions) ? target - workers : 0;
        }
    }
}
