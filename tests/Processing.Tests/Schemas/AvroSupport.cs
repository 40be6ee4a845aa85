using Avro.Generic;
using Avro.IO;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Records.Decoding;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Processing.Tests.Records;

namespace KafkaOracleOrleans.Processing.Tests.Schemas;

/// <summary>Records written by the official library, read by this one.</summary>
internal static class AvroSupport
{
    public static byte[] Write(Avro.Schema schema, object? value)
    {
        using var stream = new MemoryStream();
        new GenericDatumWriter<object?>(schema).Write(value, new BinaryEncoder(stream));
        return stream.ToArray();
    }

    public static byte[] Write(string schema, params (string Name, object? Value)[] fields)
    {
        var record = new GenericRecord((Avro.RecordSchema)Avro.Schema.Parse(schema));
        foreach (var (name, value) in fields) record.Add(name, value);
        return Write(record.Schema, record);
    }

    /// <summary>A value with the id of its schema before it.</summary>
    public static byte[] Framed(int id, byte[] body) => [0, (byte)(id >> 24), (byte)(id >> 16), (byte)(id >> 8), (byte)id, .. body];

    /// <summary>All fields of a schema, for records in it.</summary>
    public static SourceFormatSpec Spec(string schema, params SourceFieldSpec[] fields)
    {
        IReadOnlyList<SourceFieldSpec> all = fields.Length != 0 ? fields : AvroFields.Of(AvroSchemaReader.Read(schema));
        return new SourceFormatSpec
        {
            Format = SourceFormatKind.Avro, Fields = all, SchemaText = schema, Schema = new Schema([.. all.Select(f => new Field(f.Name, f.Type, !f.Required))]),
        };
    }

    public static SourceFieldSpec Field(string path, string type) =>
        new() { Name = path.Replace('.', '_'), Path = path.Split('.'), Type = RawBatches.ParseType(type) };

    /// <summary>What becomes of a bare record.</summary>
    public static string Outcome(SourceFormatSpec spec, params byte[] value) => RawBatches.Outcome(RawBatches.Decode(spec, RawBatches.Of((null, value))), 0);

    /// <summary>What becomes of a record of one schema, read by another and by fields.</summary>
    public static string Resolve(string writer, string? reader, byte[] body, params SourceFieldSpec[] fields)
    {
        var spec = Spec(reader ?? writer, fields) with { SchemaText = reader, Registry = "main" };
        var decoder = (ISchemaDecoder)RecordDecoderFactory.Create(spec);
        var raw = RawBatches.Of((null, Framed(7, body)));
        Assert.Equal([new SchemaId(7, Guid.Empty)], decoder.Missing(raw));
        decoder.Supply(new SchemaId(7, Guid.Empty), new RegisteredSchema("AVRO", writer, []));
        Assert.Empty(decoder.Missing(raw));
        return RawBatches.Outcome(RawBatches.Decode(decoder, raw), 0);
    }
}
