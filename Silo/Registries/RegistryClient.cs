using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Silo.Registries;

/// <summary>Asks one schema registry. Every failure is a <see cref="SchemaRegistryException"/> that names the registry and the remedy.</summary>
internal sealed class RegistryClient : IDisposable
{
    private const int MaxReferences = 200;
    private const int MaxAnswerBytes = 16 << 20;

    // What registries say when they know the question and have no such schema; any other 404 is of something that is no registry.
    private const int NoSchema = 40403;
    private const int NoSubject = 40401;
    private const int NoVersion = 40402;
    private readonly string _name;
    private readonly RegistryOptions _options;
    private readonly Lazy<HttpClient> _http;

    public RegistryClient(string name, RegistryOptions options)
    {
        (_name, _options) = (name, options);
        _http = new Lazy<HttpClient>(Open);
    }

    public void Dispose()
    {
        if (_http.IsValueCreated) _http.Value.Dispose();
    }

    /// <summary>The schema of an id; null when the registry has none.</summary>
    public async Task<RegisteredSchema?> FindAsync(SchemaId id, CancellationToken cancellation)
    {
        var path = id.Number > 0 ? string.Create(CultureInfo.InvariantCulture, $"schemas/ids/{id.Number}") : $"schemas/guids/{id.Guid}";
        if (await GetAsync(path, cancellation) is not { } answer) return null;
        var references = new List<string>();
        await ReferencesAsync(answer, references, new HashSet<string>(StringComparer.Ordinal), cancellation);
        return new RegisteredSchema(TextOf(answer, "schemaType") ?? "AVRO", TextOf(answer, "schema") ?? throw Strange("it gave no 'schema'"), references);
    }

    /// <summary>Whether it answers and lets us in; throws when not.</summary>
    public Task PingAsync(CancellationToken cancellation) => GetAsync("schemas/ids/1", cancellation);

    /// <summary>The schemas a schema refers to, each after those it refers to itself.</summary>
    private async Task ReferencesAsync(JsonElement schema, List<string> found, HashSet<string> seen, CancellationToken cancellation)
    {
        if (!schema.TryGetProperty("references", out var references) || references.ValueKind != JsonValueKind.Array) return;
        foreach (var reference in references.EnumerateArray())
        {
            var subject = TextOf(reference, "subject") ?? throw Strange("a reference has no 'subject'");
            var version = reference.TryGetProperty("version", out var v) && v.TryGetInt32(out var number) ? number : throw Strange("a reference has no 'version'");
            var path = string.Create(CultureInfo.InvariantCulture, $"subjects/{Uri.EscapeDataString(subject)}/versions/{version}");
            if (!seen.Add(path)) continue;
            if (seen.Count > MaxReferences) throw Strange($"a schema refers to more than {MaxReferences} others");
            var answer = await GetAsync(path, cancellation)
                ?? throw new SchemaRegistryException($"The schema registry '{_name}' lacks version {version} of '{subject}', which a schema refers to. Register it there again.");
            await ReferencesAsync(answer, found, seen, cancellation);
            found.Add(TextOf(answer, "schema") ?? throw Strange("it gave no 'schema'"));
        }
    }

    /// <summary>Asks the first address that answers; null when it has no such schema.</summary>
    private async Task<JsonElement?> GetAsync(string path, CancellationToken cancellation)
    {
        Exception? last = null;
        foreach (var url in _options.Urls)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url, path));
                request.Headers.Accept.ParseAdd("application/vnd.schemaregistry.v1+json");
                request.Headers.Accept.ParseAdd("application/json");
                request.Headers.Authorization = Credentials();
                using var answer = await _http.Value.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellation);
                if ((int)answer.StatusCode < 500) return await ReadAsync(answer, cancellation);
                last = new HttpRequestException($"it answers with {(int)answer.StatusCode}");
            }
            catch (Exception e) when (e is HttpRequestException or IOException or UnauthorizedAccessException or CryptographicException
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                last = e;
            }
        }

        var why = last is OperationCanceledException ? $"no answer within {_options.Timeout.TotalSeconds:0} s" : (last?.InnerException ?? last)?.Message;
        throw new SchemaRegistryException(
            $"The schema registry '{_name}' ({_options}) cannot be asked: {why}. See that it runs and can be reached, and check Kor:Registries:{_name}.", last);
    }

    private async Task<JsonElement?> ReadAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            throw new SchemaRegistryException(
                $"The schema registry '{_name}' ({_options}) refuses us ({(int)answer.StatusCode}). Check User and PasswordFile, or TokenFile, of Kor:Registries:{_name}, and what that user may read.");
        }

        JsonElement body;
        try
        {
            using var document = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellation), default, cancellation);
            body = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw Strange($"it answers {(int)answer.StatusCode} with what is no JSON");
        }

        if (answer.IsSuccessStatusCode) return body;
        var code = body.ValueKind == JsonValueKind.Object && body.TryGetProperty("error_code", out var c) && c.TryGetInt32(out var number) ? number : 0;
        return answer.StatusCode == HttpStatusCode.NotFound && code is NoSchema or NoSubject or NoVersion ? null : throw Strange($"it answers with {(int)answer.StatusCode}");
    }

    private SchemaRegistryException Strange(string what) =>
        new($"What answers for the schema registry '{_name}' ({_options}) is none that we know: {what}. Check the Url of Kor:Registries:{_name}.");

    private static string? TextOf(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private AuthenticationHeaderValue? Credentials()
    {
        if (_options.User is { } user)
            return new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{Secret(_options.Password, _options.PasswordFile)}")));
        return (_options.Token ?? _options.TokenFile) is null ? null : new("Bearer", Secret(_options.Token, _options.TokenFile));
    }

    private static string Secret(string? value, string? file) => value ?? File.ReadAllText(file!).Trim();

    private HttpClient Open()
    {
        var ssl = new SslClientAuthenticationOptions();
        if (_options.CaFile is { } authorities)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.ImportFromPemFile(authorities);
            ssl.CertificateChainPolicy = policy;
        }

        if (_options.CertificateFile is { } certificate)
            ssl.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, _options.CertificateKeyFile ?? certificate)];
        var handler = new SocketsHttpHandler { SslOptions = ssl, PooledConnectionLifetime = TimeSpan.FromMinutes(5), AllowAutoRedirect = false, UseCookies = false };
        return new HttpClient(handler) { Timeout = _options.Timeout, MaxResponseContentBufferSize = MaxAnswerBytes };
    }
}
