using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Shards;
using Orleans.Serialization.Configuration;

[assembly: TypeManifestProvider(typeof(ProtocolAliases))]

namespace KafkaOracleOrleans.Grains.Contracts;

// Protocol knows nothing of Orleans; these say how its types cross from silo to silo, under the names they always had.

/// <summary>Wire form of <see cref="CellCall"/>.</summary>
[GenerateSerializer, Immutable, Alias("kor.wire.CellCall")]
internal readonly record struct CellCallWire(
    [property: Id(0)] long Epoch, [property: Id(1)] long Number, [property: Id(2)] IReadOnlyList<StoredCell>? Restore, [property: Id(3)] int Version);

[RegisterConverter]
internal sealed class CellCallConverter : IConverter<CellCall, CellCallWire>
{
    public CellCall ConvertFromSurrogate(in CellCallWire surrogate) => new(surrogate.Epoch, surrogate.Number, surrogate.Restore, surrogate.Version);

    public CellCallWire ConvertToSurrogate(in CellCall value) => new(value.Epoch, value.Number, value.Restore, value.Version);
}

/// <summary>Wire form of <see cref="StoredCell"/>.</summary>
[GenerateSerializer, Immutable, Alias("kor.wire.StoredCell")]
internal readonly record struct StoredCellWire([property: Id(0)] long Part, [property: Id(1)] byte[] Payload);

[RegisterConverter]
internal sealed class StoredCellConverter : IConverter<StoredCell, StoredCellWire>
{
    public StoredCell ConvertFromSurrogate(in StoredCellWire surrogate) => new(surrogate.Part, surrogate.Payload);

    public StoredCellWire ConvertToSurrogate(in StoredCell value) => new(value.Part, value.Payload);
}

/// <summary>Wire form of <see cref="ChangedPart"/>.</summary>
[GenerateSerializer, Immutable, Alias("kor.wire.ChangedPart")]
internal readonly record struct ChangedPartWire([property: Id(0)] long Part, [property: Id(1)] byte[]? Payload, [property: Id(2)] long? DueAt);

[RegisterConverter]
internal sealed class ChangedPartConverter : IConverter<ChangedPart, ChangedPartWire>
{
    public ChangedPart ConvertFromSurrogate(in ChangedPartWire surrogate) => new(surrogate.Part, surrogate.Payload, surrogate.DueAt);

    public ChangedPartWire ConvertToSurrogate(in ChangedPart value) => new(value.Part, value.Payload, value.DueAt);
}

/// <summary>Wire form of <see cref="LateRecord"/>.</summary>
[GenerateSerializer, Immutable, Alias("kor.wire.LateRecord")]
internal readonly record struct LateRecordWire(
    [property: Id(0)] long Offset, [property: Id(1)] long WindowStart, [property: Id(2)] long WindowEnd, [property: Id(3)] long LateBy, [property: Id(4)] LateReason Reason);

[RegisterConverter]
internal sealed class LateRecordConverter : IConverter<LateRecord, LateRecordWire>
{
    public LateRecord ConvertFromSurrogate(in LateRecordWire surrogate) =>
        new(surrogate.Offset, surrogate.WindowStart, surrogate.WindowEnd, surrogate.LateBy, surrogate.Reason);

    public LateRecordWire ConvertToSurrogate(in LateRecord value) => new(value.Offset, value.WindowStart, value.WindowEnd, value.LateBy, value.Reason);
}

/// <summary>The names by which silos know these types; they may not change.</summary>
internal sealed class ProtocolAliases : TypeManifestProviderBase
{
    protected override void ConfigureInner(TypeManifestOptions options)
    {
        options.WellKnownTypeAliases["kor.CellCall"] = typeof(CellCall);
        options.WellKnownTypeAliases["kor.StoredCell"] = typeof(StoredCell);
        options.WellKnownTypeAliases["kor.ChangedPart"] = typeof(ChangedPart);
        options.WellKnownTypeAliases["kor.LateRecord"] = typeof(LateRecord);
    }
}
