using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.TestSupport;

[assembly: AssemblyFixture(typeof(KafkaOracleOrleans.Storage.Tests.PostgresFixture))]

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>One PostgreSQL server for all tests of this project, started when the first test asks for it.</summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresCluster>> _cluster = new(() => PostgresCluster.StartAsync());

    public Task<PostgresCluster> GetAsync()
    {
        Assert.SkipUnless(PostgresCluster.SkipReason is null, PostgresCluster.SkipReason ?? "");
        return _cluster.Value;
    }

    /// <summary>A connection to an empty database of its own.</summary>
    public async Task<Database> CreateAsync(Action<ConnectionOptions>? configure = null)
    {
        var cluster = await GetAsync();
        return Connect(cluster.For(await cluster.CreateDatabaseAsync()), configure);
    }

    public static Database Connect(string connectionString, Action<ConnectionOptions>? configure = null)
    {
        var options = new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql,
            ConnectionString = connectionString,
        };
        configure?.Invoke(options);
        return new Database("test", options);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster.IsValueCreated) await (await _cluster.Value).DisposeAsync();
    }
}
