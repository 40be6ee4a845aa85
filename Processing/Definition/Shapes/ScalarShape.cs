using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Definition.Shapes;

/// <summary>Reads a scalar's text; false and a reason when it is not of the form.</summary>
internal delegate bool ScalarParser<T>(string text, out T value, out string? reason);

/// <summary>A single value of a form.</summary>
internal sealed class ScalarShape<T>(string what, T standIn, ScalarParser<T> parse, Func<JsonObject> schema)
    : Shape<Located<T>>
{
    public override string What => what;

    public override bool Fits(TextNode node) => node is ScalarNode;

    public override Located<T> Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not ScalarNode scalar || scalar.IsNull)
        {
            ScalarRules.WrongKind(node, what, diagnostics);
            return Missing(node);
        }

        if (scalar.IsFaulty) return Missing(node);
        if (parse(scalar.Text, out var value, out var reason)) return new Located<T>(value, node);
        diagnostics.Error("KOR1012", node, $"{scalar.Kind} is not {what}{(reason is null ? "" : ": " + reason)}");
        return Missing(node);
    }

    public override Located<T> Missing(TextNode parent) => new(standIn, parent, Faulty: true);

    public override JsonNode ToSchema(SchemaParts parts) => schema();

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node) =>
        writer.WriteStringValue(((ScalarNode)node).Text);
}

/// <summary>One of a few words.</summary>
internal sealed class WordShape<T>(params (string Word, T Value)[] words) : Shape<Located<T>>
{
    public override string What => "one of " + string.Join(", ", words.Select(w => w.Word));

    public override bool Fits(TextNode node) => node is ScalarNode;

    public override Located<T> Read(TextNode node, DiagnosticBag diagnostics)
    {
        if (node is not ScalarNode scalar || scalar.IsNull)
        {
            ScalarRules.WrongKind(node, What, diagnostics);
            return Missing(node);
        }

        if (scalar.IsFaulty) return Missing(node);
        foreach (var (word, value) in words)
        {
            if (string.Equals(word, scalar.Text, StringComparison.Ordinal)) return new Located<T>(value, node);
        }

        var suggestion = Suggestions.Nearest(scalar.Text, words.Select(w => w.Word));
        diagnostics.Error("KOR1013", node, $"{scalar.Kind} is not {What}", suggestion);
        return Missing(node);
    }

    public override Located<T> Missing(TextNode parent) => new(words[0].Value, parent, Faulty: true);

    public override JsonNode ToSchema(SchemaParts parts) => new JsonObject
    {
        ["type"] = "string",
        ["enum"] = new JsonArray([.. words.Select(w => (JsonNode)w.Word)]),
    };

    public override void WriteCanonical(Utf8JsonWriter writer, TextNode node) =>
        writer.WriteStringValue(((ScalarNode)node).Text);
}

/// <summary>The forms of single values.</summary>
internal static class ScalarRules
{
    private const string Variable = @".*\$\{.*\}.*";

    /// <summary>Notes a node of the wrong kind.</summary>
    public static void WrongKind(TextNode node, string what, DiagnosticBag diagnostics)
    {
        if (node is ScalarNode { IsNull: true })
            diagnostics.Error("KOR1014", node, $"a value is missing here; expected {what}");
        else
            diagnostics.Error("KOR1011", node, $"expected {what}, found {node.Kind}");
    }

    /// <summary>Any text.</summary>
    public static ScalarShape<string> Text(string what, int maxLength = 4096) => new(
        what, "", (string text, out string value, out string? reason) =>
        {
            value = text;
            reason = text.Length > maxLength
                ? string.Create(CultureInfo.InvariantCulture, $"longer than {maxLength} characters")
                : text.Contains('\0', StringComparison.Ordinal) ? "it contains U+0000" : null;
            return reason is null;
        },
        () => new JsonObject { ["type"] = "string" });

    /// <summary>Any text, a number or a boolean as written.</summary>
    public static ScalarShape<string> Anything(string what) => new(
        what, "", (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text, text.Contains('\0', StringComparison.Ordinal) ? "it contains U+0000" : null);
            return reason is null;
        },
        () => new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") });

    /// <summary>An expression. It is compiled later, against the fields it sees.</summary>
    public static ScalarShape<string> Expression() => new(
        "an expression", "", (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text, text.Length > 16_384 ? "longer than 16384 characters" : null);
            return reason is null;
        },
        () => new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") });

    /// <summary>A text every character of which is allowed.</summary>
    public static ScalarShape<string> Matching(string what, string schemaPattern, int maxLength, Func<char, int,
        bool> allowed) => new(
        what, "", (string text, out string value, out string? reason) =>
        {
            value = text;
            reason = text.Length == 0 ? "it is empty"
                : text.Length > maxLength ? string.Create(CultureInfo.InvariantCulture,
                    $"longer than {maxLength} characters")
                : null;
            for (var i = 0; reason is null && i < text.Length; i++)
            {
                if (!allowed(text[i], i)) reason = $"the character '{text[i]}' is not allowed there";
            }

            return reason is null;
        },
        () => new JsonObject { ["type"] = "string", ["pattern"] = $"^({schemaPattern}|{Variable})$" });

    /// <summary>A whole number within bounds.</summary>
    public static ScalarShape<long> Integer(long min, long max)
    {
        var what = string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}");
        return new(
            what, min, (string text, out long value, out string? reason) =>
            {
                reason = null;
                return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value)
                    && value >= min && value <= max;
            },
            () => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max },
                    new JsonObject { ["type"] = "string", ["pattern"] = $"^([0-9]+|{Variable})$" }),
            });
    }

    /// <summary>A number within bounds.</summary>
    public static ScalarShape<double> Number(double min, double max)
    {
        var what = string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}");
        return new(
            what, min, (string text, out double value, out string? reason) =>
            {
                reason = null;
                return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
                    && value >= min && value <= max;
            },
            () => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "number", ["minimum"] = min, ["maximum"] = max },
                    new JsonObject { ["type"] = "string", ["pattern"] = $"^([0-9.]+|{Variable})$" }),
            });
    }

    /// <summary>true or false.</summary>
    public static ScalarShape<bool> Boolean() => new(
        "true or false", false, (string text, out bool value, out string? reason) =>
        {
            value = text == "true";
            reason = text is "yes" or "no" or "on" or "off" or "True" or "False" or "TRUE" or "FALSE"
                ? "write true or false" : null;
            return text is "true" or "false";
        },
        () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject { ["type"] = "boolean" },
                new JsonObject { ["type"] = "string", ["pattern"] = $"^(true|false|{Variable})$" }),
        });

    /// <summary>A span of time in milliseconds.</summary>
    public static ScalarShape<long> Duration(long min, long max)
    {
        var what =
            $"a duration from {Durations.Format(min)} to {Durations.Format(max)}, such as 500ms, 30s, 5m, 1h or 2d";
        return new(
            what, min, (string text, out long value, out string? reason) =>
            {
                reason = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var plain)
                    && plain != 0
                    ? $"a unit is missing; {text}s would be seconds"
                    : Durations.Meant(text) is { } meant && meant != text ? $"write {meant}" : null;
                if (text == "0")
                {
                    value = 0;
                    return min == 0;
                }

                return Durations.TryParse(text, out value) && value >= min && value <= max;
            },
            () => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "string", ["pattern"] = $"^(([0-9]+(ms|s|m|h|d))+|{Variable})$" },
                    new JsonObject { ["const"] = 0 }),
            });
    }

    /// <summary>A size in bytes.</summary>
    public static ScalarShape<long> Bytes(long min, long max)
    {
        var what = string.Create(CultureInfo.InvariantCulture,
            $"a size from {min} to {max} bytes, such as 64KiB or 1MiB");
        return new(
            what, min, (string text, out long value, out string? reason) =>
            {
                reason = null;
                return ByteSizes.TryParse(text, out value) && value >= min && value <= max;
            },
            () => new JsonObject
            {
                ["anyOf"] = new JsonArray(
                    new JsonObject { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max },
                    new JsonObject { ["type"] = "string", ["pattern"] =
                        $"^([0-9]+ ?(B|kB|KiB|MB|MiB|GB|GiB)?|{Variable})$" }),
            });
    }
}
