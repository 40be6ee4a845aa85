namespace KafkaOracleOrleans.Protocol.Waiting;

/// <summary>
/// News for whoever waits for it now; who comes later waits for the next. Whoever waits for a condition looks at it first and then waits, with no other
/// wait between, so that no news can be missed. For one scheduler; only the timers and tokens behind a wait may come from elsewhere.
/// </summary>
internal sealed class Signal
{
    private List<TaskCompletionSource<bool>> _waiting = [];

    /// <summary>How many wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Wakes all who wait, none of them inside this call.</summary>
    public void Set()
    {
        if (_waiting.Count == 0) return;
        var waiting = _waiting;
        _waiting = [];
        foreach (var waiter in waiting) waiter.TrySetResult(true);
    }

    /// <summary>Waits for news.</summary>
    public Task NextAsync(CancellationToken cancellation) => WaitAsync(null, null, cancellation);

    /// <summary>Waits for news, at most for a time; false when it was over first. Nothing is waited for when there is no time left.</summary>
    public Task<bool> NextAsync(TimeSpan within, TimeProvider time, CancellationToken cancellation) => WaitAsync(within, time, cancellation);

    private async Task<bool> WaitAsync(TimeSpan? within, TimeProvider? time, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (within <= TimeSpan.Zero) return false;
        var waiter = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Add(waiter);
        using var stopping = cancellation.UnsafeRegister(static (w, token) => ((TaskCompletionSource<bool>)w!).TrySetCanceled(token), waiter);
        using var timer = within is { } rest
            ? time!.CreateTimer(static w => ((TaskCompletionSource<bool>)w!).TrySetResult(false), waiter, rest, Timeout.InfiniteTimeSpan)
            : null;
        try
        {
            return await waiter.Task;
        }
        finally
        {
            _waiting.Remove(waiter);
        }
    }
}
