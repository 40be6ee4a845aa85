using System.Text.Json;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>Reads schemas as Avro 1.12 writes them in JSON. Unknown properties and logical types are let be, as the specification has it.</summary>
internal sealed class AvroSchemaReader
{
    private const int MaxTypes = 20_000;
    private const int MaxFixed = 1 << 20;
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 128 };
    private readonly Dictionary<string, AvroSchema> _named = new(StringComparer.Ordinal);
    private int _types;

    /// <summary>Reads a schema. Throws <see cref="SchemaException"/> when it is none.</summary>
    /// <param name="text">The schema.</param>
    /// <param name="references">Schemas whose types it may name.</param>
    public static AvroSchema Read(string text, IReadOnlyList<string>? references = null)
    {
        var reader = new AvroSchemaReader();
        foreach (var reference in references ?? []) reader.ReadText(reference);
        return reader.ReadText(text);
    }

    private AvroSchema ReadText(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, Options);
            // Defaults are kept, the document is not.
            return Type(document.RootElement.Clone(), "");
        }
        catch (JsonException e)
        {
            // A bare name is how registries give primitive types out.
            if (Primitive(text.Trim()) is { } kind) return new AvroSchema(kind);
            throw new SchemaException($"The schema is not JSON: {e.Message}");
        }
    }

    private AvroSchema Type(JsonElement json, string space)
    {
        if (++_types > MaxTypes) throw new SchemaException($"The schema has more than {MaxTypes} types.");
        switch (json.ValueKind)
        {
            case JsonValueKind.String:
                return Named(json.GetString()!, space);
            case JsonValueKind.Array:
                return Union(json, space);
            case JsonValueKind.Object when json.TryGetProperty("type", out var type):
                // {"type": {...}} is the type inside.
                return type.ValueKind == JsonValueKind.String ? Complex(json, type.GetString()!, space) : Type(type, space);
            default:
                throw new SchemaException("A type is a name, an object with 'type', or an array of types.");
        }
    }

    private AvroSchema Named(string name, string space)
    {
        if (Primitive(name) is { } kind) return new AvroSchema(kind);
        if (_named.TryGetValue(name.Contains('.', StringComparison.Ordinal) || space.Length == 0 ? name : $"{space}.{name}", out var known)) return known;
        return _named.TryGetValue(name, out known) ? known : throw new SchemaException($"The schema names the type '{name}', which it does not define.");
    }

    private AvroSchema Union(JsonElement json, string space)
    {
        var branches = json.EnumerateArray().Select(b => Type(b, space)).ToList();
        if (branches.Exists(b => b.Kind == AvroKind.Union)) throw new SchemaException("A union is directly in a union.");
        if (branches.Count == 0) throw new SchemaException("A union has no types.");
        return new AvroSchema(AvroKind.Union) { Branches = branches };
    }

    private AvroSchema Complex(JsonElement json, string type, string space)
    {
        switch (type)
        {
            case "record" or "error":
                return Record(json, space);
            case "enum":
                return Enum(json, space);
            case "fixed":
                return Fixed(json, space);
            case "array":
                return new AvroSchema(AvroKind.Array) { Item = Type(Part(json, "items"), space) };
            case "map":
                return new AvroSchema(AvroKind.Map) { Item = Type(Part(json, "values"), space) };
        }

        if (Primitive(type) is not { } kind) return Named(type, space);
        var (logical, precision, scale) = Logical(json, kind, 0);
        return new AvroSchema(kind) { Logical = logical, Precision = precision, Scale = scale };
    }

    private AvroSchema Record(JsonElement json, string space)
    {
        var (name, inside) = NameOf(json, space);
        var schema = new AvroSchema(AvroKind.Record) { Name = name, Aliases = AliasesOf(json, inside) };
        Add(schema);
        var fields = new List<AvroField>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in List(json, "fields").EnumerateArray())
        {
            var fieldName = Text(field, "name");
            if (!names.Add(fieldName)) throw new SchemaException($"The record '{name}' has the field '{fieldName}' twice.");
            fields.Add(new AvroField(
                fieldName, Texts(field, "aliases"), Type(Part(field, "type"), inside), field.TryGetProperty("default", out var value) ? value : null));
        }

        schema.Fields = fields;
        return schema;
    }

    private AvroSchema Enum(JsonElement json, string space)
    {
        var (name, inside) = NameOf(json, space);
        var schema = new AvroSchema(AvroKind.Enum)
        {
            Name = name, Aliases = AliasesOf(json, inside), Symbols = Texts(json, "symbols"), Fallback = json.TryGetProperty("default", out var value) ? value.GetString() : null,
        };
        Add(schema);
        return schema;
    }

    private AvroSchema Fixed(JsonElement json, string space)
    {
        var (name, inside) = NameOf(json, space);
        if (!Part(json, "size").TryGetInt32(out var size) || size is < 0 or > MaxFixed) throw new SchemaException($"The size of '{name}' is none from 0 to {MaxFixed}.");
        var (logical, precision, scale) = Logical(json, AvroKind.Fixed, size);
        var schema = new AvroSchema(AvroKind.Fixed)
        {
            Name = name, Aliases = AliasesOf(json, inside), Size = size, Logical = logical, Precision = precision, Scale = scale,
        };
        Add(schema);
        return schema;
    }

    private void Add(AvroSchema schema)
    {
        if (!_named.TryAdd(schema.Name, schema)) throw new SchemaException($"The schema defines '{schema.Name}' twice.");
    }

    /// <summary>What a logical type says, where it goes with the type; and what Debezium and Kafka Connect say by names of their own.</summary>
    private static (AvroLogical Logical, int Precision, int Scale) Logical(JsonElement json, AvroKind kind, int size)
    {
        var name = json.TryGetProperty("logicalType", out var logical) && logical.ValueKind == JsonValueKind.String ? logical.GetString() : null;
        name ??= json.TryGetProperty("connect.name", out var connect) && connect.ValueKind == JsonValueKind.String ? connect.GetString() : null;
        return (name, kind) switch
        {
            ("decimal", AvroKind.Bytes or AvroKind.Fixed) => DecimalOf(json),
            ("uuid", AvroKind.String) => (AvroLogical.Uuid, 0, 0),
            ("uuid", AvroKind.Fixed) when size == 16 => (AvroLogical.Uuid, 0, 0),
            ("duration", AvroKind.Fixed) when size == 12 => (AvroLogical.Duration, 0, 0),
            ("date" or "io.debezium.time.Date", AvroKind.Int) => (AvroLogical.Date, 0, 0),
            ("time-millis" or "io.debezium.time.Time", AvroKind.Int) => (AvroLogical.TimeMillis, 0, 0),
            ("time-micros" or "io.debezium.time.MicroTime", AvroKind.Long) => (AvroLogical.TimeMicros, 0, 0),
            ("timestamp-millis" or "io.debezium.time.Timestamp", AvroKind.Long) => (AvroLogical.TimestampMillis, 0, 0),
            ("timestamp-micros" or "io.debezium.time.MicroTimestamp", AvroKind.Long) => (AvroLogical.TimestampMicros, 0, 0),
            ("timestamp-nanos" or "io.debezium.time.NanoTimestamp", AvroKind.Long) => (AvroLogical.TimestampNanos, 0, 0),
            ("local-timestamp-millis", AvroKind.Long) => (AvroLogical.LocalTimestampMillis, 0, 0),
            ("local-timestamp-micros", AvroKind.Long) => (AvroLogical.LocalTimestampMicros, 0, 0),
            ("local-timestamp-nanos", AvroKind.Long) => (AvroLogical.LocalTimestampNanos, 0, 0),
            _ => (AvroLogical.None, 0, 0),
        };
    }

    private static (AvroLogical Logical, int Precision, int Scale) DecimalOf(JsonElement json)
    {
        var scale = 0;
        // A decimal whose digits make no sense is what its type says: bytes.
        if (!json.TryGetProperty("precision", out var p) || !p.TryGetInt32(out var precision) || precision < 1) return default;
        if (json.TryGetProperty("scale", out var s) && (!s.TryGetInt32(out scale) || scale < 0 || scale > precision)) return default;
        return (AvroLogical.Decimal, precision, scale);
    }

    private static (string Name, string Space) NameOf(JsonElement json, string space)
    {
        var name = Text(json, "name");
        var dot = name.LastIndexOf('.');
        if (dot >= 0) return (name, name[..dot]);
        if (json.TryGetProperty("namespace", out var own) && own.ValueKind == JsonValueKind.String) space = own.GetString()!;
        return (space.Length == 0 ? name : $"{space}.{name}", space);
    }

    private static List<string> AliasesOf(JsonElement json, string space) =>
        [.. Texts(json, "aliases").Select(a => a.Contains('.', StringComparison.Ordinal) || space.Length == 0 ? a : $"{space}.{a}")];

    private static JsonElement Part(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var part)
        ? part
        : throw new SchemaException($"A type or field has no '{name}'.");

    private static JsonElement List(JsonElement json, string name) => Part(json, name) is { ValueKind: JsonValueKind.Array } list
        ? list
        : throw new SchemaException($"'{name}' is no array.");

    private static string Text(JsonElement json, string name) => Part(json, name) is { ValueKind: JsonValueKind.String } text && text.GetString() is { Length: > 0 } value
        ? value
        : throw new SchemaException($"'{name}' is no text.");

    private static List<string> Texts(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out var list)) return [];
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(t => t.ValueKind != JsonValueKind.String))
            throw new SchemaException($"'{name}' is no array of texts.");
        return [.. list.EnumerateArray().Select(t => t.GetString()!)];
    }

    private static AvroKind? Primitive(string name) => name switch
    {
        "null" => AvroKind.Null,
        "boolean" => AvroKind.Boolean,
        "int" => AvroKind.Int,
        "long" => AvroKind.Long,
        "float" => AvroKind.Float,
        "double" => AvroKind.Double,
        "bytes" => AvroKind.Bytes,
        "string" => AvroKind.String,
        _ => null,
    };
}
