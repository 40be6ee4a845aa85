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
        var entries = map.Entries;
        for (var i = 0; i < Math.Min(entries.Count, max); i++)
        {
            var (key, of) = (name.Read(entries[i].Key, diagnostics), entries[i].Value);
            var rest = CollectionRules.CutByCommas(entries, i);
            if (rest == 0)
            {
                items.Add(new Named<T>(key, value.Read(of, diagnostics)));
                continue;
            }

            var whole = string.Join(", ", [((ScalarNode)of).Raw, .. entries.Skip(i + 1).Take(rest).Select(e => e.Key.Raw)]);
            diagnostics.Error("KOR1012", of, $"between {{ }} a comma ends the value, so this one needs quotes: \"{whole}\"");
            items.Add(new Named<T>(key, value.Missing(of)));
            i += rest;
        }

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
    /// <summary>
    /// How many entries after one are pieces of its value: <c>{ p: percentile(amt, 0.9) }</c> without quotes ends at the comma, and what follows is a key
    /// without a value.
    /// </summary>
    public static int CutByCommas(IReadOnlyList<MapEntry> entries, int at)
    {
        if (entries[at].Value is not ScalarNode { Style: ScalarStyle.Plain } first) return 0;
        var open = Open(first.Raw);
        if (open <= 0) return 0;
        for (var i = at + 1; i < entries.Count && entries[i].Value is ScalarNode { IsNull: true }; i++)
        {
            open += Open(entries[i].Key.Raw);
            if (open <= 0) return i - at;
        }

        return 0;
    }

    private static int Open(string text) => text.Count(c => c == '(') - text.Count(c => c == ')');

    public static void CheckCount(TextNode node, int count, int min, int max, string what, DiagnosticBag diagnostics)
    {
        if (count >= min && count <= max) return;
        var text = count < min
            ? string.Create(CultureInfo.InvariantCulture, $"{what}: at least {min} needed, found {count}")
            : string.Create(CultureInfo.InvariantCulture, $"{what}: at most {max} allowed, found {count}");
        diagnostics.Error("KOR1015", node, text);
    }
}
