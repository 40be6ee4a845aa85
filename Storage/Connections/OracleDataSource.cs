using System.Data.Common;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Connections through Oracle's driver for whoever asks for a data source, which the driver has none of.</summary>
internal sealed class OracleDataSource(OracleConnections connections) : DbDataSource
{
    // Without the password: it is read for each connection.
    public override string ConnectionString => connections.Place;

    protected override DbConnection CreateDbConnection() => connections.Create();
}
