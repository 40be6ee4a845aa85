using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>The fields of a path, and the paths below it.</summary>
internal sealed class AvroPath
{
    /// <summary>The fields that take the value that is here.</summary>
    public List<FieldSlot> Slots { get; } = [];

    /// <summary>What lies below, by name.</summary>
    public Dictionary<string, AvroPath> Below { get; } = new(StringComparer.Ordinal);

    /// <summary>True when nothing here or below is asked for.</summary>
    public bool IsEmpty => Slots.Count == 0 && Below.Count == 0;

    /// <summary>The tree of the paths of fields.</summary>
    public static AvroPath Of(IEnumerable<FieldSlot> slots)
    {
        var root = new AvroPath();
        foreach (var slot in slots)
        {
            var path = root;
            foreach (var part in slot.Spec.Path) path = path.Below.TryGetValue(part, out var below) ? below : path.Below[part] = new AvroPath();
            path.Slots.Add(slot);
        }

        return root;
    }

    /// <summary>All fields here and below.</summary>
    public IEnumerable<FieldSlot> All() => Slots.Concat(Below.Values.SelectMany(b => b.All()));
}

/// <summary>
/// Makes of a writer's schema, the reader's (where the pipeline has one) and the fields a tree of actions that takes values straight into columns. The rules are
/// those of Avro's schema resolution: fields by name or the reader's alias, defaults, promotions, unions, defaults of enums. Where the pipeline has no schema
/// of its own, fields are the writer's by name.
/// </summary>
internal sealed class AvroPlanner(RecordDecoder decoder, AvroJson json)
{
    private readonly AvroSkips _skips = new();

    // Within a union of several types beside null.
    private bool _mixed;

    /// <summary>The action of a value, with what the paths ask of it.</summary>
    public AvroAction Plan(AvroSchema writer, AvroSchema? reader, AvroPath path)
    {
        if (path.IsEmpty) return _skips.Of(writer);
        if (writer.Kind == AvroKind.Union) return Union(writer, reader, path);
        if (reader is { Kind: AvroKind.Union })
        {
            if (Match(writer, reader) is not { } branch) return Mismatch(writer, path);
            reader = branch;
        }

        if (reader is not null && !CanRead(writer, reader)) return Mismatch(writer, path);
        if (writer.Kind == AvroKind.Null) return new TakeNull([.. path.Slots], decoder);
        var actions = path.Slots.ConvertAll(slot => AvroLeaves.Of(writer, reader, slot, decoder, json, _skips, _mixed));
        if (path.Below.Count != 0) actions.Add(Below(writer, reader, path));
        return actions.Count == 1 ? actions[0] : new TakeEach([.. actions]);
    }

    private AvroAction Below(AvroSchema writer, AvroSchema? reader, AvroPath path) => writer.Kind switch
    {
        AvroKind.Record => Record(writer, reader, path),
        AvroKind.Map => new TakeEntries(
            [.. path.Below.Select(b => (Encoding.UTF8.GetBytes(b.Key), Plan(writer.Item!, reader?.Item, b.Value)))], _skips.Of(writer.Item!)),
        _ => Mismatch(writer, Only(path)),
    };

    private static AvroPath Only(AvroPath path)
    {
        var below = new AvroPath();
        below.Slots.AddRange(path.Below.Values.SelectMany(b => b.All()));
        return below;
    }

    private TakeRecord Record(AvroSchema writer, AvroSchema? reader, AvroPath path)
    {
        var actions = new List<AvroAction>(writer.Fields.Count);
        var read = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in writer.Fields)
        {
            var target = reader is null ? null : ReaderField(reader, field.Name, writer);
            var name = reader is null ? field.Name : target?.Name;
            var below = name is null ? null : path.Below.GetValueOrDefault(name);
            if (name is not null) read.Add(name);
            actions.Add(below is null ? _skips.Of(field.Schema) : Plan(field.Schema, target?.Schema, below));
        }

        // What is skipped at the end still has to be read: the bytes must end where the record does.
        foreach (var field in reader?.Fields ?? [])
        {
            if (read.Contains(field.Name) || !path.Below.TryGetValue(field.Name, out var below)) continue;
            if (field.Default is not { } value) actions.Add(new TakeMissing([.. below.All()], decoder));
            else actions.Add(new TakeDefault(AvroEncoder.Encode(field.Schema, value), Plan(field.Schema, field.Schema, below)));
        }

        return new TakeRecord([.. actions]);
    }

    /// <summary>The reader's field that a writer's field is: of its name, or with an alias of it where the name itself is not the writer's.</summary>
    private static AvroField? ReaderField(AvroSchema reader, string name, AvroSchema writer) => reader.Fields.FirstOrDefault(f => f.Name == name)
        ?? reader.Fields.FirstOrDefault(f => f.Aliases.Contains(name) && writer.Fields.All(w => w.Name != f.Name));

    private TakeBranch Union(AvroSchema writer, AvroSchema? reader, AvroPath path)
    {
        var before = _mixed;
        _mixed = writer.Branches.Count(b => b.Kind != AvroKind.Null) > 1;
        var branches = writer.Branches.Select(b => Plan(b, reader, path)).ToArray();
        _mixed = before;
        return new TakeBranch(branches);
    }

    private AvroAction Mismatch(AvroSchema writer, AvroPath path)
    {
        var skip = _skips.Of(writer);
        var actions = path.All().Select(slot => (AvroAction)new TakeNothing(slot, decoder, skip)).ToArray();
        return actions.Length == 1 ? actions[0] : new TakeEach(actions);
    }

    /// <summary>The branch of the reader's union for a writer's type: the same type first, then one it may be promoted to.</summary>
    private static AvroSchema? Match(AvroSchema writer, AvroSchema union) =>
        union.Branches.FirstOrDefault(b => b.Kind == writer.Kind && IsSameName(writer, b)) ?? union.Branches.FirstOrDefault(b => CanRead(writer, b));

    /// <summary>Whether a reader of this type may read what a writer of that type wrote.</summary>
    public static bool CanRead(AvroSchema writer, AvroSchema reader)
    {
        if (reader.Kind == AvroKind.Union) return Match(writer, reader) is not null;
        if (writer.Kind == reader.Kind)
        {
            if (writer.Logical == AvroLogical.Decimal && reader.Logical == AvroLogical.Decimal && writer.Scale != reader.Scale) return false;
            return writer.Kind != AvroKind.Fixed || writer.Size == reader.Size;
        }

        return (writer.Kind, reader.Kind) switch
        {
            (AvroKind.Int, AvroKind.Long or AvroKind.Float or AvroKind.Double) => true,
            (AvroKind.Long, AvroKind.Float or AvroKind.Double) => true,
            (AvroKind.Float, AvroKind.Double) => true,
            (AvroKind.String, AvroKind.Bytes) or (AvroKind.Bytes, AvroKind.String) => true,
            _ => false,
        };
    }

    private static bool IsSameName(AvroSchema writer, AvroSchema reader) => writer.Kind switch
    {
        AvroKind.Record or AvroKind.Enum or AvroKind.Fixed => writer.Name == reader.Name || writer.ShortName == reader.ShortName || reader.Aliases.Contains(writer.Name),
        _ => true,
    };
}

/// <summary>The fields of a record in the writer's order, then those only the reader has.</summary>
internal sealed class TakeRecord(AvroAction[] fields) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        if (!reader.Enter()) return;
        foreach (var field in fields) field.Run(ref reader, row);
        reader.Leave();
    }
}

/// <summary>One value for several fields.</summary>
internal sealed class TakeEach(AvroAction[] actions) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        var start = reader.Position;
        foreach (var action in actions)
        {
            if (reader.Fault is not null) return;
            reader.Position = start;
            action.Run(ref reader, row);
        }
    }
}

/// <summary>The branch of a union that the record has.</summary>
internal sealed class TakeBranch(AvroAction[] branches) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        var branch = reader.ReadBranch(branches.Length);
        if (reader.Fault is null) branches[branch].Run(ref reader, row);
    }
}

/// <summary>A null. What lies below it is missing.</summary>
internal sealed class TakeNull(FieldSlot[] slots, RecordDecoder decoder) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        foreach (var slot in slots)
        {
            slot.Fault = ValueFault.None;
            slot.SetNull(row);
            decoder.Found(slot, slot.Fault);
        }
    }
}

/// <summary>Fields of the reader's schema that the writer does not have, and that have no default.</summary>
internal sealed class TakeMissing(FieldSlot[] slots, RecordDecoder decoder) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        foreach (var slot in slots) decoder.Found(slot, ValueFault.SchemaMissing);
    }
}

/// <summary>A default of the reader's schema, read like a record's own value.</summary>
internal sealed class TakeDefault(byte[] value, AvroAction action) : AvroAction
{
    public override void Run(ref AvroReader reader, int row)
    {
        if (reader.Fault is not null) return;
        var own = new AvroReader(value, SourceFormatSpec.DefaultMaxDepth);
        action.Run(ref own, row);
    }
}

/// <summary>Entries of a map by their keys; of two with one key the last counts.</summary>
internal sealed class TakeEntries((byte[] Key, AvroAction Action)[] wanted, AvroAction skip) : AvroAction
{
    private readonly int[] _found = new int[wanted.Length];

    public override void Run(ref AvroReader reader, int row)
    {
        if (!reader.Enter()) return;
        Array.Clear(_found);
        while (reader.ReadBlock() is var count and > 0)
        {
            for (; count > 0 && reader.Fault is null; count--)
            {
                var key = reader.ReadBytes();
                for (var i = 0; i < wanted.Length; i++)
                {
                    if (key.SequenceEqual(wanted[i].Key)) _found[i] = reader.Position;
                }

                skip.Run(ref reader, row);
            }
        }

        reader.Leave();
        if (reader.Fault is not null) return;
        var end = reader.Position;
        for (var i = 0; i < wanted.Length; i++)
        {
            if (_found[i] == 0) continue;
            reader.Position = _found[i];
            wanted[i].Action.Run(ref reader, row);
        }

        reader.Position = end;
    }
}
