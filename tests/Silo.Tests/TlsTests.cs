using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using KafkaOracleOrleans.Client;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>The port other silos connect to lets in who has a certificate of the cluster's authority.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-tls-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_of_another_authority_and_no_certificate_are_refused()
    {
        using var ours = new TestAuthority("ours");
        using var others = new TestAuthority("others");
        using var peer = ours.Issue();
        using var stranger = others.Issue();
        var certificate = Write("silo.pem", ours.IssuePem());
        var authority = Write("ca.pem", ours.Pem);
        var port = TestSupport.FreePorts.Next();
        await using var silo = await TestSilo.StartAsync(o =>
        {
            o.Cluster.SiloPort = port;
            o.Cluster.Tls.Certificate = certificate;
            o.Cluster.Tls.Key = certificate;
            o.Cluster.Tls.Authority = authority;
        });

        Assert.True(await IsLetInAsync(port, peer));
        Assert.False(await IsLetInAsync(port, stranger));
        Assert.False(await IsLetInAsync(port, null));
        // And the silo itself works behind it.
        silo.Produce(20);
        await silo.WaitForRecordsAsync(20);
    }

    [Fact]
    public async Task Two_silos_with_TLS_are_a_cluster_and_one_without_does_not_get_in()
    {
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var postgres = await PostgresCluster.StartAsync();
        using var ours = new TestAuthority("ours");
        var authority = Write("ca.pem", ours.Pem);
        await using var first = await TestSilo.StartAsync(o => Join(o, postgres, Write("one.pem", ours.IssuePem()), authority));
        await using var second = await TestSilo.StartAsync(o => Join(o, postgres, Write("two.pem", ours.IssuePem()), authority));
        await WaitAsync(async () => await ActiveSilosAsync(first) == 2 && await ActiveSilosAsync(second) == 2, () => first.Log + second.Log);

        var log = new LogCapture();
        var builder = SiloHost.CreateBuilder([], o =>
        {
            o.Kafka["main"] = new KafkaConnection { BootstrapServers = "127.0.0.1:1" };
            o.Connections["state"] = new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = Path.Combine(_folder, "stranger.db") };
            o.State = new StateOptions { Connection = "state", Create = true };
            o.Url = $"http://127.0.0.1:{TestSupport.FreePorts.Next()}";
            Join(o, postgres, null, authority);
        });
        builder.Logging.AddProvider(log);
        await using var stranger = SiloHost.Build(builder);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var joining = stranger.StartAsync(enough.Token);
        // It asks the others whether they can reach it, and does not become active unless they answer.
        await WaitAsync(() => Task.FromResult(log.ToString().Contains("Failed to get ping responses", StringComparison.Ordinal)), log.ToString);
        Assert.Equal(2, await ActiveSilosAsync(first));
        Assert.False(joining.IsCompletedSuccessfully);
        await enough.CancelAsync();
        await joining.WaitAsync(TimeSpan.FromMinutes(1), Cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task A_client_of_the_gateway_needs_a_certificate_of_the_clusters_authority()
    {
        using var ours = new TestAuthority("ours");
        using var others = new TestAuthority("others");
        var certificate = Write("silo.pem", ours.IssuePem());
        var authority = Write("ca.pem", ours.Pem);
        var port = TestSupport.FreePorts.Next();
        await using var silo = await TestSilo.StartAsync(o =>
        {
            o.Cluster.GatewayPort = port;
            o.Cluster.Tls.Certificate = o.Cluster.Tls.Key = certificate;
            o.Cluster.Tls.Authority = authority;
        });
        silo.Produce(20);
        await silo.WaitForRecordsAsync(20);

        var mine = Write("client.pem", ours.IssuePem());
        using (var host = Client(port, new KorClientTls { Certificate = mine, Key = mine, Authority = authority }))
        {
            await host.StartAsync(Cancel);
            var status = await host.Services.GetRequiredService<KorClient>().GetStatusAsync(TestSilo.Pipeline);
            Assert.Equal(20, status!.Counts.Consumed);
            await host.StopAsync(Cancel);
        }

        var strange = Write("strange.pem", others.IssuePem());
        await RefusedAsync(port, new KorClientTls { Certificate = strange, Key = strange, Authority = authority });
        await RefusedAsync(port, null);
        var fault = Assert.Throws<ArgumentException>(() => { Client(port, new KorClientTls { Certificate = "/nowhere.pem", Authority = authority }).Dispose(); });
        Assert.Contains("/nowhere.pem does not exist", fault.Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, true);

    /// <summary>Whether the silo talks to whoever shows this certificate: with TLS 1.3 a refusal shows at the first read.</summary>
    private static async Task<bool> IsLetInAsync(int port, X509Certificate2? certificate)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        await using var tls = new SslStream(client.GetStream(), false, (_, shown, _, _) => shown is not null);
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "kor",
                    ClientCertificates = certificate is null ? null : [certificate],
                },
                Cancel);
            // The preamble of a connection: whoever is let in is sent one.
            var buffer = new byte[64];
            using var wait = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
            wait.CancelAfter(TimeSpan.FromSeconds(5));
            try
            {
                return await tls.ReadAsync(buffer, wait.Token) > 0;
            }
            catch (OperationCanceledException) when (!Cancel.IsCancellationRequested)
            {
                // Silent but open: it waits for our preamble.
                return true;
            }
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            return false;
        }
    }

    private static void Join(KorOptions options, PostgresCluster postgres, string? certificate, string authority)
    {
        options.Pipelines = null;
        options.Connections["cluster"] = new ConnectionOptions { Provider = DatabaseProvider.PostgreSql, ConnectionString = postgres.ConnectionString };
        options.Cluster.Connection = "cluster";
        options.State.Connection = "cluster";
        if (certificate is null) return;
        options.Cluster.Tls.Certificate = certificate;
        options.Cluster.Tls.Key = certificate;
        options.Cluster.Tls.Authority = authority;
    }

    private static async Task<int> ActiveSilosAsync(TestSilo silo)
    {
        using var client = silo.Client(TestSilo.Viewer);
        var cluster = await client.GetFromJsonAsync<JsonElement>("/api/v1/cluster", Cancel);
        return cluster.GetProperty("silos").EnumerateArray().Count(s => s.GetProperty("status").GetString() == "Active");
    }

    private static async Task WaitAsync(Func<Task<bool>> condition, Func<string> log)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > TimeSpan.FromMinutes(1)) Assert.Fail("Waited in vain.\n" + log());
            await Task.Delay(200, Cancel);
        }
    }

    private static IHost Client(int port, KorClientTls? tls)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddKorClient(o =>
        {
            o.Gateways = [$"127.0.0.1:{port}"];
            o.ConnectWithin = TimeSpan.FromSeconds(2);
            o.Tls = tls;
        });
        return builder.Build();
    }

    private static async Task RefusedAsync(int port, KorClientTls? tls)
    {
        using var host = Client(port, tls);
        var start = host.StartAsync(Cancel).WaitAsync(TimeSpan.FromMinutes(1), Cancel);
        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => start);
        Assert.IsNotType<TimeoutException>(refusal);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
