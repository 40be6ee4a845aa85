using KafkaOracleOrleans.Processing.Schemas;

namespace KafkaOracleOrleans.Processing.Records;

/// <summary>A decoder whose records name their schema in a registry. It asks for none itself.</summary>
public interface ISchemaDecoder : IRecordDecoder
{
    /// <summary>The registry's name in the host's configuration; null when none is needed.</summary>
    string? Registry { get; }

    /// <summary>The schemas that records of a batch name and that it does not have yet.</summary>
    IReadOnlyList<SchemaId> Missing(RawBatch batch);

    /// <summary>Takes a schema; null: the registry has none of this id, and its records are refused.</summary>
    void Supply(SchemaId id, RegisteredSchema? schema);
}
