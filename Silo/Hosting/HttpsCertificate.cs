using KafkaOracleOrleans.Tls;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// The certificate of HTTPS (<c>Kestrel:Certificates:Default</c>), read again by its content. Kestrel itself watches times of files, which do not change with
/// a mounted secret.
/// </summary>
internal static class HttpsCertificate
{
    private const string Section = "Kestrel:Certificates:Default";

    public static void Use(WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration.GetSection(Section);
        // A certificate of a single endpoint would be hidden by one for all.
        if (configuration["Path"] is not { Length: > 0 } path || builder.Configuration.GetSection("Kestrel:Endpoints").GetChildren().Any(e => e.GetSection("Certificate").Exists()))
            return;
        var root = builder.Environment.ContentRootPath;
        var files = new CertificateFiles(
            Path.Combine(root, path), configuration["KeyPath"] is { Length: > 0 } key ? Path.Combine(root, key) : null,
            () => configuration["Password"] is { Length: > 0 } password ? password : null, null, TimeProvider.System);
        builder.Services.AddSingleton(files);
        // A file that is not there at the start is Kestrel's to name.
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureHttpsDefaults(https => https.ServerCertificateSelector = (_, _) => files.Certificate));
    }
}
