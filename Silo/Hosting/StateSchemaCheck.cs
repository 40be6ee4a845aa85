using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Makes or checks the tables of the state store and, in a cluster, those of Orleans, before anything else starts: what is wrong ends the host in its own
/// words.
/// </summary>
internal sealed class StateSchemaCheck(IServiceProvider services, KorOptions options) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var database = KorHostingExtensions.StateDatabase(services);
        await StateSchema.EnsureAsync(database, options.State.Create, cancellationToken);
        await new AdoQuarantine(database).EnsureAsync(options.State.Create, cancellationToken);
        await new AuditStore(database).EnsureAsync(options.State.Create, cancellationToken);
        if (options.Cluster.Connection.Length == 0)
        {
            await services.GetRequiredService<SoleSilo>().TakeAsync(cancellationToken);
            return;
        }

        var cluster = services.GetRequiredService<DatabaseConnections>().Get(options.Cluster.Connection);
        await OrleansSchema.EnsureAsync(cluster, options.State.Create, cancellationToken);
        await services.GetRequiredService<FormerControlState>().LoadAsync(cluster, options.Cluster.ServiceId, cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
