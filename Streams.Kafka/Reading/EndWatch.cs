using Confluent.Kafka;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>
/// Asks where the logs end, for every partition owned here and in every state: fetches tell it only of partitions that are fetched, and one that is
/// paused, held back, failed or still looking for its position must show its lag all the same. One request per broker for all sources of a connection.
/// </summary>
internal sealed class EndWatch(ReaderContext context) : IAsyncDisposable
{
    /// <summary>Stopping does not wait for brokers that do not answer.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, Task> _asked = new(StringComparer.Ordinal);
    private Task _run = Task.CompletedTask;

    public void Start() => _run = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _run.ConfigureAwait(false);
        await Task.WhenAll(_asked.Values).WaitAsync(StopLimit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(context.Options.EndInterval, context.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                foreach (var sources in context.Readers.GroupBy(r => r.Source.ConnectionName, StringComparer.Ordinal))
                {
                    // A cluster that does not answer is asked once at a time, and keeps no other waiting.
                    if (!_asked.TryGetValue(sources.Key, out var running) || running.IsCompleted)
                        _asked[sources.Key] = AskAsync(sources.Key, [.. sources]);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task AskAsync(string connection, List<SourceReader> sources)
    {
        var readers = sources.SelectMany(s => s.Partitions.Select(r => new Asked(r, r.Generation, s.Source.IsolationLevel))).ToList();
        if (readers.Count == 0)
            return;
        try
        {
            var catalog = context.Catalog(connection);
            foreach (var (asked, end) in await AskAsync(catalog, readers, IsolationLevel.ReadUncommitted).ConfigureAwait(false))
                asked.Reader.NoteEnd(asked.Generation, end);
            var waiting = readers.Where(r => r.Isolation == KafkaIsolationLevel.ReadCommitted && r.Reader.StopsBelowEnd).ToList();
            if (waiting.Count == 0)
                return;
            foreach (var (asked, end) in await AskAsync(catalog, waiting, IsolationLevel.ReadCommitted).ConfigureAwait(false))
                asked.Reader.NoteStableEnd(asked.Generation, end);
        }
        catch (KafkaException e)
        {
            foreach (var source in sources)
                context.Metrics.Error(source.Source.Name, (int)e.Error.Code);
        }
        catch (ObjectDisposedException)
        {
            // The silo stops, and the ends are nobody's business any more.
            return;
        }
    }

    private static async Task<IEnumerable<(Asked Asked, long End)>> AskAsync(
        TopicCatalog catalog, List<Asked> readers, IsolationLevel isolation)
    {
        // Pipelines may read the same topic.
        var byPartition = readers.ToLookup(r => (r.Reader.Id.Topic, r.Reader.Id.Partition));
        var ends = await catalog.FindEndsAsync(byPartition.Select(p => p.Key), isolation).ConfigureAwait(false);
        return ends.SelectMany(e => byPartition[e.Partition].Select(r => (r, e.End)));
    }

    private readonly record struct Asked(PartitionReader Reader, int Generation, KafkaIsolationLevel Isolation);
}
