using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orleans.Connections.Security;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Mutual TLS between silos: whoever has no certificate of the cluster's own authority does not get in.</summary>
internal static class SiloTls
{
    public static void Use(ISiloBuilder silo, TlsOptions tls)
    {
        var own = Load(tls);
        var authorities = LoadAuthorities(tls);
        silo.UseTls(own, options =>
        {
            options.LocalCertificate = own;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.CheckCertificateRevocation = false;
            options.RemoteCertificateValidation = (certificate, _, _) => IsOfCluster(certificate, authorities);
            options.OnAuthenticateAsClient = (_, client) => client.TargetHost = tls.TargetHost;
        });
    }

    /// <summary>What is wrong with the files, in words; nothing of what is in them.</summary>
    public static IEnumerable<string> Validate(TlsOptions tls)
    {
        if (tls.Certificate.Length == 0) yield break;
        if (tls.Authority.Length == 0)
        {
            yield return "Kor:Cluster:Tls:Authority is empty; name the PEM file of the authority that signs the silos' certificates.";
            yield break;
        }

        foreach (var file in new[] { tls.Certificate, tls.Key, tls.PasswordFile, tls.Authority }.Where(f => f is not null && !File.Exists(f)))
            yield return $"Kor:Cluster:Tls: the file {file} does not exist.";
        var fault = Try(() => Load(tls).Dispose()) ?? Try(() => LoadAuthorities(tls));
        if (fault is not null) yield return $"Kor:Cluster:Tls: a certificate cannot be read ({fault}).";
    }

    private static string? Try(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            return e.GetType().Name;
        }
    }

    private static bool IsOfCluster(X509Certificate2? certificate, X509Certificate2Collection authorities)
    {
        if (certificate is null) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private static X509Certificate2 Load(TlsOptions tls)
    {
        var password = tls.PasswordFile is null ? null : File.ReadAllText(tls.PasswordFile).Trim();
        if (!IsPem(tls.Certificate)) return X509CertificateLoader.LoadPkcs12FromFile(tls.Certificate, password);
        return password is null
            ? X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key)
            : X509Certificate2.CreateFromEncryptedPemFile(tls.Certificate, password, tls.Key);
    }

    private static bool IsPem(string file) => File.ReadAllText(file).Contains("-----BEGIN", StringComparison.Ordinal);

    private static X509Certificate2Collection LoadAuthorities(TlsOptions tls)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(tls.Authority);
        return authorities;
    }
}
