namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// What all formats share: tombstones, the size limit, fields of the key, missing fields, defaults, required fields,
/// and one reason per refused record. A fault of the record as a whole comes before faults of fields, and those in the
/// order of the schema.
/// </summary>
internal abstract class RecordDecoder : IRecordDecoder
{
    private protected const string ValuePlace = "value";
    private protected const string KeyPlace = "key";

    private readonly FieldSlot[] _keySlots;
    private readonly KeyObjectDecoder? _keyObject;
    private readonly OriginDecoder? _origin;
    private readonly TombstonePolicy _tombstones;
    private readonly int _maxValueBytes;
    private RecordBatch _batch = null!;

    private protected RecordDecoder(SourceFormatSpec spec)
    {
        Schema = spec.Schema;
        MaxDepth = spec.MaxDepth;
        _tombstones = spec.Tombstones;
        _maxValueBytes = spec.MaxValueBytes;
        Slots = [.. spec.Fields.Select((field, i) => new FieldSlot(field, i))];
        ValueSlots = [.. Slots.Where(s => s.Spec.From == FieldOrigin.Value)];
        _keySlots = [.. Slots.Where(s => s.Spec.From == FieldOrigin.Key && s.Spec.Path.Count == 0)];
        var parts = Slots.Where(s => s.Spec.From == FieldOrigin.Key && s.Spec.Path.Count != 0).ToArray();
        if (parts.Length != 0) _keyObject = new KeyObjectDecoder(parts, this);
        var origins = Slots.Where(s => s.Spec.From is not (FieldOrigin.Value or FieldOrigin.Key or FieldOrigin.Envelope or FieldOrigin.Deleted)).ToArray();
        if (origins.Length != 0) _origin = new OriginDecoder(origins, this);
    }

    public Schema Schema { get; }

    public DecoderCounters Counters { get; } = new();

    /// <summary>The number of the present record, never used twice: what carries it belongs to this record.</summary>
    public long Stamp { get; private set; }

    /// <summary>How many fields the present record has.</summary>
    public int Filled { get; set; }

    /// <summary>True when a field of the present record may have a fault.</summary>
    public bool Faulty { get; set; }

    public int MaxDepth { get; }

    private protected FieldSlot[] Slots { get; }

    private protected FieldSlot[] ValueSlots { get; }

    public void Decode(RecordBatch batch)
    {
        _batch = batch;
        var raw = batch.Raw;
        Begin(raw);
        foreach (var slot in Slots) slot.Column = batch.Rows.Columns[slot.Index];
        batch.Alive.EnsureCapacity(raw.Count);
        for (var row = 0; row < raw.Count; row++)
        {
            if (DecodeRow(raw, row)) batch.Alive.Add(row);
        }

        Counters.Decoded += batch.Alive.Count;
        Counters.Refused += batch.Errors.Count;
    }

    /// <summary>Takes note of the batch that is decoded.</summary>
    private protected virtual void Begin(RawBatch raw)
    {
    }

    /// <summary>Fills the fields of the value. False when the record was refused as a whole.</summary>
    private protected abstract bool DecodeValue(ReadOnlySpan<byte> value, int row);

    /// <summary>The part of a key that its fields are of.</summary>
    private protected virtual ReadOnlySpan<byte> KeyText(ReadOnlySpan<byte> key) => key;

    /// <summary>Says that the row deletes its key.</summary>
    private protected void MarkDeleted(int row) => _batch.MarkDeleted(row);

    /// <summary>Lets fields of the value be missing or NULL in a row of which only the key is sure.</summary>
    private protected void Lack(int row)
    {
        foreach (var slot in ValueSlots)
        {
            if (slot.SeenAt == Stamp && slot.Fault is not (ValueFault.Null or ValueFault.Missing)) continue;
            if (slot.SeenAt != Stamp) Filled++;
            slot.SeenAt = Stamp;
            slot.Fault = ValueFault.None;
            slot.Column.SetNull(row);
        }
    }

    /// <summary>What a change of Debezium has beside its row.</summary>
    private protected void Finish(FieldSlot[] marks, bool deleted, DebeziumDeletes deletes, int row)
    {
        foreach (var mark in marks)
        {
            ((BooleanColumn)mark.Column).Set(row, deleted);
            Found(mark, ValueFault.None);
        }

        // Of a deleted row the source may know nothing but its key.
        if (deleted) Lack(row);
        if (deleted && deletes == DebeziumDeletes.Delete) MarkDeleted(row);
    }

    /// <summary>Refuses the record as a whole; always false.</summary>
    public bool Refuse(int row, string code, string place, string message)
    {
        _batch.Errors.Add(row, code, place, message);
        return false;
    }

    private bool DecodeRow(RawBatch raw, int row)
    {
        Stamp++;
        Filled = 0;
        Faulty = false;
        var length = raw.ValueLength[row];
        if (length < 0) return DecodeTombstone(raw, row);
        if (length > _maxValueBytes)
        {
            return Refuse(row, "KOR4003", ValuePlace, string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"The value has {length} bytes; the source's limit is {_maxValueBytes}."));
        }

        if (!DecodeValue(raw.Buffer.AsSpan(raw.ValueStart[row], length), row)) return false;
        if (_keySlots.Length != 0 || _keyObject is not null)
        {
            if (!DecodeKey(raw, row)) return false;
        }

        _origin?.Decode(raw, row);
        if (Filled != Slots.Length) FillMissing(row);
        return !Faulty || !RefuseFaulty(row);
    }

    private bool DecodeTombstone(RawBatch raw, int row)
    {
        Counters.Tombstones++;
        if (_tombstones == TombstonePolicy.Skip) return false;
        if (_tombstones == TombstonePolicy.Quarantine)
            return Refuse(row, "KOR4002", ValuePlace,
                "The record has no value (a tombstone), which the source does not allow.");
        if (raw.KeyLength[row] < 0)
            return Refuse(row, "KOR4002", KeyPlace,
                "The record has neither value nor key: nothing says what to delete.");
        foreach (var slot in Slots) slot.Column.SetNull(row);
        if (!DecodeKey(raw, row)) return false;
        _origin?.Decode(raw, row);
        // What key and headers do not say is missing as in any record; of the value nothing is wanted.
        FillMissing(row, ofValue: false);
        return !Faulty || !RefuseFaulty(row);
    }

    /// <summary>Fills the fields of the key. False when the record was refused as a whole.</summary>
    private protected virtual bool DecodeKey(RawBatch raw, int row)
    {
        if (raw.KeyLength[row] < 0) return true;
        var key = KeyText(raw.Key(row));
        foreach (var slot in _keySlots)
        {
            if (key.IsEmpty && slot.Kind is not (FieldKind.String or FieldKind.Bytes)) continue;
            SetText(slot, key, row);
        }

        return _keyObject is null || key.IsEmpty || _keyObject.Decode(key, row);
    }

    /// <summary>Fills a field from a text.</summary>
    public void SetText(FieldSlot slot, ReadOnlySpan<byte> text, int row)
    {
        slot.SeenAt = Stamp;
        Filled++;
        slot.SetFromText(text, row, MaxDepth);
        if (slot.Fault != ValueFault.None) Faulty = true;
    }

    /// <summary>Notes that a field was found, and what is wrong with it.</summary>
    public void Found(FieldSlot slot, ValueFault fault)
    {
        slot.SeenAt = Stamp;
        slot.Fault = fault;
        Filled++;
        if (fault != ValueFault.None) Faulty = true;
    }

    private void FillMissing(int row, bool ofValue = true)
    {
        foreach (var slot in Slots)
        {
            if (slot.SeenAt == Stamp || (!ofValue && slot.Spec.From == FieldOrigin.Value)) continue;
            slot.SeenAt = Stamp;
            slot.Fault = ValueFault.None;
            slot.SetMissing(row);
            if (slot.Fault != ValueFault.None) Faulty = true;
        }
    }

    // A fault may have been taken back by a later property of the same name; then the record is sound.
    private bool RefuseFaulty(int row)
    {
        foreach (var slot in Slots)
        {
            if (slot.SeenAt != Stamp || slot.Fault == ValueFault.None) continue;
            Refuse(row, ValueFaults.Code(slot.Fault), slot.Spec.Name, ValueFaults.Describe(slot.Fault, slot.Spec));
            return true;
        }

        return false;
    }
}
