using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using Orleans.Serialization;
using Orleans.Storage;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Control state in the state store, for deployments of one silo without a cluster database. The store's epochs are the fence: reading raises
/// the epoch, so that of two activations the older one's next write fails.
/// </summary>
internal sealed class StateStoreGrainStorage(IStateStore store, Serializer serializer) : IGrainStorage
{
    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        var lease = await store.AcquireAsync(Owner(stateName, grainId), CancellationToken.None);
        grainState.ETag = lease.Epoch.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = lease.Header is { Length: > 0 };
        grainState.State = lease.Header is { Length: > 0 } bytes ? serializer.Deserialize<T>(bytes) : Activator.CreateInstance<T>();
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        CommitAsync(stateName, grainId, grainState, serializer.SerializeToArray(grainState.State), true);

    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        await CommitAsync(stateName, grainId, grainState, [], false);
        grainState.State = Activator.CreateInstance<T>();
    }

    private async Task CommitAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, byte[] payload, bool exists)
    {
        var epoch = long.Parse(grainState.ETag ?? "0", CultureInfo.InvariantCulture);
        try
        {
            var write = new CheckpointWrite { Owner = Owner(stateName, grainId), Epoch = epoch, Header = payload };
            await store.CommitAsync(write, CancellationToken.None);
            grainState.RecordExists = exists;
        }
        catch (EpochFencedException e)
        {
            throw new InconsistentStateException(e.Message, e);
        }
    }

    private static string Owner(string stateName, GrainId grainId) => $"@control/{stateName}/{grainId}";
}

/// <summary>The name of the grain storage for control state.</summary>
internal static class PipelineGrainStorage
{
    public const string Name = "kor";
}
