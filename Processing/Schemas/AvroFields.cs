using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>What a schema says about a pipeline's fields: which there are, and whether declared ones can be filled.</summary>
internal static class AvroFields
{
    private const int MaxFields = 1_000;
    private const int MaxDepth = 8;

    /// <summary>
    /// The fields of a record's schema: nested records field by field, with '_' between the names; arrays, maps and unions of several types are json. Those
    /// that cannot be null are required. Throws <see cref="SchemaException"/> when there is no record or a name comes twice.
    /// </summary>
    public static IReadOnlyList<SourceFieldSpec> Of(AvroSchema schema)
    {
        if (Alone(schema) is not { Kind: AvroKind.Record } record) throw new SchemaException($"The schema is {schema}; fields come from a record.");
        var fields = new List<SourceFieldSpec>();
        Add(fields, record, [], "", schema.IsNullable, [record]);
        if (fields.GroupBy(f => f.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new SchemaException($"Two fields of the schema would be named '{twice.Key}'; declare 'fields'.");
        return fields;
    }

    /// <summary>Why a declared field cannot be filled from the schema, with what was meant; null when it can.</summary>
    public static (string Message, string? Suggestion)? Check(AvroSchema schema, SourceFieldSpec field)
    {
        var at = schema;
        for (var i = 0; i < field.Path.Count; i++)
        {
            var inside = Alone(at);
            var path = string.Join('.', field.Path.Take(i + 1));
            switch (inside?.Kind)
            {
                case AvroKind.Map:
                    at = inside.Item!;
                    continue;
                case AvroKind.Record when inside.Fields.FirstOrDefault(f => f.Name == field.Path[i]) is { } part:
                    at = part.Schema;
                    continue;
                case AvroKind.Record:
                    return ($"the schema has no field '{path}'", Suggestions.Nearest(field.Path[i], inside.Fields.Select(f => f.Name)));
                default:
                    return ($"the schema has no '{path}': above it is {at}", null);
            }
        }

        foreach (var branch in at.Kind == AvroKind.Union ? at.Branches : [at])
        {
            if (branch.Kind != AvroKind.Null && !AvroLeaves.Fits(branch.Kind, branch.Logical, field))
                return ($"the field '{field.Name}' is {field.Type}, and the schema has {branch} there{Advice(branch, field)}", null);
        }

        return null;
    }

    private static string Advice(AvroSchema branch, SourceFieldSpec field) => (branch.Kind, branch.Logical) switch
    {
        (AvroKind.Int or AvroKind.Long, AvroLogical.None) when field.Type.Kind is FieldKind.Timestamp or FieldKind.Date =>
            "; say with 'pattern' what the number counts (epoch_ms, epoch_us ...)",
        _ => $"; {TypeOf(branch)} takes it",
    };

    private static void Add(List<SourceFieldSpec> fields, AvroSchema record, IReadOnlyList<string> path, string prefix, bool nullable, IReadOnlyList<AvroSchema> above)
    {
        foreach (var field in record.Fields)
        {
            var name = prefix + field.Name;
            IReadOnlyList<string> own = [.. path, field.Name];
            var optional = nullable || field.Schema.IsNullable;
            if (Alone(field.Schema) is { Kind: AvroKind.Record } inner && !above.Contains(inner) && above.Count < MaxDepth)
            {
                Add(fields, inner, own, name + "_", optional, [.. above, inner]);
                continue;
            }

            if (fields.Count == MaxFields) throw new SchemaException($"The schema has more than {MaxFields} fields; declare those that are wanted.");
            fields.Add(new SourceFieldSpec { Name = name, Type = Alone(field.Schema) is { } type ? TypeOf(type) : FieldType.Json, Path = own, Required = !optional });
        }
    }

    /// <summary>The type beside null; null when there are several.</summary>
    private static AvroSchema? Alone(AvroSchema schema)
    {
        if (schema.Kind != AvroKind.Union) return schema;
        var others = schema.Branches.Where(b => b.Kind != AvroKind.Null).ToList();
        return others.Count == 1 ? others[0] : others.Count == 0 ? schema.Branches[0] : null;
    }

    private static FieldType TypeOf(AvroSchema schema) => (schema.Kind, schema.Logical) switch
    {
        (_, AvroLogical.Decimal) when schema.Precision <= FieldType.MaxPrecision => FieldType.Decimal(schema.Precision, schema.Scale),
        (_, AvroLogical.Decimal or AvroLogical.TimeMillis or AvroLogical.TimeMicros or AvroLogical.Uuid or AvroLogical.Duration) => FieldType.String,
        (_, AvroLogical.Date) => FieldType.Date,
        (_, >= AvroLogical.TimestampMillis and <= AvroLogical.LocalTimestampNanos) => FieldType.Timestamp,
        (AvroKind.Boolean, _) => FieldType.Boolean,
        (AvroKind.Int or AvroKind.Long, _) => FieldType.Integer,
        (AvroKind.Float or AvroKind.Double, _) => FieldType.Double,
        (AvroKind.Bytes or AvroKind.Fixed, _) => FieldType.Bytes,
        (AvroKind.String or AvroKind.Enum or AvroKind.Null, _) => FieldType.String,
        _ => FieldType.Json,
    };
}
