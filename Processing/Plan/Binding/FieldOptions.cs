using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Checks what a field says beside its type: where it comes from, its zone, its way to write numbers.</summary>
internal static class FieldOptions
{
    /// <summary>Notes what does not go with the field's type.</summary>
    public static void Check(BindingContext context, FieldDefinition field, FieldType type, TimeEncoding encoding)
    {
        if (field.Source is { Faulty: false } source && Allowed(source.Value.Origin) is { } kinds && !kinds.Contains(type.Kind))
        {
            context.Diagnostics.Error(
                "KOR2028", field.Type.Node, $"a field from the {WordOf(source.Value.Origin)} is one of {string.Join(", ", kinds.Select(k => k.ToString().ToLowerInvariant()))}, not {type}; convert it with CAST in a map step");
        }

        if (field.Source is { Faulty: false, Value.Origin: FieldOrigin.KafkaTimestamp } && field.Pattern is { Faulty: false } pattern)
            context.Diagnostics.Error("KOR2028", pattern.Node, "the Kafka timestamp is a time already; remove 'pattern'");
        if (field.Lenient is { Faulty: false, Value: true } lenient && type.Kind != FieldKind.String)
            context.Diagnostics.Error("KOR2028", lenient.Node, $"'lenient' is for strings, not for {type}");
        if (field.Base64 is { Faulty: false, Value: true } base64 && type.Kind != FieldKind.Decimal)
            context.Diagnostics.Error("KOR2028", base64.Node, $"'encoding: base64' is for decimals, not for {type}{(type.Kind == FieldKind.Bytes ? ", which is base64 anyway" : "")}");
        if (field.Zone is { Faulty: false } zone) CheckZone(context, field, zone, type, encoding);
    }

    private static void CheckZone(BindingContext context, FieldDefinition field, Located<string> zone, FieldType type, TimeEncoding encoding)
    {
        if (type.Kind != FieldKind.Timestamp || encoding is not (TimeEncoding.Iso8601 or TimeEncoding.Pattern) || field.From == FieldOrigin.KafkaTimestamp)
        {
            context.Diagnostics.Error("KOR2028", zone.Node, "'zone' is for timestamps that are written as dates and times of day; numbers since 1970 are UTC, and a date has no time");
            return;
        }

        if (!ZoneClock.IsKnown(zone.Value)) context.Diagnostics.Error("KOR2013", zone.Node, $"unknown time zone '{zone.Value}'", ZoneClock.Nearest(zone.Value));
        if (field.Pattern is { Faulty: false } pattern && TimePattern.HasOffset(pattern.Value))
            context.Diagnostics.Error("KOR2028", zone.Node, $"the pattern '{pattern.Value}' reads an offset with every time, so a zone says nothing more; remove 'zone'");
    }

    private static FieldKind[]? Allowed(FieldOrigin origin) => origin switch
    {
        FieldOrigin.Topic => [FieldKind.String],
        FieldOrigin.Partition or FieldOrigin.Offset => [FieldKind.Integer, FieldKind.Decimal, FieldKind.Double, FieldKind.String],
        FieldOrigin.KafkaTimestamp => [FieldKind.Timestamp, FieldKind.Date, FieldKind.Integer, FieldKind.String],
        _ => null,
    };

    private static string WordOf(FieldOrigin origin) => origin == FieldOrigin.KafkaTimestamp ? "Kafka timestamp" : origin.ToString().ToLowerInvariant();
}
