using System.Text.Unicode;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Values that are changes of a table's row as Debezium writes them in JSON, with or without the schema beside them (<c>{"schema":...,"payload":...}</c>). A
/// row that was made, changed or read for a snapshot is what <c>after</c> holds; of a row that was deleted <c>before</c> is what is left: a deletion, or
/// an ordinary row with a mark.
/// </summary>
internal sealed class DebeziumRecordDecoder : RecordDecoder
{
    private readonly JsonObjectReader _row;
    private readonly JsonObjectReader? _envelope;
    private readonly FieldSlot[] _marks;
    private readonly DebeziumDeletes _deletes;
    private JsonFault _fault;

    public DebeziumRecordDecoder(SourceFormatSpec spec) : base(spec)
    {
        _deletes = spec.DebeziumDeletes;
        _row = new JsonObjectReader(JsonNode.Build(ValueSlots), this);
        var envelope = Slots.Where(s => s.Spec.From == FieldOrigin.Envelope).ToArray();
        if (envelope.Length != 0) _envelope = new JsonObjectReader(JsonNode.Build(envelope), this);
        _marks = [.. Slots.Where(s => s.Spec.From == FieldOrigin.Deleted)];
    }

    /// <summary>What a change consists of: where its parts begin and end in the text; an end of 0: it has no such part.</summary>
    private struct Change
    {
        public (int Start, int End) Schema;
        public (int Start, int End) Payload;
        public (int Start, int End) Before;
        public (int Start, int End) After;
        public (int Start, int End) Op;
    }

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row)
    {
        if (!Utf8.IsValid(value)) return Refuse(row, "KOR4004", ValuePlace, "The text is not valid UTF-8.");
        if (!TryFind(value, out var change)) return JsonObjects.Refuse(this, value, row, ValuePlace);
        var op = change.Op.End == 0 ? default : value[change.Op.Start..change.Op.End];
        if (op.Length != 3 || op[0] != '"')
        {
            return Refuse(row, "KOR4060", ValuePlace, DebeziumTexts.NoOp("json"));
        }

        switch (op[1])
        {
            case (byte)'c' or (byte)'u' or (byte)'r':
                return DecodeRow(value, change, change.After, "after", deleted: false, row);
            case (byte)'d' when _deletes == DebeziumDeletes.Skip:
            case (byte)'m':
                return false;
            case (byte)'d':
                return DecodeRow(value, change, change.Before, "before", deleted: true, row);
            case (byte)'t':
                return Refuse(row, "KOR4061", ValuePlace, DebeziumTexts.Truncated);
            default:
                return Refuse(row, "KOR4060", ValuePlace, DebeziumTexts.OtherOp);
        }
    }

    /// <summary>Keys have their schema beside them as values have.</summary>
    private protected override ReadOnlySpan<byte> KeyText(ReadOnlySpan<byte> key)
    {
        if (!Utf8.IsValid(key) || JsonScanner.SkipWhitespace(key, 0) is var start && (start == key.Length || key[start] != '{')) return key;
        var change = default(Change);
        return Parts(key, start, ref change, out _) && change.Schema.End != 0 && change.Payload.End != 0 ? key[change.Payload.Start..change.Payload.End] : key;
    }

    private bool DecodeRow(ReadOnlySpan<byte> value, in Change change, (int Start, int End) part, string name, bool deleted, int row)
    {
        if (part.End == 0 || value[part.Start] != '{')
        {
            return Refuse(row, "KOR4062", ValuePlace, DebeziumTexts.NoRow(name, deleted));
        }

        if (!JsonObjects.Decode(_row, this, value[part.Start..part.End], row, ValuePlace)) return false;
        if (_envelope is not null && !JsonObjects.Decode(_envelope, this, value[change.Payload.Start..change.Payload.End], row, ValuePlace)) return false;
        Finish(_marks, deleted, _deletes, row);
        return true;
    }

    private bool TryFind(ReadOnlySpan<byte> text, out Change change)
    {
        change = default;
        var start = JsonScanner.SkipWhitespace(text, 0);
        if (start == text.Length || text[start] != '{') return false;
        if (!Parts(text, start, ref change, out var end)) return false;
        if (JsonScanner.SkipWhitespace(text, end) != text.Length) return false;
        if (change.Op.End != 0 || change.Payload.End == 0 || text[change.Payload.Start] != '{')
        {
            change.Payload = (start, end);
            return true;
        }

        var payload = change.Payload;
        change = default;
        var found = Parts(text[..payload.End], payload.Start, ref change, out _);
        change.Payload = payload;
        return found;
    }

    private bool Parts(ReadOnlySpan<byte> text, int start, ref Change change, out int end)
    {
        end = start;
        var pos = JsonScanner.SkipWhitespace(text, start + 1);
        while (true)
        {
            if ((uint)pos >= (uint)text.Length) return false;
            if (text[pos] == '}')
            {
                end = pos + 1;
                return true;
            }

            if (!Next(text, ref pos, out var name, out var part)) return false;
            if (name.SequenceEqual("payload"u8)) change.Payload = part;
            else if (name.SequenceEqual("schema"u8)) change.Schema = part;
            else if (name.SequenceEqual("before"u8)) change.Before = part;
            else if (name.SequenceEqual("after"u8)) change.After = part;
            else if (name.SequenceEqual("op"u8)) change.Op = part;
        }
    }

    /// <summary>Steps over a property, and the comma behind it.</summary>
    private bool Next(ReadOnlySpan<byte> text, ref int pos, out ReadOnlySpan<byte> name, out (int Start, int End) part)
    {
        name = default;
        part = default;
        if (text[pos] != '"') return false;
        var start = pos + 1;
        pos = JsonScanner.SkipString(text, pos, out _, ref _fault);
        if (pos < 0) return false;
        name = text[start..(pos - 1)];
        var value = JsonScanner.SkipColon(text, pos, ref _fault);
        if (value < 0) return false;
        var end = JsonScanner.SkipValue(text, value, 1, MaxDepth, ref _fault);
        if (end < 0) return false;
        part = (value, end);
        pos = JsonScanner.SkipWhitespace(text, end);
        if ((uint)pos >= (uint)text.Length) return false;
        if (text[pos] == '}') return true;
        if (text[pos] != ',') return false;
        pos = JsonScanner.SkipWhitespace(text, pos + 1);
        return (uint)pos < (uint)text.Length && text[pos] == '"';
    }
}

/// <summary>Why changes of Debezium are refused, in whatever format they come.</summary>
internal static class DebeziumTexts
{
    public const string Truncated =
        "The table was truncated at its source. What that means for a table that may hold rows of other sources, or whose rows came by another way, is not for a pipeline to say.";

    public const string OtherOp = "The value's 'op' is none of c, u, r, d, t, m.";

    public static string NoOp(string format) =>
        $"The value has no 'op' that Debezium knows, so it is no change of a row. Records that were flattened by ExtractNewRecordState are format {format}.";

    public static string NoRow(string name, bool deleted) => deleted
        ? "The row was deleted, and 'before' does not say which it was: the table has no primary key or REPLICA IDENTITY NOTHING."
        : $"The change has no row in '{name}'.";
}
