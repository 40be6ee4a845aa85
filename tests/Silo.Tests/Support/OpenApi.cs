using System.Text.Json;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>An operation of the OpenAPI document.</summary>
public sealed record Operation(string Method, string Path, string Role, string? Summary, string? Id, bool ChangesNothing)
{
    public bool IsChange => Method != "GET" && !ChangesNothing;

    /// <summary>The path with parameters filled in, so that nothing is hit that exists.</summary>
    public string Sample => System.Text.RegularExpressions.Regex.Replace(
        Path.Replace("{partition}", "0", StringComparison.Ordinal), @"\{[^}]+\}", "none-such");

    public override string ToString() => $"{Method} {Path}";

    public static async Task<IReadOnlyList<Operation>> ReadAsync(HttpClient client)
    {
        using var document = JsonDocument.Parse(await client.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken));
        return [.. document.RootElement.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()
            .Where(o => o.Name is "get" or "post" or "put" or "patch" or "delete")
            .Select(o => new Operation(
                o.Name.ToUpperInvariant(),
                path.Name,
                o.Value.GetProperty("x-kor-role").GetString()!,
                o.Value.TryGetProperty("summary", out var summary) ? summary.GetString() : null,
                o.Value.TryGetProperty("operationId", out var id) ? id.GetString() : null,
                o.Value.TryGetProperty("x-kor-changes-nothing", out _))))];
    }
}
