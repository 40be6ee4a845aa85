using KafkaOracleOrleans.Storage.Connections;
using Npgsql;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The connection string Orleans' own AdoNet providers get. It holds the password: it is never logged.</summary>
internal static class ClusterDatabase
{
    /// <summary>The provider name Orleans knows PostgreSQL by.</summary>
    public const string PostgresInvariant = "Npgsql";

    public static string ConnectionString(ConnectionOptions connection)
    {
        var text = new NpgsqlConnectionStringBuilder(connection.ConnectionString ?? "");
        if (connection.Host is not null) text.Host = connection.Host;
        if (connection.Port is { } port) text.Port = port;
        if (connection.Database is not null) text.Database = connection.Database;
        if (connection.User is not null) text.Username = connection.User;
        if (connection.PasswordFile is not null) text.Password = File.ReadAllText(connection.PasswordFile).Trim();
        else if (connection.Password is not null) text.Password = connection.Password;
        return text.ConnectionString;
    }
}
