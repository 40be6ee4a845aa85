using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using Orleans.Serialization;
using Orleans.Storage;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Control state (definitions, desired states, the catalog) in the state store, of one silo and of a cluster alike, so that a deployment may go from one to
/// the other. The store's epochs are the fence: reading raises the epoch, so that of two activations the older one's next write fails.
/// </summary>
internal sealed partial class StateStoreGrainStorage(
    IStateStore store, Serializer serializer, FormerControlState former, ILogger<StateStoreGrainStorage> log) : IGrainStorage
{
    /// <summary>The first byte of what is stored. Before there was one, the bytes began with a field header of Orleans' serializer, which this is none of.</summary>
    internal const byte Format = 1;

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var lease = await TellAsync(() => store.AcquireAsync(Owner(stateName, grainId), CancellationToken.None));
        grainState.ETag = lease.Epoch.ToString(CultureInfo.InvariantCulture);
        var payload = lease.Header is [Format, .. var current] ? current : await TakeOverAsync(stateName, grainId, lease);
        grainState.RecordExists = payload.Length > 0;
        grainState.State = payload.Length > 0 ? serializer.Deserialize<T>(payload) : Activator.CreateInstance<T>();
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        CommitAsync(stateName, grainId, grainState, serializer.SerializeToArray(grainState.State));

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await CommitAsync(stateName, grainId, grainState, []);
        grainState.State = Activator.CreateInstance<T>();
    }

    private async Task CommitAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, byte[] payload)
    {
        await CommitAsync(Owner(stateName, grainId), long.Parse(grainState.ETag ?? "0", CultureInfo.InvariantCulture), payload);
        grainState.RecordExists = payload.Length > 0;
    }

    /// <summary>
    /// What was written before there was one store: by a cluster into Orleans' own table, or by a single silo here. From the first reading on, this store has
    /// it and nothing else counts; the fence sees to it that of two silos only one takes it over.
    /// </summary>
    private async Task<byte[]> TakeOverAsync(string stateName, GrainId grainId, OwnerLease lease)
    {
        var found = former.Find(stateName, grainId);
        var payload = found ?? lease.Header ?? [];
        if (payload.Length == 0) return [];
        await CommitAsync(lease.Owner, lease.Epoch, payload);
        if (found is null) return payload;
        var key = grainId.Key.ToString() ?? "";
        LogTakenOver(stateName, key);
        return payload;
    }

    private async Task CommitAsync(string owner, long epoch, byte[] payload)
    {
        var write = new CheckpointWrite { Owner = owner, Epoch = epoch, Header = [Format, .. payload] };
        await TellAsync(async () =>
        {
            await store.CommitAsync(write, CancellationToken.None);
            return true;
        });
    }

    /// <summary>What fails here fails the activation, whose exception goes to callers on any silo.</summary>
    private static async Task<T> TellAsync<T>(Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (EpochFencedException e)
        {
            throw new InconsistentStateException(e.Message);
        }
    }

    private static string Owner(string stateName, GrainId grainId) => $"@control/{stateName}/{grainId}";

    [LoggerMessage(Level = LogLevel.Information, Message = "Control state '{State}' of '{Key}' was taken over from the table OrleansStorage into the state store.")]
    private partial void LogTakenOver(string state, string key);
}

/// <summary>The name of the grain storage for control state.</summary>
internal static class PipelineGrainStorage
{
    public const string Name = "kor";
}
