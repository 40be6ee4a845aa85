using System.Globalization;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Values (and keys) in Avro's binary encoding: behind the id of their schema in a registry, with the id in a header, or bare in the pipeline's own schema. The
/// schema of an id is given by whoever decodes; a plan is made once for each.
/// </summary>
internal class AvroRecordDecoder : RecordDecoder, ISchemaDecoder
{
    // A topic has a handful; more are ids that somebody made up.
    private const int MaxSchemas = 2_000;
    private readonly SourceFormatSpec _spec;
    private readonly AvroSchema? _own;
    private readonly AvroPath _keyPath;
    private readonly AvroJson _json = new();
    private readonly Dictionary<SchemaId, Entry> _schemas = [];
    private readonly Entry? _bare;
    private RawBatch _raw = null!;
    private (SchemaId Id, Entry? Entry) _last;

    public AvroRecordDecoder(SourceFormatSpec spec) : base(spec)
    {
        _spec = spec;
        // The compiler has read it before.
        if (spec.SchemaText is { } text) _own = AvroSchemaReader.Read(text);
        _keyPath = AvroPath.Of(Slots.Where(s => s.Spec.From == FieldOrigin.Key));
        if (_own is not null) _bare = new Entry(_own);
    }

    public string? Registry => _spec.Samples ? null : _spec.Registry;

    /// <summary>A schema, and what is read by it.</summary>
    private protected sealed class Entry
    {
        public Entry(AvroSchema schema) => Writer = schema;

        public Entry(string fault, string code) => (Fault, Code) = (fault, code);

        public AvroSchema? Writer { get; }

        public string? Fault { get; }

        public string Code { get; } = "";

        public object? ValuePlan { get; set; }

        public AvroAction? KeyPlan { get; set; }
    }

    public IReadOnlyList<SchemaId> Missing(RawBatch batch)
    {
        if (Registry is null) return [];
        HashSet<SchemaId>? missing = null;
        for (var row = 0; row < batch.Count; row++)
        {
            if (batch.ValueLength[row] >= 0 && TryId(batch, row, key: false, out var id, out _)) Want(id);
            if (!_keyPath.IsEmpty && batch.KeyLength[row] >= 0 && TryId(batch, row, key: true, out id, out _)) Want(id);
        }

        return missing is null ? [] : [.. missing];

        void Want(SchemaId id)
        {
            if (id == _last.Id && _last.Entry is not null) return;
            if (!_schemas.ContainsKey(id)) (missing ??= []).Add(id);
        }
    }

    public void Supply(SchemaId id, RegisteredSchema? schema)
    {
        if (_schemas.Count >= MaxSchemas) _schemas.Clear();
        _last = default;
        _schemas[id] = Read(id, schema);
    }

    private static Entry Read(SchemaId id, RegisteredSchema? schema)
    {
        if (schema is null) return new Entry($"The registry has no schema {id}.", "KOR4067");
        if (!schema.Type.Equals("AVRO", StringComparison.OrdinalIgnoreCase))
            return new Entry($"Schema {id} is of type {schema.Type}, not Avro.", "KOR4066");
        try
        {
            return new Entry(AvroSchemaReader.Read(schema.Text, schema.References));
        }
        catch (SchemaException e)
        {
            return new Entry($"Schema {id} cannot be read: {e.Message}", "KOR4066");
        }
    }

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row)
    {
        if (_spec.Samples && _own is not null && JsonScanner.SkipWhitespace(value, 0) is var start && start < value.Length && value[start] == '{') return DecodeSample(value, row);
        if (!TryFind(value, row, key: false, out var entry, out var length)) return false;
        var reader = new AvroReader(value[length..], MaxDepth);
        return TryPlan(entry, row, out var plan) && DecodeBody(plan, ref reader, row);
    }

    /// <summary>What is read of values by a schema. Throws <see cref="SchemaException"/> when the pipeline's schema cannot read it.</summary>
    private protected virtual object PlanValue(AvroPlanner planner, AvroSchema writer, AvroSchema? reader) => planner.Plan(writer, reader, AvroPath.Of(ValueSlots));

    /// <summary>Reads a value.</summary>
    private protected virtual bool DecodeBody(object plan, ref AvroReader reader, int row)
    {
        ((AvroAction)plan).Run(ref reader, row);
        return IsWhole(ref reader, row, ValuePlace);
    }

    /// <summary>Refuses a record whose bytes do not fit its schema.</summary>
    private protected bool IsWhole(ref AvroReader reader, int row, string place)
    {
        if (reader.Fault is null && reader.AtEnd) return true;
        if (reader.TooDeep) return Refuse(row, "KOR4007", place, string.Create(CultureInfo.InvariantCulture, $"Values lie more than {MaxDepth} deep in each other."));
        var (what, at) = reader.Fault is { } fault ? (fault, reader.FaultAt) : ("there are more bytes than the schema has values", reader.Position);
        return Refuse(row, "KOR4065", place, string.Create(CultureInfo.InvariantCulture, $"The bytes are no value of their schema: {what} (at byte {at} behind the id)."));
    }

    private protected override bool DecodeKey(RawBatch raw, int row)
    {
        if (_keyPath.IsEmpty || raw.KeyLength[row] < 0 || !TryId(raw, row, key: true, out _, out _)) return base.DecodeKey(raw, row);
        if (!TryFind(raw.Key(row), row, key: true, out var entry, out var length)) return false;
        try
        {
            entry.KeyPlan ??= new AvroPlanner(this, _json).Plan(entry.Writer!, null, _keyPath);
        }
        catch (SchemaException e)
        {
            return Refuse(row, "KOR4066", KeyPlace, e.Message);
        }

        var reader = new AvroReader(raw.Key(row)[length..], MaxDepth);
        entry.KeyPlan.Run(ref reader, row);
        return IsWhole(ref reader, row, KeyPlace);
    }

    private protected override void Begin(RawBatch raw) => _raw = raw;

    private bool DecodeSample(ReadOnlySpan<byte> value, int row)
    {
        byte[] bytes;
        try
        {
            var reader = new Utf8JsonReader(value);
            bytes = AvroEncoder.EncodeSample(_own!, JsonElement.ParseValue(ref reader));
        }
        catch (Exception e) when (e is SchemaException or JsonException)
        {
            return Refuse(row, "KOR4065", ValuePlace, $"The sample is no value of the schema: {e.Message}");
        }

        var body = new AvroReader(bytes, MaxDepth);
        return TryPlan(_bare!, row, out var plan) && DecodeBody(plan, ref body, row);
    }

    private bool TryPlan(Entry entry, int row, out object plan)
    {
        plan = entry.ValuePlan!;
        if (plan is not null) return true;
        try
        {
            plan = entry.ValuePlan = PlanValue(new AvroPlanner(this, _json), entry.Writer!, ReferenceEquals(entry, _bare) ? null : _own);
            return true;
        }
        catch (SchemaException e)
        {
            return Refuse(row, "KOR4066", ValuePlace, e.Message);
        }
    }

    /// <summary>The schema of a value or key, and how many bytes its id takes before it. Refuses the record when there is none.</summary>
    private bool TryFind(ReadOnlySpan<byte> bytes, int row, bool key, out Entry entry, out int length)
    {
        var place = key ? KeyPlace : ValuePlace;
        entry = _bare!;
        length = 0;
        if (_spec.Registry is null) return true;
        if (!TryId(_raw, row, key, out var id, out length))
        {
            return Refuse(row, "KOR4064", place, bytes.IsEmpty
                ? "The bytes are empty: there is no id of a schema."
                : "The bytes do not begin with the id of a schema in a registry (a zero byte and four bytes, or 1 and a GUID), and no header has one.");
        }

        if (id == _last.Id && _last.Entry is { } last) entry = last;
        else if (_schemas.TryGetValue(id, out var known)) (entry, _last) = (known, (id, known));
        else if (_spec.Samples && _own is not null) entry = _bare!;
        else return Refuse(row, "KOR4067", place, $"There is no schema {id} at hand: without a registry, 'schema' in the source says what is meant.");
        return entry.Fault is null || Refuse(row, entry.Code, place, entry.Fault);
    }

    /// <summary>The id of a record: in its header, or before the value.</summary>
    private static bool TryId(RawBatch raw, int row, bool key, out SchemaId id, out int length)
    {
        if (raw.Headers is not null && (raw.HeaderCount is null || raw.HeaderCount[row] != 0))
        {
            var name = key ? SchemaId.KeyHeader : SchemaId.ValueHeader;
            foreach (var header in raw.HeadersOf(row))
            {
                if (header.Key != name || header.Value is not { } bytes || !SchemaId.TryRead(bytes, out id, out _)) continue;
                length = 0;
                return true;
            }
        }

        return SchemaId.TryRead(key ? raw.Key(row) : raw.Value(row), out id, out length);
    }
}
