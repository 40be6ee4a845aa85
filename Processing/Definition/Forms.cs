using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Definition.Shapes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>Forms of values that pipelines have in several places.</summary>
internal static class Forms
{
    private const string TypeNames = "boolean, integer, decimal(p,s), double, string, timestamp, date, bytes, json";

    public static ScalarShape<string> Id(string what) => ScalarRules.Matching(
        $"{what} (letters, digits, '_', '-'; a letter first; at most 63)", "[A-Za-z][A-Za-z0-9_-]{0,62}", 63,
        (c, i) => char.IsAsciiLetter(c) || (i > 0 && (char.IsAsciiDigit(c) || c is '_' or '-')));

    private const int MaxFieldName = 120;

    public static ScalarShape<string> FieldName() => ScalarRules.Matching(
        "a field's name (letters, digits, '_'; no digit first)", "[A-Za-z_][A-Za-z0-9_]*", MaxFieldName, IsInFieldName);

    /// <summary>True for a text that is one.</summary>
    public static bool IsFieldName(string text) => text.Length is > 0 and <= MaxFieldName && text.Index().All(c => IsInFieldName(c.Item, c.Index));

    private static bool IsInFieldName(char c, int index) => char.IsAsciiLetter(c) || c == '_' || (index > 0 && char.IsAsciiDigit(c));

    public static ScalarShape<string> Column() => ScalarRules.Matching(
        "a column's name (letters, digits, '_', '$', '#'; a letter or '_' first)", "[A-Za-z_][A-Za-z0-9_$#]*", 128,
        (c, i) => char.IsAsciiLetter(c) || c == '_' || (i > 0 && (char.IsAsciiDigit(c) || c is '$' or '#')));

    public static ScalarShape<string> Connection() => ScalarRules.Matching(
        "a connection's name (letters, digits, '_', '-', '.')", "[A-Za-z0-9][A-Za-z0-9_.-]*", 63,
        (c, i) => char.IsAsciiLetterOrDigit(c) || (i > 0 && c is '_' or '-' or '.'));

    public static ScalarShape<string> Table() => new(
        "a table's name, TABLE or SCHEMA.TABLE", "", (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text, null);
            var parts = text.Split('.');
            return parts.Length <= 2 && Array.TrueForAll(parts, p => p.Length is > 0 and <= 128
                && (char.IsAsciiLetter(p[0]) || p[0] == '_')
                && p.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '#'));
        },
        () => new JsonObject { ["type"] = "string" });

    public static ScalarShape<string> Topic() => new(
        "a topic's name (letters, digits, '.', '_', '-'; at most 249), or a pattern that begins with '^'", "",
        (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text, null);
            if (text.StartsWith('^')) return IsPattern(text, out reason);
            return text is { Length: > 0 and <= 249 } and not ("." or "..")
                && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
        },
        () => new JsonObject { ["type"] = "string" });

    public static ScalarShape<string> AsciiCharacter() => new(
        "one ASCII character", ",", (string text, out string value, out string? reason) =>
        {
            (value, reason) = (text == "\\t" ? "\t" : text, null);
            return value.Length == 1 && char.IsAscii(value[0]) && value[0] is not ('\n' or '\r' or '\0');
        },
        () => new JsonObject { ["type"] = "string" });

    public static ScalarShape<StartPlan> Start() => new(
        "earliest, latest, or a time such as 2026-01-31T00:00:00Z", new StartPlan(StartKind.Earliest),
        (string text, out StartPlan value, out string? reason) =>
        {
            value = new StartPlan(StartKind.Earliest);
            reason = null;
            if (text == "earliest") return true;
            if (text == "latest")
            {
                value = new StartPlan(StartKind.Latest);
                return true;
            }

            if (!IsIsoTime(text, out var time)) return false;
            value = new StartPlan(StartKind.Timestamp, time.ToUnixTimeMilliseconds());
            return true;
        },
        () => new JsonObject { ["type"] = "string", ["examples"] =
            new JsonArray("earliest", "latest", "2026-01-31T00:00:00Z") });

    /// <summary>A path into a JSON value: names with dots between, or a list of names that may contain dots.</summary>
    public static EitherShape<IReadOnlyList<Located<string>>> Path()
    {
        var dotted = ScalarRules.Text("a path such as customer.address.city",
            1000).Select<IReadOnlyList<Located<string>>>(
            (text, _) => text.Faulty ? [] : [.. text.Value.Split('.').Select(part => text with { Value = part })]);
        var list = new ListShape<Located<string>>("a list of names", ScalarRules.Text("a name", 200), min: 1, max: 32);
        return new EitherShape<IReadOnlyList<Located<string>>>(
            "a path such as customer.address.city, or a list of names", dotted, list);
    }

    public static ScalarShape<FieldType> Type() => new(
        $"a type ({TypeNames})", FieldType.String, ParseType,
        () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject
                {
                    ["enum"] = new JsonArray("boolean", "integer", "double", "string", "timestamp", "date", "bytes",
                        "json"),
                },
                new JsonObject { ["type"] = "string", ["pattern"] = @"^decimal\( *[0-9]+ *(, *[0-9]+ *)?\)$" }),
        });

    /// <summary>The part of a record a field comes from.</summary>
    public static ScalarShape<FieldSource> Origin() => new(
        "value, key, header(NAME), topic, partition, offset, kafka_timestamp or envelope", default, ParseOrigin,
        () => new JsonObject
        {
            ["anyOf"] = new JsonArray(
                new JsonObject { ["enum"] = new JsonArray([.. Origins.Select(o => (JsonNode)o.Word)]) },
                new JsonObject { ["type"] = "string", ["pattern"] = @"^header\(.+\)$" }),
        });

    private static readonly (string Word, FieldOrigin Origin)[] Origins =
    [
        ("value", FieldOrigin.Value), ("key", FieldOrigin.Key), ("topic", FieldOrigin.Topic), ("partition", FieldOrigin.Partition),
        ("offset", FieldOrigin.Offset), ("kafka_timestamp", FieldOrigin.KafkaTimestamp), ("envelope", FieldOrigin.Envelope),
    ];

    private static bool ParseOrigin(string text, out FieldSource value, out string? reason)
    {
        (value, reason) = (default, null);
        foreach (var (word, origin) in Origins)
        {
            if (word != text) continue;
            value = new FieldSource(origin, null);
            return true;
        }

        if (text.StartsWith("header(", StringComparison.Ordinal) && text.EndsWith(')'))
        {
            var name = text[7..^1].Trim();
            reason = name.Length == 0 ? "the header has no name" : name.Length > 200 ? "the header's name is longer than 200 characters" : null;
            value = new FieldSource(FieldOrigin.Header, name);
            return reason is null;
        }

        reason = text.StartsWith("header", StringComparison.Ordinal) ? "a header is header(NAME)"
            : text == "timestamp" ? "did you mean kafka_timestamp?"
            : Text.Suggestions.Nearest(text, Origins.Select(o => o.Word)) is { } near ? $"did you mean {near}?" : null;
        return false;
    }

    public static ScalarShape<GrainPer> GrainPer() => new(
        "key or group(n) with n from 1 to 65536", default, (string text, out GrainPer value, out string? reason) =>
        {
            (value, reason) = (default, null);
            if (text == "key") return true;
            if (!text.StartsWith("group(", StringComparison.Ordinal) || !text.EndsWith(')')) return false;
            if (!int.TryParse(text.AsSpan(6, text.Length - 7).Trim(), NumberStyles.None, CultureInfo.InvariantCulture,
                out var groups))
                return false;
            value = new GrainPer(groups);
            return groups is >= 1 and <= 65536;
        },
        () => new JsonObject { ["type"] = "string", ["pattern"] = @"^(key|group\( *[0-9]+ *\))$" });

    /// <summary>An ISO 8601 time; without an offset it is UTC.</summary>
    public static bool IsIsoTime(string text, out DateTimeOffset time)
    {
        time = default;
        return text.Length >= 10 && text[4] == '-' && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
    }

    private static bool ParseType(string text, out FieldType value, out string? reason)
    {
        reason = null;
        FieldType? known = text switch
        {
            "boolean" => FieldType.Boolean,
            "integer" => FieldType.Integer,
            "double" => FieldType.Double,
            "string" => FieldType.String,
            "timestamp" => FieldType.Timestamp,
            "date" => FieldType.Date,
            "bytes" => FieldType.Bytes,
            "json" => FieldType.Json,
            _ => null,
        };
        value = known ?? FieldType.String;
        if (known is not null) return true;
        if (text.StartsWith("decimal", StringComparison.Ordinal)) return ParseDecimal(text, out value, out reason);
        reason = text switch
        {
            "int" or "long" or "int64" or "bigint" or "number" => "did you mean integer or decimal(p,s)?",
            "bool" => "did you mean boolean?",
            "float" or "real" => "did you mean double?",
            "text" or "varchar" or "varchar2" or "char" => "did you mean string?",
            "datetime" or "timestamptz" or "time" => "did you mean timestamp?",
            "object" or "array" => "did you mean json?",
            _ => Text.Suggestions.Nearest(
                text, ["boolean", "integer", "decimal", "double", "string", "timestamp", "date", "bytes",
                    "json"]) is { } near
                ? $"did you mean {near}?" : null,
        };
        return false;
    }

    private static bool ParseDecimal(string text, out FieldType value, out string? reason)
    {
        value = FieldType.Decimal(18, 2);
        reason = string.Create(
            CultureInfo.InvariantCulture,
            $"a decimal is decimal(p,s) with p from 1 to {FieldType.MaxPrecision} and s from 0 to p");
        if (text.StartsWith("decimal(", StringComparison.Ordinal) && !text.Contains(')', StringComparison.Ordinal))
            reason = "between { } a comma ends the value, so the type needs quotes there: \"decimal(12,2)\"";
        if (text.Length < 10 || text[7] != '(' || text[^1] != ')') return false;
        var parts = text[8..^1].Split(',');
        if (parts.Length > 2) return false;
        var scale = 0;
        if (!int.TryParse(parts[0], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out var p)
            || (parts.Length == 2 && !int.TryParse(
                parts[1], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
                CultureInfo.InvariantCulture, out scale)))
            return false;
        if (p is < 1 or > FieldType.MaxPrecision || scale < 0 || scale > p) return false;
        (value, reason) = (FieldType.Decimal(p, scale), null);
        return true;
    }

    private static bool IsPattern(string text, out string? reason)
    {
        try
        {
            _ = new Regex(text, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            reason = null;
            return text.Length <= 249;
        }
        catch (ArgumentException fault)
        {
            reason = fault.Message;
            return false;
        }
        catch (NotSupportedException)
        {
            reason = "look-around and back references are not supported";
            return false;
        }
    }
}
