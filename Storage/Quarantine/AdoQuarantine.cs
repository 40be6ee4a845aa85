using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>The quarantine in table kor_quarantine of a database.</summary>
public sealed class AdoQuarantine(Database database) : IQuarantine
{
    /// <summary>Records of one transaction; more are added in several.</summary>
    private const int MaxRecords = 5000;

    /// <summary>
    /// Makes the table when it is missing and <paramref name="create"/> allows it, and checks its version. Throws
    /// <see cref="ConnectionConfigurationException"/> naming the script to run.
    /// </summary>
    public Task EnsureAsync(bool create, CancellationToken cancellation) =>
        SchemaScripts.EnsureAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, cancellation);

    /// <inheritdoc/>
    public async Task AddAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation)
    {
        try
        {
            foreach (var chunk in records.Chunk(MaxRecords))
            {
                await database.WriteWithRetryAsync(
                    (session, token) => QuarantineRows.AddAsync(session, chunk, database.NowMicroseconds, token),
                    cancellation).ConfigureAwait(false);
            }
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The quarantine cannot take records: {failure.Message}", failure);
        }
        catch (ConnectionConfigurationException failure)
        {
            throw new StoreUnavailableException($"The quarantine cannot take records: {failure.Message}", failure);
        }
    }
}
