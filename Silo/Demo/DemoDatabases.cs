using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>Reads the demo's <c>--state</c> and <c>--sink</c>.</summary>
internal static class DemoDatabases
{
    /// <summary>A connection from a URL or a file name.</summary>
    public static ConnectionOptions Parse(string option, string value)
    {
        if (!value.Contains("://", StringComparison.Ordinal)) return Sqlite(value);
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgresql" or "postgres" or "sqlite" or "oracle"))
        {
            // The value may hold a password, so it is not repeated.
            throw new KorConfigurationException(
                [$"{option} is not understood; write postgresql://user:password@host:port/database or the path of a SQLite file."]);
        }

        if (uri.Scheme == "sqlite") return Sqlite(uri.LocalPath);
        var user = uri.UserInfo.Split(':', 2);
        return new ConnectionOptions
        {
            Provider = uri.Scheme == "oracle" ? DatabaseProvider.Oracle : DatabaseProvider.PostgreSql,
            Host = uri.Host,
            Port = uri.IsDefaultPort || uri.Port < 0 ? null : uri.Port,
            Database = uri.AbsolutePath.Trim('/'),
            User = user[0].Length == 0 ? null : Uri.UnescapeDataString(user[0]),
            Password = user.Length == 2 ? Uri.UnescapeDataString(user[1]) : null,
        };
    }

    private static ConnectionOptions Sqlite(string path) => new()
    {
        Provider = DatabaseProvider.Sqlite,
        ConnectionString = $"Data Source={Path.GetFullPath(path)}",
    };
}
