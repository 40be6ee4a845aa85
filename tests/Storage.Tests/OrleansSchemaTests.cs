using System.Data.Common;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Orleans' own providers over the hardened scripts, in a silo of its own.</summary>
public sealed class OrleansSchemaTests(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_silo_lives_on_PostgreSQL_and_sixteen_first_writers_leave_one_row()
    {
        var cluster = await postgres.GetAsync();
        var name = await cluster.CreateDatabaseAsync();
        await using var database = PostgresFixture.Connect(cluster.For(name));
        await OrleansSchema.CreateAsync(database, Cancel);
        await OrleansSchema.CreateAsync(database, Cancel);
        await using var source = OrleansSchema.DataSource("test", new() { Provider = DatabaseProvider.PostgreSql, ConnectionString = cluster.For(name) });
        await RunAsync(DatabaseProvider.PostgreSql, null, source);
        Assert.Equal("21|21", await cluster.PsqlAsync(name,
            "SELECT count(*), count(DISTINCT (grainidhash, graintypehash, grainidn0, grainidn1, grainidextensionstring)) FROM orleansstorage"));
        Assert.Equal("0",
            await cluster.PsqlAsync(name, "SELECT count(*) FROM orleansmembershiptable WHERE status = 3"));
    }

    [Fact]
    public async Task Grain_storage_and_reminders_live_on_SQLite()
    {
        await using var database = SqliteFile.Create();
        await OrleansSchema.CreateAsync(database, Cancel);
        await RunAsync(DatabaseProvider.Sqlite, $"Data Source={database.Options.Database}", null);
    }

    [Fact]
    public async Task A_silo_lives_on_the_Oracle_stand_in_and_sixteen_first_writers_leave_one_row()
    {
        var options = await StandIn.CreateAsync(postgres);
        await using var database = new Database("test", options);
        var missing = await Assert.ThrowsAsync<ConnectionConfigurationException>(
            () => OrleansSchema.EnsureAsync(database, create: false, Cancel));
        Assert.Contains("deploy/sql/orleans/oracle.sql", missing.Message);
        await OrleansSchema.EnsureAsync(database, create: true, Cancel);
        await OrleansSchema.EnsureAsync(database, create: false, Cancel);
        await OrleansSchema.CreateAsync(database, Cancel);
        await using var source = OrleansSchema.DataSource("test", options);
        await RunAsync(DatabaseProvider.Oracle, null, source);
        var cluster = await postgres.GetAsync();
        Assert.Equal("21|21", await cluster.PsqlAsync(options.Database!,
            "SELECT count(*), count(DISTINCT (grainidhash, graintypehash, grainidn0, grainidn1, grainidextensionstring)) FROM orleansstorage"));
        Assert.Equal("0",
            await cluster.PsqlAsync(options.Database!, "SELECT count(*) FROM orleansmembershiptable WHERE status = 3"));
        Assert.Equal("1", await cluster.PsqlAsync(options.Database!, "SELECT count(*) FROM orleansmembershiptable"));
    }

    private static async Task RunAsync(DatabaseProvider provider, string? connectionString, DbDataSource? source)
    {
        var invariant = OrleansSchema.Invariant(provider);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            if (provider != DatabaseProvider.Sqlite)
            {
                silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString, o.DataSource) = (invariant, connectionString!, source));
                silo.ConfigureEndpoints(FreePort(), 0);
            }
            else
            {
                silo.UseLocalhostClustering(FreePort(), 0);
            }

            silo.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = ("c", "s"));
            silo.AddAdoNetGrainStorage("store", o => (o.Invariant, o.ConnectionString, o.DataSource) = (invariant, connectionString!, source));
            silo.UseAdoNetReminderService(o => (o.Invariant, o.ConnectionString, o.DataSource) = (invariant, connectionString!, source));
        });
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        try
        {
            await RaceAsync(host.Services.GetRequiredKeyedService<IGrainStorage>("store"));
            await RemindAsync(host.Services.GetRequiredService<IReminderTable>());
        }
        finally
        {
            await host.StopAsync(CancellationToken.None);
        }
    }

    private static async Task RaceAsync(IGrainStorage storage)
    {
        for (var round = 0; round < 20; round++)
        {
            var id = GrainId.Create("counter", $"key-{round}");
            using var gate = new ManualResetEventSlim();
            var racers = Enumerable.Range(0, 16).Select(n => Task.Run(async () =>
            {
                gate.Wait(Cancel);
                var state = new GrainState<Counter> { State = new Counter { Value = n, Zero = 0 } };
                try
                {
                    await storage.WriteStateAsync("state", id, state);
                    return n;
                }
                catch (InconsistentStateException)
                {
                    return -1;
                }
            })).ToArray();
            gate.Set();
            var winner = Assert.Single(await Task.WhenAll(racers), n => n >= 0);

            var read = new GrainState<Counter>();
            await storage.ReadStateAsync("state", id, read);
            Assert.Equal(winner, read.State!.Value);
            Assert.Equal("1", read.ETag);
        }

        var cleared = GrainId.Create("counter", "cleared");
        var first = new GrainState<Counter> { State = new Counter { Value = 1 } };
        await storage.WriteStateAsync("state", cleared, first);
        var stale = new GrainState<Counter> { State = new Counter { Value = 2 }, ETag = first.ETag };
        first.State = new Counter { Value = 3 };
        await storage.WriteStateAsync("state", cleared, first);
        Assert.Equal("2", first.ETag);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", cleared, stale));
        await storage.ClearStateAsync("state", cleared, first);
        var empty = new GrainState<Counter>();
        await storage.ReadStateAsync("state", cleared, empty);
        Assert.False(empty.RecordExists && empty.State is { Value: not 0 });
    }

    private static async Task RemindAsync(IReminderTable table)
    {
        var grain = GrainId.Create("waker", "shard/7");
        var entry = new ReminderEntry
        {
            GrainId = grain, ReminderName = "wake", StartAt = new DateTime(2026, 5, 6, 7, 8, 9, DateTimeKind.Utc),
            Period = TimeSpan.FromMinutes(1), ETag = "",
        };
        var first = await table.UpsertRow(entry);
        var second = await table.UpsertRow(entry);
        Assert.NotEqual(first, second);
        var read = await table.ReadRow(grain, "wake");
        Assert.Equal((entry.StartAt, entry.Period, second), (read!.StartAt, read.Period, read.ETag));
        Assert.Single((await table.ReadRows(grain)).Reminders);
        Assert.Contains((await table.ReadRows(0, uint.MaxValue)).Reminders, r => r.GrainId == grain);
        Assert.False(await table.RemoveRow(grain, "wake", first!));
        Assert.True(await table.RemoveRow(grain, "wake", second!));
        Assert.Empty((await table.ReadRows(grain)).Reminders);
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    public sealed class Counter
    {
        public int Value { get; set; }

        public int? Zero { get; set; }
    }
}
