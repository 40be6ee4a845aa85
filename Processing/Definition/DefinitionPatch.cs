using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>Changes a definition by a JSON merge patch (RFC 7396).</summary>
public static class DefinitionPatch
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// The changed definition, as JSON; comments are lost, <c>${NAME}</c> stays as it is written. Null removes a key, and a list is replaced as a whole.
    /// Null when the text cannot be read.
    /// </summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="fileName"><c>.json</c> at its end makes it JSON.</param>
    /// <param name="patch">What changes.</param>
    public static string? Apply(string text, string fileName, JsonObject patch)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        var bag = new DiagnosticBag(fileName, text);
        var root = fileName.EndsWith(".json", StringComparison.OrdinalIgnoreCase) ? JsonComposer.Compose(bag) : YamlComposer.Compose(bag);
        return root is MapNode ? Merge(JsonNode.Parse(NodeJson.ToText(root)), patch).ToJsonString(Indented) + "\n" : null;
    }

    private static JsonObject Merge(JsonNode? target, JsonObject patch)
    {
        var merged = target as JsonObject ?? [];
        foreach (var (key, value) in patch)
        {
            if (value is null) merged.Remove(key);
            else merged[key] = value is JsonObject inner ? Merge(merged[key]?.DeepClone(), inner) : value.DeepClone();
        }

        return merged;
    }
}
