namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The HTTP API: who may do what, and how much of it.</summary>
public sealed class HttpOptions
{
    /// <summary>Refuse every change; reading goes on. Default: false.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>
    /// API keys by name; the name is what the audit trail shows. With neither keys nor <see cref="Oidc"/> the API listens on loopback only and everybody
    /// there is admin.
    /// </summary>
    public Dictionary<string, ApiKeyOptions> ApiKeys { get; set; } = [];

    /// <summary>Sign-in with JSON web tokens of an OpenID Connect provider; off while <see cref="OidcOptions.Authority"/> is empty.</summary>
    public OidcOptions Oidc { get; set; } = new();

    /// <summary>
    /// Fields whose values only admins see in taps, previews, topic records and quarantine; others see <c>***</c>. Names without regard to case, <c>*</c> for any
    /// letters. Default: none.
    /// </summary>
    public IList<string> MaskFields { get; set; } = [];

    /// <summary>
    /// Origins (<c>https://kor.example.com</c>) whose pages may ask for changes, besides the server's own name: those under which a proxy shows this server.
    /// Default: none.
    /// </summary>
    public IList<string> AllowedOrigins { get; set; } = [];

    /// <summary>How long the audit trail keeps an entry; 1 day to 10 years. Older ones are deleted within the hour. Default: 365 days.</summary>
    public TimeSpan AuditKeepFor { get; set; } = TimeSpan.FromDays(365);

    /// <summary>Let anybody read <c>/metrics</c>, for scrapers without credentials. Default: false.</summary>
    public bool AnonymousMetrics { get; set; }

    /// <summary>Show the web console at <c>/</c>. Default: true.</summary>
    public bool Console { get; set; } = true;

    /// <summary>Show the Orleans Dashboard at <c>/orleans</c> to admins. Default: false.</summary>
    public bool Dashboard { get; set; }

    /// <summary>The longest request body, bytes; 1 KiB to 64 MiB. More is answered with 413. Default: 4 MiB.</summary>
    public int MaxBodyBytes { get; set; } = 4 << 20;

    /// <summary>How long a request may take; 1 s to 10 min. Longer is answered with 504. Streams are exempt. Default: 30 s.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests per second a client may go on making; 1 to 100,000. More is answered with 429. Default: 50.</summary>
    public int RequestsPerSecond { get; set; } = 50;

    /// <summary>Requests a client may make at once on top; 1 to 100,000. Default: 200.</summary>
    public int RequestBurst { get; set; } = 200;
}

/// <summary>An API key. Either its hash or a file is given.</summary>
public sealed class ApiKeyOptions
{
    /// <summary><c>sha256:</c> and the key's SHA-256 in hexadecimal, as <c>dotnet run --project Silo -- api-key</c> prints it.</summary>
    public string? Hash { get; set; }

    /// <summary>A file (a mounted secret) with the key or its hash; read again when it changes.</summary>
    public string? File { get; set; }

    /// <summary><c>viewer</c> reads, <c>operator</c> also starts, stops and replays, <c>admin</c> also changes definitions and positions. Default: viewer.</summary>
    public string Role { get; set; } = "viewer";
}

/// <summary>Sign-in with JSON web tokens.</summary>
public sealed class OidcOptions
{
    /// <summary>The provider's address (the tokens' issuer). Empty: off.</summary>
    public string Authority { get; set; } = "";

    /// <summary>Where the provider's metadata is, when not below the authority.</summary>
    public string? MetadataAddress { get; set; }

    /// <summary>The audience tokens must be made for.</summary>
    public string Audience { get; set; } = "";

    /// <summary>The claim that holds the roles or groups; a path such as <c>realm_access.roles</c> reaches into objects. Default: <c>roles</c>.</summary>
    public string RoleClaim { get; set; } = "roles";

    /// <summary>The claim the audit trail shows. Default: <c>sub</c>.</summary>
    public string NameClaim { get; set; } = "sub";

    /// <summary>The values of <see cref="RoleClaim"/> that make a viewer. Default: <c>kor-viewer</c>.</summary>
    public string[] ViewerRoles { get; set; } = ["kor-viewer"];

    /// <summary>The values that make an operator. Default: <c>kor-operator</c>.</summary>
    public string[] OperatorRoles { get; set; } = ["kor-operator"];

    /// <summary>The values that make an admin. Default: <c>kor-admin</c>.</summary>
    public string[] AdminRoles { get; set; } = ["kor-admin"];

    /// <summary>Allow metadata over plain HTTP, for tests. Default: false.</summary>
    public bool AllowHttp { get; set; }
}
