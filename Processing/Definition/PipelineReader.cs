using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>What was read of a pipeline file.</summary>
/// <param name="Definition">The definition; null when the text is no mapping at all. Parts with faults hold
/// stand-ins.</param>
/// <param name="CanonicalJson">
/// The same pipeline as JSON with variables replaced, without comments and blanks, keys in the format's order; null
/// when there are errors. Reading it gives an equal pipeline.
/// </param>
internal sealed record PipelineReading(PipelineDefinition? Definition, string? CanonicalJson);

/// <summary>Reads pipeline files, YAML or JSON, and notes every fault with its place.</summary>
public static class PipelineReader
{
    /// <summary>The longest text, UTF-16 characters: 1 Mi.</summary>
    public const int MaxTextLength = 1024 * 1024;

    private static readonly JsonWriterOptions Compact = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>
    /// Reads a text without checking what it means: for tools that show or edit definitions. Never throws for a text.
    /// </summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="fileName">The name diagnostics show; <c>.json</c> at its end makes it JSON.</param>
    /// <param name="variables">What <c>${NAME}</c> stands for; null for a name that is not set.</param>
    /// <param name="diagnostics">Everything found.</param>
    public static PipelineDefinition? Read(
        string text, string fileName, Func<string, string?> variables, out IReadOnlyList<Diagnostic> diagnostics)
    {
        var bag = new DiagnosticBag(fileName, text);
        var reading = Read(bag, variables);
        diagnostics = bag.ToList();
        return reading.Definition;
    }

    /// <summary>The format in JSON Schema, draft-07, for editors. Ends with a line break.</summary>
    public static string JsonSchema()
    {
        var parts = new Shapes.SchemaParts();
        var root = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "KafkaOracleOrleans pipeline",
            ["description"] = "A pipeline: sources, steps and sinks. Spans of time are written 500ms, 30s, 5m, 1h, 2d.",
        };
        var pipeline = (JsonObject)PipelineFormat.Pipeline.ToSchema(parts);
        root["$ref"] = pipeline["$ref"]!.DeepClone();
        root["definitions"] = parts.ToJson();
        var options = new JsonSerializerOptions
        {
            WriteIndented = true,
            NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        return root.ToJsonString(options) + "\n";
    }

    /// <summary>Reads YAML or JSON into nodes, with variables replaced; null when that is not possible.</summary>
    internal static TextNode? Compose(DiagnosticBag diagnostics, Func<string, string?> variables)
    {
        var text = diagnostics.Text;
        if (text.Length > MaxTextLength)
        {
            diagnostics.ErrorAt("KOR1004", default, 0, "$", $"the file is longer than {MaxTextLength} characters");
            return null;
        }

        var root = diagnostics.File.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonComposer.Compose(diagnostics)
            : YamlComposer.Compose(diagnostics);
        if (root is not null) Interpolate(root, variables, diagnostics, []);
        return root;
    }

    internal static PipelineReading Read(DiagnosticBag diagnostics, Func<string, string?> variables)
    {
        var root = Compose(diagnostics, variables);
        if (root is null or ScalarNode { IsNull: true })
        {
            if (!diagnostics.HasErrors) diagnostics.ErrorAt("KOR1010", new TextPosition(1, 1, 0), 1, "$",
                "the file is empty");
            return new PipelineReading(null, null);
        }

        if (root is not MapNode)
        {
            diagnostics.Error("KOR1010", root,
                $"a pipeline file is a mapping that begins with 'apiVersion', not {root.Kind}");
            return new PipelineReading(null, null);
        }

        var definition = PipelineFormat.Pipeline.Read(root, diagnostics);
        return new PipelineReading(definition, diagnostics.HasErrors ? null : Canonical(root));
    }

    private static string Canonical(TextNode root)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, Compact)) PipelineFormat.Pipeline.WriteCanonical(writer, root);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void Interpolate(
        TextNode node, Func<string, string?> variables, DiagnosticBag diagnostics, HashSet<TextNode> seen)
    {
        if (!seen.Add(node)) return;
        switch (node)
        {
            case ScalarNode scalar:
                Interpolation.Apply(scalar, variables, diagnostics);
                break;
            case ListNode list:
                foreach (var item in list.Items) Interpolate(item, variables, diagnostics, seen);
                break;
            case MapNode map:
                foreach (var entry in map.Entries) Interpolate(entry.Value, variables, diagnostics, seen);
                break;
        }
    }
}
