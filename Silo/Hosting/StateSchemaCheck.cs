using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Makes or checks the tables of the state store and, in a cluster, those of Orleans before the silo starts.</summary>
internal sealed class StateSchemaCheck(IServiceProvider services, KorOptions options) : IStartupTask
{
    public async Task Execute(CancellationToken cancellationToken)
    {
        var database = KorHostingExtensions.StateDatabase(services);
        await StateSchema.EnsureAsync(database, options.State.Create, cancellationToken);
        await new AdoQuarantine(database).EnsureAsync(options.State.Create, cancellationToken);
        await new AuditStore(database).EnsureAsync(options.State.Create, cancellationToken);
        if (options.Cluster.Connection.Length == 0) return;
        var cluster = services.GetRequiredService<DatabaseConnections>().Get(options.Cluster.Connection);
        await OrleansSchema.EnsureAsync(cluster, options.State.Create, cancellationToken);
        await services.GetRequiredService<FormerControlState>().LoadAsync(cluster, options.Cluster.ServiceId, cancellationToken);
    }
}
