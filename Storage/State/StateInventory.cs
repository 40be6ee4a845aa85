using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.State;

/// <summary>What kind of rows occupy the state database.</summary>
public enum StateKind
{
    /// <summary>Positions, watermarks and counts of partitions and shards.</summary>
    Owner,

    /// <summary>Open windows and remembered ids of a step.</summary>
    Cell,

    /// <summary>Closed windows that are not in their sink yet.</summary>
    Outbox,

    /// <summary>Refused records.</summary>
    Quarantine,

    /// <summary>Definitions, desired states and the list of pipelines; of no one pipeline.</summary>
    Control,

    /// <summary>Who did what; of no one pipeline.</summary>
    Audit,
}

/// <summary>What a pipeline has of a kind.</summary>
/// <param name="Pipeline">The pipeline; empty for what belongs to none.</param>
/// <param name="Step">The step, of cells.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Bytes">What is in them, without the database's own share; null where the database does not say.</param>
public sealed record StateShare(string Pipeline, StateKind Kind, string? Step, long Rows, long? Bytes);

/// <summary>
/// Says what occupies the state database. It reads whole tables: for people who ask, not for a clock. Every call may throw
/// <see cref="StoreUnavailableException"/>.
/// </summary>
public sealed class StateInventory(Database database)
{
    private const string Control = "@control/";

    /// <summary>The connection.</summary>
    public string Connection => database.Name;

    /// <summary>All there is, by pipeline, kind and step.</summary>
    public async Task<IReadOnlyList<StateShare>> ListAsync(CancellationToken cancellation)
    {
        var found = new Dictionary<(string Pipeline, StateKind Kind, string? Step), (long Rows, long? Bytes)>();
        var sql = database.Dialect.State;
        // A table that is not there (no sink's, no audit) occupies nothing.
        await ReadAsync(sql.OwnersUsed, StateKind.Owner, found, cancellation).ConfigureAwait(false);
        await ReadAsync(sql.CellsUsed, StateKind.Cell, found, cancellation).ConfigureAwait(false);
        await ReadAsync(sql.OutboxUsed, StateKind.Outbox, found, cancellation).ConfigureAwait(false);
        await ReadAsync(sql.QuarantineUsed, StateKind.Quarantine, found, cancellation).ConfigureAwait(false);
        await ReadAsync(sql.AuditUsed, StateKind.Audit, found, cancellation).ConfigureAwait(false);
        return
        [
            .. found.Select(f => new StateShare(f.Key.Pipeline, f.Key.Kind, f.Key.Step, f.Value.Rows, f.Value.Bytes))
                .OrderBy(s => s.Pipeline, StringComparer.Ordinal).ThenBy(s => s.Kind).ThenBy(s => s.Step, StringComparer.Ordinal),
        ];
    }

    private async Task ReadAsync(
        string text, StateKind kind, Dictionary<(string, StateKind, string?), (long Rows, long? Bytes)> found, CancellationToken cancellation)
    {
        try
        {
            await database.ReadAsync(
                async (session, token) =>
                {
                    var read = new List<(string Name, string? Step, long Rows, long? Bytes)>();
                    await session.QueryAsync(
                        text,
                        r => read.Add((
                            r.IsDBNull(0) ? "" : r.GetString(0), r.IsDBNull(1) ? null : r.GetString(1), Convert.ToInt64(r.GetValue(2), null),
                            r.IsDBNull(3) ? null : Convert.ToInt64(r.GetValue(3), null))),
                        token).ConfigureAwait(false);
                    foreach (var row in read) Add(found, row.Name, kind, row.Step, row.Rows, row.Bytes);
                    return true;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (database.Dialect.IsMissingTable(failure.Error))
        {
            return;
        }
        catch (Exception failure) when (failure is DatabaseException or ConnectionConfigurationException)
        {
            throw new StoreUnavailableException($"The state database cannot be looked at: {failure.Message}", failure);
        }
    }

    private static void Add(
        Dictionary<(string, StateKind, string?), (long Rows, long? Bytes)> found, string name, StateKind kind, string? step, long rows, long? bytes)
    {
        var pipeline = name;
        if (kind is StateKind.Owner or StateKind.Cell or StateKind.Outbox)
        {
            // Owners are named pipeline/kind/...
            var control = name.StartsWith(Control, StringComparison.Ordinal);
            if (control) kind = StateKind.Control;
            pipeline = control ? "" : name.Split('/')[0];
        }

        var key = (pipeline, kind, step);
        var before = found.GetValueOrDefault(key, (0, 0));
        found[key] = (before.Rows + rows, before.Bytes + bytes);
    }
}
