using Avro;
using Avro.Generic;
using Confluent.Kafka;
using Confluent.SchemaRegistry;
using Confluent.SchemaRegistry.Serdes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Registries;
using KafkaOracleOrleans.Silo.Tests.Support;
using Microsoft.Data.Sqlite;
using SchemaId = KafkaOracleOrleans.Processing.Schemas.SchemaId;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Records that the official serializer writes with a registry, on their way to a table.</summary>
public sealed class AvroTests
{
    private const string One = """{"type":"record","name":"Order","fields":[{"name":"id","type":"string"},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}}]}""";

    private const string Two =
        """{"type":"record","name":"Order","fields":[{"name":"note","type":["null","string"],"default":null},{"name":"amount","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}},{"name":"id","type":"string"},{"name":"country","type":"string","default":"DE"}]}""";

    private const string Pipeline = """
        apiVersion: kor/v1
        name: events
        source:
          kafka: { connection: main, topics: [events], start: earliest }
          format: avro
          registry: main
          fields: { id: string, amount: 'decimal(12,2)', country: { type: string, default: AT }, k: { type: string, from: key } }
        sinks:
          - { id: rows, from: source, connection: dwh, table: ROWS, mode: upsert, keys: [id], create: true }
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Records_of_every_version_become_rows_and_a_registry_that_is_away_is_waited_for()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var client = new CachedSchemaRegistryClient(new SchemaRegistryConfig { Url = registry.Url });
        await using var silo = await TestSilo.StartAsync(
            options => options.Registries["main"] = new RegistryOptions { Url = registry.Url }, pipeline: Pipeline);
        var key = await WriteAsync(client, One, MessageComponentType.Key, "k-1", 0);
        silo.Send(0, key, await WriteAsync(client, One, MessageComponentType.Value, "A-1", 1234));
        silo.Send(0, "plain"u8.ToArray(), await WriteAsync(client, Two, MessageComponentType.Value, "A-2", -5, ("note", null), ("country", "CH")));
        silo.Send(0, key, [0, 0, 0, 0, 1, 0x08, 0x41]);
        await silo.WaitForRecordsAsync(3);
        await RowsAsync(silo, "A-1|12.34|AT|k-1", "A-2|-0.05|CH|plain");
        var status = await silo.WaitForAsync(s => s.GetProperty("counts").GetProperty("quarantined").GetInt64() == 1);
        Assert.Equal(2, status.GetProperty("counts").GetProperty("absorbed").GetInt64());

        // An id that the registry does not have yet, and then a registry that does not answer: states, nothing for the quarantine.
        silo.Send(0, "plain"u8.ToArray(), [0, 0, 0, 0, 4, 0x06, .. "A-3"u8, 0x02, 0x07, 0x04, .. "FR"u8]);
        await silo.WaitForAsync(s => s.GetRawText().Contains("no schema 4", StringComparison.Ordinal));
        registry.Status = 503;
        await silo.WaitForAsync(s => s.GetRawText().Contains("answers with 503", StringComparison.Ordinal));
        registry.Status = null;
        Assert.Equal(4, registry.Register("other", One.Replace("]}", ",{\"name\":\"country\",\"type\":\"string\"}]}", StringComparison.Ordinal)));
        await RowsAsync(silo, "A-1|12.34|AT|k-1", "A-2|-0.05|CH|plain", "A-3|0.07|FR|plain");
        status = await silo.WaitForAsync(s => s.GetProperty("counts").GetProperty("absorbed").GetInt64() == 3);
        Assert.Equal(1, status.GetProperty("counts").GetProperty("quarantined").GetInt64());
    }

    [Fact]
    public async Task Ids_that_the_official_serializer_writes_into_headers_are_found()
    {
        await using var registry = await TestRegistry.StartAsync();
        using var client = new CachedSchemaRegistryClient(new SchemaRegistryConfig { Url = registry.Url });
        var headers = new Headers();
        var value = await WriteAsync(client, One, MessageComponentType.Value, "A-1", 1234, headers, new AvroSerializerConfig { SchemaIdStrategy = SchemaIdSerializerStrategy.Header });
        var plan = PipelineCompiler.Compile(Pipeline, "events.yaml").Plan!;
        var decoder = (ISchemaDecoder)plan.Source.CreateDecoder();
        var raw = RawRecords.Batch("events", 0, 0, [new RawRecord(value) { Headers = [.. headers.Select(h => new KeyValuePair<string, byte[]?>(h.Key, h.GetValueBytes()))] }]);
        var id = Assert.Single(decoder.Missing(raw));
        Assert.Equal(new SchemaId(0, TestRegistry.GuidOf(1)), id);
        var options = new Hosting.KorOptions();
        options.Registries["main"] = new RegistryOptions { Url = registry.Url };
        using var registries = new SchemaRegistries(options);
        decoder.Supply(id, await registries.FindAsync("main", id, Cancellation));
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
        batch.Reset(raw);
        decoder.Decode(batch);
        Assert.Equal("A-1", System.Text.Encoding.UTF8.GetString(((BinaryColumn)batch.Rows.Columns[0]).Span(0)));
    }

    private static async Task RowsAsync(TestSilo silo, params string[] expected)
    {
        var last = "";
        await silo.WaitAsync(
            async () =>
            {
                // The sink makes its table with the first rows.
                await using var connection = new SqliteConnection($"Data Source={Path.Combine(silo.Folder, "dwh.db")}");
                await connection.OpenAsync(Cancellation);
                await using var command = connection.CreateCommand();
                command.CommandText = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'ROWS'";
                if ((long)(await command.ExecuteScalarAsync(Cancellation))! == 0) return false;
                command.CommandText = "SELECT ID || '|' || AMOUNT || '|' || COUNTRY || '|' || K FROM ROWS ORDER BY ID";
                var rows = new List<string>();
                await using var reader = await command.ExecuteReaderAsync(Cancellation);
                while (await reader.ReadAsync(Cancellation)) rows.Add(reader.GetString(0));
                return (last = string.Join(' ', rows)) == string.Join(' ', expected);
            },
            () => $"{string.Join(' ', expected)}; there are: {last}");
    }

    private static Task<byte[]> WriteAsync(
        CachedSchemaRegistryClient client, string schema, MessageComponentType part, string id, int cents, params (string Name, object? Value)[] more) =>
        WriteAsync(client, schema, part, id, cents, new Headers(), new AvroSerializerConfig(), more);

    /// <summary>A record, or for a key its id alone, as the official serializer writes it.</summary>
    private static async Task<byte[]> WriteAsync(
        CachedSchemaRegistryClient client, string schema, MessageComponentType part, string id, int cents, Headers headers, AvroSerializerConfig config,
        params (string Name, object? Value)[] more)
    {
        var context = new SerializationContext(part, "events", headers);
        if (part == MessageComponentType.Key) return await new AvroSerializer<string>(client, config).SerializeAsync(id, context);
        var record = new GenericRecord((RecordSchema)Avro.Schema.Parse(schema));
        record.Add("id", id);
        record.Add("amount", new AvroDecimal(cents, 2));
        foreach (var (name, value) in more) record.Add(name, value);
        return await new AvroSerializer<GenericRecord>(client, config).SerializeAsync(record, context);
    }
}
