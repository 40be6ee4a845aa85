using System.Collections.Concurrent;
using System.Data.Common;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Lookups;

/// <summary>Reference rows from a table of any configured database.</summary>
public sealed class AdoLookup(DatabaseConnections connections) : ILookupSource
{
    /// <summary>The most keys of one query; more are asked for in several.</summary>
    public const int MaxKeys = 10_000;

    // The types of text keys' columns, by table, as long as lookups work with them.
    private readonly ConcurrentDictionary<(string Connection, string Table, string Keys), LookupColumn[]> _keys = new();

    /// <inheritdoc/>
    public Task<LookupResult> LookupAsync(LookupSpec spec, RowBlock keys, CancellationToken cancellation)
    {
        var (database, table) = Resolve(spec, [.. keys.Schema.Fields.Select(f => f.Type)]);
        var values = NewBlock(table.Values);
        values.Reset(spec.Several ? 0 : keys.Count);
        foreach (var column in values.Columns) Array.Fill(column.IsNull, true, 0, values.Count);
        var answers = new Answers(spec, database.Dialect, values, new bool[keys.Count]);
        var rows = AskedRows(keys, answers);
        return rows.Length == 0 ? Task.FromResult(answers.Result()) : RunAsync(spec, async () =>
        {
            if (database.Dialect.ConvertsLookupKeys) table = await WithTypesAsync(database, table, cancellation).ConfigureAwait(false);
            // One key the database refuses fails the query of all: halves of the keys find it.
            var work = new Stack<int[]>();
            foreach (var chunk in rows.Chunk(MaxKeys)) work.Push(chunk);
            while (work.TryPop(out var part))
            {
                try
                {
                    await AskAsync(database, table, keys, part, answers, cancellation).ConfigureAwait(false);
                }
                catch (DatabaseException changed) when (changed.Error.Class == ErrorClass.Configuration)
                {
                    _keys.TryRemove(NameOf(database, table), out _);
                    throw;
                }
                catch (DatabaseException refused) when (refused.Error.Class == ErrorClass.Row)
                {
                    answers.Forget(part);
                    if (part.Length == 1)
                    {
                        answers.Refuse(part[0], refused.Error.ToString());
                        continue;
                    }

                    work.Push(part[(part.Length / 2)..]);
                    work.Push(part[..(part.Length / 2)]);
                }
            }

            return answers.Result();
        });
    }

    /// <summary>A uuid or a value of an enum type is no text to the database; asked once, and again when the table has become another one.</summary>
    private async Task<LookupTable> WithTypesAsync(Database database, LookupTable table, CancellationToken cancellation)
    {
        if (!Array.Exists(table.Keys, k => k.Type.Kind == FieldKind.String)) return table;
        var name = NameOf(database, table);
        if (!_keys.TryGetValue(name, out var keys))
        {
            var info = await database.ReadAsync((session, token) => database.Dialect.ReadTableAsync(session, table.Name, token), cancellation).ConfigureAwait(false);
            // What cannot be seen is for the query to say.
            keys = info is null ? table.Keys : Array.ConvertAll(table.Keys, k => (k.Type.Kind == FieldKind.String ? info.Find(k.Name) : null) switch
            {
                { Shape: ColumnShape.FromText } column => k with { CastTo = column.TypeText },
                // Without its length, to which a cast would cut what is longer.
                { Type: LookupColumn.Padded } => k with { CastTo = LookupColumn.Padded },
                _ => k,
            });
            if (info is not null) _keys[name] = keys;
        }

        return table with { Keys = keys };
    }

    private static (string, string, string) NameOf(Database database, LookupTable table) =>
        (database.Name, table.Quoted, string.Join(',', table.Keys.Select(k => $"{k.Quoted}:{k.Type}")));

    private static Task<bool> AskAsync(
        Database database, LookupTable table, RowBlock keys, int[] rows, Answers answers, CancellationToken cancellation) =>
        database.ReadAsync(
            async (session, token) =>
            {
                // A read that failed half-way is repeated with the same keys: nothing of it is kept.
                answers.Forget(rows);
                await database.Dialect.LookupAsync(session, table, keys, rows, (key, reader, offset) => answers.Take(key, reader, offset), token)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation);

    /// <inheritdoc/>
    public Task<LookupTableRows> ReadAllAsync(
        LookupSpec spec, IReadOnlyList<FieldType> keyTypes, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        var (database, table) = Resolve(spec, keyTypes);
        return RunAsync(spec, async () =>
        {
            if (database.Dialect.ConvertsLookupKeys) table = await WithTypesAsync(database, table, cancellation).ConfigureAwait(false);
            var columns = table.Keys.Concat(table.Values).ToArray();
            var text = $"SELECT {string.Join(", ", columns.Select(database.Dialect.SelectText))} FROM {table.Quoted} "
                + database.Dialect.Limit(maxRows + 1);
            return await database.ReadAsync(
                async (session, token) =>
                {
                    var read = new WholeTable(spec, database.Dialect, table, NewBlock(columns), maxRows);
                    await session.QueryAsync(text, read.Take, token).ConfigureAwait(false);
                    return read.Result();
                },
                cancellation).ConfigureAwait(false);
        });
    }

    private (Database Database, LookupTable Table) Resolve(LookupSpec spec, IReadOnlyList<FieldType> keyTypes)
    {
        Database database;
        try
        {
            database = connections.Get(spec.Connection);
        }
        catch (ConnectionConfigurationException fault)
        {
            throw new SinkConfigurationException($"Lookup in {spec.Table}: {fault.Message}", fault);
        }

        if (spec.KeyColumns.Count == 0 || spec.KeyColumns.Count != keyTypes.Count)
            throw new SinkConfigurationException(
                $"The lookup in {spec.Table} needs one key field per key column, at least one.");
        var dialect = database.Dialect;
        return (database, new LookupTable(
            Identifiers.Table(spec.Table, dialect.Fold, dialect.MaxIdentifierBytes),
            Columns(spec.KeyColumns, keyTypes),
            Columns(spec.ValueColumns, spec.ValueTypes)));

        LookupColumn[] Columns(IReadOnlyList<string> names, IReadOnlyList<FieldType> types) =>
            [.. names.Select((n, i) => new LookupColumn(
                Identifiers.Column(n, dialect.Fold, dialect.MaxIdentifierBytes), types[i]))];
    }

    /// <summary>The rows whose key has no NULL in it (NULL equals nothing) and can be asked for.</summary>
    private static int[] AskedRows(RowBlock keys, Answers answers)
    {
        var rows = new List<int>(keys.Count);
        for (var row = 0; row < keys.Count; row++)
        {
            if (!Array.Exists(keys.Columns, c => c.IsNull[row]) && answers.CanAsk(keys, row)) rows.Add(row);
        }

        return [.. rows];
    }

    private static RowBlock NewBlock(IReadOnlyList<LookupColumn> columns) =>
        // A column may be asked for twice, as key and as value.
        new(new Schema([.. columns.Select((c, i) => new Field($"{i} {c.Name}", c.Type))]));

    private static async Task<T> RunAsync<T>(LookupSpec spec, Func<Task<T>> body)
    {
        try
        {
            return await body().ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (failure.Error.Class == ErrorClass.Configuration)
        {
            throw new SinkConfigurationException(
                $"The lookup in {spec.Table} cannot work: {failure.Message}. Check table, columns and privileges.",
                    failure);
        }
        catch (DatabaseException failure)
        {
            throw new StoreUnavailableException($"The lookup in {spec.Table} failed: {failure.Message}", failure);
        }
        catch (ConnectionConfigurationException failure)
        {
            throw new SinkConfigurationException($"The lookup in {spec.Table} cannot work: {failure.Message}", failure);
        }
    }
}
