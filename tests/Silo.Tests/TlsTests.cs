using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>The port other silos connect to lets in who has a certificate of the cluster's authority.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-tls-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_certificate_of_another_authority_and_no_certificate_are_refused()
    {
        using var ours = new Authority("ours");
        using var others = new Authority("others");
        using var peer = ours.Issue();
        using var stranger = others.Issue();
        var certificate = Write("silo.pem", ours.IssuePem());
        var authority = Write("ca.pem", ours.Pem);
        var port = FreePorts.Next();
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

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class Authority : IDisposable
    {
        private readonly RSA _key = RSA.Create(2048);
        private readonly X509Certificate2 _certificate;

        public Authority(string name)
        {
            var request = new CertificateRequest("CN=" + name, _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        }

        public string Pem => _certificate.ExportCertificatePem();

        public X509Certificate2 Issue()
        {
            var (certificate, key) = New();
            using (certificate)
            using (key)
            {
                return certificate.CopyWithPrivateKey(key);
            }
        }

        public string IssuePem()
        {
            var (certificate, key) = New();
            using (certificate)
            using (key)
            {
                return certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
            }
        }

        public void Dispose()
        {
            _certificate.Dispose();
            _key.Dispose();
        }

        private (X509Certificate2 Certificate, RSA Key) New()
        {
            var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=kor", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
            var certificate = request.Create(
                _certificate, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(20), RandomNumberGenerator.GetBytes(8));
            return (certificate, key);
        }
    }
}
