using System.Net;
using System.Net.Sockets;
using System.Text;
using KafkaOracleOrleans.Client;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Tls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>The cluster's own ports: no gateway unless somebody asks for one, and none without a secret or TLS.</summary>
public sealed class GatewayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-gateway-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Unless_it_is_asked_for_there_is_no_gateway()
    {
        Assert.Equal(0, new KorOptions().Cluster.GatewayPort);
        await using var silo = await TestSilo.StartAsync();
        Assert.Null(silo.App.Services.GetRequiredService<ILocalSiloDetails>().GatewayAddress);
        // The silo's own port takes nobody either: it asks for a secret that only this process knows.
        var port = silo.App.Services.GetRequiredService<ILocalSiloDetails>().SiloAddress.Endpoint.Port;
        var (hello, isOpen) = await KnockAsync(port);
        Assert.StartsWith("KORSEC1", hello, StringComparison.Ordinal);
        Assert.False(isOpen);
    }

    [Fact]
    public void A_gateway_that_nothing_guards_is_refused_with_what_guards_it()
    {
        var options = StartupTests.Options();
        KorOptionsValidation.Check(options);
        options.Cluster.GatewayPort = 30000;
        var fault = Assert.Single(Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options)).Faults);
        foreach (var remedy in (string[])["Kor:Cluster:SecretFile", "dotnet run --project Silo -- secret FILE", "Kor:Cluster:Tls:Certificate", "Kor:Cluster:GatewayPort to 0"])
            Assert.Contains(remedy, fault, StringComparison.Ordinal);

        options.Cluster.SecretFile = Secret("cluster");
        KorOptionsValidation.Check(options);
        File.WriteAllText(options.Cluster.SecretFile, new string('x', 31));
        Assert.Contains("fewer than 32", Assert.Single(Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options)).Faults), StringComparison.Ordinal);
        options.Cluster.SecretFile = "/nowhere";
        Assert.Contains("/nowhere cannot be read", Assert.Single(Assert.Throws<KorConfigurationException>(() => KorOptionsValidation.Check(options)).Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_knows_the_secret_gets_in_also_after_it_was_exchanged_and_nobody_else_does()
    {
        var port = TestSupport.FreePorts.Next();
        var secret = Secret("cluster");
        await using var silo = await TestSilo.StartAsync(o => (o.Cluster.GatewayPort, o.Cluster.SecretFile) = (port, secret));
        silo.Produce(20);
        await silo.WaitForRecordsAsync(20);

        await InAsync(port, secret);
        await RefusedAsync(port, Secret("another"));
        await RefusedAsync(port, null);
        Assert.False((await KnockAsync(port)).IsOpen);
        Assert.Contains("its secret is another", silo.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(File.ReadAllText(secret), silo.Log, StringComparison.Ordinal);

        var old = Path.Combine(_folder, "old");
        File.Move(secret, old);
        SharedSecret.Create(secret);
        await InAsync(port, secret);
        await RefusedAsync(port, old);
        var fault = Assert.Throws<ArgumentException>(() => Client(port, "/nowhere").Dispose());
        Assert.Contains("KorClientOptions.SecretFile: /nowhere cannot be read", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_secret_is_written_for_this_user_only_and_never_over_another()
    {
        var file = Secret("made");
        Assert.True(File.ReadAllText(file).Length >= 32);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.Throws<IOException>(() => SharedSecret.Create(file));
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private string Secret(string name)
    {
        var file = Path.Combine(_folder, name);
        SharedSecret.Create(file);
        return file;
    }

    private static async Task InAsync(int port, string secret)
    {
        using var host = Client(port, secret);
        await host.StartAsync(Cancel);
        var status = await host.Services.GetRequiredService<KorClient>().GetStatusAsync(TestSilo.Pipeline);
        Assert.Equal(20, status!.Counts.Consumed);
        await host.StopAsync(Cancel);
    }

    private static async Task RefusedAsync(int port, string? secret)
    {
        using var host = Client(port, secret);
        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => host.StartAsync(Cancel).WaitAsync(TimeSpan.FromMinutes(1), Cancel));
        Assert.IsNotType<TimeoutException>(refusal);
    }

    private static IHost Client(int port, string? secret)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddKorClient(o =>
        {
            o.Gateways = [$"127.0.0.1:{port}"];
            o.ConnectWithin = TimeSpan.FromSeconds(2);
            o.SecretFile = secret;
        });
        return builder.Build();
    }

    /// <summary>What a port says to whoever says nonsense, and whether it goes on listening to him.</summary>
    private static async Task<(string Hello, bool IsOpen)> KnockAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        var stream = client.GetStream();
        var buffer = new byte[40];
        await stream.ReadExactlyAsync(buffer, Cancel);
        await stream.WriteAsync(new byte[512], Cancel);
        try
        {
            return (Encoding.ASCII.GetString(buffer), await stream.ReadAsync(new byte[64], Cancel) > 0);
        }
        catch (IOException)
        {
            // Cut off.
            return (Encoding.ASCII.GetString(buffer), false);
        }
    }
}
