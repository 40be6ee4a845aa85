using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Definition.Shapes;

/// <summary>A key of an object, without the type of its value.</summary>
internal abstract class Property(string name, Shape shape, bool required, string description)
{
    public string Name => name;

    public Shape Shape => shape;

    public bool Required => required;

    public string Description => description;
}

/// <summary>A key of an object.</summary>
internal sealed class Property<T>(string name, Shape<T> shape, bool required, string description)
    : Property(name, shape, required, description)
{
    public Shape<T> Typed => shape;
}

/// <summary>Makes properties.</summary>
internal static class Prop
{
    /// <summary>A key that must be there.</summary>
    public static Property<T> Required<T>(string name, Shape<T> shape, string description) =>
        new(name, shape, true, description);

    /// <summary>A key that may be left out.</summary>
    public static Property<T> Optional<T>(string name, Shape<T> shape, string description) =>
        new(name, shape, false, description);
}

/// <summary>The values of a mapping's keys, while an object is built from it.</summary>
internal readonly struct ObjectReader(MapNode? map, TextNode node, DiagnosticBag? diagnostics)
{
    /// <summary>The node the object is read from.</summary>
    public TextNode Node => node;

    /// <summary>A required value, or its stand-in.</summary>
    public T Get<T>(Property<T> property)
    {
        if (map?.Find(property.Name) is { } entry) return property.Typed.Read(entry.Value, diagnostics!);
        return property.Typed.Missing(node);
    }

    /// <summary>An optional value, or null when it was left out.</summary>
    public T? Find<T>(Property<T> property)
        where T : class => map?.Find(property.Name) is { } entry ? property.Typed.Read(entry.Value, diagnostics!)
            : null;

    /// <summary>An optional value, or a default when it was left out or is faulty.</summary>
    public T Or<T>(Property<Located<T>> property, T byDefault) => Find(property) is { Faulty: false } found
        ? found.Value : byDefault;

    /// <summary>True when there is no mapping to read from: every value is a stand-in.</summary>
    public bool IsMissing => map is null;

    /// <summary>Notes a fault that a single value does not show.</summary>
    public void Note(string code, TextNode at, string message) => diagnostics?.Error(code, at, message);

    /// <summary>True when the key was given.</summary>
    public bool Has(Property property) => map?.Find(property.Name) is not null;
}

/// <summary>A mapping with known keys.</summary>
internal sealed class ObjectShape<T>(
    string name, string what, IReadOnlyList<Property> properties, Func<ObjectReader, T> build) : Shape<T>
{
    public override string What => what;

    public IReadOnlyList<Property> Properties => properties;

    public override bool Fits(TextNode node) => node is MapNode;

    public override T Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not MapNode map)
        {
            ScalarRules.WrongKind(node, what, diagnostics);
            return Missing(node);
        }

        foreach (var entry in map.Entries)
        {
            if (properties.Any(p => p.Name == entry.Key.Raw)) continue;
            var suggestion = Suggestions.Nearest(entry.Key.Raw,
                properties.Select(p => p.Name).Where(p => map.Find(p) is null));
            var known = suggestion is null ? "; known: " + string.Join(", ", properties.Select(p => p.Name)) : "";
            diagnostics.Error("KOR1020", entry.Key, $"unknown key '{entry.Key.Raw}' in {what}{known}", suggestion);
        }

        foreach (var property in properties)
        {
            if (property.Required && map.Find(property.Name) is null)
                diagnostics.Error("KOR1021", node, $"{what} needs the key '{property.Name}' ({property.Shape.What})");
        }

        return build(new ObjectReader(map, node, diagnostics));
    }

    public override T Missing(TextNode parent) => build(new ObjectReader(null, parent, null));

    public override JsonNode ToSchema(SchemaParts parts) => parts.Reference(name, () =>
    {
        var keys = new JsonObject();
        foreach (var property in properties) keys[property.Name] = Described(property, parts);
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = keys };
        var required = properties.Where(p => p.Required).Select(p => (JsonNode)p.Name).ToArray();
        if (required.Length > 0) schema["required"] = new JsonArray(required);
        return schema;
    });

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node)
    {
        writer.WriteStartObject();
        foreach (var property in properties)
        {
            if (((MapNode)node).Find(property.Name) is not { } entry) continue;
            writer.WritePropertyName(property.Name);
            property.Shape.WriteCanonical(writer, entry.Value);
        }

        writer.WriteEndObject();
    }

    private static JsonNode Described(Property property, SchemaParts parts)
    {
        var schema = property.Shape.ToSchema(parts);
        // Keys beside $ref are ignored in draft-07, hence allOf.
        if (schema is JsonObject { } reference && reference.ContainsKey("$ref"))
            return new JsonObject { ["description"] = property.Description, ["allOf"] = new JsonArray(reference) };
        schema["description"] = property.Description;
        return schema;
    }
}

/// <summary>A mapping whose other keys depend on the word at one of them.</summary>
internal sealed class TaggedShape<T>(string what, string tag, Func<TextNode, T> broken,
    params (string Word, Shape<T> Shape)[] forms)
    : Shape<T>
{
    public override string What => what;

    public override bool Fits(TextNode node) => node is MapNode;

    public override T Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not MapNode map)
        {
            ScalarRules.WrongKind(node, what, diagnostics);
            return broken(node);
        }

        var words = forms.Select(f => f.Word).ToArray();
        if (map.Find(tag) is not { } entry)
        {
            diagnostics.Error("KOR1021", node, $"{what} needs the key '{tag}' (one of {string.Join(", ", words)})");
            return broken(node);
        }

        var word = (entry.Value as ScalarNode)?.Text;
        foreach (var (known, shape) in forms)
        {
            if (known == word) return shape.Read(node, diagnostics);
        }

        var suggestion = word is null ? null : Suggestions.Nearest(word, words);
        var message = $"{entry.Value.Kind} is not a known {tag} of {what}; known: {string.Join(", ", words)}";
        diagnostics.Error("KOR1013", entry.Value, message, suggestion);
        return broken(node);
    }

    public override T Missing(TextNode parent) => broken(parent);

    public override JsonNode ToSchema(SchemaParts parts) =>
        new JsonObject { ["anyOf"] = new JsonArray([.. forms.Select(f => f.Shape.ToSchema(parts))]) };

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node)
    {
        var word = ((ScalarNode)((MapNode)node).Find(tag)!.Value.Value).Text;
        Array.Find(forms, f => f.Word == word).Shape.WriteCanonical(writer, node);
    }
}
