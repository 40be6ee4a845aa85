using KafkaOracleOrleans.Tls;
using Orleans.Connections.Security;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Mutual TLS between silos: whoever has no certificate of the cluster's own authority does not get in. Files that are exchanged count from then on.</summary>
internal static class SiloTls
{
    public static void Use(ISiloBuilder silo, TlsOptions tls)
    {
        var files = new CertificateFiles(
            tls.Certificate, tls.Key, tls.PasswordFile is null ? null : () => TlsFiles.Password(tls.PasswordFile), tls.Authority, TimeProvider.System);
        silo.Services.AddSingleton(files);
        silo.UseTls(files.Certificate, options =>
        {
            options.LocalCertificate = files.Certificate;
            options.LocalServerCertificateSelector = (_, _) => files.Certificate;
            options.LocalClientCertificateSelector = (_, _, _, _, _) => files.Certificate;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.CheckCertificateRevocation = false;
            options.RemoteCertificateValidation = (certificate, _, _) => files.Trusts(certificate);
            options.OnAuthenticateAsClient = (_, client) => client.TargetHost = tls.TargetHost;
        });
    }

    /// <summary>What is wrong with the files, in words; nothing of what is in them.</summary>
    public static IEnumerable<string> Validate(TlsOptions tls)
    {
        if (tls.Certificate.Length == 0) return [];
        return tls.Authority.Length == 0
            ? ["Kor:Cluster:Tls:Authority is empty; name the PEM file of the authority that signs the silos' certificates."]
            : TlsFiles.Faults(tls.Certificate, tls.Key, tls.PasswordFile, tls.Authority).Select(f => $"Kor:Cluster:Tls: {f}");
    }
}
