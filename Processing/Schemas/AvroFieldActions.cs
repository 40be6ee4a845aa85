using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>Takes a value into the column of a field.</summary>
internal abstract class AvroFieldAction(FieldSlot slot, RecordDecoder decoder) : AvroAction
{
    protected FieldSlot Slot { get; } = slot;

    public sealed override void Run(ref AvroReader reader, int row)
    {
        var fault = Take(ref reader, row);
        decoder.Found(Slot, fault);
    }

    protected abstract ValueFault Take(ref AvroReader reader, int row);

    /// <summary>Takes a number by its text, as every format does.</summary>
    protected ValueFault Number(ReadOnlySpan<byte> text, int row) =>
        NumberText.TryScanAll(text, out var number) ? Slot.SetNumber(number, text, row) : ValueFault.NotANumber;

    /// <summary>Takes a text that is known to be valid.</summary>
    protected ValueFault Text(string? text, ValueFault otherwise, int row)
    {
        if (text is null) return otherwise;
        Slot.SetFromText(Encoding.UTF8.GetBytes(text), row, SourceFormatSpec.DefaultMaxDepth);
        return Slot.Fault;
    }
}

/// <summary>int and long into an integer.</summary>
internal sealed class TakeLong(FieldSlot slot, RecordDecoder decoder, bool isInt) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        Unsafe.As<LongColumn>(Slot.Column).Set(row, isInt ? reader.ReadInt() : reader.ReadLong());
        return ValueFault.None;
    }
}

/// <summary>int and long into other types of numbers, times of a declared unit, and lenient strings.</summary>
internal sealed class TakeWhole(FieldSlot slot, RecordDecoder decoder, bool isInt) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        Span<byte> text = stackalloc byte[20];
        return Number(text[..AvroText.Number(isInt ? reader.ReadInt() : reader.ReadLong(), text)], row);
    }
}

/// <summary>float and double.</summary>
internal sealed class TakeReal(FieldSlot slot, RecordDecoder decoder, bool isFloat) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var value = isFloat ? reader.ReadFloat() : reader.ReadDouble();
        if (!double.IsFinite(value)) return ValueFault.NotFinite;
        if (Slot.Column is not DoubleColumn doubles) return Number(Encoding.ASCII.GetBytes(AvroText.Number(value, isFloat)!), row);
        doubles.Set(row, value);
        return ValueFault.None;
    }
}

/// <summary>Booleans.</summary>
internal sealed class TakeBoolean(FieldSlot slot, RecordDecoder decoder) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row) => Slot.SetBoolean(reader.ReadBoolean(), row);
}

/// <summary>Strings into strings.</summary>
internal sealed class TakeString(FieldSlot slot, RecordDecoder decoder) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var text = reader.ReadBytes();
        if (!Utf8.IsValid(text)) return ValueFault.InvalidUtf8;
        if (text.Contains((byte)0)) return ValueFault.NulCharacter;
        Unsafe.As<BinaryColumn>(Slot.Column).Set(row, text);
        return ValueFault.None;
    }
}

/// <summary>Strings into other types, converted as a text of any format is.</summary>
internal sealed class TakeText(FieldSlot slot, RecordDecoder decoder) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        Slot.SetFromText(reader.ReadBytes(), row, SourceFormatSpec.DefaultMaxDepth);
        return Slot.Fault;
    }
}

/// <summary>Bytes and fixed as they are.</summary>
internal sealed class TakeBytes(FieldSlot slot, RecordDecoder decoder, int size) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        Unsafe.As<BinaryColumn>(Slot.Column).Set(row, size < 0 ? reader.ReadBytes() : reader.ReadFixed(size));
        return ValueFault.None;
    }
}

/// <summary>Decimals, in bytes (size below zero) or fixed.</summary>
internal sealed class TakeDecimal(FieldSlot slot, RecordDecoder decoder, int size, int scale) : AvroFieldAction(slot, decoder)
{
    private readonly bool _direct = slot.Kind == FieldKind.Decimal && slot.Spec.Type.Scale == scale;

    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var bytes = size < 0 ? reader.ReadBytes() : reader.ReadFixed(size);
        if (reader.Fault is not null) return ValueFault.None;
        if (_direct) return bytes.IsEmpty ? ValueFault.NotANumber : Slot.SetUnscaledBytes(bytes, row);
        var text = AvroText.Decimal(bytes, scale);
        if (text is null) return ValueFault.DecimalPrecision;
        if (Slot.Kind == FieldKind.String) return Text(text, ValueFault.NotANumber, row);
        return Number(Encoding.ASCII.GetBytes(text), row);
    }
}

/// <summary>Enums, by the place of their symbol: the text it stands for, or null where the reader's schema has none.</summary>
internal sealed class TakeEnum(FieldSlot slot, RecordDecoder decoder, byte[]?[] symbols) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var place = reader.ReadInt();
        if ((uint)place >= (uint)symbols.Length)
        {
            reader.Fail("an enum has no such symbol");
            return ValueFault.None;
        }

        if (symbols[place] is not { } symbol) return ValueFault.SchemaType;
        Slot.SetFromText(symbol, row, SourceFormatSpec.DefaultMaxDepth);
        return Slot.Fault;
    }
}

/// <summary>Timestamps; local ones are a clock's time of the field's zone, or UTC.</summary>
internal sealed class TakeTimestamp(FieldSlot slot, RecordDecoder decoder, AvroLogical unit) : AvroFieldAction(slot, decoder)
{
    private readonly ZoneClock? _clock = unit >= AvroLogical.LocalTimestampMillis && slot.Spec.Zone is { } zone ? ZoneClock.Of(zone) : null;

    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        if (!AvroText.TryMicros(reader.ReadLong(), unit, out var micros)) return ValueFault.TimeRange;
        if (Slot.Kind is FieldKind.String or FieldKind.Json) return Text(AvroText.Timestamp(micros, unit >= AvroLogical.LocalTimestampMillis), ValueFault.TimeRange, row);
        if (_clock is not null) micros = _clock.ToUtc(micros);
        if (!TimeText.InRange(micros)) return ValueFault.TimeRange;
        var column = Unsafe.As<LongColumn>(Slot.Column);
        if (Slot.Kind == FieldKind.Timestamp)
        {
            column.Set(row, micros);
            return ValueFault.None;
        }

        var days = TimeText.FloorDays(micros);
        column.Set(row, days);
        return days * TimeText.MicrosPerDay == micros ? ValueFault.None : ValueFault.NotAWholeDay;
    }
}

/// <summary>Days since 1970.</summary>
internal sealed class TakeDate(FieldSlot slot, RecordDecoder decoder) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var days = (long)reader.ReadInt();
        if (Slot.Kind == FieldKind.String) return Text(AvroText.Date(days), ValueFault.TimeRange, row);
        if (!TimeText.InRange(days * TimeText.MicrosPerDay)) return ValueFault.TimeRange;
        Unsafe.As<LongColumn>(Slot.Column).Set(row, Slot.Kind == FieldKind.Date ? days : days * TimeText.MicrosPerDay);
        return ValueFault.None;
    }
}

/// <summary>Times of day as text.</summary>
internal sealed class TakeTimeOfDay(FieldSlot slot, RecordDecoder decoder, AvroLogical unit) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row) =>
        Text(AvroText.TimeOfDay(unit == AvroLogical.TimeMillis ? reader.ReadInt() : reader.ReadLong(), unit), ValueFault.TimeRange, row);
}

/// <summary>UUIDs and durations in fixed as text.</summary>
internal sealed class TakeFixedText(FieldSlot slot, RecordDecoder decoder, AvroSchema schema) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        var bytes = reader.ReadFixed(schema.Size);
        if (reader.Fault is not null) return ValueFault.None;
        return Text(schema.Logical == AvroLogical.Uuid ? AvroText.Uuid(bytes) : AvroText.Duration(bytes), ValueFault.WrongType, row);
    }
}

/// <summary>Anything into a json field.</summary>
internal sealed class TakeJson(FieldSlot slot, RecordDecoder decoder, AvroSchema schema, AvroJson json) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row) => json.Write(ref reader, schema, Unsafe.As<BinaryColumn>(Slot.Column), row);
}

/// <summary>A value of a type that the field cannot take.</summary>
internal sealed class TakeNothing(FieldSlot slot, RecordDecoder decoder, AvroAction skip) : AvroFieldAction(slot, decoder)
{
    protected override ValueFault Take(ref AvroReader reader, int row)
    {
        skip.Run(ref reader, row);
        return ValueFault.SchemaType;
    }
}
