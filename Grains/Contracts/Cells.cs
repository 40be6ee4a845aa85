using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Grains.Contracts;

/// <summary>All changed parts of a cell since the last collection.</summary>
[GenerateSerializer, Immutable, Alias("kor.CellChanges")]
internal sealed record CellChanges(
    [property: Id(0)] CellAnswer Answer, [property: Id(1)] IReadOnlyList<ChangedPart> Parts)
{
    /// <summary>Running totals: the rows of the keys that changed; null otherwise.</summary>
    [Id(2)] public RowBlock? Closed { get; init; }

    /// <summary>The memory the cell takes, about, for metrics.</summary>
    [Id(3)] public long Bytes { get; init; }

    /// <summary>Window cells: how many panes are open, for metrics.</summary>
    [Id(4)] public int Panes { get; init; }
}

/// <summary>The open windows of one key, or of the keys of a group. Owned by an aggregator.</summary>
[Alias("kor.IWindowGrain")]
[GrainInterfaceType("kor.window")]
internal interface IWindowGrain : IGrainWithStringKey
{
    /// <summary>Takes rows in, then fires what the new watermark completes.</summary>
    [Alias("Apply")]
    Task<WindowReply> ApplyAsync(WindowCall call);

    /// <summary>Hands out the parts changed since the last collection; they count as saved when the next one comes.</summary>
    [Alias("Collect")]
    Task<CellChanges> CollectAsync(CellCall call);

    /// <summary>The live windows of a key; null when the cell does not hold the state of that epoch.</summary>
    [Alias("Query")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<IReadOnlyList<Interfaces.WindowRow>?> QueryAsync(byte[] key, long epoch);

    /// <summary>The live windows of at most so many keys.</summary>
    [Alias("Open")]
    [Orleans.Concurrency.AlwaysInterleave]
    Task<IReadOnlyList<Interfaces.WindowRow>> GetOpenAsync(int limit);

    /// <summary>Its owner has moved: the cell ends here, and begins where the owner calls it from.</summary>
    [Alias("Leave")]
    [Orleans.Concurrency.OneWay]
    Task LeaveAsync();
}

/// <summary>Rows for a window cell. <paramref name="Rows"/> may be null when only the watermark moves.</summary>
[GenerateSerializer, Immutable, Alias("kor.WindowCall")]
internal sealed record WindowCall(
    [property: Id(0)] CellCall Cell,
    [property: Id(1)] KeyedRows? Rows,
    [property: Id(2)] int[]? Selected,
    [property: Id(3)] int Partition,
    [property: Id(4)] long WatermarkBefore,
    [property: Id(5)] long WatermarkAfter,
    [property: Id(6)] int Source = -1);

/// <summary>What became of rows in a window cell.</summary>
[GenerateSerializer, Immutable, Alias("kor.WindowReply")]
internal sealed record WindowReply
{
    [Id(0)] public required CellAnswer Answer { get; init; }

    /// <summary>When the cell next has something to do, ms; null: never.</summary>
    [Id(1)] public long? NextDue { get; init; }

    /// <summary>Rows (numbers in the call's rows) that came too late.</summary>
    [Id(2)] public IReadOnlyList<LateRecord> Late { get; init; } = [];

    /// <summary>Closed windows, or null.</summary>
    [Id(3)] public RowBlock? Closed { get; init; }

    /// <summary>True when the cell holds nothing any more.</summary>
    [Id(4)] public bool Empty { get; init; }

    /// <summary>How many panes are open, for metrics.</summary>
    [Id(5)] public int Panes { get; init; }

    /// <summary>How many rows came too late for some of their windows only.</summary>
    [Id(6)] public int PartlyLate { get; init; }

    public static WindowReply Of(CellAnswer answer) => new() { Answer = answer };
}

/// <summary>The ids seen by one partition, for one message key or a bucket of ids. Owned by a partition.</summary>
[Alias("kor.IDedupGrain")]
[GrainInterfaceType("kor.dedup")]
internal interface IDedupGrain : IGrainWithStringKey
{
    /// <summary>Claims ids for their offsets; says which were claimed before.</summary>
    [Alias("Claim")]
    Task<ClaimReply> ClaimAsync(ClaimCall call);

    /// <summary>Hands out the parts changed since the last collection; they count as saved when the next one comes.</summary>
    [Alias("Collect")]
    Task<CellChanges> CollectAsync(CellCall call);

    /// <summary>Its owner has moved: the cell ends here, and begins where the owner calls it from.</summary>
    [Alias("Leave")]
    [Orleans.Concurrency.OneWay]
    Task LeaveAsync();
}

/// <summary>
/// Ids to claim; the arrays belong to the whole batch and <paramref name="Selected"/> says which entries are meant. <paramref name="Belated"/>: they
/// are played again from quarantine, after others that may hold their ids.
/// </summary>
[GenerateSerializer, Immutable, Alias("kor.ClaimCall")]
internal sealed record ClaimCall(
    [property: Id(0)] CellCall Cell,
    [property: Id(1)] int Count,
    [property: Id(2)] UInt128[] Ids,
    [property: Id(3)] uint[] Bodies,
    [property: Id(4)] long[] EventTimes,
    [property: Id(5)] long[] Offsets,
    [property: Id(6)] int[] Selected,
    [property: Id(7)] bool Belated = false);

/// <summary>Which of the selected ids were claimed before: numbers in the call's selection.</summary>
[GenerateSerializer, Immutable, Alias("kor.ClaimReply")]
internal sealed record ClaimReply(
    [property: Id(0)] CellAnswer Answer, [property: Id(1)] int[] Duplicates, [property: Id(2)] int DifferentBodies, [property: Id(3)] int TooOld)
{
    public static ClaimReply Of(CellAnswer answer) => new(answer, [], 0, 0);
}
