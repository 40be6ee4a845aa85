using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// Puts the schemas that lie beside a pipeline file (<c>schema: orders.avsc</c>) into its text, on the line where they are named. What is stored and handed
/// to other silos is whole then, and reads the same everywhere.
/// </summary>
public static partial class SchemaFiles
{
    /// <summary>The longest file that is taken: 1 MiB.</summary>
    public const int MaxBytes = 1 << 20;

    private static readonly JsonSerializerOptions Brief = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The text with its schemas in place. What cannot be read stays as it is; the compiler says so.</summary>
    /// <param name="text">A pipeline, YAML or JSON.</param>
    /// <param name="isJson">It is JSON.</param>
    /// <param name="read">The text of a file by its name, which stays in the pipeline's folder or below; null when there is none.</param>
    public static string Inline(string text, bool isJson, Func<string, string?> read)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(read);
        if (!text.Contains(".avsc", StringComparison.Ordinal)) return text;
        return (isJson ? InJson() : InYaml()).Replace(text, match =>
        {
            var file = match.Groups["file"].Value;
            if (file.Split('/').Contains("..") || read(file) is not { } schema || Minify(schema) is not { } brief) return match.Value;
            return isJson ? JsonSerializer.Serialize(brief, Brief) : $"'{brief.Replace("'", "''", StringComparison.Ordinal)}'";
        });
    }

    private static string? Minify(string schema)
    {
        try
        {
            using var document = JsonDocument.Parse(schema, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, MaxDepth = 128 });
            return JsonSerializer.Serialize(document.RootElement, Brief);
        }
        catch (JsonException)
        {
            // The file is named in the pipeline, and what is wrong with it is said where that is compiled.
            return null;
        }
    }

    [GeneratedRegex("""(?<=^[ \t]+schema:[ \t]+|[{,][ \t]*schema:[ \t]+)["']?(?<file>[A-Za-z0-9_.-][A-Za-z0-9_./-]*\.avsc)["']?(?=[ \t]*(\r?$|[,}]|[ \t]#))""", RegexOptions.Multiline | RegexOptions.CultureInvariant)]
    private static partial Regex InYaml();

    [GeneratedRegex("""(?<="schema"\s*:\s*)"(?<file>[A-Za-z0-9_.-][A-Za-z0-9_./-]*\.avsc)"(?=\s*[,}])""", RegexOptions.CultureInvariant)]
    private static partial Regex InJson();
}
