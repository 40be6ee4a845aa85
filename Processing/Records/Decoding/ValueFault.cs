namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>Why a value does not become a field.</summary>
internal enum ValueFault : byte
{
    None,
    Missing,
    Null,
    WrongType,
    NotANumber,
    NotIntegral,
    IntegerRange,
    DecimalScale,
    DecimalPrecision,
    NotFinite,
    NotATime,
    NotAWholeDay,
    TimeRange,
    NulCharacter,
    LoneSurrogate,
    InvalidUtf8,
    NotBase64,
    NotBoolean,
    NotJson,
    SchemaType,
    SchemaMissing,
}

/// <summary>
/// Codes and texts of <see cref="ValueFault"/>. Values never appear in a text: they are in quarantine with the record.
/// </summary>
internal static class ValueFaults
{
    public static string Code(ValueFault fault) => fault switch
    {
        ValueFault.Missing => "KOR4010",
        ValueFault.Null => "KOR4011",
        ValueFault.WrongType or ValueFault.SchemaType => "KOR4012",
        ValueFault.SchemaMissing => "KOR4066",
        ValueFault.NotANumber => "KOR4013",
        ValueFault.NotIntegral or ValueFault.IntegerRange => "KOR4014",
        ValueFault.DecimalScale or ValueFault.DecimalPrecision => "KOR4015",
        ValueFault.NotFinite => "KOR4016",
        ValueFault.NotATime or ValueFault.NotAWholeDay => "KOR4017",
        ValueFault.TimeRange => "KOR4018",
        ValueFault.NulCharacter => "KOR4019",
        ValueFault.LoneSurrogate or ValueFault.InvalidUtf8 => "KOR4020",
        ValueFault.NotBase64 => "KOR4021",
        ValueFault.NotBoolean => "KOR4022",
        ValueFault.NotJson => "KOR4023",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "There is no fault."),
    };

    public static string Describe(ValueFault fault, SourceFieldSpec field) => fault switch
    {
        ValueFault.Missing => "The field is required, but the record does not have it.",
        ValueFault.Null => "The field is required, but the record has null in its place.",
        ValueFault.WrongType => $"The field is of type {field.Type}; the JSON value is of another type.",
        ValueFault.SchemaType => $"The field is of type {field.Type}; the record's own schema has something else there, which it cannot take.",
        ValueFault.SchemaMissing => "The record's own schema does not have the field, and the pipeline's schema has no default for it.",
        ValueFault.NotANumber => $"The field is of type {field.Type}; the text is not a number.",
        ValueFault.NotIntegral => "The field is an integer; the number has digits other than zero after the point.",
        ValueFault.IntegerRange => "The number is outside -9223372036854775808 to 9223372036854775807.",
        ValueFault.DecimalScale =>
            $"The field is {field.Type}; the number has more than {field.Type.Scale} digits after the point (zeros at the end not counted).",
        ValueFault.DecimalPrecision =>
            $"The field is {field.Type}; the number has more than {field.Type.Precision - field.Type.Scale} digits before the point.",
        ValueFault.NotFinite => "The number is too large for a double (above about 1.8e308).",
        ValueFault.NotATime => field.Encoding switch
        {
            TimeEncoding.Iso8601 => $"The field is a {field.Type}; the text is not ISO 8601, such as {Sample(field.Type)}.",
            TimeEncoding.Pattern => $"The field is a {field.Type}; the text does not follow the pattern '{field.Pattern}'.",
            _ => $"The field is a {field.Type}; the value is not a number of {Unit(field.Encoding)} since 1970.",
        },
        ValueFault.NotAWholeDay =>
            $"The field is a date; the number of {Unit(field.Encoding)} since 1970 is not that of a midnight (UTC). Days since 1970 are 'pattern: epoch_days'; a time of day needs a timestamp.",
        ValueFault.TimeRange => "The time is outside the years 1 to 9999.",
        ValueFault.NulCharacter => "The text has the character U+0000, which databases do not store.",
        ValueFault.LoneSurrogate => "The text has half of a surrogate pair (\\uD800 to \\uDFFF without its other half).",
        ValueFault.InvalidUtf8 => "The text is not valid UTF-8.",
        ValueFault.NotBase64 when field.Type.Kind == FieldKind.Decimal =>
            "The field is a decimal in base64 (the unscaled value, as Kafka Connect writes it); the text is not base64.",
        ValueFault.NotBase64 => "The field is bytes; the text is not base64 (A-Z a-z 0-9 + / with = at the end).",
        ValueFault.NotBoolean => "The field is a boolean; the text is none of true, false, 1, 0.",
        ValueFault.NotJson => "The field is json; the text is not valid JSON.",
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault, "There is no fault."),
    };

    private static string Sample(FieldType type) => type.Kind == FieldKind.Date ? "2026-01-31" : "2026-01-31T10:30:00Z";

    private static string Unit(TimeEncoding encoding) => encoding switch
    {
        TimeEncoding.EpochSeconds => "seconds",
        TimeEncoding.EpochMilliseconds => "whole milliseconds",
        TimeEncoding.EpochNanoseconds => "whole nanoseconds",
        TimeEncoding.EpochDays => "whole days",
        _ => "whole microseconds",
    };
}
