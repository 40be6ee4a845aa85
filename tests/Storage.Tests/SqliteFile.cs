using KafkaOracleOrleans.Storage.Connections;

[assembly: AssemblyFixture(typeof(KafkaOracleOrleans.Storage.Tests.SqliteFile))]

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>SQLite files of the tests, in one folder that goes when the tests are done.</summary>
public sealed class SqliteFile : IDisposable
{
    private static readonly string Folder = Directory.CreateTempSubdirectory("kor-sqlite-").FullName;

    public static Database Create(Action<ConnectionOptions>? configure = null)
    {
        var options = Options();
        configure?.Invoke(options);
        return new Database("test", options);
    }

    public static ConnectionOptions Options() => new()
    {
        Provider = DatabaseProvider.Sqlite,
        Database = Path.Combine(Folder, $"{Guid.NewGuid():N}.db"),
    };

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
