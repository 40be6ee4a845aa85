using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace KafkaOracleOrleans.Processing.Definition.Shapes;

/// <summary>A list of items.</summary>
internal sealed class ListShape<T>(string what, Shape<T> item, int min = 0, int max = 1000) : Shape<IReadOnlyList<T>>
{
    public override string What => what;

    public override bool Fits(TextNode node) => node is ListNode;

    public override IReadOnlyList<T> Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not ListNode list)
        {
            ScalarRules.WrongKind(node, what, diagnostics);
            return [];
        }

        CollectionRules.CheckCount(node, list.Items.Count, min, max, what, diagnostics);
        var items = new List<T>(list.Items.Count);
        foreach (var entry in list.Items.Take(max)) items.Add(item.Read(entry, diagnostics));
        return items;
    }

    public override IReadOnlyList<T> Missing(TextNode parent) => [];

    public override JsonNode ToSchema(SchemaParts parts)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = item.ToSchema(parts) };
        if (min > 0) schema["minItems"] = min;
        return schema;
    }

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node)
    {
        writer.WriteStartArray();
        foreach (var entry in ((ListNode)node).Items) item.WriteCanonical(writer, entry);
        writer.WriteEndArray();
    }
}

/// <summary>A mapping with names of the user's own; the order counts.</summary>
internal sealed class MapShape<T>(string what, Shape<Located<string>> name, Shape<T> value, int min = 0, int max = 1000)
    : Shape<IReadOnlyList<Named<T>>>
{
    public override string What => what;

    public override bool Fits(TextNode node) => node is MapNode;

    public override IReadOnlyList<Named<T>> Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not MapNode map)
        {
            ScalarRules.WrongKind(node, what, diagnostics);
            return [];
        }

        CollectionRules.CheckCount(node, map.Entries.Count, min, max, what, diagnostics);
        var items = new List<Named<T>>(map.Entries.Count);
        foreach (var entry in map.Entries.Take(max))
            items.Add(new Named<T>(name.Read(entry.Key, diagnostics), value.Read(entry.Value, diagnostics)));
        return items;
    }

    public override IReadOnlyList<Named<T>> Missing(TextNode parent) => [];

    public override JsonNode ToSchema(SchemaParts parts)
    {
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = value.ToSchema(parts) };
        if (min > 0) schema["minProperties"] = min;
        return schema;
    }

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node)
    {
        writer.WriteStartObject();
        foreach (var entry in ((MapNode)node).Entries)
        {
            writer.WritePropertyName(entry.Key.Raw);
            value.WriteCanonical(writer, entry.Value);
        }

        writer.WriteEndObject();
    }
}

internal static class CollectionRules
{
    public static void CheckCount(TextNode node, int count, int min, int max, string what, DiagnosticBag diagnostics)
    {
        if (count >= min && count <= max) return;
        var text = count < min
            ? string.Create(CultureInfo.InvariantCulture, $"{what}: at least {min} needed, found {count}")
            : string.Create(CultureInfo.InvariantCulture, $"{what}: at most {max} allowed, found {count}");
        diagnostics.Error("KOR1015", node, text);
    }
}
