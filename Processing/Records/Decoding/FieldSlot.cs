using System.Buffers;
using System.Buffers.Text;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>
/// A field being filled: its column in the present batch, and what happened to it in the present record.
/// </summary>
internal sealed class FieldSlot
{
    private readonly Column? _default;
    private readonly ZoneClock? _clock;

    public FieldSlot(SourceFieldSpec spec, int index)
    {
        Spec = spec;
        Index = index;
        Kind = spec.Type.Kind;
        if (spec.Zone is not null) _clock = ZoneClock.Of(spec.Zone);
        Column = Column.Create(spec.Type, 1);
        if (spec.Default is null) return;
        if (spec.Base64)
        {
            // A default is written as people write numbers.
            _default = new FieldSlot(spec with { Base64 = false }, index)._default;
            return;
        }

        SetFromText(System.Text.Encoding.UTF8.GetBytes(spec.Default), 0, JsonScanner.DefaultMaxDepth);
        if (Fault != ValueFault.None)
            throw new ArgumentException($"The default of field '{spec.Name}' does not fit: {ValueFaults.Describe(Fault, spec)}");
        _default = Column;
    }

    public SourceFieldSpec Spec { get; }

    public int Index { get; }

    public FieldKind Kind { get; }

    /// <summary>The column of the present batch.</summary>
    public Column Column;

    /// <summary>The record in which the field was last found.</summary>
    public long SeenAt;

    /// <summary>What is wrong with the field in the present record.</summary>
    public ValueFault Fault;

    /// <summary>The record does not have the field.</summary>
    public void SetMissing(int row)
    {
        if (_default is not null)
        {
            Column.CopyFrom(_default, 0, row);
            return;
        }

        Column.SetNull(row);
        if (Spec.Required) Fault = ValueFault.Missing;
    }

    /// <summary>The record has null in the field's place.</summary>
    public void SetNull(int row)
    {
        Column.SetNull(row);
        if (Spec.Required) Fault = ValueFault.Null;
    }

    /// <summary>Converts a text: a CSV value, a key, a default, the text of a JSON string.</summary>
    public void SetFromText(ReadOnlySpan<byte> text, int row, int maxDepth) => Fault = Kind switch
    {
        FieldKind.String => SetString(text, row),
        FieldKind.Json => SetJson(text, row, maxDepth),
        FieldKind.Bytes => SetBase64(text, row),
        FieldKind.Boolean => SetBoolean(text, row),
        FieldKind.Date or FieldKind.Timestamp => SetTime(text, row),
        FieldKind.Decimal when Spec.Base64 => SetUnscaled(text, row),
        _ => NumberText.TryScanAll(text, out var number) ? SetNumber(number, text, row) : ValueFault.NotANumber,
    };

    /// <summary>Converts a scanned number; <paramref name="text"/> is its text.</summary>
    public ValueFault SetNumber(in ScannedNumber number, ReadOnlySpan<byte> text, int row)
    {
        ValueFault fault;
        switch (Column)
        {
            case LongColumn integers when Kind == FieldKind.Integer:
                fault = NumberText.ToLong(number, text, out var integer);
                integers.Set(row, integer);
                return fault;
            case LongColumn times when Kind is FieldKind.Timestamp or FieldKind.Date
                && Spec.Encoding is not (TimeEncoding.Iso8601 or TimeEncoding.Pattern):
                fault = EpochTime(number, text, out var time);
                times.Set(row, time);
                return fault;
            case DecimalColumn when Spec.Base64:
                return ValueFault.WrongType;
            case DecimalColumn decimals:
                var type = Spec.Type;
                fault = NumberText.ToDecimal(number, text, type.Precision, type.Scale, out var exact);
                decimals.Set(row, exact);
                return fault;
            case DoubleColumn doubles:
                fault = NumberText.ToDouble(number, text, out var real);
                doubles.Set(row, real);
                return fault;
            case BinaryColumn texts when Spec.Lenient:
                texts.Set(row, text);
                return ValueFault.None;
            default:
                return ValueFault.WrongType;
        }
    }

    /// <summary>Takes a JSON boolean.</summary>
    public ValueFault SetBoolean(bool value, int row)
    {
        if (Column is BooleanColumn booleans) booleans.Set(row, value);
        else if (Spec.Lenient) ((BinaryColumn)Column).Set(row, value ? "true"u8 : "false"u8);
        else return ValueFault.WrongType;
        return ValueFault.None;
    }

    private ValueFault SetUnscaled(ReadOnlySpan<byte> text, int row)
    {
        // 28 digits fit into 12 bytes; zeros and signs before them are let be.
        Span<byte> bytes = stackalloc byte[48];
        if (text.Length is 0 or > 64 || text.IndexOfAny(" \t\r\n"u8) >= 0) return text.Length > 64 ? ValueFault.DecimalPrecision : ValueFault.NotBase64;
        var status = Base64.DecodeFromUtf8(text, bytes, out var read, out var length);
        if (status != OperationStatus.Done || read != text.Length || length == 0) return ValueFault.NotBase64;
        return SetUnscaledBytes(bytes[..length], row);
    }

    /// <summary>Takes the unscaled value of a decimal of the field's own scale, big-endian two's complement.</summary>
    public ValueFault SetUnscaledBytes(ReadOnlySpan<byte> bytes, int row)
    {
        if (!UnscaledNumber.TryRead(bytes, out var unscaled)) return ValueFault.DecimalPrecision;
        if (!UnscaledNumber.TryDecimal(unscaled, Spec.Type, out var value)) return ValueFault.DecimalPrecision;
        ((DecimalColumn)Column).Set(row, value);
        return ValueFault.None;
    }

    private ValueFault SetString(ReadOnlySpan<byte> text, int row)
    {
        if (!Utf8.IsValid(text)) return ValueFault.InvalidUtf8;
        if (text.Contains((byte)0)) return ValueFault.NulCharacter;
        ((BinaryColumn)Column).Set(row, text);
        return ValueFault.None;
    }

    private ValueFault SetJson(ReadOnlySpan<byte> text, int row, int maxDepth)
    {
        if (!Utf8.IsValid(text)) return ValueFault.InvalidUtf8;
        if (!JsonScanner.IsValid(text, maxDepth)) return ValueFault.NotJson;
        var fault = JsonStrings.CheckEscapes(text);
        if (fault == ValueFault.None) ((BinaryColumn)Column).Set(row, text);
        return fault;
    }

    private ValueFault SetBase64(ReadOnlySpan<byte> text, int row)
    {
        var column = (BinaryColumn)Column;
        if (text.IndexOfAny(" \t\r\n"u8) >= 0) return ValueFault.NotBase64;
        var target = column.Reserve(Base64.GetMaxDecodedFromUtf8Length(text.Length));
        var status = Base64.DecodeFromUtf8(text, target, out var read, out var written);
        if (status != OperationStatus.Done || read != text.Length) return ValueFault.NotBase64;
        column.Commit(row, written);
        return ValueFault.None;
    }

    private ValueFault SetBoolean(ReadOnlySpan<byte> text, int row)
    {
        var column = (BooleanColumn)Column;
        if (Ascii(text, "true"u8) || text.SequenceEqual("1"u8)) column.Set(row, true);
        else if (Ascii(text, "false"u8) || text.SequenceEqual("0"u8)) column.Set(row, false);
        else return ValueFault.NotBoolean;
        return ValueFault.None;
    }

    private static bool Ascii(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
        System.Text.Ascii.EqualsIgnoreCase(text, word);

    private ValueFault SetTime(ReadOnlySpan<byte> text, int row)
    {
        var column = (LongColumn)Column;
        long value;
        ValueFault fault;
        switch (Spec.Encoding)
        {
            case TimeEncoding.Iso8601 when Kind == FieldKind.Date:
                fault = TimeText.ParseIsoDate(text, out value);
                break;
            case TimeEncoding.Iso8601:
                fault = TimeText.ParseIso(text, _clock, out value);
                break;
            case TimeEncoding.Pattern:
                fault = TimeText.ParsePattern(text, Spec.Pattern!, _clock, out value);
                if (Kind == FieldKind.Date) value = TimeText.FloorDays(value);
                break;
            default:
                if (!NumberText.TryScanAll(text, out var number)) return ValueFault.NotATime;
                fault = EpochTime(number, text, out value);
                break;
        }

        column.Set(row, value);
        return fault;
    }

    private ValueFault EpochTime(in ScannedNumber number, ReadOnlySpan<byte> text, out long value) => Kind == FieldKind.Date
        ? TimeText.DayFromNumber(number, text, Spec.Encoding, out value)
        : TimeText.FromNumber(number, text, Spec.Encoding, out value);
}
