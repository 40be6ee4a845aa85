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
    /// <summary>The most keys of one call.</summary>
    public const int MaxKeys = 10_000;

    /// <inheritdoc/>
    public Task<LookupResult> LookupAsync(LookupSpec spec, RowBlock keys, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(keys.Count, MaxKeys);
        var (database, table) = Resolve(spec, [.. keys.Schema.Fields.Select(f => f.Type)]);
        var values = NewBlock(table.Values);
        values.Reset(keys.Count);
        foreach (var column in values.Columns) Array.Fill(column.IsNull, true, 0, keys.Count);
        var found = new bool[keys.Count];
        var result = new LookupResult(values, found);
        var rows = AskedRows(keys);
        if (rows.Length == 0) return Task.FromResult(result);
        return RunAsync(spec, () => database.ReadAsync(
            async (session, token) =>
            {
                // A read that failed half-way is repeated by the caller with the same keys: nothing of it is kept.
                await database.Dialect.LookupAsync(session, table, keys, rows, (key, reader, offset) => Take(
                    spec, database.Dialect, reader, offset, values, found, key), token).ConfigureAwait(false);
                return result;
            },
            cancellation));
    }

    /// <inheritdoc/>
    public Task<RowBlock> ReadAllAsync(
        LookupSpec spec, IReadOnlyList<FieldType> keyTypes, int maxRows, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        var (database, table) = Resolve(spec, keyTypes);
        var columns = table.Keys.Concat(table.Values).ToArray();
        var text = $"SELECT {string.Join(", ", columns.Select(c => c.Quoted))} FROM {table.Quoted} "
            + database.Dialect.Limit(maxRows + 1);
        return RunAsync(spec, () => database.ReadAsync(
            async (session, token) =>
            {
                var block = NewBlock(columns);
                await session.QueryAsync(
                    text,
                    reader =>
                    {
                        if (block.Count == maxRows)
                        {
                            throw new SinkConfigurationException(
                                $"The lookup table {table.Name} has more than {maxRows} rows, too many to preload: "
                                + "raise the limit, or look rows up with a cache instead.");
                        }

                        var row = block.Count++;
                        for (var i = 0; i < columns.Length; i++)
                        {
                            block.Columns[i].EnsureCapacity(block.Count);
                            Read(spec, database.Dialect, reader, i, columns[i], block.Columns[i], row);
                        }
                    },
                    token).ConfigureAwait(false);
                return block;
            },
            cancellation));
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

    /// <summary>The rows whose key has no NULL in it: NULL equals nothing.</summary>
    private static int[] AskedRows(RowBlock keys)
    {
        var rows = new List<int>(keys.Count);
        for (var row = 0; row < keys.Count; row++)
        {
            if (!Array.Exists(keys.Columns, c => c.IsNull[row])) rows.Add(row);
        }

        return [.. rows];
    }

    private static RowBlock NewBlock(IReadOnlyList<LookupColumn> columns) =>
        new(new Schema([.. columns.Select(c => new Field(c.Name, c.Type))]));

    private static void Take(
        LookupSpec spec, Dialect dialect, DbDataReader reader, int offset, RowBlock values, bool[] found, int key)
    {
        if (found[key])
        {
            throw new SinkConfigurationException(
                $"The lookup in {spec.Table} finds several rows for one key of ({string.Join(", ", spec.KeyColumns)}): "
                + "which one counts would be chance. Make the columns unique, or look up in a view that is.");
        }

        found[key] = true;
        for (var i = 0; i < values.Columns.Length; i++)
            Read(spec, dialect, reader, offset + i, new LookupColumn(spec.ValueColumns[i], spec.ValueTypes[i]),
                values.Columns[i], key);
    }

    private static void Read(
        LookupSpec spec, Dialect dialect, DbDataReader reader, int ordinal, LookupColumn column, Column target, int row)
    {
        try
        {
            dialect.ReadValue(reader, ordinal, target, row);
        }
        catch (Exception fault) when (fault is InvalidCastException or FormatException or OverflowException)
        {
            throw new SinkConfigurationException(
                $"The lookup column {spec.Table}.{column.Name} holds a value that is no {column.Type} "
                + $"({reader.GetDataTypeName(ordinal)}: {fault.Message}). Declare the type the column has.", fault);
        }
    }

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
