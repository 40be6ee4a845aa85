using System.Diagnostics.CodeAnalysis;
using KafkaOracleOrleans.Streams.Kafka.Reading;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Runtime.Services;
using Orleans.Services;

namespace KafkaOracleOrleans.Streams.Kafka.Provider;

/// <summary>What can be asked of a partition's owner.</summary>
[GenerateSerializer, Alias("kafka.ControlAction")]
internal enum ControlAction
{
    Seek,
    Pause,
    Resume,
    Commit,
}

/// <summary>One per silo: carries control calls to the silo that owns the partition.</summary>
[Alias("kafka.IPartitionControlService")]
internal interface IPartitionControlService : IGrainService
{
    /// <summary>False when this silo does not own the partition.</summary>
    [Alias("Control")]
    Task<bool> ControlAsync(
        string provider, string source, string topic, int partition, ControlAction action, long offset);

    [Alias("GetStatus")]
    Task<KafkaPartitionStatus?> GetStatusAsync(string provider, string source, string topic, int partition);

    [Alias("GetStatuses")]
    Task<List<KafkaPartitionStatus>> GetStatusesAsync(string provider, string source);
}

/// <summary>The silo's end of control calls.</summary>
internal sealed class PartitionControlService(
    GrainId id, Silo silo, ILoggerFactory loggerFactory, IServiceProvider services)
    : GrainService(id, silo, loggerFactory), IPartitionControlService
{
    public Task<bool> ControlAsync(
        string provider, string source, string topic, int partition, ControlAction action, long offset) =>
        LocalControl.ControlAsync(Context(provider), source, topic, partition, action, offset);

    public Task<KafkaPartitionStatus?> GetStatusAsync(string provider, string source, string topic, int partition) =>
        Task.FromResult(Context(provider)?.Describe(source, topic, partition));

    public Task<List<KafkaPartitionStatus>> GetStatusesAsync(string provider, string source) =>
        Task.FromResult<List<KafkaPartitionStatus>>([.. Context(provider)?.Describe(source) ?? []]);

    private ReaderContext? Context(string provider) => services.GetKeyedService<ReaderContext>(provider);
}

/// <summary>Control of partitions this silo owns.</summary>
internal static class LocalControl
{
    public static async Task<bool> ControlAsync(
        ReaderContext? context, string source, string topic, int partition, ControlAction action, long offset)
    {
        if (context is null || !context.TryFind(source, topic, partition, out var reader, out var owner))
            return false;
        switch (action)
        {
            case ControlAction.Seek:
                await owner.SeekAsync(reader, offset);
                break;
            case ControlAction.Pause:
            case ControlAction.Resume:
                reader.SetPaused(action == ControlAction.Pause);
                owner.WakePoller();
                break;
            case ControlAction.Commit:
                reader.NoteCommit(offset);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action, "unknown action");
        }

        return true;
    }
}

/// <summary>Reaches the control service of a given silo.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "Made by the container.")]
internal sealed class PartitionControlClient(IServiceProvider services)
    : GrainServiceClient<IPartitionControlService>(services)
{
    public IPartitionControlService Of(SiloAddress silo) => GetGrainService(silo);
}

/// <summary>Control from any silo: this one first, then the computed owner, then the others.</summary>
internal sealed class PartitionControl(
    ReaderContext context, SlotOwners owners, PartitionControlClient client, SiloAddress me) : IKafkaPartitionControl
{
    public Task SeekAsync(string source, string topic, int partition, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return ControlAsync(source, topic, partition, ControlAction.Seek, offset);
    }

    public Task PauseAsync(string source, string topic, int partition) =>
        ControlAsync(source, topic, partition, ControlAction.Pause, 0);

    public Task ResumeAsync(string source, string topic, int partition) =>
        ControlAsync(source, topic, partition, ControlAction.Resume, 0);

    public Task CommitAsync(string source, string topic, int partition, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return ControlAsync(source, topic, partition, ControlAction.Commit, offset);
    }

    public async Task<KafkaPartitionStatus?> GetStatusAsync(string source, string topic, int partition)
    {
        if (context.Describe(source, topic, partition) is { } local)
            return local;
        foreach (var silo in OthersFor(source, topic, partition))
        {
            if (await client.Of(silo).GetStatusAsync(context.Name, source, topic, partition) is { } status)
                return status;
        }

        return null;
    }

    public async Task<IReadOnlyList<KafkaPartitionStatus>> GetStatusesAsync(string source)
    {
        var calls = owners.Silos.Where(s => !s.Equals(me))
            .Select(s => client.Of(s).GetStatusesAsync(context.Name, source))
            .ToList();
        var all = new List<KafkaPartitionStatus>(context.Describe(source));
        foreach (var call in calls)
        {
            await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (call.IsCompletedSuccessfully)
                all.AddRange(await call);
        }

        return [.. all.OrderBy(s => s.Topic, StringComparer.Ordinal).ThenBy(s => s.Partition)];
    }

    private async Task ControlAsync(string source, string topic, int partition, ControlAction action, long offset)
    {
        if (await LocalControl.ControlAsync(context, source, topic, partition, action, offset))
            return;
        foreach (var silo in OthersFor(source, topic, partition))
        {
            if (await client.Of(silo).ControlAsync(context.Name, source, topic, partition, action, offset))
                return;
        }

        throw new KafkaPartitionNotOwnedException(
            $"No silo reads {new KafkaStreamId(source, topic, partition)} at the moment.");
    }

    private IEnumerable<SiloAddress> OthersFor(string source, string topic, int partition)
    {
        var slot = SlotMap.SlotOf(new KafkaStreamId(source, topic, partition), context.Options.Slots);
        var owner = owners.OwnerOf(slot);
        if (owner is not null && !owner.Equals(me))
            yield return owner;
        foreach (var silo in owners.Silos)
        {
            if (!silo.Equals(me) && !silo.Equals(owner))
                yield return silo;
        }
    }
}
