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
}

/// <summary>What the catalog keeps.</summary>
[GenerateSerializer, Alias("kor.CatalogState")]
internal sealed class CatalogState
{
    [Id(0)] public Dictionary<string, CatalogEntry> Entries { get; set; } = [];
}
