using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>What a pipeline's grain keeps. Every field is written, also the ones that hold a default.</summary>
[GenerateSerializer, Alias("kor.PipelineState")]
internal sealed class PipelineState
{
    [Id(0)] public string? Text { get; set; }
    [Id(1)] public string? FileName { get; set; }
    [Id(2)] public int Version { get; set; }
    [Id(3)] public DesiredState Desired { get; set; }
    [Id(4)] public string? Hash { get; set; }
    [Id(5)] public Dictionary<string, string> Fingerprints { get; set; } = [];
    [Id(6)] public List<string> Sources { get; set; } = [];
    [Id(7)] public int Generation { get; set; }
    [Id(8)] public DefinitionOrigin Origin { get; set; }

    /// <summary>A reset that has begun and is not over: where to, by source partition. Null: none.</summary>
    [Id(9)] public Dictionary<string, long>? Resetting { get; set; }

    /// <summary>Where the source began. Null: it has not begun yet.</summary>
    [Id(10)] public SourceStart? Start { get; set; }

    /// <summary>Windows that begin before this event time, ms, lack records since the last reset; null: all are complete.</summary>
    [Id(11)] public long? WindowsFrom { get; set; }

    /// <summary>A definition that waits for a table; null: none.</summary>
    [Id(12)] public HeldDefinition? Held { get; set; }
}

/// <summary>Where the partitions that were there when the source began are read from; all others are read from their beginning.</summary>
/// <param name="Topics">The topics and patterns this holds for.</param>
/// <param name="Offsets">Offsets by source partition; empty when the source began at the earliest records.</param>
[GenerateSerializer, Immutable, Alias("kor.SourceStart")]
internal sealed record SourceStart([property: Id(0)] IReadOnlyList<string> Topics, [property: Id(1)] Dictionary<string, long> Offsets)
{
    /// <summary>It was looked at what beginning there means for what is in the tables already.</summary>
    [Id(2)] public bool TablesSeen { get; init; }
}

/// <summary>What the catalog keeps.</summary>
[GenerateSerializer, Alias("kor.CatalogState")]
internal sealed class CatalogState
{
    [Id(0)] public Dictionary<string, CatalogEntry> Entries { get; set; } = [];

    /// <summary>The tables that pipelines write, by pipeline.</summary>
    [Id(1)] public Dictionary<string, List<TableClaim>> Tables { get; set; } = [];
}
