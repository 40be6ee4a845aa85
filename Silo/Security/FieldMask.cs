using System.Security.Claims;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Hides the values of named fields (<c>Kor:Http:MaskFields</c>) wherever records are shown to people; admins see them.</summary>
internal sealed class FieldMask
{
    /// <summary>What stands for a value that is not shown.</summary>
    public const string Hidden = "***";

    private readonly Regex? _names;

    public FieldMask(KorOptions options)
    {
        if (options.Http.MaskFields.Count == 0) return;
        var names = options.Http.MaskFields.Select(n => Regex.Escape(n).Replace(@"\*", ".*", StringComparison.Ordinal));
        _names = new Regex($"^(?:{string.Join('|', names)})$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    /// <summary>The mask for a user; null for one who sees everything.</summary>
    public FieldMask? For(ClaimsPrincipal user) => _names is null || user.IsInRole(KorRoles.Admin) ? null : this;

    /// <summary>True for a field whose values are not shown.</summary>
    public bool Hides(string field) => _names!.IsMatch(field);

    /// <summary>Hides values in place, at any depth.</summary>
    public void Apply(JsonNode? node)
    {
        if (node is JsonArray array)
        {
            foreach (var item in array) Apply(item);
        }
        else if (node is JsonObject fields)
        {
            foreach (var name in fields.Select(f => f.Key).ToList())
            {
                if (!Hides(name)) Apply(fields[name]);
                else if (fields[name] is not null) fields[name] = Hidden;
            }
        }
    }

    /// <summary>A record's value as text. What is no JSON is not shown at all: nobody can tell what is in it.</summary>
    public string? Value(string? text) => Value(text, []);

    /// <summary>As <see cref="Value(string?)"/>, with further names at the top that are not shown.</summary>
    public string? Value(string? text, IReadOnlyList<string> columns) => text is null ? null : Json(text, columns) ?? Hidden;

    /// <summary>A record's key as text; one that is no JSON stays.</summary>
    public string? Key(string? text) => text is null ? null : Json(text, []) ?? text;

    private string? Json(string text, IReadOnlyList<string> columns)
    {
        if (!ForeignJson.TryParse(text, out var node) || node is null or JsonValue) return null;
        foreach (var column in columns)
        {
            if (node is JsonObject row && row[column] is not null) row[column] = Hidden;
        }

        Apply(node);
        return node.ToJsonString(Relaxed);
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
