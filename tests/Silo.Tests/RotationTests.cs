using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Tls;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Certificates in a mounted secret: exchanged by turning a link, with no time of any file telling.</summary>
public sealed class RotationTests : IDisposable
{
    private static readonly DateTime Always = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-rotation-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_certificate_and_its_authorities_are_known_by_content_and_a_half_written_one_changes_nothing()
    {
        using var ours = new TestAuthority("ours");
        using var next = new TestAuthority("next");
        using var peer = ours.Issue();
        using var nextPeer = next.Issue();
        Mount("one", ours.IssuePem(), ours.Pem);
        var time = new FakeTimeProvider();
        var files = new CertificateFiles(At("tls.pem"), At("tls.pem"), null, At("ca.pem"), time);
        var first = files.Certificate.Thumbprint;
        Assert.True(files.Trusts(peer));
        Assert.False(files.Trusts(nextPeer));

        Mount("broken", "-----BEGIN CERTIFICATE-----\nhalf", ours.Pem);
        time.Advance(CertificateFiles.Recheck);
        Assert.Equal(first, files.Certificate.Thumbprint);
        Assert.Contains("what was read before counts", files.Problem, StringComparison.Ordinal);

        Mount("two", next.IssuePem(), next.Pem);
        Assert.Equal(first, files.Certificate.Thumbprint);
        time.Advance(CertificateFiles.Recheck);
        Assert.NotEqual(first, files.Certificate.Thumbprint);
        Assert.Null(files.Problem);
        Assert.False(files.Trusts(peer));
        Assert.True(files.Trusts(nextPeer));
    }

    [Fact]
    public async Task Silos_and_HTTPS_show_the_new_certificate_without_a_restart()
    {
        using var ours = new TestAuthority("ours");
        Mount("one", ours.IssuePem(), ours.Pem);
        var (siloPort, https) = (TestSupport.FreePorts.Next(), TestSupport.FreePorts.Next());
        await using var silo = await TestSilo.StartAsync(
            o =>
            {
                o.Url = $"https://127.0.0.1:{https}";
                o.Cluster.SiloPort = siloPort;
                o.Cluster.Tls.Certificate = o.Cluster.Tls.Key = At("tls.pem");
                o.Cluster.Tls.Authority = At("ca.pem");
            },
            settings:
            [
                $"--Kestrel:Certificates:Default:Path={At("tls.pem")}", $"--Kestrel:Certificates:Default:KeyPath={At("tls.pem")}",
            ]);
        using var peer = ours.Issue();
        var first = (await ShownAsync(siloPort, peer), await ShownAsync(https, peer));
        Mount("two", ours.IssuePem(), ours.Pem);
        await silo.WaitAsync(
            async () => (await ShownAsync(siloPort, peer), await ShownAsync(https, peer)) is var now && now.Item1 != first.Item1 && now.Item2 != first.Item2,
            () => "both ports to show the new certificate");
    }

    public void Dispose() => Directory.Delete(_folder, true);

    private string At(string name) => Path.Combine(_folder, name);

    /// <summary>As Kubernetes mounts a secret: links to files below a link, which is turned to another folder.</summary>
    private void Mount(string name, string certificate, string authority)
    {
        var folder = Directory.CreateDirectory(At("." + name)).FullName;
        foreach (var (file, text) in (ReadOnlySpan<(string, string)>)[("tls.pem", certificate), ("ca.pem", authority)])
        {
            File.WriteAllText(Path.Combine(folder, file), text);
            File.SetLastWriteTimeUtc(Path.Combine(folder, file), Always);
            if (!File.Exists(At(file)) && new FileInfo(At(file)).LinkTarget is null) File.CreateSymbolicLink(At(file), Path.Combine("data", file));
        }

        File.Delete(At("data"));
        Directory.CreateSymbolicLink(At("data"), "." + name);
    }

    private static async Task<string> ShownAsync(int port, X509Certificate2 own)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        string? shown = null;
        await using var tls = new SslStream(client.GetStream(), false, (_, certificate, _, _) => (shown = certificate?.GetCertHashString()) is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "kor", ClientCertificates = [own] }, Cancel);
        return shown!;
    }
}
