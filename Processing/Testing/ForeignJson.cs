using System.Text.Json;
using System.Text.Json.Nodes;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// JSON that somebody else wrote. A repeated property is allowed in JSON, but <see cref="JsonNode"/> throws when such an object is looked into, long after it
/// was parsed; here the last one counts, as in the decoder.
/// </summary>
public static class ForeignJson
{
    /// <summary>The text as a tree; false when it is not JSON (or deeper than 64 levels).</summary>
    public static bool TryParse(string text, out JsonNode? node)
    {
        node = null;
        try
        {
            using var document = JsonDocument.Parse(text);
            node = Node(document.RootElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>The text as a tree, or as one piece of text when it is not JSON.</summary>
    public static JsonNode? Parse(string text) => TryParse(text, out var node) ? node : JsonValue.Create(text);

    private static JsonNode? Node(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Null:
                return null;
            case JsonValueKind.Object:
                var fields = new JsonObject();
                foreach (var property in element.EnumerateObject()) fields[property.Name] = Node(property.Value);
                return fields;
            case JsonValueKind.Array:
                var items = new JsonArray();
                foreach (var item in element.EnumerateArray()) items.Add(Node(item));
                return items;
            default:
                return JsonValue.Create(element.Clone());
        }
    }
}
