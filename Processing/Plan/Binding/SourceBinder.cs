using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds the section <c>source</c>.</summary>
internal sealed class SourceBinder(BindingContext context, PipelineDefinition definition)
{
    /// <summary>How far behind a record may come when the pipeline does not say, ms.</summary>
    public const long DefaultMaxOutOfOrder = 30_000;

    private const long DefaultIdleAfter = 60_000;

    private readonly SourceDefinition _source = definition.Source;

    public (SourcePlan? Plan, Flow Flow) Bind()
    {
        var kafka = _source.Kafka;
        context.CheckConnection(kafka.Connection, context.Options.KafkaConnections, "Kafka");
        CheckTopics(kafka.Topics);
        var fields = new List<SourceFieldSpec>();
        var unknown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in _source.Fields)
        {
            if (field.Name.Faulty || field.Value.Type.Faulty) unknown.Add(field.Name.Faulty ? RawName(field.Name)
                : field.Name.Value);
            else fields.Add(FieldOf(field));
        }

        var avro = new AvroSourceBinder(context, _source);
        avro.Bind(fields, unknown);
        AddDeletedField(fields);
        CheckNames();
        var schema = new Schema([.. fields.Select(f => new Field(f.Name, f.Type, IsNullable(f)))]);
        var flow = new Flow
        {
            Schema = schema,
            Unknown = unknown,
            // Of a deleted row Debezium says what it was.
            FromKey = fields.Where(f => f.From != FieldOrigin.Value || (IsDebezium && _source.Tombstones != TombstonePolicy.Delete)).Select(f => f.Name).ToHashSet(),
            WholeKey = fields.Where(f => f.From == FieldOrigin.Key && f.Path.Count == 0).Select(f => f.Name).ToHashSet(),
            IsOpaque = fields.Count == 0,
        };
        var eventTime = EventTime(flow);
        var format = new SourceFormatSpec
        {
            Format = _source.Format.Value,
            Fields = fields,
            Schema = schema,
            Tombstones = _source.Tombstones,
            MaxValueBytes = _source.MaxValueBytes,
            MaxDepth = _source.MaxDepth,
            Csv = CsvOf(),
            Registry = avro.IsAvro && _source.Registry is { Faulty: false } registry ? registry.Value : null,
            SchemaText = avro.Text,
            RefuseUnknownSchemas = _source.UnknownSchema is { Faulty: false, Value: true },
            DebeziumDeletes = Deletes,
        };
        if (context.Diagnostics.HasErrors || !CanDecode(format)) return (null, flow);
        return (PlanOf(format, eventTime), flow);
    }

    /// <summary>
    /// The decoder has the last word on defaults and patterns; hearing it here keeps it from failing when a partition
    /// starts.
    /// </summary>
    private bool CanDecode(SourceFormatSpec format)
    {
        try
        {
            _ = (context.Options.CreateDecoder ?? RecordDecoderFactory.Create)(format);
            return true;
        }
        catch (ArgumentException fault)
        {
            context.Diagnostics.Error("KOR2027", _source.Node, fault.Message);
            return false;
        }
    }

    private SourcePlan PlanOf(SourceFormatSpec format, int eventTime)
    {
        var time = _source.EventTime;
        var create = context.Options.CreateDecoder ?? RecordDecoderFactory.Create;
        return new SourcePlan
        {
            Connection = _source.Kafka.Connection.Value,
            Topics = [.. _source.Kafka.Topics.Select(t => t.Value)],
            GroupId = _source.Kafka.Group?.Value ?? "kor-" + definition.Name.Value,
            Start = _source.Kafka.Start?.Value ?? new StartPlan(StartKind.Earliest),
            ReadCommitted = _source.Kafka.ReadCommitted,
            Schema = format.Schema,
            CreateDecoder = () => create(format),
            Format = format,
            EventTimeField = eventTime,
            MaxOutOfOrder = time?.MaxOutOfOrder?.Value ?? DefaultMaxOutOfOrder,
            IdleAfter = time?.IdleAfter?.Value ?? DefaultIdleAfter,
            MaxAhead = time?.MaxAhead?.Value ?? Windows.WindowLimits.DefaultMaxAhead,
        };
    }

    /// <summary>A tombstone has no value, so with policy delete even required fields can be NULL.</summary>
    private bool IsNullable(SourceFieldSpec field) =>
        !field.Required || ((_source.Tombstones == TombstonePolicy.Delete || (IsDebezium && Deletes == DebeziumDeletes.Mark)) && field.From == FieldOrigin.Value);

    private bool IsDebezium => _source.Format.Value == SourceFormatKind.Debezium;

    private DebeziumDeletes Deletes => _source.Debezium?.Deletes is { Faulty: false } deletes ? deletes.Value : DebeziumDeletes.Delete;

    /// <summary>The field that says of a row that it was deleted.</summary>
    private void AddDeletedField(List<SourceFieldSpec> fields)
    {
        if (_source.Debezium is not { } debezium) return;
        if (!IsDebezium)
        {
            context.Diagnostics.Error("KOR2028", debezium.Node, "'debezium' is for format debezium");
            return;
        }

        if (Deletes != DebeziumDeletes.Mark)
        {
            if (debezium.DeletedField is { Faulty: false } unused)
                context.Diagnostics.Error("KOR2028", unused.Node, "'deletedField' is for deletes: mark; deleted rows do not go on as rows otherwise");
            return;
        }

        if (debezium.DeletedField is not { } name)
        {
            context.Diagnostics.Error("KOR2028", debezium.Node, "deletes: mark needs 'deletedField', the name of the field that says so");
            return;
        }

        if (name.Faulty) return;
        if (fields.Exists(f => f.Name == name.Value)) context.Diagnostics.Error("KOR2008", name.Node, $"the field '{name.Value}' exists already");
        else fields.Add(new SourceFieldSpec { Name = name.Value, Type = FieldType.Boolean, From = FieldOrigin.Deleted, Path = [], Required = true });
    }

    private static string RawName(Located<string> name) => (name.Node as ScalarNode)?.Text ?? "";

    private void CheckTopics(IReadOnlyList<Located<string>> topics)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var topic in topics)
        {
            if (!topic.Faulty && !seen.Add(topic.Value))
                context.Diagnostics.Error("KOR2008", topic.Node, $"the topic '{topic.Value}' is listed twice");
        }
    }

    private void CheckNames()
    {
        foreach (var field in _source.Fields)
        {
            if (SideOutputs.IsReserved(field.Name.Value))
                context.Diagnostics.Error("KOR2009", field.Name.Node,
                    $"the field name '{field.Name.Value}' is reserved");
        }
    }

    private SourceFieldSpec FieldOf(Named<FieldDefinition> field)
    {
        if (field.Value.From == FieldOrigin.Envelope && !IsDebezium && field.Value.Source is { } source)
            context.Diagnostics.Error("KOR2028", source.Node, "'from: envelope' is for format debezium");
        return FieldOf(context, field, PathOf(field), ColumnOf(field));
    }

    /// <summary>A field of an item of JSON; its path when it is not its name.</summary>
    public static SourceFieldSpec ItemField(BindingContext context, Named<FieldDefinition> field, IReadOnlyList<string>? path) => FieldOf(
        context, field, path ?? (field.Value.Path is { Count: > 0 } own ? [.. own.Select(p => p.Value)] : [field.Name.Value]), -1);

    private static SourceFieldSpec FieldOf(BindingContext context, Named<FieldDefinition> field, IReadOnlyList<string> path, int column)
    {
        var (type, spec) = (field.Value.Type.Value, field.Value);
        var (encoding, pattern) = EncodingOf(context, spec, type);
        FieldOptions.Check(context, field.Value, type, encoding);
        var result = new SourceFieldSpec
        {
            Name = field.Name.Value,
            Type = type,
            From = spec.From,
            Path = path,
            Column = column,
            Required = spec.Required,
            Default = spec.Default?.Faulty == false ? spec.Default.Value : null,
            Encoding = encoding,
            Pattern = pattern,
            Header = spec.Source is { Faulty: false } source ? source.Value.Header : null,
            Zone = spec.Zone is { Faulty: false } zone ? zone.Value : null,
            Lenient = spec.Lenient is { Faulty: false, Value: true } && type.Kind == FieldKind.String,
            Base64 = spec.Base64 is { Faulty: false, Value: true } && type.Kind == FieldKind.Decimal,
        };
        if (result.Default is not null && !FieldText.IsValid(result, result.Default))
        {
            var node = spec.Default!.Node;
            context.Diagnostics.Error("KOR2027", node,
                $"the default '{result.Default}' is no {type} of '{result.Name}'");
        }

        return result;
    }

    private static (TimeEncoding Encoding, string? Pattern) EncodingOf(BindingContext context, FieldDefinition field, FieldType type)
    {
        if (field.Pattern is not { Faulty: false } pattern) return (TimeEncoding.Iso8601, null);
        if (type.Kind is not (FieldKind.Timestamp or FieldKind.Date))
        {
            context.Diagnostics.Error("KOR2028", pattern.Node,
                $"'pattern' is for timestamps and dates, not for {type}");
            return (TimeEncoding.Iso8601, null);
        }

        if (TimeEncodings.TryParse(pattern.Value, out var encoding)) return (encoding, null);
        // A word, not a pattern: those have a year.
        var isWord = pattern.Value.All(c => char.IsAsciiLetter(c) || c == '_')
            && (pattern.Value.StartsWith("epoch", StringComparison.Ordinal) || !pattern.Value.Contains('y', StringComparison.Ordinal));
        if (isWord && (UnitMeant(pattern.Value) ?? Suggestions.Nearest(pattern.Value, TimeEncodings.Names)) is { } near)
        {
            context.Diagnostics.Error("KOR2028", pattern.Node, $"'{pattern.Value}' is no way to write times; known: {string.Join(", ", TimeEncodings.Names)}, or a pattern", near);
        }
        else if (TimePattern.Check(pattern.Value, parses: true) is { } fault)
        {
            context.Diagnostics.Error("KOR2028", pattern.Node, $"the pattern '{pattern.Value}' would not do what it seems to: {fault.Message}", fault.Suggestion);
        }
        else if (!FieldText.IsPattern(pattern.Value, type.Kind))
        {
            context.Diagnostics.Error(
                "KOR2028", pattern.Node,
                $"'{pattern.Value}' is no date and time pattern; "
                + $"write {string.Join(", ", TimeEncodings.Names)}, or one such as yyyy-MM-dd HH:mm:ss");
        }

        return (TimeEncoding.Pattern, pattern.Value);
    }

    /// <summary>Words of other programs for a number since 1970.</summary>
    private static string? UnitMeant(string word) => word.ToUpperInvariant() switch
    {
        "S" or "SEC" or "SECONDS" or "UNIX" or "UNIXTIME" or "EPOCH" or "EPOCH_SECONDS" => "epoch_s",
        "MS" or "MILLIS" or "MILLISECONDS" or "EPOCH_MILLIS" => "epoch_ms",
        "US" or "MICROS" or "MICROSECONDS" or "EPOCH_MICROS" => "epoch_us",
        "NS" or "NANOS" or "NANOSECONDS" or "EPOCH_NANOS" => "epoch_ns",
        "DAYS" or "EPOCH_DAY" => "epoch_days",
        _ => null,
    };

    private IReadOnlyList<string> PathOf(Named<FieldDefinition> field)
    {
        var path = field.Value.Path;
        if (path is null)
            return (_source.Format.Value is SourceFormatKind.Json or SourceFormatKind.Debezium or SourceFormatKind.JsonSchema or SourceFormatKind.Avro && field.Value.From == FieldOrigin.Value) || field.Value.From == FieldOrigin.Envelope
                ? [field.Name.Value] : [];
        if (path.Any(p => p.Faulty) || path.Count == 0) return [];
        if (field.Value.From is not (FieldOrigin.Value or FieldOrigin.Key or FieldOrigin.Envelope))
        {
            context.Diagnostics.Error("KOR2028", path[0].Node, "'path' is for fields of the value and of the key; remove it, and take the part out with json_value in a map step");
            return [];
        }

        if (path.Any(p => p.Value.Length == 0))
        {
            context.Diagnostics.Error("KOR2028", path[0].Node, "the path has an empty name");
            return [];
        }

        if (_source.Format.Value is SourceFormatKind.Json or SourceFormatKind.Debezium or SourceFormatKind.JsonSchema or SourceFormatKind.Avro
            || field.Value.From == FieldOrigin.Key) return [.. path.Select(p => p.Value)];
        if (_source.Format.Value == SourceFormatKind.String)
            context.Diagnostics.Error("KOR2028", path[0].Node, "a value of format string has no parts; remove 'path'");
        return [];
    }

    private int ColumnOf(Named<FieldDefinition> field)
    {
        if (_source.Format.Value != SourceFormatKind.Csv || field.Value.From != FieldOrigin.Value) return -1;
        var path = field.Value.Path;
        var name = path is { Count: > 0 } ? string.Join('.', path.Select(p => p.Value)) : field.Name.Value;
        var columns = CsvColumns();
        var place = columns.IndexOf(name);
        if (place < 0)
        {
            var node = path is { Count: > 0 } ? path[0].Node : field.Name.Node;
            context.Diagnostics.Error("KOR2033", node, $"unknown CSV column '{name}'",
                Suggestions.Nearest(name, columns));
        }

        return place;
    }

    private List<string> CsvColumns() => (_source.Csv?.Columns)?.Select(c => c.Value).ToList()
        ?? [.. _source.Fields.Where(f => f.Value.From == FieldOrigin.Value).Select(f => f.Name.Value)];

    private CsvFormatSpec CsvOf()
    {
        var csv = _source.Csv;
        var columns = csv?.Columns?.Count ?? _source.Fields.Count(f => f.Value.From == FieldOrigin.Value);
        if (csv is null) return new CsvFormatSpec { Columns = columns };
        if (_source.Format is { Faulty: false, Value: not SourceFormatKind.Csv })
            context.Diagnostics.Error("KOR2028", _source.Format.Node, "'csv' is for format csv");
        var spec = new CsvFormatSpec(
            csv.Delimiter is { Faulty: false } d ? d.Value[0] : ',', csv.Quote is { Faulty: false } q ? q.Value[0] : '"', columns, csv.Ragged,
            csv.SkipHeader ? CsvColumns() : null);
        if (spec.Delimiter == spec.Quote)
            context.Diagnostics.Error("KOR2028", csv.Quote?.Node ?? csv.Delimiter!.Node,
                "delimiter and quote are the same character");
        return spec;
    }

    private int EventTime(Flow flow)
    {
        if (_source.EventTime?.Field is not { } field) return -1;
        var place = context.Field(field, flow);
        if (place < 0) return -1;
        var type = flow.Schema[place].Type;
        if (type.Kind is FieldKind.Timestamp or FieldKind.Date) return place;
        context.Diagnostics.Error(
            "KOR2010", field.Node, $"the event time must be a timestamp or date; '{field.Value}' is {type}");
        return -1;
    }
}
