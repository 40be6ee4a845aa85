using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Proof;

/// <summary>Reads the tables of sinks as sinks write them.</summary>
public sealed class SinkTableReader(DatabaseConnections connections)
{
    /// <summary>True where the database keeps an empty text as NULL.</summary>
    public bool EmptyIsNull(string connection) => connections.Get(connection).Dialect.EmptyIsNull;

    /// <summary>
    /// Hands over all rows of a sink's table, one at a time, in a block of one row that is used again. A value that is not of its column's type comes as NULL, with
    /// what it is in the last argument. Throws <see cref="SinkUnavailableException"/> and <see cref="SinkConfigurationException"/>.
    /// </summary>
    /// <param name="spec">The sink.</param>
    /// <param name="begin">Called before the first row, and again when a connection that broke makes it begin anew.</param>
    /// <param name="take">Is handed the rows.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task ReadAsync(SinkSpec spec, Action begin, Action<RowBlock, string?> take, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(spec);
        ArgumentNullException.ThrowIfNull(begin);
        ArgumentNullException.ThrowIfNull(take);
        var database = connections.Get(spec.Connection);
        var dialect = database.Dialect;
        var table = SinkTable.From(spec, dialect);
        try
        {
            await database.ReadAsync(
                async (session, token) =>
                {
                    begin();
                    var info = await dialect.ReadTableAsync(session, table.Name, token).ConfigureAwait(false);
                    var columns = table.Columns.Select(c => dialect.SelectText(new LookupColumn(c.Name, c.Type)
                    {
                        CastTo = c.Type.Kind == FieldKind.String && info?.Find(c.Name)?.Type == LookupColumn.Padded ? LookupColumn.Padded : null,
                    }));
                    var block = new RowBlock(spec.Schema, 1) { Count = 1 };
                    await session.QueryAsync(
                        $"SELECT {string.Join(", ", columns)} FROM {table.Quoted}",
                        reader =>
                        {
                            string? fault = null;
                            for (var i = 0; i < table.Columns.Length; i++)
                                fault = dialect.TryReadValue(reader, i, block.Columns[table.Columns[i].Field], 0) is { } why ? $"{table.Columns[i].Name}: {why}" : fault;
                            take(block, fault);
                        },
                        token).ConfigureAwait(false);
                    return true;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            throw SinkFailures.Translate($"Table {spec.Table} of sink '{spec.Sink}' cannot be read", dialect, failure);
        }
    }
}
