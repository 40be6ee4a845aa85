using System.Diagnostics;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo on its own has its state database to itself.</summary>
public sealed class SoleSiloTests : IAsyncLifetime
{
    private const string Owner = "@host/single";
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"kor-sole-{Guid.NewGuid():N}.db");
    private readonly Database _database;
    private readonly AdoStateStore _store;

    public SoleSiloTests()
    {
        _database = new Database("state", new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = _file });
        _store = new AdoStateStore(_database);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await StateSchema.EnsureAsync(_database, true, Cancel);

    [Fact]
    public async Task While_one_is_there_another_is_refused_and_after_it_has_ended_it_is_not()
    {
        var life = new Life();
        using var first = Silo(life);
        await first.StartAsync(Cancel);
        await first.TakeAsync(Cancel);
        using var second = Silo(new Life());
        var refused = await Assert.ThrowsAsync<KorConfigurationException>(() => second.TakeAsync(Cancel));
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"), refused.Message, StringComparison.Ordinal);
        await first.StopAsync(Cancel);
        await second.TakeAsync(Cancel);
        Assert.False(life.IsStopping);
    }

    [Fact]
    public async Task One_whose_database_was_taken_stops()
    {
        var life = new Life();
        using var frozen = Silo(life);
        await frozen.StartAsync(Cancel);
        await frozen.TakeAsync(Cancel);
        await _store.AcquireAsync(Owner, Cancel);
        var clock = Stopwatch.StartNew();
        while (!life.IsStopping && clock.Elapsed < TimeSpan.FromSeconds(30)) await Task.Delay(50, Cancel);
        Assert.True(life.IsStopping);
    }

    /// <summary>The bytes of version 1, of a process of this machine that is no more.</summary>
    [Fact]
    public async Task One_that_was_killed_here_is_not_waited_for()
    {
        var sign = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"Id":"7f0c4d5e-0c3b-4a52-9d0e-3f1f6a7b8c9d","Machine":"{{Environment.MachineName}}","Process":2147483646,"Url":"http://127.0.0.1:8080","Beat":7}""");
        var lease = await _store.AcquireAsync(Owner, Cancel);
        await _store.CommitAsync(new CheckpointWrite { Owner = Owner, Epoch = lease.Epoch, Header = [1, .. Encoding.UTF8.GetBytes(sign)] }, Cancel);
        using var next = Silo(new Life());
        var clock = Stopwatch.StartNew();
        await next.TakeAsync(Cancel);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"It waited {clock.Elapsed}.");
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        SqliteConnection.ClearAllPools();
        File.Delete(_file);
    }

    private SoleSilo Silo(Life life) => new(_store, new KorOptions(), life, TimeProvider.System, NullLogger<SoleSilo>.Instance);

    private sealed class Life : IHostApplicationLifetime
    {
        private volatile bool _stopping;

        public bool IsStopping => _stopping;

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => CancellationToken.None;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => _stopping = true;
    }
}
