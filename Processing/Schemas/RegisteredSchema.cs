using System.Buffers.Binary;
using System.Globalization;

namespace KafkaOracleOrleans.Processing.Schemas;

/// <summary>What names a schema in a registry: a number counted up from 1, or the GUID that newer clients write.</summary>
/// <param name="Number">The number; 0 when there is a GUID.</param>
/// <param name="Guid">The GUID; empty when there is a number.</param>
public readonly record struct SchemaId(int Number, Guid Guid)
{
    /// <summary>The header in which newer clients write the id of a value's schema.</summary>
    public const string ValueHeader = "__value_schema_id";

    /// <summary>The same for keys.</summary>
    public const string KeyHeader = "__key_schema_id";

    private const int NumberLength = 5;
    private const int GuidLength = 17;

    /// <summary>
    /// Reads what stands before a value or in a header: a zero byte and four bytes of a number, or a byte of 1 and a GUID. False when it is neither.
    /// </summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="id">The id.</param>
    /// <param name="length">How many bytes it takes.</param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SchemaId id, out int length)
    {
        (id, length) = (default, 0);
        if (bytes.Length >= NumberLength && bytes[0] == 0)
        {
            var number = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]);
            if (number <= 0) return false;
            (id, length) = (new SchemaId(number, Guid.Empty), NumberLength);
            return true;
        }

        if (bytes.Length < GuidLength || bytes[0] != 1) return false;
        (id, length) = (new SchemaId(0, new Guid(bytes[1..GuidLength], bigEndian: true)), GuidLength);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => Number > 0 ? Number.ToString(CultureInfo.InvariantCulture) : Guid.ToString();
}

/// <summary>A schema as a registry has it.</summary>
/// <param name="Type">AVRO, PROTOBUF or JSON.</param>
/// <param name="Text">The schema.</param>
/// <param name="References">The schemas it refers to, each after those it refers to itself.</param>
public sealed record RegisteredSchema(string Type, string Text, IReadOnlyList<string> References);

/// <summary>A schema cannot be read, or two do not go together. The message says why, without a value of a record.</summary>
public sealed class SchemaException(string message) : Exception(message);
