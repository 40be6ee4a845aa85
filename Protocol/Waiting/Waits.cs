namespace KafkaOracleOrleans.Protocol.Waiting;

/// <summary>Waits whose end never runs the waiting code inside a timer, a cancellation or another owner's turn, but on the scheduler it came from.</summary>
internal static class Waits
{
    /// <summary>Waits for a time.</summary>
    public static async Task DelayAsync(this TimeProvider time, TimeSpan wait, CancellationToken cancellation) =>
        await new Signal().NextAsync(wait, time, cancellation);

    /// <summary>Waits for a call, or until its caller is stopped: then what becomes of the call is nobody's business any more.</summary>
    public static async Task<T> UntilAsync<T>(this Task<T> call, CancellationToken stopping)
    {
        stopping.ThrowIfCancellationRequested();
        if (call.IsCompleted || !stopping.CanBeCanceled) return await call;
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = stopping.UnsafeRegister(static (e, token) => ((TaskCompletionSource<T>)e!).TrySetCanceled(token), ended);
        _ = ForwardAsync(call, ended);
        return await ended.Task;
    }

    /// <summary>Waits for a call, or until its caller is stopped.</summary>
    public static Task UntilAsync(this Task call, CancellationToken stopping) => DoneAsync(call).UntilAsync(stopping);

    private static async Task<bool> DoneAsync(Task call)
    {
        await call;
        return true;
    }

    private static async Task ForwardAsync<T>(Task<T> call, TaskCompletionSource<T> ended)
    {
        try
        {
            ended.TrySetResult(await call);
        }
        catch (OperationCanceledException e)
        {
            ended.TrySetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            ended.TrySetException(e);
        }
    }
}
