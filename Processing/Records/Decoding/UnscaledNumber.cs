using System.Buffers.Binary;

namespace KafkaOracleOrleans.Processing.Records.Decoding;

/// <summary>Whole numbers of any length in bytes, as Avro and Kafka Connect write the digits of decimals.</summary>
internal static class UnscaledNumber
{
    private static readonly UInt128[] Powers = MakePowers();

    /// <summary>Reads big-endian two's complement. False when the value does not fit 128 bits or there is no byte.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out Int128 value)
    {
        value = 0;
        if (bytes.IsEmpty) return false;
        var sign = (byte)((sbyte)bytes[0] >> 7);
        while (bytes.Length > 16)
        {
            // Only bytes that repeat the sign may be too many.
            if (bytes[0] != sign || (byte)((sbyte)bytes[1] >> 7) != sign) return false;
            bytes = bytes[1..];
        }

        Span<byte> all = stackalloc byte[16];
        all.Fill(sign);
        bytes.CopyTo(all[(16 - bytes.Length)..]);
        value = BinaryPrimitives.ReadInt128BigEndian(all);
        return true;
    }

    /// <summary>The decimal of a type with these digits; false when it has more than the type's precision.</summary>
    public static bool TryDecimal(Int128 unscaled, FieldType type, out decimal value)
    {
        value = 0;
        var magnitude = unscaled < 0 ? (UInt128)(-(unscaled + 1)) + 1 : (UInt128)unscaled;
        if (magnitude >= Powers[type.Precision]) return false;
        value = new decimal((int)(uint)magnitude, (int)(uint)(magnitude >> 32), (int)(uint)(magnitude >> 64), unscaled < 0, type.Scale);
        return true;
    }

    private static UInt128[] MakePowers()
    {
        var powers = new UInt128[FieldType.MaxPrecision + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
