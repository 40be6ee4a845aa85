using System.Text.Json;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>The types of Avro.</summary>
internal enum AvroKind
{
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Record,
    Enum,
    Array,
    Map,
    Union,
    Fixed,
}

/// <summary>What a value stands for beyond its type.</summary>
internal enum AvroLogical
{
    None,
    Decimal,
    Uuid,
    Date,
    TimeMillis,
    TimeMicros,
    TimestampMillis,
    TimestampMicros,
    TimestampNanos,
    LocalTimestampMillis,
    LocalTimestampMicros,
    LocalTimestampNanos,
    Duration,
}

/// <summary>An Avro schema. Records may contain themselves.</summary>
internal sealed class AvroSchema(AvroKind kind)
{
    public AvroKind Kind { get; } = kind;

    /// <summary>The full name of a record, enum or fixed; empty for others.</summary>
    public string Name { get; init; } = "";

    /// <summary>Other full names it is known by.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public AvroLogical Logical { get; init; }

    /// <summary>Decimals: digits in all.</summary>
    public int Precision { get; init; }

    /// <summary>Decimals: digits after the point.</summary>
    public int Scale { get; init; }

    /// <summary>Fixed: how many bytes.</summary>
    public int Size { get; init; }

    /// <summary>Enums.</summary>
    public IReadOnlyList<string> Symbols { get; init; } = [];

    /// <summary>Enums: what stands for symbols the reader does not know; null: nothing.</summary>
    public string? Fallback { get; init; }

    /// <summary>Records; set once, after the record is known by its name.</summary>
    public IReadOnlyList<AvroField> Fields { get; set; } = [];

    /// <summary>Arrays: the items. Maps: the values.</summary>
    public AvroSchema? Item { get; init; }

    /// <summary>Unions.</summary>
    public IReadOnlyList<AvroSchema> Branches { get; init; } = [];

    /// <summary>True when null is one of its values.</summary>
    public bool IsNullable => Kind == AvroKind.Null || Branches.Any(b => b.Kind == AvroKind.Null);

    /// <summary>The name without its namespace.</summary>
    public string ShortName => Name[(Name.LastIndexOf('.') + 1)..];

    /// <summary>The type in words.</summary>
    public override string ToString() => Kind switch
    {
        AvroKind.Union => $"a union of {string.Join(", ", Branches.Select(b => b.ToString()))}",
        _ when Logical != AvroLogical.None => Logical.ToString(),
        AvroKind.Record or AvroKind.Enum or AvroKind.Fixed => $"{Kind.ToString().ToLowerInvariant()} {ShortName}",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}

/// <summary>A field of a record.</summary>
internal sealed record AvroField(string Name, IReadOnlyList<string> Aliases, AvroSchema Schema, JsonElement? Default);
