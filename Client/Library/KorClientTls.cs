using KafkaOracleOrleans.Tls;
using Orleans.Connections.Security;

namespace KafkaOracleOrleans.Client;

/// <summary>
/// TLS to a cluster whose silos have <c>Kor:Cluster:Tls</c>; both sides show a certificate of the cluster's authority. Files that are exchanged count for
/// connections made from then on.
/// </summary>
public sealed class KorClientTls
{
    /// <summary>This client's certificate: PEM (with <see cref="Key"/>) or PKCS #12. It must allow client authentication.</summary>
    public required string Certificate { get; init; }

    /// <summary>The private key's PEM file, when not in the certificate's.</summary>
    public string? Key { get; init; }

    /// <summary>A file with the password of the key.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>PEM file with the authorities that the silos' certificates come from (their <c>Kor:Cluster:Tls:Authority</c>).</summary>
    public required string Authority { get; init; }

    /// <summary>The name in the certificates of silos. Default: <c>kor</c>.</summary>
    public string TargetHost { get; init; } = "kor";

    /// <summary>Throws <see cref="ArgumentException"/> for files that cannot be used.</summary>
    internal void Use(IClientBuilder client)
    {
        if (TlsFiles.Faults(Certificate, Key, PasswordFile, Authority).FirstOrDefault() is { } fault)
            throw new ArgumentException($"KorClientOptions.Tls: {fault}");
        var files = new CertificateFiles(Certificate, Key, PasswordFile is null ? null : () => TlsFiles.Password(PasswordFile), Authority, TimeProvider.System);
        client.UseTls(files.Certificate, options =>
        {
            options.LocalCertificate = files.Certificate;
            options.LocalClientCertificateSelector = (_, _, _, _, _) => files.Certificate;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.CheckCertificateRevocation = false;
            options.RemoteCertificateValidation = (certificate, _, _) => files.Trusts(certificate);
            options.OnAuthenticateAsClient = (_, authentication) => authentication.TargetHost = TargetHost;
        });
    }
}
