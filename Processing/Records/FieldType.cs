namespace KafkaOracleOrleans.Processing.Records;

/// <summary>The kinds of values a field can hold.</summary>
public enum FieldKind : byte
{
    /// <summary>true or false.</summary>
    Boolean = 1,

    /// <summary>A signed 64-bit integer.</summary>
    Integer = 2,

    /// <summary>An exact decimal number with a declared precision (1 to 28) and scale (0 to precision).</summary>
    Decimal = 3,

    /// <summary>A finite IEEE 754 double. NaN and infinities never enter a column.</summary>
    Double = 4,

    /// <summary>UTF-8 text without U+0000.</summary>
    String = 5,

    /// <summary>Microseconds since the Unix epoch, UTC.</summary>
    Timestamp = 6,

    /// <summary>Days since the Unix epoch.</summary>
    Date = 7,

    /// <summary>Raw bytes.</summary>
    Bytes = 8,

    /// <summary>JSON text (UTF-8) of an array or object, kept as it came.</summary>
    Json = 9,
}

/// <summary>The type of a field. Precision and scale count for <see cref="FieldKind.Decimal"/> only.</summary>
public readonly record struct FieldType
{
    /// <summary>The largest precision of a decimal: what <see cref="decimal"/> holds without rounding.</summary>
    public const int MaxPrecision = 28;

    private FieldType(FieldKind kind, int precision = 0, int scale = 0)
    {
        Kind = kind;
        Precision = (byte)precision;
        Scale = (byte)scale;
    }

    /// <summary>The kind.</summary>
    public FieldKind Kind { get; }

    /// <summary>Total decimal digits, 1 to 28; 0 for other kinds.</summary>
    public byte Precision { get; }

    /// <summary>Digits after the point, 0 to <see cref="Precision"/>; 0 for other kinds.</summary>
    public byte Scale { get; }

    public static FieldType Boolean { get; } = new(FieldKind.Boolean);
    public static FieldType Integer { get; } = new(FieldKind.Integer);
    public static FieldType Double { get; } = new(FieldKind.Double);
    public static FieldType String { get; } = new(FieldKind.String);
    public static FieldType Timestamp { get; } = new(FieldKind.Timestamp);
    public static FieldType Date { get; } = new(FieldKind.Date);
    public static FieldType Bytes { get; } = new(FieldKind.Bytes);
    public static FieldType Json { get; } = new(FieldKind.Json);

    /// <summary>A decimal type. Throws when precision or scale is out of range.</summary>
    public static FieldType Decimal(int precision, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(precision, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(precision, MaxPrecision);
        ArgumentOutOfRangeException.ThrowIfNegative(scale);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, precision);
        return new(FieldKind.Decimal, precision, scale);
    }

    /// <summary>True for integer, decimal and double.</summary>
    public bool IsNumeric => Kind is FieldKind.Integer or FieldKind.Decimal or FieldKind.Double;

    /// <summary>The type as pipelines write it, e.g. <c>decimal(12,2)</c>.</summary>
    public override string ToString() => Kind switch
    {
        FieldKind.Decimal => string.Create(System.Globalization.CultureInfo.InvariantCulture,
            $"decimal({Precision},{Scale})"),
        FieldKind.Boolean => "boolean",
        FieldKind.Integer => "integer",
        FieldKind.Double => "double",
        FieldKind.String => "string",
        FieldKind.Timestamp => "timestamp",
        FieldKind.Date => "date",
        FieldKind.Bytes => "bytes",
        FieldKind.Json => "json",
        _ => "unknown",
    };
}
