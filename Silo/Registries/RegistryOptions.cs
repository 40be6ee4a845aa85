using System.Net;

namespace KafkaOracleOrleans.Silo.Registries;

/// <summary>A schema registry that speaks Confluent's REST API (Confluent, Karapace, Apicurio's ccompat, Redpanda).</summary>
public sealed class RegistryOptions
{
    /// <summary>Its address, e.g. <c>https://registry:8081</c>; several of one cluster with commas between. Required.</summary>
    public string Url { get; set; } = "";

    /// <summary>The user of basic authentication (the API key of a cloud). Default: none.</summary>
    public string? User { get; set; }

    /// <summary>The password of basic authentication. Prefer <see cref="PasswordFile"/>.</summary>
    public string? Password { get; set; }

    /// <summary>A file that holds the password (a mounted secret); read again for each request.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>A bearer token. Prefer <see cref="TokenFile"/>.</summary>
    public string? Token { get; set; }

    /// <summary>A file that holds the bearer token (a mounted secret); read again for each request.</summary>
    public string? TokenFile { get; set; }

    /// <summary>Accepts that a password or token crosses the network unencrypted (http to another machine). Default: false, such a registry is refused.</summary>
    public bool AllowPlaintextPassword { get; set; }

    /// <summary>A file with the certificates of the authorities to trust, PEM. Default: the system's.</summary>
    public string? CaFile { get; set; }

    /// <summary>Mutual TLS: a file with our certificate, PEM. Default: none.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Mutual TLS: a file with the certificate's private key, PEM. Default: the key is in <see cref="CertificateFile"/>.</summary>
    public string? CertificateKeyFile { get; set; }

    /// <summary>The longest time a request may take; 1 s to 2 min. Default: 10 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The addresses.</summary>
    internal IReadOnlyList<Uri> Urls => [.. Parts().Where(p => Uri.TryCreate(p, UriKind.Absolute, out _)).Select(p => new Uri(p.TrimEnd('/') + "/"))];

    /// <summary>What is wrong, each with its remedy; empty when it can be used. Never holds a secret.</summary>
    public IReadOnlyList<string> Faults()
    {
        var faults = new List<string>();
        var urls = Parts();
        if (urls.Length == 0) faults.Add("Url is empty; give the registry's address, such as https://registry:8081.");
        foreach (var text in urls)
        {
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                faults.Add("Url is no address that begins with http:// or https://; write it such as https://registry:8081.");
            else if (url.UserInfo.Length != 0)
                faults.Add("Url holds a user or password; set User and PasswordFile, and take them out of the address.");
            else if (url.Scheme == "http" && !IsLoopback(url) && HasSecret && !AllowPlaintextPassword)
                faults.Add($"its password or token would cross the network to {url.Host} unencrypted; use https, or set AllowPlaintextPassword.");
        }

        if (Password is not null && PasswordFile is not null) faults.Add("Password and PasswordFile are both set; take one of them away.");
        if (Token is not null && TokenFile is not null) faults.Add("Token and TokenFile are both set; take one of them away.");
        if (User is not null && Password is null && PasswordFile is null) faults.Add("User has no password; set PasswordFile.");
        if (User is null && (Password is not null || PasswordFile is not null)) faults.Add("a password is set, and no User; set User.");
        if (User is not null && (Token is not null || TokenFile is not null)) faults.Add("User and a token are both set; a registry takes one of them.");
        if (CertificateKeyFile is not null && CertificateFile is null) faults.Add("CertificateKeyFile is set, and no CertificateFile; set CertificateFile.");
        if (Timeout < TimeSpan.FromSeconds(1) || Timeout > TimeSpan.FromMinutes(2)) faults.Add($"Timeout is {Timeout}; it must be from 1 s to 2 min.");
        return faults;
    }

    /// <summary>The files it names, by setting.</summary>
    internal IEnumerable<(string Setting, string File)> Files()
    {
        if (PasswordFile is not null) yield return (nameof(PasswordFile), PasswordFile);
        if (TokenFile is not null) yield return (nameof(TokenFile), TokenFile);
        if (CaFile is not null) yield return (nameof(CaFile), CaFile);
        if (CertificateFile is not null) yield return (nameof(CertificateFile), CertificateFile);
        if (CertificateKeyFile is not null) yield return (nameof(CertificateKeyFile), CertificateKeyFile);
    }

    /// <summary>The address without secrets.</summary>
    public override string ToString() => string.Join(", ", Urls.Select(u => u.GetLeftPart(UriPartial.Path)));

    private bool HasSecret => (Password ?? PasswordFile ?? Token ?? TokenFile) is not null;

    private string[] Parts() => Url.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static bool IsLoopback(Uri url) => url.IsLoopback || (IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address));
}
