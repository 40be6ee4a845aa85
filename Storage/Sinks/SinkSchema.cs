using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// The tables around sinks. The columns of kor_lane that came after version 0.1 have a version of their own: silos of 0.1, which
/// need nothing of them, go on working while others are upgraded.
/// </summary>
internal static class SinkSchema
{
    /// <summary>The component of kor_schema that stands for the counts in kor_lane.</summary>
    private const string Lane = "lane";

    /// <summary>
    /// Makes or extends the tables where <paramref name="create"/> allows it, and checks them. Throws
    /// <see cref="ConnectionConfigurationException"/> naming the script to run, or <see cref="StoreUnavailableException"/>.
    /// </summary>
    public static async Task EnsureAsync(Database database, bool create, CancellationToken cancellation)
    {
        await SchemaScripts.EnsureAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, cancellation).ConfigureAwait(false);
        try
        {
            if (await HasCountsAsync(database, cancellation).ConfigureAwait(false)) return;
            if (!create)
            {
                throw new ConnectionConfigurationException(
                    $"Connection '{database.Name}': kor_lane is of version 0.1 and lacks the columns written and already: "
                    + $"run {SchemaScripts.Path(database, SchemaScripts.Sink)} again, which keeps what is there, or set create: true.");
            }

            await SchemaScripts.RunAsync(database, SchemaScripts.Sink, cancellation, Lane).ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The table kor_lane cannot be extended: {failure.Message}", failure);
        }
    }

    /// <summary>False when kor_lane is of version 0.1.</summary>
    public static async Task<bool> HasCountsAsync(Database database, CancellationToken cancellation) =>
        await SchemaScripts.VersionAsync(database, Lane, cancellation).ConfigureAwait(false) is not null;
}
