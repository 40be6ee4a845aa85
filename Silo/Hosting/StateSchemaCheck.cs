using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Makes or checks the state store's tables before the silo starts.</summary>
internal sealed class StateSchemaCheck(IServiceProvider services, KorOptions options) : IStartupTask
{
    public async Task Execute(CancellationToken cancellationToken)
    {
        var database = KorHostingExtensions.StateDatabase(services);
        await StateSchema.EnsureAsync(database, options.State.Create, cancellationToken);
        await new AdoQuarantine(database).EnsureAsync(options.State.Create, cancellationToken);
    }
}
