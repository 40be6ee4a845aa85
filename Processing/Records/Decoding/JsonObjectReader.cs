using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Reads one JSON object straight into columns, without a document in between. The text was checked to be UTF-8.
/// Everything is validated, also what no field asks for. Of repeated properties the last one wins, with all that lies
/// beneath it; those that lead to fields are counted.
/// </summary>
internal sealed class JsonObjectReader(JsonNode root, RecordDecoder decoder)
{
    private JsonFault _fault;
    private byte[] _scratch = [];

    /// <summary>The fault when <see cref="Read"/> gives false.</summary>
    public JsonFault Fault => _fault;

    /// <summary>
    /// Reads a text whose first byte that is no whitespace is at <paramref name="pos"/> and opens an object.
    /// </summary>
    public bool Read(ReadOnlySpan<byte> text, int pos, int row)
    {
        pos = ReadObject(text, pos, root, 0, row);
        if (pos < 0) return false;
        if (pos == text.Length) return true;
        pos = JsonScanner.SkipWhitespace(text, pos);
        return pos == text.Length || _fault.Set(JsonError.TextAfterEnd, pos) >= 0;
    }

    /// <summary>Reads a text that is one JSON value into a field.</summary>
    public bool ReadValue(ReadOnlySpan<byte> text, FieldSlot slot, int row) => ReadField(text, 0, slot, 0, row) == text.Length;

    // Recursion goes no deeper than the longest declared path.
    private int ReadObject(ReadOnlySpan<byte> text, int pos, JsonNode node, int depth, int row)
    {
        if (depth >= decoder.MaxDepth) return _fault.Set(JsonError.TooDeep, pos);
        var index = 0;
        var first = true;
        while (true)
        {
            var start = node.Match(text, pos, ref index, out var child);
            if (start < 0)
            {
                start = ReadName(text, pos, first, node, out child);
                if (start < 0 || ReferenceEquals(child, JsonNode.End)) return start;
                node.Learn(text[pos..start], index++, child);
            }
            else if ((uint)start < (uint)text.Length && text[start] <= ' ')
            {
                start = JsonScanner.SkipWhitespace(text, start);
            }

            first = false;
            if (child is null)
            {
                decoder.Counters.UnknownFields++;
                pos = JsonScanner.SkipValue(text, start, depth + 1, decoder.MaxDepth, ref _fault);
            }
            else
            {
                pos = ReadProperty(text, start, child, depth + 1, row);
            }

            if (pos < 0) return -1;
        }
    }

    // From after a value (or at the opening brace) to the next value, or to after the closing brace.
    private int ReadName(ReadOnlySpan<byte> text, int pos, bool first, JsonNode node, out JsonNode? child)
    {
        child = null;
        pos = JsonScanner.SkipWhitespace(text, pos);
        if ((uint)pos >= (uint)text.Length) return _fault.Set(JsonError.UnexpectedEnd, text.Length);
        if (first || text[pos] == ',')
        {
            var separator = pos;
            pos = JsonScanner.SkipWhitespace(text, pos + 1);
            if ((uint)pos >= (uint)text.Length) return _fault.Set(JsonError.UnexpectedEnd, text.Length);
            if (text[pos] == '"') return FindName(text, pos, node, out child);
            if (text[separator] == ',') return _fault.Set(JsonError.UnexpectedByte, pos);
        }

        if (text[pos] != '}') return _fault.Set(JsonError.UnexpectedByte, pos);
        child = JsonNode.End;
        return pos + 1;
    }

    private int FindName(ReadOnlySpan<byte> text, int pos, JsonNode node, out JsonNode? child)
    {
        child = null;
        var end = JsonScanner.SkipString(text, pos, out var escaped, ref _fault);
        if (end < 0) return -1;
        var name = text[(pos + 1)..(end - 1)];
        if (escaped)
        {
            var fault = Unescape(name, out name);
            if (fault == ValueFault.LoneSurrogate) return _fault.Set(JsonError.LoneSurrogateInName, pos);
            if (fault == ValueFault.None) child = node.Find(name);
        }
        else
        {
            child = node.Find(name);
        }

        return JsonScanner.SkipColon(text, end, ref _fault);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ReadProperty(ReadOnlySpan<byte> text, int pos, JsonNode node, int depth, int row)
    {
        if (node.SeenAt == decoder.Stamp) Repeat(node);
        node.SeenAt = decoder.Stamp;
        var slot = node.OnlySlot;
        return slot is null ? ReadShared(text, pos, node, depth, row) : ReadField(text, pos, slot, depth, row);
    }

    // A property that several fields want, or that fields lie beneath.
    private int ReadShared(ReadOnlySpan<byte> text, int pos, JsonNode node, int depth, int row)
    {
        var end = -1;
        if ((uint)pos < (uint)text.Length && text[pos] == '{' && node.Children.Count != 0)
        {
            end = ReadObject(text, pos, node, depth, row);
            if (end < 0) return -1;
        }

        foreach (var slot in node.Slots)
        {
            end = ReadField(text, pos, slot, depth, row);
            if (end < 0) return -1;
        }

        return end >= 0 ? end : JsonScanner.SkipValue(text, pos, depth, decoder.MaxDepth, ref _fault);
    }

    private int ReadField(ReadOnlySpan<byte> text, int pos, FieldSlot slot, int depth, int row)
    {
        if ((uint)pos >= (uint)text.Length) return _fault.Set(JsonError.UnexpectedEnd, text.Length);
        slot.SeenAt = decoder.Stamp;
        slot.Fault = ValueFault.None;
        decoder.Filled++;
        var c = text[pos];
        if (c == '"' && slot.Kind != FieldKind.Json) return ReadText(text, pos, slot, row);
        if ((uint)(c - '0') <= 9 || c == '-')
        {
            if (slot.Kind != FieldKind.Json) return ReadNumber(text, pos, slot, row);
        }

        return ReadOther(text, pos, slot, depth, row);
    }

    private int ReadNumber(ReadOnlySpan<byte> text, int pos, FieldSlot slot, int row)
    {
        var end = NumberText.Scan(text, pos, out var number);
        if (end < 0) return _fault.Set(JsonError.BadNumber, pos);
        var fault = slot.SetNumber(number, text[pos..end], row);
        if (fault != ValueFault.None) SetFault(slot, fault);
        return end;
    }

    private int ReadText(ReadOnlySpan<byte> text, int pos, FieldSlot slot, int row)
    {
        if (slot.Kind == FieldKind.String)
            return ReadString(text, pos, Unsafe.As<BinaryColumn>(slot.Column), slot, row);
        var end = JsonScanner.SkipString(text, pos, out var escaped, ref _fault);
        if (end < 0) return -1;
        ReadOnlySpan<byte> content = text[(pos + 1)..(end - 1)];
        if (slot.Kind == FieldKind.Boolean)
        {
            SetFault(slot, ValueFault.WrongType);
            return end;
        }

        if (escaped)
        {
            var fault = Unescape(content, out content);
            if (fault != ValueFault.None)
            {
                SetFault(slot, fault);
                return end;
            }
        }

        slot.SetFromText(content, row, decoder.MaxDepth);
        if (slot.Fault != ValueFault.None) SetFault(slot, slot.Fault);
        return end;
    }

    // Copies while it looks for the closing quote.
    private int ReadString(ReadOnlySpan<byte> text, int pos, BinaryColumn column, FieldSlot slot, int row)
    {
        var source = text[(pos + 1)..];
        var target = column.Reserve(source.Length);
        ref var from = ref MemoryMarshal.GetReference(source);
        ref var to = ref MemoryMarshal.GetReference(target);
        var i = 0;
        while (i <= source.Length - Vector128<byte>.Count)
        {
            var bytes = Vector128.LoadUnsafe(ref from, (nuint)i);
            bytes.StoreUnsafe(ref to, (nuint)i);
            var mask = JsonScanner.SpecialMask(bytes);
            if (mask != 0)
            {
                i += System.Numerics.BitOperations.TrailingZeroCount(mask);
                return source[i] == '"' ? Commit(column, row, pos, i) : ReadEscaped(text, pos, column, slot, row);
            }

            i += Vector128<byte>.Count;
        }

        for (; i < source.Length; i++)
        {
            var c = source[i];
            if (JsonScanner.IsSpecial(c))
                return c == '"' ? Commit(column, row, pos, i) : ReadEscaped(text, pos, column, slot, row);
            target[i] = c;
        }

        return _fault.Set(JsonError.UnexpectedEnd, text.Length);
    }

    private static int Commit(BinaryColumn column, int row, int pos, int length)
    {
        column.Commit(row, length);
        return pos + length + 2;
    }

    private int ReadEscaped(ReadOnlySpan<byte> text, int pos, BinaryColumn column, FieldSlot slot, int row)
    {
        var end = JsonScanner.SkipString(text, pos, out _, ref _fault);
        if (end < 0) return -1;
        var content = text[(pos + 1)..(end - 1)];
        var fault = JsonStrings.Unescape(content, column.Reserve(content.Length), out var written);
        if (fault == ValueFault.None) column.Commit(row, written);
        else SetFault(slot, fault);
        return end;
    }

    private int ReadOther(ReadOnlySpan<byte> text, int pos, FieldSlot slot, int depth, int row)
    {
        var end = JsonScanner.SkipValue(text, pos, depth, decoder.MaxDepth, ref _fault);
        if (end < 0) return -1;
        switch (text[pos])
        {
            case (byte)'n':
                slot.SetNull(row);
                if (slot.Fault != ValueFault.None) SetFault(slot, slot.Fault);
                break;
            case (byte)'t' or (byte)'f' when slot.Kind == FieldKind.Boolean || slot.Spec.Lenient:
                var refused = slot.SetBoolean(text[pos] == 't', row);
                if (refused != ValueFault.None) SetFault(slot, refused);
                break;
            case var _ when slot.Kind == FieldKind.Json:
                var fault = JsonStrings.CheckEscapes(text[pos..end]);
                if (fault == ValueFault.None) Unsafe.As<BinaryColumn>(slot.Column).Set(row, text[pos..end]);
                else SetFault(slot, fault);
                break;
            default:
                SetFault(slot, ValueFault.WrongType);
                break;
        }

        return end;
    }

    private void SetFault(FieldSlot slot, ValueFault fault)
    {
        slot.Fault = fault;
        decoder.Faulty = true;
    }

    // Takes back what the earlier property of the name brought, beneath it too.
    private void Repeat(JsonNode node)
    {
        decoder.Counters.DuplicateFields++;
        Forget(node);
    }

    private void Forget(JsonNode node)
    {
        foreach (var slot in node.Slots)
        {
            if (slot.SeenAt != decoder.Stamp) continue;
            slot.SeenAt = 0;
            decoder.Filled--;
        }

        foreach (var child in node.Children)
        {
            child.SeenAt = 0;
            Forget(child);
        }
    }

    private ValueFault Unescape(ReadOnlySpan<byte> content, out ReadOnlySpan<byte> text)
    {
        if (_scratch.Length < content.Length) _scratch = new byte[Math.Max(256, content.Length)];
        var fault = JsonStrings.Unescape(content, _scratch, out var written);
        text = _scratch.AsSpan(0, written);
        return fault;
    }
}
