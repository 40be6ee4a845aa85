using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>The quarantine in a table of a database.</summary>
/// <param name="database">The database.</param>
/// <param name="tableName">The table, or null for kor_quarantine.</param>
public sealed class AdoQuarantine(Database database, string? tableName = null) : IQuarantine
{
    /// <summary>Records of one transaction; more are added in several.</summary>
    private const int MaxRecords = 5000;

    private readonly QuarantineTable _table = QuarantineTable.Of(database.Dialect, tableName);

    /// <summary>Where the records lie.</summary>
    internal string Place => $"{database.Place} {_table.Sql}";

    /// <summary>The records, to be looked at.</summary>
    public QuarantineStore Store { get; } = new(database, tableName);

    /// <summary>
    /// Makes the table when it is missing and <paramref name="create"/> allows it, and checks its version. Throws
    /// <see cref="ConnectionConfigurationException"/> naming what to run, or <see cref="StoreUnavailableException"/>.
    /// </summary>
    public async Task EnsureAsync(bool create, CancellationToken cancellation)
    {
        if (_table.Name is null)
        {
            await SchemaScripts.EnsureAsync(
                database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create, cancellation).ConfigureAwait(false);
            return;
        }

        if (await ExistsAsync(cancellation).ConfigureAwait(false)) return;
        var statements = _table.CreateStatements();
        if (!create)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{database.Name}': there is no quarantine table {_table.Name}: set Kor:State:Create, or run\n"
                + string.Join(";\n", statements) + ";");
        }

        await CallAsync(async () =>
        {
            foreach (var statement in statements)
                await SchemaScripts.RunTextAsync(database, statement + ";", cancellation).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task AddAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation) => CallAsync(async () =>
    {
        foreach (var chunk in records.Chunk(MaxRecords))
        {
            await database.WriteWithRetryAsync(
                (session, token) => QuarantineRows.AddAsync(
                    session, _table.AddText, chunk, database.NowMicroseconds, token),
                cancellation).ConfigureAwait(false);
        }

        return true;
    });

    /// <inheritdoc/>
    public Task RenewAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation) => CallAsync(() =>
        database.WriteWithRetryAsync(
            async (session, token) =>
            {
                await QuarantineRows.RenewAsync(session, _table, records, database.NowMicroseconds, token)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation));

    /// <inheritdoc/>
    public Task<IReadOnlyList<QuarantinedRecord>> FindAsync(
        string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation) =>
        CallAsync(() => Store.FindAsync(pipeline, ids, cancellation));

    /// <inheritdoc/>
    public Task<int> RemoveAsync(string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation) =>
        CallAsync(() => Store.RemoveAsync(pipeline, ids, cancellation));

    /// <inheritdoc/>
    public Task<int> ForgetAsync(
        string pipeline, string topic, int partition, long from, CancellationToken cancellation) =>
        CallAsync(() => Store.DropAsync(
            new QuarantineFilter { Pipeline = pipeline, Topic = topic, Partition = partition, FromOffset = from },
            cancellation));

    /// <summary>Whether the table is there.</summary>
    public Task<bool> ExistsAsync(CancellationToken cancellation) => CallAsync(async () => _table.Name is null
        ? await SchemaScripts.VersionAsync(database, SchemaScripts.Sink, cancellation).ConfigureAwait(false) is not null
        : await database.ReadAsync(
            (session, token) => database.Dialect.ReadTableAsync(session, _table.Name, token), cancellation)
            .ConfigureAwait(false) is not null);

    private static async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is DatabaseException or ConnectionConfigurationException)
        {
            throw new StoreUnavailableException($"The quarantine cannot be used: {failure.Message}", failure);
        }
    }
}
