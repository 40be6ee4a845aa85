using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Storage;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo that finds others in PostgreSQL: going to and from a cluster, and a password that changes while it runs.</summary>
public sealed class ClusterTests
{
    private const string Role = "kor";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pipelines_stay_what_they_are_from_one_silo_to_a_cluster_and_back_and_from_an_older_cluster()
    {
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = await PostgresCluster.StartAsync();
        var state = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, ConnectionString = postgres.ConnectionString };
        await using var silo = await TestSilo.StartAsync(o => Use(o, state, cluster: false), withKeys: false);
        await silo.WaitForAsync(s => s.GetProperty("state").GetString() == "Running", null);
        using (var made = await silo.Http.PostAsync(
            "/api/v1/pipelines", new StringContent(TestSilo.Yaml.Replace("name: events", "name: made", StringComparison.Ordinal).Replace("table: ", "table: MADE_", StringComparison.Ordinal), Encoding.UTF8, "application/yaml"), Cancel))
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        await File.AppendAllTextAsync(Path.Combine(silo.Folder, "pipelines", "events.yaml"), "\n# second\ndescription: second version\n", Cancel);
        await silo.WaitForAsync(s => s.GetProperty("version").GetInt32() == 2, null);
        using (var stopped = await silo.Http.PutAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/stop", null, Cancel)) stopped.EnsureSuccessStatusCode();

        foreach (var cluster in new[] { true, false })
        {
            await silo.StopAsync();
            await silo.StartAgainAsync(o => Use(o, state, cluster));
            await AssertSameAsync(silo);
        }

        // As a cluster of an earlier version left it: in Orleans' table, and nothing in the state store.
        await silo.StopAsync();
        await MoveToOrleansTableAsync(state, postgres.ConnectionString);
        await silo.StartAgainAsync(o => Use(o, state, cluster: true));
        await AssertSameAsync(silo);
        Assert.Contains("'events' was taken over from the table OrleansStorage", silo.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipeline_ends_when_no_silo_has_its_file_and_not_before()
    {
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = await PostgresCluster.StartAsync();
        var state = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, ConnectionString = postgres.ConnectionString };
        await using var first = await TestSilo.StartAsync(o => Use(o, state, cluster: true), withKeys: false);
        await first.WaitForAsync(s => s.GetProperty("state").GetString() == "Running", null);
        var kafka = first.App.Services.GetRequiredService<KorOptions>().Kafka["main"];
        await using var second = await TestSilo.StartAsync(
            o =>
            {
                Use(o, state, cluster: true);
                o.Kafka["main"] = kafka;
                o.Pipelines = Directory.CreateDirectory(Path.Combine(first.Folder, "none")).FullName;
            },
            withKeys: false);
        // The folder of the second is empty, and it sees that the first one's is not.
        await second.WaitAsync(() => Task.FromResult(second.Log.Contains("has its file; 'kor delete' ends it", StringComparison.Ordinal)), () => "the second to look");
        using (var refused = await second.Http.DeleteAsync($"/api/v1/pipelines/{TestSilo.Pipeline}", Cancel))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("a file in the folder of silo", await refused.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        await second.WaitForAsync(s => s.GetProperty("state").GetString() == "Running", null);
        File.Delete(Path.Combine(first.Folder, "pipelines", "events.yaml"));
        await second.WaitAsync(
            async () => (await second.Http.GetFromJsonAsync<JsonElement>("/api/v1/pipelines", Cancel)).GetArrayLength() == 0, () => "the pipeline to end");
    }

    [Fact]
    public async Task A_password_that_changes_takes_effect_everywhere_without_a_restart()
    {
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = await PostgresCluster.StartAsync();
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "first", Cancel);
            await postgres.PsqlAsync("postgres", $"CREATE ROLE {Role} SUPERUSER LOGIN PASSWORD 'first'");
            var rules = await postgres.PsqlAsync("postgres", "SHOW hba_file");
            await postgres.PsqlAsync(
                "postgres",
                $"COPY (VALUES ('host all {Role} 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')) TO '{rules.Trim()}'; SELECT pg_reload_conf()");
            var state = new ConnectionOptions
            {
                Provider = DatabaseProvider.PostgreSql, Host = "127.0.0.1", Port = postgres.Port, Database = "postgres", User = Role, PasswordFile = file,
            };
            await using var silo = await TestSilo.StartAsync(o => Use(o, state, cluster: true), withKeys: false);
            silo.Produce(20);
            await silo.WaitForRecordsAsync(20, null);

            await postgres.PsqlAsync("postgres", $"ALTER ROLE {Role} PASSWORD 'second'");
            await File.WriteAllTextAsync(file, "second", Cancel);
            await postgres.PsqlAsync("postgres", $"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '{Role}'");
            var membership = silo.App.Services.GetRequiredService<IMembershipTable>();
            await EventuallyAsync(async () => Assert.NotEmpty((await membership.ReadAllAsync(Cancel)).Members));
            var reminders = silo.App.Services.GetRequiredService<IReminderTable>();
            await EventuallyAsync(() => reminders.ReadRows(GrainId.Create("kor.pipeline", "x")));
            silo.Produce(20, 100);
            await silo.WaitForRecordsAsync(40, null);
            await silo.WaitForAsync(s => s.GetProperty("state").GetString() == "Running", null);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void Use(KorOptions options, ConnectionOptions state, bool cluster)
    {
        options.Connections["state"] = state;
        options.Cluster.Connection = cluster ? "state" : "";
        options.ShutdownTimeout = TimeSpan.FromSeconds(20);
    }

    private static async Task AssertSameAsync(TestSilo silo)
    {
        var last = "";
        await silo.WaitAsync(
            async () =>
            {
                var list = await silo.Http.GetFromJsonAsync<JsonElement>("/api/v1/pipelines", Cancel);
                last = string.Join(", ", list.EnumerateArray().Select(p => $"{p.GetProperty("name")} {p.GetProperty("version")} {p.GetProperty("condition")}"));
                return last == "events 2 Stopped, made 1 Running";
            },
            () => $"the pipelines as they were; they are: {last}");
    }

    private static async Task MoveToOrleansTableAsync(ConnectionOptions state, string connectionString)
    {
        await using var database = new Database("state", state);
        var store = new AdoStateStore(database);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(orleans =>
        {
            orleans.UseLocalhostClustering(TestSupport.FreePorts.Next(), 0);
            orleans.Configure<Orleans.Configuration.ClusterOptions>(o => (o.ClusterId, o.ServiceId) = ("kor", "kor"));
            orleans.AddAdoNetGrainStorage(
                "former", o => (o.Invariant, o.ConnectionString, o.GrainStorageSerializer) = ("Npgsql", connectionString, new AsItIs()));
        });
        using var host = builder.Build();
        await host.StartAsync(Cancel);
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>("former");
        foreach (var (name, id) in new[]
        {
            ("pipeline", GrainId.Create("kor.pipeline", "events")), ("pipeline", GrainId.Create("kor.pipeline", "made")),
            ("catalog", GrainId.Create(GrainType.Create("kor.catalog"), GrainIdKeyExtensions.CreateIntegerKey(0))),
        })
        {
            var header = (await store.PeekAsync($"@control/{name}/{id}", Cancel))?.Header;
            Assert.NotNull(header);
            Assert.Equal(StateStoreGrainStorage.Format, header[0]);
            await storage.WriteStateAsync(name, id, new GrainState<byte[]> { State = header[1..] });
        }

        await host.StopAsync(Cancel);
        await store.ResetAsync("@control/", Cancel);
    }

    private static async Task EventuallyAsync(Func<Task> action)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                await action();
                return;
            }
            catch (System.Data.Common.DbException) when (!deadline.IsCancellationRequested)
            {
                // Sessions that were cut are found out one by one.
                await Task.Delay(100, Cancel);
            }
        }
    }

    /// <summary>Bytes go into the table as they are.</summary>
    private sealed class AsItIs : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => new((byte[])(object)input!);

        public T Deserialize<T>(BinaryData input) => (T)(object)input.ToArray();
    }
}
