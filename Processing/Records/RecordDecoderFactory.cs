using KafkaOracleOrleans.Processing.Records.Decoding;

namespace KafkaOracleOrleans.Processing.Records;

/// <summary>Makes decoders.</summary>
public static class RecordDecoderFactory
{
    /// <summary>
    /// A decoder for a format. It belongs to one partition. Throws <see cref="ArgumentException"/> when a default does
    /// not fit its field: the pipeline compiler has checked that before.
    /// </summary>
    public static IRecordDecoder Create(SourceFormatSpec spec) => spec.Format switch
    {
        SourceFormatKind.Json => new JsonRecordDecoder(spec),
        SourceFormatKind.Csv => new CsvRecordDecoder(spec),
        SourceFormatKind.String => new StringRecordDecoder(spec),
        SourceFormatKind.JsonSchema => new JsonSchemaRecordDecoder(spec),
        SourceFormatKind.Avro => new AvroRecordDecoder(spec),
        SourceFormatKind.Debezium when spec.IsAvro => new AvroDebeziumDecoder(spec),
        SourceFormatKind.Debezium => new DebeziumRecordDecoder(spec),
        _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Format, "There is no such format."),
    };

    /// <summary>The same where samples are tried without a registry: see <see cref="SourceFormatSpec.Samples"/>.</summary>
    public static IRecordDecoder CreateForSamples(SourceFormatSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        return Create(spec with { Samples = true });
    }

    /// <summary>
    /// Null when a text can stand for a value of the field (a default), otherwise what is wrong with it.
    /// </summary>
    public static string? CheckText(SourceFieldSpec field, string text)
    {
        var slot = new FieldSlot(field with { Default = null }, 0);
        slot.SetFromText(System.Text.Encoding.UTF8.GetBytes(text), 0, SourceFormatSpec.DefaultMaxDepth);
        return slot.Fault == ValueFault.None ? null : ValueFaults.Describe(slot.Fault, field);
    }
}
