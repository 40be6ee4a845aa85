using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds what a source says of Avro: the registry, the schema, and the fields that come from it.</summary>
internal sealed class AvroSourceBinder(BindingContext context, SourceDefinition source)
{
    /// <summary>True when values are Avro.</summary>
    public bool IsAvro => source.Format.Value == SourceFormatKind.Avro
        || (source.Format.Value == SourceFormatKind.Debezium && (source.Registry is not null || source.Schema is not null));

    /// <summary>The schema the pipeline reads by; null: each record's own.</summary>
    public string? Text { get; private set; }

    /// <summary>Checks declared fields against the schema, or adds those of the schema.</summary>
    /// <param name="fields">The declared fields.</param>
    /// <param name="unknown">Fields whose faults were noted.</param>
    public void Bind(List<SourceFieldSpec> fields, HashSet<string> unknown)
    {
        if (source.Registry is { } registry)
        {
            if (!IsAvro && source.Format is { Faulty: false, Value: not SourceFormatKind.JsonSchema })
                context.Diagnostics.Error("KOR2028", registry.Node, "'registry' is for the formats avro, debezium and json_schema");
            else if (context.Options.Registries is { } known && !registry.Faulty && !known.Contains(registry.Value))
                context.CheckConnection(registry, known, "schema registry");
        }

        if (source.UnknownSchema is { } option && (source.Registry is null || !IsAvro))
            context.Diagnostics.Error("KOR2028", option.Node, "'unknownSchema' is for Avro with 'registry'");
        if (!IsAvro)
        {
            if (source.Schema is { } unused) context.Diagnostics.Error("KOR2028", unused.Node, "'schema' is for the formats avro and debezium");
            return;
        }

        if (source.Schema is null)
        {
            if (source.Registry is null)
                context.Diagnostics.Error("KOR2066", source.Format.Node, "Avro values need 'registry' (a registry of the host's configuration) or 'schema' (their schema)");
            return;
        }

        if (!source.Schema.Faulty && Read(source.Schema) is { } schema) Bind(schema, fields, unknown);
    }

    private AvroSchema? Read(Located<string> schema)
    {
        var text = schema.Value.Trim();
        if (text.Length == 0 || text[0] is not ('{' or '[' or '"'))
        {
            context.Diagnostics.Error("KOR2066", schema.Node, text.EndsWith(".avsc", StringComparison.Ordinal)
                ? $"there is no file '{text}' with JSON in it beside the pipeline"
                : "the schema is neither JSON nor the name of a file .avsc beside the pipeline");
            return null;
        }

        try
        {
            var read = AvroSchemaReader.Read(text);
            Text = text;
            return read;
        }
        catch (SchemaException e)
        {
            context.Diagnostics.Error("KOR2066", schema.Node, e.Message);
            return null;
        }
    }

    private void Bind(AvroSchema schema, List<SourceFieldSpec> fields, HashSet<string> unknown)
    {
        var row = source.Format.Value == SourceFormatKind.Debezium ? RowOf(schema) : schema;
        if (row is null)
        {
            context.Diagnostics.Error("KOR2066", source.Schema!.Node, "the schema is no envelope of Debezium: it has no field 'after' that is a record");
            return;
        }

        if (source.Fields.Count == 0)
        {
            AddAll(row, fields);
            return;
        }

        foreach (var field in fields.Where(f => f.From is FieldOrigin.Value or FieldOrigin.Envelope && !unknown.Contains(f.Name)))
        {
            if (AvroFields.Check(field.From == FieldOrigin.Value ? row : schema, field) is not var (message, suggestion)) continue;
            var node = source.Fields.First(f => f.Name.Value == field.Name).Name.Node;
            context.Diagnostics.Error("KOR2067", node, message, suggestion);
        }
    }

    private void AddAll(AvroSchema row, List<SourceFieldSpec> fields)
    {
        try
        {
            fields.AddRange(AvroFields.Of(row));
        }
        catch (SchemaException e)
        {
            context.Diagnostics.Error("KOR2066", source.Schema!.Node, e.Message);
            return;
        }

        foreach (var field in fields.Where(f => SideOutputs.IsReserved(f.Name) || !Forms.IsFieldName(f.Name)))
            context.Diagnostics.Error("KOR2066", source.Schema!.Node, $"the schema's field '{field.Name}' has a name that fields cannot have; declare 'fields', with 'path' for this one");
    }

    private static AvroSchema? RowOf(AvroSchema envelope)
    {
        var after = envelope.Fields.FirstOrDefault(f => f.Name == "after")?.Schema;
        return after is { Kind: AvroKind.Union } ? after.Branches.FirstOrDefault(b => b.Kind == AvroKind.Record) : after is { Kind: AvroKind.Record } ? after : null;
    }
}
