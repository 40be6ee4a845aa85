namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Wakes a slot's agent when there may be something to take; remembers a signal nobody waited for.</summary>
internal sealed class SlotSignal
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _waiter;
    private bool _isSet;

    public void Set()
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_waiter is null)
            {
                _isSet = true;
                return;
            }

            waiter = _waiter;
            _waiter = null;
        }

        waiter.TrySetResult();
    }

    /// <summary>Returns at the next signal, when the time is over or the token is cancelled; never throws.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (_isSet)
            {
                _isSet = false;
                return;
            }

            _waiter = waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timer.CancelAfter(limit);
        await using var end = timer.Token.UnsafeRegister(static w => ((TaskCompletionSource)w!).TrySetResult(), waiter);
        await waiter.Task.ConfigureAwait(false);
    }
}
