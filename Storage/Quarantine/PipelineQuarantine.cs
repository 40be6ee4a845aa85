using System.Collections.Concurrent;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>How the quarantines of a host are found.</summary>
public sealed class QuarantineRouting
{
    /// <summary>The connection of the state store, where refused records go unless a pipeline says otherwise.</summary>
    public required string StateConnection { get; init; }

    /// <summary>Make tables that are missing.</summary>
    public bool Create { get; init; }

    /// <summary>The most records of a pipeline that steps refused, in its table; 0: no limit.</summary>
    public long MaxRecords { get; init; }

    /// <summary>The most records of a pipeline that steps refuse in a minute, on one silo; 0: no limit.</summary>
    public long MaxPerMinute { get; init; }

    /// <summary>True: what comes on top is not kept, and counted; false: the pipeline waits until there is room.</summary>
    public bool DropWhenFull { get; init; }

    /// <summary>For how long a count holds.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The definition in force of a pipeline, or null when there is none.</summary>
    public required Func<string, ValueTask<PipelinePlan?>> PlanOf { get; init; }
}

/// <summary>
/// Sends refused records where their pipeline's <c>quarantine:</c> says, and finds them again. Rows a sink refuses lie in the sink's own
/// database, since they got there in the transaction that left them out.
/// </summary>
public sealed class PipelineQuarantine(DatabaseConnections connections, QuarantineRouting routing, IQuarantineTopic topics)
    : IQuarantine
{
    private static readonly QuarantinePlan Default = new(null, null, 0);

    private readonly ConcurrentDictionary<(string Connection, string? Table), AdoQuarantine> _tables = new();
    private readonly ConcurrentDictionary<(string Connection, string? Table), bool> _ready = new();
    private readonly QuarantineBound _bound = new(routing.MaxRecords, routing.MaxPerMinute, routing.Time);

    /// <summary>The places that may hold records of a pipeline, the one for records that steps refuse first.</summary>
    public async Task<IReadOnlyList<QuarantineStore>> StoresAsync(string pipeline, CancellationToken cancellation) =>
        [.. (await TablesAsync(pipeline, cancellation).ConfigureAwait(false)).Select(t => t.Store)];

    /// <inheritdoc/>
    public async Task AddAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation)
    {
        foreach (var ours in records.GroupBy(r => r.Pipeline, StringComparer.Ordinal))
        {
            var list = ours.ToArray();
            // Before a topic gets what the table would not take: it would get it again with every try.
            if (!await HasRoomAsync(ours.Key, list, cancellation).ConfigureAwait(false)) continue;
            await WriteAsync(ours.Key, list, t => t.AddAsync(list, cancellation), cancellation).ConfigureAwait(false);
            _bound.Added(ours.Key, list.Length);
        }
    }

    /// <summary>
    /// Drops all that lies in quarantine of a pipeline, as far as its places are known: of one that is removed, what is in the state database. Throws
    /// <see cref="DatabaseException"/> too.
    /// </summary>
    public async Task<int> PurgeAsync(string pipeline, CancellationToken cancellation)
    {
        var dropped = 0;
        foreach (var store in await StoresAsync(pipeline, cancellation).ConfigureAwait(false))
            dropped += await store.DropAsync(new QuarantineFilter { Pipeline = pipeline }, cancellation).ConfigureAwait(false);
        return dropped;
    }

    /// <summary>False when the records are not to be kept; throws when the pipeline has to wait.</summary>
    private async Task<bool> HasRoomAsync(string pipeline, QuarantineRecord[] records, CancellationToken cancellation)
    {
        var wait = _bound.TooFast(pipeline, records.Length);
        if (wait is not null && !routing.DropWhenFull) throw QuarantineBound.TooMany(pipeline, routing.MaxPerMinute, wait.Value);
        var full = wait is null ? await FullAtAsync(pipeline, records.Length, cancellation).ConfigureAwait(false) : null;
        if (full is not null && !routing.DropWhenFull) throw QuarantineBound.Full(pipeline, full.Value, routing.MaxRecords);
        if (wait is null && full is null) return true;
        StorageMetrics.QuarantineDropped.Add(records.Length, new KeyValuePair<string, object?>("pipeline", pipeline));
        return false;
    }

    private async Task<long?> FullAtAsync(string pipeline, int more, CancellationToken cancellation)
    {
        var target = await TargetAsync(pipeline).ConfigureAwait(false);
        if (!target.HasTable) return null;
        var table = await ReadyAsync(target.Connection ?? routing.StateConnection, target.Table, cancellation).ConfigureAwait(false);
        return await _bound.FullAtAsync(pipeline, more, () => CountAsync(table, pipeline, cancellation)).ConfigureAwait(false);
    }

    private async ValueTask<QuarantinePlan> TargetAsync(string pipeline) => (await routing.PlanOf(pipeline).ConfigureAwait(false))?.Quarantine ?? Default;

    private static async Task<long> CountAsync(AdoQuarantine table, string pipeline, CancellationToken cancellation)
    {
        try
        {
            var counts = await table.Store.CountAsync(new QuarantineFilter { Pipeline = pipeline }, cancellation).ConfigureAwait(false);
            return counts.Sum(c => c.Records);
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The quarantine cannot be used: {failure.Message}", failure);
        }
    }

    /// <inheritdoc/>
    public async Task RenewAsync(IReadOnlyList<QuarantineRecord> records, CancellationToken cancellation)
    {
        foreach (var ours in records.GroupBy(r => r.Pipeline, StringComparer.Ordinal))
        {
            var list = ours.ToArray();
            await WriteAsync(ours.Key, list, t => t.RenewAsync(list, cancellation), cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<QuarantinedRecord>> FindAsync(
        string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var found = new List<QuarantinedRecord>();
        foreach (var table in await TablesAsync(pipeline, cancellation).ConfigureAwait(false))
            found.AddRange(await table.FindAsync(pipeline, ids, cancellation).ConfigureAwait(false));
        found.Sort(static (a, b) => a.Record.Offset.CompareTo(b.Record.Offset));
        // Should settings hide that two connections lead to one schema: a record is played once.
        return [.. found.DistinctBy(r => r.Id)];
    }

    /// <inheritdoc/>
    public async Task<int> RemoveAsync(string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var removed = 0;
        foreach (var table in await TablesAsync(pipeline, cancellation).ConfigureAwait(false))
            removed += await table.RemoveAsync(pipeline, ids, cancellation).ConfigureAwait(false);
        return removed;
    }

    /// <inheritdoc/>
    public async Task<int> ForgetAsync(
        string pipeline, string topic, int partition, long from, CancellationToken cancellation)
    {
        var removed = 0;
        foreach (var table in await TablesAsync(pipeline, cancellation).ConfigureAwait(false))
            removed += await table.ForgetAsync(pipeline, topic, partition, from, cancellation).ConfigureAwait(false);
        return removed;
    }

    /// <summary>
    /// Drops the records of a pipeline that were added before a time and returns how many. Throws <see cref="DatabaseException"/> too.
    /// </summary>
    public async Task<int> ExpireAsync(string pipeline, DateTimeOffset before, CancellationToken cancellation)
    {
        var dropped = 0;
        foreach (var store in await StoresAsync(pipeline, cancellation).ConfigureAwait(false))
        {
            dropped += await store.DropAsync(new QuarantineFilter { Pipeline = pipeline, Until = before }, cancellation)
                .ConfigureAwait(false);
        }

        if (dropped > 0) StorageMetrics.QuarantineExpired.Add(dropped, new KeyValuePair<string, object?>("pipeline", pipeline));
        return dropped;
    }

    private async Task WriteAsync(
        string pipeline, QuarantineRecord[] records, Func<AdoQuarantine, Task> write, CancellationToken cancellation)
    {
        var target = await TargetAsync(pipeline).ConfigureAwait(false);
        if (target.Topic is { } topic)
        {
            var sent = Array.ConvertAll(records, r => (QuarantineRows.IdOf(r), r));
            await topics.SendAsync(topic.Connection, topic.Topic, sent, cancellation).ConfigureAwait(false);
        }

        if (!target.HasTable) return;
        var connection = target.Connection ?? routing.StateConnection;
        await write(await ReadyAsync(connection, target.Table, cancellation).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<AdoQuarantine>> TablesAsync(string pipeline, CancellationToken cancellation)
    {
        var plan = await routing.PlanOf(pipeline).ConfigureAwait(false);
        var target = plan?.Quarantine ?? Default;
        var places = new List<(string Connection, string? Table)>();
        if (target.HasTable) places.Add((target.Connection ?? routing.StateConnection, target.Table));
        foreach (var sink in plan?.Sinks ?? []) places.Add((sink.Spec.Connection, null));
        var tables = new List<AdoQuarantine>();
        // Two connections may lead to one schema, and what lies there is there once.
        foreach (var (connection, table) in places.Distinct().DistinctBy(p => Of(p.Connection, p.Table).Place))
        {
            // A sink that has not begun has no tables yet, and so nothing in quarantine.
            if (await ThereAsync(connection, table, cancellation).ConfigureAwait(false) is { } there) tables.Add(there);
        }

        return tables;
    }

    private async Task<AdoQuarantine?> ThereAsync(string connection, string? table, CancellationToken cancellation)
    {
        var found = Of(connection, table);
        if (_ready.ContainsKey((connection, table))) return found;
        return await found.ExistsAsync(cancellation).ConfigureAwait(false) ? found : null;
    }

    /// <summary>A table, made or checked before its first use in this process.</summary>
    private async Task<AdoQuarantine> ReadyAsync(string connection, string? table, CancellationToken cancellation)
    {
        var found = Of(connection, table);
        if (_ready.ContainsKey((connection, table))) return found;
        try
        {
            await found.EnsureAsync(routing.Create, cancellation).ConfigureAwait(false);
        }
        catch (ConnectionConfigurationException fault)
        {
            throw new StoreUnavailableException($"The quarantine cannot be used: {fault.Message}", fault);
        }

        _ready[(connection, table)] = true;
        return found;
    }

    private AdoQuarantine Of(string connection, string? table)
    {
        try
        {
            return _tables.GetOrAdd((connection, table), key => new AdoQuarantine(connections.Get(key.Connection), key.Table));
        }
        catch (ConnectionConfigurationException fault)
        {
            throw new StoreUnavailableException($"The quarantine cannot be used: {fault.Message}", fault);
        }
    }
}
