using System.Threading.Channels;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Observability;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>One reader of a tap: partitions on any silo show records to it until it is gone.</summary>
internal sealed class TapSession : ITapObserver, IDisposable
{
    private const int Held = 1000;

    private readonly IGrainFactory _grains;
    private readonly IPipelineGrain _pipeline;
    private readonly TapRequest _request;
    private readonly string _name;
    private readonly ITapObserver _reference;

    // A reader that is too slow loses records, never the pipeline its pace.
    private readonly Channel<TapRecord> _records = Channel.CreateBounded<TapRecord>(
        new BoundedChannelOptions(Held) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private long _seen;
    private long _failed;

    public TapSession(IGrainFactory grains, IPipelineGrain pipeline, TapRequest request)
    {
        (_grains, _pipeline, _request) = (grains, pipeline, request);
        _reference = grains.CreateObjectReference<ITapObserver>(this);
        SiloMetrics.TapOpened(_name = pipeline.GetPrimaryKeyString());
    }

    /// <summary>How many records the output had, shown or not.</summary>
    public long Seen => Interlocked.Read(ref _seen);

    /// <summary>For how many of them the condition failed.</summary>
    public long Failed => Interlocked.Read(ref _failed);

    /// <summary>Asks the partitions to go on. Returns why they cannot, or null.</summary>
    public Task<string?> RenewAsync() => _pipeline.TapAsync(_request, _reference);

    public Task ShowAsync(string partition, long seen, long failed, IReadOnlyList<TapRecord> records)
    {
        Interlocked.Add(ref _seen, seen);
        Interlocked.Add(ref _failed, failed);
        foreach (var record in records) _records.Writer.TryWrite(record);
        return Task.CompletedTask;
    }

    /// <summary>What has come; waits for it at most so long.</summary>
    public async Task<List<TapRecord>> TakeAsync(TimeSpan wait, CancellationToken cancellation)
    {
        var taken = new List<TapRecord>();
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(wait);
        try
        {
            await _records.Reader.WaitToReadAsync(timeout.Token);
        }
        catch (OperationCanceledException)
        {
            // Nothing came in time; who asked looks whether that is the end.
            return taken;
        }

        while (taken.Count < TapRequest.MaxPerSecond && _records.Reader.TryRead(out var record)) taken.Add(record);
        return taken;
    }

    public void Dispose()
    {
        SiloMetrics.TapClosed(_name);
        _grains.DeleteObjectReference<ITapObserver>(_reference);
    }
}
