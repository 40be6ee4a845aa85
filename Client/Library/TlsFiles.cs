using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace KafkaOracleOrleans.Tls;

/// <summary>Certificates as files, for silos and for clients of their gateways: both sides hold the same rules.</summary>
internal static class TlsFiles
{
    /// <summary>The own certificate with its key: PEM or PKCS #12.</summary>
    public static X509Certificate2 Load(string certificate, string? key, string? passwordFile) => LoadWith(certificate, key, Password(passwordFile));

    /// <summary>The password in a file; null: there is none.</summary>
    public static string? Password(string? passwordFile) => passwordFile is null ? null : File.ReadAllText(passwordFile).Trim();

    /// <summary>As <see cref="Load"/>, with the password itself.</summary>
    public static X509Certificate2 LoadWith(string certificate, string? key, string? password)
    {
        if (!IsPem(certificate)) return X509CertificateLoader.LoadPkcs12FromFile(certificate, password);
        return password is null
            ? X509Certificate2.CreateFromPemFile(certificate, key)
            : X509Certificate2.CreateFromEncryptedPemFile(certificate, password, key);
    }

    /// <summary>The authorities that the other side's certificate must come from.</summary>
    public static X509Certificate2Collection LoadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities;
    }

    /// <summary>True when a certificate comes from one of the authorities; those of the system count for nothing.</summary>
    public static bool ComesFrom(X509Certificate2? certificate, X509Certificate2Collection authorities)
    {
        if (certificate is null) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>What is wrong with the files, in words; nothing of what is in them.</summary>
    public static IEnumerable<string> Faults(string certificate, string? key, string? passwordFile, string authority)
    {
        foreach (var file in new[] { certificate, key, passwordFile, authority }.Where(f => f is not null && !File.Exists(f)))
            yield return $"the file {file} does not exist.";
        var fault = Try(() => Load(certificate, key, passwordFile).Dispose()) ?? Try(() => LoadAuthorities(authority));
        if (fault is not null) yield return $"a certificate cannot be read ({fault}).";
    }

    private static bool IsPem(string file) => File.ReadAllText(file).Contains("-----BEGIN", StringComparison.Ordinal);

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
}
