namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>Reads a value and does something with it: fills fields, or nothing. What does not fit is in the reader's fault.</summary>
internal abstract class AvroAction
{
    public abstract void Run(ref AvroReader reader, int row);
}

/// <summary>Steps over values that no field asks for. Records may contain themselves, so each has one action.</summary>
internal sealed class AvroSkips
{
    private static readonly AvroAction Number = new SkipNumber(false);
    private static readonly AvroAction Int = new SkipNumber(true);
    private static readonly AvroAction Bytes = new SkipBytes();
    private static readonly AvroAction Boolean = new SkipBoolean();
    private readonly Dictionary<AvroSchema, AvroAction> _known = [];

    public AvroAction Of(AvroSchema schema)
    {
        switch (schema.Kind)
        {
            case AvroKind.Long:
                return Number;
            case AvroKind.Int:
                return Int;
            case AvroKind.Bytes or AvroKind.String:
                return Bytes;
            case AvroKind.Boolean:
                return Boolean;
            case AvroKind.Null:
                return new SkipFixed(0);
            case AvroKind.Float:
                return new SkipFixed(4);
            case AvroKind.Double:
                return new SkipFixed(8);
            case AvroKind.Fixed:
                return new SkipFixed(schema.Size);
            case AvroKind.Enum:
                return new SkipEnum(schema.Symbols.Count);
        }

        if (_known.TryGetValue(schema, out var known)) return known;
        switch (schema.Kind)
        {
            case AvroKind.Record:
                var record = new SkipRecord();
                _known.Add(schema, record);
                record.Fields = [.. schema.Fields.Select(f => Of(f.Schema))];
                return record;
            case AvroKind.Union:
                var union = new SkipUnion();
                _known.Add(schema, union);
                union.Branches = [.. schema.Branches.Select(Of)];
                return union;
            default:
                var list = new SkipBlocks(schema.Kind == AvroKind.Map);
                _known.Add(schema, list);
                list.Item = Of(schema.Item!);
                return list;
        }
    }

    private sealed class SkipNumber(bool isInt) : AvroAction
    {
        public override void Run(ref AvroReader reader, int row)
        {
            if (isInt) reader.ReadInt();
            else reader.ReadLong();
        }
    }

    private sealed class SkipBytes : AvroAction
    {
        public override void Run(ref AvroReader reader, int row) => reader.ReadBytes();
    }

    private sealed class SkipBoolean : AvroAction
    {
        public override void Run(ref AvroReader reader, int row) => reader.ReadBoolean();
    }

    private sealed class SkipFixed(int length) : AvroAction
    {
        public override void Run(ref AvroReader reader, int row) => reader.ReadFixed(length);
    }

    private sealed class SkipEnum(int symbols) : AvroAction
    {
        public override void Run(ref AvroReader reader, int row)
        {
            if ((uint)reader.ReadInt() >= (uint)symbols) reader.Fail("an enum has no such symbol");
        }
    }

    private sealed class SkipRecord : AvroAction
    {
        public AvroAction[] Fields { get; set; } = [];

        public override void Run(ref AvroReader reader, int row)
        {
            if (!reader.Enter()) return;
            foreach (var field in Fields) field.Run(ref reader, row);
            reader.Leave();
        }
    }

    private sealed class SkipUnion : AvroAction
    {
        public AvroAction[] Branches { get; set; } = [];

        public override void Run(ref AvroReader reader, int row)
        {
            var branch = reader.ReadBranch(Branches.Length);
            if (!reader.Enter()) return;
            Branches[branch].Run(ref reader, row);
            reader.Leave();
        }
    }

    private sealed class SkipBlocks(bool isMap) : AvroAction
    {
        public AvroAction Item { get; set; } = null!;

        public override void Run(ref AvroReader reader, int row)
        {
            if (!reader.Enter()) return;
            while (reader.ReadBlock() is var count and > 0)
            {
                for (; count > 0 && reader.Fault is null; count--)
                {
                    if (isMap) reader.ReadBytes();
                    Item.Run(ref reader, row);
                }
            }

            reader.Leave();
        }
    }
}
