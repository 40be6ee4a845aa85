using System.Text.Json;
using System.Text.Json.Nodes;

namespace KafkaOracleOrleans.Processing.Definition.Shapes;

/// <summary>
/// A form a node can have. One description serves reading with faults noted, the canonical text behind the definition
/// hash, and the JSON Schema for editors, so that the three cannot differ.
/// </summary>
internal abstract class Shape
{
    /// <summary>What is expected, for messages: "a duration such as 30s".</summary>
    public abstract string What { get; }

    /// <summary>True when a node of this kind is of this shape at first sight; decides between alternatives.</summary>
    public abstract bool Fits(TextNode node);

    /// <summary>The shape in JSON Schema, draft-07.</summary>
    public abstract JsonNode ToSchema(SchemaParts parts);

    /// <summary>Writes a node that was read without faults in canonical JSON.</summary>
    public abstract void WriteCanonical(Utf8JsonWriter writer, TextNode node);
}

/// <summary>A form that reads into a value.</summary>
internal abstract class Shape<T> : Shape
{
    /// <summary>Reads a node. Faults are noted, and a stand-in is returned for what cannot be read.</summary>
    public abstract T Read(TextNode node, DiagnosticBag diagnostics);

    /// <summary>
    /// What stands in for a value that is missing from <paramref name="parent"/> (which the caller noted).
    /// </summary>
    public abstract T Missing(TextNode parent);

    /// <summary>The same form, read into another type.</summary>
    public Shape<TOut> Select<TOut>(Func<T, TextNode, TOut> convert) => new SelectShape<T, TOut>(this, convert);
}

/// <summary>The named parts of a JSON Schema.</summary>
internal sealed class SchemaParts
{
    private readonly SortedDictionary<string, JsonNode?> _parts = new(StringComparer.Ordinal);

    /// <summary>A reference to a named part, made on first use.</summary>
    public JsonObject Reference(string name, Func<JsonNode> make)
    {
        if (_parts.TryAdd(name, null)) _parts[name] = make();
        return new JsonObject { ["$ref"] = $"#/definitions/{name}" };
    }

    public JsonObject ToJson()
    {
        var result = new JsonObject();
        foreach (var (name, part) in _parts) result[name] = part;
        return result;
    }
}

/// <summary>A shape whose value is converted.</summary>
internal sealed class SelectShape<TIn, TOut>(Shape<TIn> inner, Func<TIn, TextNode, TOut> convert) : Shape<TOut>
{
    public override string What => inner.What;

    public override bool Fits(TextNode node) => inner.Fits(node);

    public override JsonNode ToSchema(SchemaParts parts) => inner.ToSchema(parts);

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node) => inner.WriteCanonical(writer, node);

    public override TOut Read(TextNode node, DiagnosticBag diagnostics) => convert(inner.Read(node, diagnostics), node);

    public override TOut Missing(TextNode parent) => convert(inner.Missing(parent), parent);
}

/// <summary>One of several forms, told apart at first sight; the first is the one expected when none fits.</summary>
internal sealed class EitherShape<T>(string what, params Shape<T>[] forms) : Shape<T>
{
    public override string What => what;

    public override bool Fits(TextNode node) => Array.Exists(forms, f => f.Fits(node));

    public override T Read(TextNode node, DiagnosticBag diagnostics)
    {
        var form = Array.Find(forms, f => f.Fits(node));
        if (form is not null) return form.Read(node, diagnostics);
        ScalarRules.WrongKind(node, what, diagnostics);
        return Missing(node);
    }

    public override T Missing(TextNode parent) => forms[0].Missing(parent);

    public override JsonNode ToSchema(SchemaParts parts) =>
        new JsonObject { ["anyOf"] = new JsonArray([.. forms.Select(f => f.ToSchema(parts))]) };

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node) =>
        Array.Find(forms, f => f.Fits(node))!.WriteCanonical(writer, node);
}
