using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>The kinds of types inside expressions: those of fields, and three that never leave.</summary>
internal enum ExprKind : byte
{
    /// <summary>The type of what is already reported as a fault; fits everywhere.</summary>
    Error = 0,
    Boolean = FieldKind.Boolean,
    Integer = FieldKind.Integer,
    Decimal = FieldKind.Decimal,
    Double = FieldKind.Double,
    String = FieldKind.String,
    Timestamp = FieldKind.Timestamp,
    Date = FieldKind.Date,
    Bytes = FieldKind.Bytes,
    Json = FieldKind.Json,

    /// <summary>NULL without a type.</summary>
    Null = 50,

    /// <summary>A length of time in microseconds.</summary>
    Interval = 51,
}

/// <summary>A type inside expressions, with SQL's rules for the digits of decimals.</summary>
internal readonly record struct ExprType(ExprKind Kind, byte Precision = 0, byte Scale = 0)
{
    /// <summary>The scale that is kept when a result would have more than 28 digits.</summary>
    private const int KeptScale = 6;

    public static readonly ExprType Error = new(ExprKind.Error);
    public static readonly ExprType Null = new(ExprKind.Null);
    public static readonly ExprType Boolean = new(ExprKind.Boolean);
    public static readonly ExprType Integer = new(ExprKind.Integer);
    public static readonly ExprType Double = new(ExprKind.Double);
    public static readonly ExprType String = new(ExprKind.String);
    public static readonly ExprType Timestamp = new(ExprKind.Timestamp);
    public static readonly ExprType Date = new(ExprKind.Date);
    public static readonly ExprType Bytes = new(ExprKind.Bytes);
    public static readonly ExprType Json = new(ExprKind.Json);
    public static readonly ExprType Interval = new(ExprKind.Interval);

    /// <summary>Any 64-bit integer as a decimal.</summary>
    public static readonly ExprType IntegerAsDecimal = Decimal(19, 0);

    public bool IsNumeric => Kind is ExprKind.Integer or ExprKind.Decimal or ExprKind.Double;

    public bool IsBinary => Kind is ExprKind.String or ExprKind.Bytes or ExprKind.Json;

    public bool IsOpen => Kind is ExprKind.Error or ExprKind.Null;

    /// <summary>The exclusive bound of a decimal's absolute value.</summary>
    public decimal Limit => DecimalMath.PowerOfTen(Precision - Scale);

    public Type ClrType => Kind switch
    {
        ExprKind.Boolean => typeof(bool),
        ExprKind.Decimal => typeof(decimal),
        ExprKind.Double => typeof(double),
        ExprKind.Integer or ExprKind.Timestamp or ExprKind.Date or ExprKind.Interval => typeof(long),
        ExprKind.String or ExprKind.Bytes or ExprKind.Json => typeof(Utf8Slice),
        _ => typeof(bool),
    };

    public static ExprType Decimal(int precision, int scale) => new(ExprKind.Decimal, (byte)precision, (byte)scale);

    public static ExprType From(FieldType type) => new((ExprKind)type.Kind, type.Precision, type.Scale);

    /// <summary>The field type; only for kinds that fields have.</summary>
    public FieldType ToFieldType() => Kind switch
    {
        ExprKind.Boolean => FieldType.Boolean,
        ExprKind.Integer => FieldType.Integer,
        ExprKind.Decimal => FieldType.Decimal(Precision, Scale),
        ExprKind.Double => FieldType.Double,
        ExprKind.String => FieldType.String,
        ExprKind.Timestamp => FieldType.Timestamp,
        ExprKind.Date => FieldType.Date,
        ExprKind.Bytes => FieldType.Bytes,
        ExprKind.Json => FieldType.Json,
        _ => throw new InvalidOperationException($"The type {this} has no field type."),
    };

    public override string ToString() => Kind switch
    {
        ExprKind.Error => "unknown",
        ExprKind.Null => "NULL",
        ExprKind.Interval => "interval",
        _ => ToFieldType().ToString(),
    };

    /// <summary>The smallest decimal that holds every value of both, as far as 28 digits go.</summary>
    public static ExprType Union(ExprType left, ExprType right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        var precision = Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + scale;
        return Cap(precision, scale, out _);
    }

    /// <summary>The type of a sum or difference, and whether it may need more than 28 digits.</summary>
    public static ExprType Sum(ExprType left, ExprType right, out bool capped)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return Cap(Math.Max(left.Precision - left.Scale, right.Precision - right.Scale) + scale + 1, scale, out capped);
    }

    /// <summary>The type of a product, and whether it may need more than 28 digits.</summary>
    public static ExprType Product(ExprType left, ExprType right, out bool capped) =>
        Cap(left.Precision + right.Precision, left.Scale + right.Scale, out capped);

    /// <summary>The type of a quotient.</summary>
    public static ExprType Quotient(ExprType left, ExprType right)
    {
        var scale = Math.Max(KeptScale, left.Scale + right.Precision + 1);
        return Cap(left.Precision - left.Scale + right.Scale + scale, scale, out _);
    }

    /// <summary>The type of a remainder.</summary>
    public static ExprType Remainder(ExprType left, ExprType right)
    {
        var scale = Math.Max(left.Scale, right.Scale);
        return Cap(Math.Min(left.Precision - left.Scale, right.Precision - right.Scale) + scale, scale, out _);
    }

    /// <summary>A type of at most 28 digits: digits behind the point are given up first, down to six.</summary>
    public static ExprType Cap(int precision, int scale, out bool capped)
    {
        capped = precision > FieldType.MaxPrecision;
        if (!capped) return Decimal(Math.Max(1, Math.Max(precision, scale)), scale);
        var kept = Math.Max(FieldType.MaxPrecision - (precision - scale), Math.Min(scale, KeptScale));
        return Decimal(FieldType.MaxPrecision, kept);
    }
}
