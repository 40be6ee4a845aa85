using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// What waits for a pipeline that is stopped: nobody runs its partitions, so their checkpoints are read from the store and the ends of their logs are asked
/// for. That happens when somebody wants to see it, not by the clock: a pipeline that is stopped costs nothing.
/// </summary>
internal sealed partial class PipelineGrain
{
    // What is older is looked up again.
    private static readonly TimeSpan LookHolds = TimeSpan.FromSeconds(5);

    // A broker that does not answer must not keep a list of pipelines waiting: what was seen last is shown meanwhile.
    private static readonly TimeSpan LookWithin = TimeSpan.FromSeconds(2);

    private IReadOnlyList<StoppedPartition> _stopped = [];
    private Task _look = Task.CompletedTask;
    private int _looks;
    private long? _lookedAt;

    /// <summary>A partition as its checkpoint has it; what could not be found out is null.</summary>
    private sealed record StoppedPartition(string Source, long Epoch, PartitionHeader? Header, long? Begin, long? End, string? Reason);

    private async Task<PartitionStatus[]> StoppedPartitionsAsync(PipelineRuntime? runtime, bool look)
    {
        if (look && runtime is not null && state.State.Sources.Count != 0 && !_halting)
        {
            if (_look.IsCompleted && (_lookedAt is not { } last || time.GetElapsedTime(last) >= LookHolds)) _look = LookAsync(runtime.Plan.Source);
            await Task.WhenAny(_look, Task.Delay(LookWithin, time));
        }

        var now = time.GetUtcNow();
        return [.. _stopped.Select(s => StatusOf(s, now))];
    }

    /// <summary>Positions have changed, or somebody runs the partitions from now on.</summary>
    private void ForgetStopped()
    {
        _looks++;
        _stopped = [];
        _look = Task.CompletedTask;
        _lookedAt = null;
    }

    private async Task LookAsync(SourcePlan source)
    {
        var mine = ++_looks;
        var found = await Task.WhenAll(state.State.Sources.ToList().Select(CheckpointAsync));
        var starts = state.State.Start?.Offsets ?? [];
        IReadOnlyDictionary<string, long> ends = new Dictionary<string, long>(), begins = ends;
        string? problem = null;
        try
        {
            ends = await logs.ResolveAsync(source, [.. found.Select(f => f.Source)], ResetTarget.Latest, 0, CancellationToken.None);
            var unread = found.Where(f => f.Header is null && !starts.ContainsKey(f.Source)).Select(f => f.Source).ToList();
            if (unread.Count != 0) begins = await logs.ResolveAsync(source, unread, ResetTarget.Earliest, 0, CancellationToken.None);
        }
        catch (KafkaSourceException e)
        {
            problem = e.Message;
        }

        // Started or set back meanwhile.
        if (mine != _looks) return;
        _stopped =
        [
            .. found.Select(f => f with { End = Of(ends, f.Source), Begin = Of(starts, f.Source) ?? Of(begins, f.Source), Reason = f.Reason ?? problem }),
        ];
        _lookedAt = time.GetTimestamp();
    }

    private async Task<StoppedPartition> CheckpointAsync(string source)
    {
        try
        {
            var lease = await store.PeekAsync(OwnerOf(source), CancellationToken.None);
            return new(source, lease?.Epoch ?? 0, lease?.Header is { } header ? PartitionHeader.Decode(header) : null, null, null, null);
        }
        catch (Exception e) when (e is StoreUnavailableException or CorruptStateException)
        {
            return new(source, 0, null, null, null, e.Message);
        }
    }

    private static long? Of(IReadOnlyDictionary<string, long> offsets, string source) => offsets.TryGetValue(source, out var offset) && offset >= 0 ? offset : null;

    private static PartitionStatus StatusOf(StoppedPartition found, DateTimeOffset now)
    {
        var header = found.Header;
        // A partition that nothing was read of yet is read from its beginning; one whose checkpoint cannot be had stands nobody knows where.
        var position = header?.Position ?? (found.Reason is null ? found.Begin : null);
        var lag = found.End is { } end && position is { } from ? Math.Max(0, end - from) : (long?)null;
        return new PartitionStatus
        {
            Partition = found.Source,
            State = PartState.Stopped,
            Reason = found.Reason,
            Position = position,
            Checkpoint = header?.Position,
            End = found.End,
            Watermark = header is null or { Watermark: long.MinValue } ? null : header.Watermark,
            Counts = header?.Counts ?? RecordCounts.Zero,
            Epoch = found.Epoch,
            RecordsPerSecond = 0,
            Rules = header?.Rules ?? [],
            LagSeconds = LagTimes.Behind(lag, header?.LastAt ?? 0, now),
        };
    }
}
