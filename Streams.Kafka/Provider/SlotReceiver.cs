using KafkaOracleOrleans.Streams.Kafka.Reading;
using Orleans.Streams;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>
/// Gives a slot's agent the batches of its partitions; reading is the poll thread's work. A partition with enough
/// batches in Orleans' hands gets no more, whatever the others do.
/// </summary>
internal sealed class SlotReceiver(ReaderContext context, int slot) : IQueueAdapterReceiver
{
    // What is there to take is signalled, and the agent's end cancels the wait; it comes back for whatever else it has to see to. There are more slots than
    // partitions in a small silo: an empty one that comes back often is what most of an idle silo's wake-ups would be.
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);
    private object? _claim;
    private int _next;

    public Task Initialize(TimeSpan timeout)
    {
        _claim = context.TakeSlot(slot);
        return Task.CompletedTask;
    }

    public Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount) =>
        GetQueueMessagesAsync(maxCount, CancellationToken.None);

    /// <summary>
    /// Waits, without holding the agent's thread, until there is something, for a moment at most: an idle slot costs
    /// next to nothing and a batch is handed on as soon as it is there.
    /// </summary>
    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount, CancellationToken cancellationToken)
    {
        if (_claim is not { } claim || maxCount == 0)
            return [];
        if (Take(maxCount, claim) is { } taken)
            return taken;
        await context.Signal(slot).WaitAsync(MaxWait, cancellationToken).ConfigureAwait(false);
        return Take(maxCount, claim) ?? [];
    }

    /// <summary>Positions are the application's; Orleans' word that something was delivered is not used.</summary>
    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages) => Task.CompletedTask;

    public Task Shutdown(TimeSpan timeout)
    {
        if (_claim is { } claim)
            context.ReleaseSlot(slot, claim);
        _claim = null;
        return Task.CompletedTask;
    }

    private List<IBatchContainer>? Take(int maxCount, object claim)
    {
        var partitions = context.GetPartitions(slot, claim);
        var limit = maxCount < 0 ? int.MaxValue : maxCount;
        List<IBatchContainer>? taken = null;
        var start = partitions.Length > 1 ? _next++ : 0;
        for (var i = 0; i < partitions.Length; i++)
        {
            var partition = partitions[(int)(((uint)start + (uint)i) % (uint)partitions.Length)];
            if (!ReferenceEquals(partition.Claim, claim))
                continue;
            while ((taken?.Count ?? 0) < limit && partition.TryTake(context.Options.MaxBatchesInFlight) is { } batch)
                (taken ??= []).Add(batch);
        }

        return taken;
    }
}
