using System.Globalization;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// Values that are one CSV record each, as RFC 4180 has it: a value may be quoted, and then holds delimiters, line
/// breaks and doubled quotes; one line break at the end is allowed. An empty value without quotes is missing. A line has as many values as there
/// are columns; where the source allows ragged lines, values beyond its end are missing, and those beyond the last column are counted as unknown.
/// </summary>
internal sealed class CsvRecordDecoder : RecordDecoder
{
    private readonly byte _delimiter;
    private readonly byte _quote;
    private readonly FieldSlot[][] _columns;

    // How many values a line must have; 0: any number.
    private readonly int _wanted;
    private readonly CsvHeader? _header;
    private byte[] _scratch = [];

    public CsvRecordDecoder(SourceFormatSpec spec) : base(spec)
    {
        _delimiter = (byte)spec.Csv.Delimiter;
        _quote = (byte)spec.Csv.Quote;
        var count = ValueSlots.Length == 0 ? 0 : ValueSlots.Max(s => s.Spec.Column) + 1;
        _columns = new FieldSlot[count][];
        if (spec.Csv.Header is { } names) _header = new CsvHeader(names, _delimiter, _quote);
        _wanted = spec.Csv.Ragged ? 0 : spec.Csv.Columns;
        for (var i = 0; i < count; i++) _columns[i] = [.. ValueSlots.Where(s => s.Spec.Column == i)];
    }

    private protected override bool DecodeValue(ReadOnlySpan<byte> value, int row)
    {
        if (_header is not null && _header.Matches(value)) return false;
        if (value.StartsWith("\uFEFF"u8))
            return Refuse(row, "KOR4005", ValuePlace,
                "The text begins with a byte order mark, which a CSV record does not have.");
        if (value.EndsWith("\r\n"u8)) value = value[..^2];
        else if (value.EndsWith("\n"u8)) value = value[..^1];
        if (value.IsEmpty) return Refuse(row, "KOR4001", ValuePlace, "The text is empty.");
        var pos = 0;
        for (var column = 0; ; column++)
        {
            var quoted = pos < value.Length && value[pos] == _quote;
            var end = quoted ? ReadQuoted(value, pos, row, out var text) : ReadPlain(value, pos, row, out text);
            if (end < 0) return false;
            if (_wanted != 0 && (end == value.Length ? column + 1 != _wanted : column >= _wanted))
                return RefuseCount(value, end, column, row);
            if (column >= _columns.Length) Counters.UnknownFields++;
            else if (quoted || !text.IsEmpty) SetAll(_columns[column], text, row);
            if (end == value.Length) return true;
            pos = end + 1;
        }
    }

    /// <summary>Refuses a line of another number of values; what is wrong with its quotes comes first.</summary>
    private bool RefuseCount(ReadOnlySpan<byte> value, int end, int column, int row)
    {
        while (end < value.Length)
        {
            var pos = end + 1;
            end = pos < value.Length && value[pos] == _quote ? ReadQuoted(value, pos, row, out _) : ReadPlain(value, pos, row, out _);
            if (end < 0) return false;
            column++;
        }

        return Refuse(row, "KOR4031", ValuePlace, string.Create(
            CultureInfo.InvariantCulture, $"The line has {column + 1} {(column == 0 ? "value" : "values")}, and the source {_wanted} columns."));
    }

    private void SetAll(FieldSlot[] slots, ReadOnlySpan<byte> text, int row)
    {
        if (slots.Length == 0) Counters.UnknownFields++;
        foreach (var slot in slots) SetText(slot, text, row);
    }

    private int ReadPlain(ReadOnlySpan<byte> value, int pos, int row, out ReadOnlySpan<byte> text)
    {
        var length = value[pos..].IndexOf(_delimiter);
        text = length < 0 ? value[pos..] : value.Slice(pos, length);
        var bad = text.IndexOfAny(_quote, (byte)'\r', (byte)'\n');
        if (bad < 0) return pos + text.Length;
        var message = text[bad] == _quote
            ? "A quote stands inside a value that does not begin with one; quote the whole value and double the quote"
            : "A line break stands outside quotes; a Kafka record is one CSV record";
        return Fail(row, message, pos + bad);
    }

    private int ReadQuoted(ReadOnlySpan<byte> value, int pos, int row, out ReadOnlySpan<byte> text)
    {
        text = default;
        var start = pos + 1;
        var length = 0;
        var copied = false;
        while (true)
        {
            var run = value[start..].IndexOf(_quote);
            if (run < 0) return Fail(row, "A quoted value does not end", pos);
            var end = start + run;
            var doubled = end + 1 < value.Length && value[end + 1] == _quote;
            if (!doubled && !copied)
            {
                text = value.Slice(start, run);
                return AfterQuote(value, end + 1, row);
            }

            if (!copied && _scratch.Length < value.Length) _scratch = new byte[value.Length];
            copied = true;
            value.Slice(start, run).CopyTo(_scratch.AsSpan(length));
            length += run;
            if (!doubled)
            {
                text = _scratch.AsSpan(0, length);
                return AfterQuote(value, end + 1, row);
            }

            _scratch[length++] = _quote;
            start = end + 2;
        }
    }

    private int AfterQuote(ReadOnlySpan<byte> value, int pos, int row) =>
        pos == value.Length || value[pos] == _delimiter
            ? pos
            : Fail(row, "Something other than the delimiter stands after a closing quote", pos);

    private int Fail(int row, string message, int at)
    {
        Refuse(row, "KOR4030", ValuePlace, string.Create(CultureInfo.InvariantCulture, $"{message} (at byte {at})."));
        return -1;
    }
}
