using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>An authority that signs certificates of silos and clients.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly RSA _key = RSA.Create(2048);
    private readonly X509Certificate2 _certificate;

    public TestAuthority(string name)
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
