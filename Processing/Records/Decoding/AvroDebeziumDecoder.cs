using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>Changes of a table's row as Debezium writes them in Avro. The rules are those of <see cref="DebeziumRecordDecoder"/>.</summary>
internal sealed class AvroDebeziumDecoder : AvroRecordDecoder
{
    private readonly FieldSlot[] _marks;
    private readonly DebeziumDeletes _deletes;

    public AvroDebeziumDecoder(SourceFormatSpec spec) : base(spec)
    {
        _deletes = spec.DebeziumDeletes;
        _marks = [.. Slots.Where(s => s.Spec.From == FieldOrigin.Deleted)];
    }

    private enum Part
    {
        Other,
        Op,
        Before,
        After,
    }

    /// <summary>The fields of an envelope in the writer's order, and what is read of a row.</summary>
    private sealed record Envelope((Part Part, AvroAction Action)[] Fields, Row? Before, Row? After);

    /// <summary>A row: by the branch of its union; null: there is none.</summary>
    private sealed record Row(bool IsUnion, AvroAction?[] Branches);

    private protected override object PlanValue(AvroPlanner planner, AvroSchema writer, AvroSchema? reader)
    {
        if (writer.Kind != AvroKind.Record || writer.Fields.All(f => f is not { Name: "op", Schema.Kind: AvroKind.String })) return new Envelope([], null, null);
        var around = AvroPath.Of(Slots.Where(s => s.Spec.From == FieldOrigin.Envelope));
        var fields = new (Part, AvroAction)[writer.Fields.Count];
        Row? before = null, after = null;
        for (var i = 0; i < fields.Length; i++)
        {
            var field = writer.Fields[i];
            var part = field.Name switch { "op" => Part.Op, "before" => Part.Before, "after" => Part.After, _ => Part.Other };
            if (part == Part.Before) before = RowOf(planner, field, reader);
            if (part == Part.After) after = RowOf(planner, field, reader);
            var isRow = part is Part.Before or Part.After;
            fields[i] = (part, planner.Plan(field.Schema, null, isRow ? new AvroPath() : around.Below.GetValueOrDefault(field.Name) ?? new AvroPath()));
        }

        return new Envelope(fields, before, after);
    }

    private Row RowOf(AvroPlanner planner, AvroField field, AvroSchema? reader)
    {
        var own = reader?.Fields.FirstOrDefault(f => f.Name == field.Name)?.Schema;
        var isUnion = field.Schema.Kind == AvroKind.Union;
        var path = AvroPath.Of(ValueSlots);
        return new Row(isUnion, [.. (isUnion ? field.Schema.Branches : [field.Schema]).Select(b => b.Kind == AvroKind.Null ? null : planner.Plan(b, own, path))]);
    }

    private protected override bool DecodeBody(object plan, ref AvroReader reader, int row)
    {
        var envelope = (Envelope)plan;
        var op = (byte)0;
        var (before, after) = (-1, -1);
        foreach (var (part, action) in envelope.Fields)
        {
            var start = reader.Position;
            if (part == Part.Op)
            {
                if (reader.ReadBytes() is { Length: 1 } text) op = text[0];
                if (reader.Fault is null) reader.Position = start;
            }
            else if (part == Part.Before)
            {
                before = start;
            }
            else if (part == Part.After)
            {
                after = start;
            }

            action.Run(ref reader, row);
            if (reader.Fault is not null) break;
        }

        if (envelope.Fields.Length == 0) return Refuse(row, "KOR4060", ValuePlace, DebeziumTexts.NoOp("avro"));
        if (!IsWhole(ref reader, row, ValuePlace)) return false;
        switch (op)
        {
            case (byte)'c' or (byte)'u' or (byte)'r':
                return DecodeRow(ref reader, envelope.After, after, "after", deleted: false, row);
            case (byte)'d' when _deletes == DebeziumDeletes.Skip:
            case (byte)'m':
                return false;
            case (byte)'d':
                return DecodeRow(ref reader, envelope.Before, before, "before", deleted: true, row);
            case (byte)'t':
                return Refuse(row, "KOR4061", ValuePlace, DebeziumTexts.Truncated);
            default:
                return Refuse(row, "KOR4060", ValuePlace, DebeziumTexts.OtherOp);
        }
    }

    private bool DecodeRow(ref AvroReader reader, Row? plan, int at, string name, bool deleted, int row)
    {
        if (plan is null || at < 0) return Refuse(row, "KOR4062", ValuePlace, DebeziumTexts.NoRow(name, deleted));
        reader.Position = at;
        var branch = plan.IsUnion ? reader.ReadBranch(plan.Branches.Length) : 0;
        if (plan.Branches[branch] is not { } action) return Refuse(row, "KOR4062", ValuePlace, DebeziumTexts.NoRow(name, deleted));
        action.Run(ref reader, row);
        Finish(_marks, deleted, _deletes, row);
        return true;
    }
}
