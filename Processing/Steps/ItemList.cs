using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>The items of a batch's fields: where each lies, of which record it is, and its place in it.</summary>
internal sealed class ItemList(ExplodePlan plan)
{
    // What a source may allow.
    private const int MaxDepth = 1000;

    private readonly byte[][] _path = [.. plan.Path.Select(Encoding.UTF8.GetBytes)];
    private int[] _start = [], _length = [], _keyStart = [], _keyLength = [];
    private byte[] _scratch = [];
    private JsonFault _fault;

    /// <summary>How many rows there are.</summary>
    public int Count { get; private set; }

    /// <summary>Per row the record it came from.</summary>
    public int[] Records { get; private set; } = [];

    /// <summary>Per row its place among the items of its record, from 1; 0 is the row of a record without items.</summary>
    public int[] Positions { get; private set; } = [];

    /// <summary>True for the row of a record without items.</summary>
    public bool IsEmpty(int row) => Positions[row] == 0;

    public void Clear() => Count = 0;

    /// <summary>Adds the items of a record; what is wrong with its field when there is something.</summary>
    public (string Code, string Message)? Add(BinaryColumn field, int record)
    {
        var first = Count;
        var fault = field.IsNull[record] ? null : plan.Lines ? Lines(field, record) : Json(field, record);
        if (fault is null && Count - first > plan.MaxItems)
        {
            fault = ("KOR4054", string.Create(
                CultureInfo.InvariantCulture, $"The field has more than {plan.MaxItems} items, which is the step's limit (maxItems)."));
        }

        if (fault is not null) Count = first;
        else if (Count == first && plan.KeepEmpty) Add(record, 0, 0, -1, 0, 0);
        return fault;
    }

    /// <summary>The items as the values of records.</summary>
    public RawBatch Raw(BinaryColumn field) => new()
    {
        Topic = "", Partition = 0, From = 0, To = Count, Count = Count, Buffer = field.Data, KeyStart = _keyStart, KeyLength = _keyLength,
        ValueStart = _start, ValueLength = _length, Offsets = [], Timestamps = [],
    };

    /// <summary>Sets the key of a map's entry.</summary>
    public void SetKey(BinaryColumn column, int row, BinaryColumn field)
    {
        var text = field.Data.AsSpan(_keyStart[row], _keyLength[row]);
        var room = column.Reserve(text.Length);
        // Escapes were checked when the field was read.
        if (JsonStrings.Unescape(text, room, out var written) == ValueFault.None) column.Commit(row, written);
        else column.SetNull(row);
    }

    private (string, string)? Json(BinaryColumn field, int record)
    {
        var text = field.Data.AsSpan(0, field.Start[record] + field.Length[record]);
        var pos = JsonScanner.SkipWhitespace(text, field.Start[record]);
        foreach (var name in _path)
        {
            pos = Find(text, pos, name);
            if (pos == text.Length) return null;
            if (pos < 0) return ("KOR4049", $"The field has no object where '{string.Join('.', plan.Path)}' is looked for.");
        }

        var faulty = text[pos] switch
        {
            (byte)'n' => false,
            (byte)'[' => plan.IsMap || !Array(text, pos, record),
            (byte)'{' => !plan.IsMap || !Map(text, pos, record),
            _ => true,
        };
        return faulty ? ("KOR4049", plan.IsMap
            ? "The field is not a JSON object, whose entries 'key' asks for."
            : "The field is not a JSON array; the entries of an object are exploded with 'key'.") : null;
    }

    /// <summary>Where the value of a property begins; the text's end when there is none, below zero when this is no object.</summary>
    private int Find(ReadOnlySpan<byte> text, int pos, byte[] name)
    {
        if (text[pos] == 'n') return text.Length;
        if (text[pos] != '{') return -1;
        var found = text.Length;
        pos = JsonScanner.SkipWhitespace(text, pos + 1);
        while (text[pos] != '}')
        {
            var start = pos + 1;
            pos = JsonScanner.SkipString(text, pos, out var escaped, ref _fault);
            var same = Is(text[start..(pos - 1)], escaped, name);
            pos = JsonScanner.SkipColon(text, pos, ref _fault);
            // Of repeated properties the last one counts, as in records.
            if (same) found = pos;
            pos = Next(text, JsonScanner.SkipValue(text, pos, 0, MaxDepth, ref _fault));
            if (pos < 0) return -1;
        }

        return found;
    }

    private bool Array(ReadOnlySpan<byte> text, int pos, int record)
    {
        var position = 0;
        pos = JsonScanner.SkipWhitespace(text, pos + 1);
        while (text[pos] != ']')
        {
            var start = pos;
            pos = JsonScanner.SkipValue(text, pos, 0, MaxDepth, ref _fault);
            if (pos < 0) return false;
            if (++position > plan.MaxItems + 1) return true;
            Add(record, position, start, pos - start, 0, 0);
            pos = Next(text, pos);
        }

        return true;
    }

    private bool Map(ReadOnlySpan<byte> text, int pos, int record)
    {
        var position = 0;
        pos = JsonScanner.SkipWhitespace(text, pos + 1);
        while (text[pos] != '}')
        {
            var key = pos + 1;
            pos = JsonScanner.SkipString(text, pos, out _, ref _fault);
            var length = pos - 1 - key;
            var start = JsonScanner.SkipColon(text, pos, ref _fault);
            pos = JsonScanner.SkipValue(text, start, 0, MaxDepth, ref _fault);
            if (pos < 0) return false;
            if (++position > plan.MaxItems + 1) return true;
            Add(record, position, start, pos - start, key, length);
            pos = Next(text, pos);
        }

        return true;
    }

    /// <summary>From after a value to the next one, or to the bracket that ends them.</summary>
    private static int Next(ReadOnlySpan<byte> text, int pos)
    {
        if (pos < 0) return pos;
        pos = JsonScanner.SkipWhitespace(text, pos);
        return text[pos] == ',' ? JsonScanner.SkipWhitespace(text, pos + 1) : pos;
    }

    private (string, string)? Lines(BinaryColumn field, int record)
    {
        var (pos, end) = (field.Start[record], field.Start[record] + field.Length[record]);
        var position = 0;
        for (var line = 1; pos < end; line++)
        {
            var length = field.Data.AsSpan(pos, end - pos).IndexOf((byte)'\n');
            var next = length < 0 ? end : pos + length + 1;
            var (from, to) = (pos, length < 0 ? end : pos + length);
            while (from < to && field.Data[from] is (byte)' ' or (byte)'\t' or (byte)'\r') from++;
            while (to > from && field.Data[to - 1] is (byte)' ' or (byte)'\t' or (byte)'\r') to--;
            pos = next;
            if (from == to) continue;
            if (!JsonScanner.IsValid(field.Data.AsSpan(from, to - from), MaxDepth))
                return ("KOR4049", string.Create(CultureInfo.InvariantCulture, $"Line {line} is not JSON."));
            if (++position > plan.MaxItems + 1) break;
            Add(record, position, from, to - from, 0, 0);
        }

        return null;
    }

    private bool Is(ReadOnlySpan<byte> text, bool escaped, byte[] name)
    {
        if (!escaped) return text.SequenceEqual(name);
        if (_scratch.Length < text.Length) _scratch = new byte[text.Length];
        return JsonStrings.Unescape(text, _scratch, out var written) == ValueFault.None && _scratch.AsSpan(0, written).SequenceEqual(name);
    }

    private void Add(int record, int position, int start, int length, int keyStart, int keyLength)
    {
        if (Count == _start.Length) Grow(Math.Max(64, Count * 2));
        Records[Count] = record;
        Positions[Count] = position;
        _start[Count] = start;
        _length[Count] = length;
        _keyStart[Count] = keyStart;
        _keyLength[Count++] = keyLength;
    }

    private void Grow(int size)
    {
        Records = Grown(Records, size);
        Positions = Grown(Positions, size);
        _start = Grown(_start, size);
        _length = Grown(_length, size);
        _keyStart = Grown(_keyStart, size);
        _keyLength = Grown(_keyLength, size);
    }

    private static int[] Grown(int[] array, int size)
    {
        System.Array.Resize(ref array, size);
        return array;
    }
}
