using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Something a <c>PartitionPipeline</c> wants done outside before it goes on. The shell does it, fills the answer in,
/// and asks for the next one.
/// </summary>
public abstract class PartitionRequest;

/// <summary>Schemas that records of the batch name and that are not known yet. It comes before everything else of a batch.</summary>
public sealed class SchemaRequest : PartitionRequest
{
    /// <summary>The registry's name in the host's configuration.</summary>
    public required string Registry { get; init; }

    /// <summary>The schemas.</summary>
    public required IReadOnlyList<SchemaId> Ids { get; init; }

    /// <summary>The answer. Records of an id that is not there are refused.</summary>
    public Dictionary<SchemaId, RegisteredSchema> Schemas { get; } = [];
}

/// <summary>
/// Ids to claim. Arrays belong to the pipeline and hold until the next request; entry i belongs to row i of the batch.
/// </summary>
public sealed class DedupRequest : PartitionRequest
{
    public required DedupPlan Step { get; init; }

    /// <summary>The rows asked about, ascending.</summary>
    public required Selection Rows { get; init; }

    /// <summary>128-bit hashes of the ids.</summary>
    public required UInt128[] Ids { get; init; }

    /// <summary>Hashes of the bodies, to tell a re-sent record from another one with the same id.</summary>
    public required uint[] Bodies { get; init; }

    /// <summary>
    /// The hash that routes a row to its cell, for <see cref="DedupCells.RouteOf"/>: of the id; or of the message key (of the id when there is
    /// none) where the pipeline says that an id always comes with its key. Not filled for steps that look across partitions.
    /// </summary>
    public required ulong[] CellHashes { get; init; }

    /// <summary>How many rows came with another message key than the same id before, of those looked at; 0 where cells are chosen by the id.</summary>
    public int KeyViolations { get; init; }

    /// <summary>Event times, ms.</summary>
    public required long[] EventTimes { get; init; }

    /// <summary>Offsets.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>The partition's watermark before each row, ms.</summary>
    public long[] Watermarks { get; init; } = [];

    /// <summary>The number of rows of the batch (length that counts of the arrays).</summary>
    public required int Count { get; init; }

    /// <summary>The answer: true at rows whose id was claimed before. Cleared by the pipeline.</summary>
    public required bool[] Duplicate { get; init; }

    /// <summary>A copy of some of the rows, for a dedup shard.</summary>
    public DedupRows Copy(int[] rows)
    {
        return new DedupRows(rows.Length, Pick(Ids), Pick(Bodies), Pick(EventTimes), Pick(Offsets));

        T[] Pick<T>(T[] values) => Array.ConvertAll(rows, row => values[row]);
    }
}

/// <summary>Keys to look up that the cache does not hold. The answer goes into <see cref="Result"/>.</summary>
public sealed class LookupRequest : PartitionRequest
{
    public required LookupPlan Step { get; init; }

    /// <summary>The distinct keys.</summary>
    public required RowBlock Keys { get; init; }

    /// <summary>True when the whole table is wanted (preload); then the answer goes into <see cref="Table"/>.</summary>
    public bool Preload { get; init; }

    /// <summary>The answer for the keys.</summary>
    public LookupResult? Result { get; set; }

    /// <summary>The answer for a preload: keys first, then values.</summary>
    public LookupTableRows? Table { get; set; }
}

/// <summary>
/// Rows for the shards of a window step. <see cref="Shards"/>[s] is handed over for good (it is not used again); null
/// when the shard gets no rows of this batch. The shards are told of every batch all the same, since positions are
/// chained.
/// </summary>
public sealed class WindowRequest : PartitionRequest
{
    public required WindowPlan Step { get; init; }
    public required KeyedRows?[] Shards { get; init; }

    /// <summary>The answer: the rows that came too late, added by the shell.</summary>
    public List<LateOffset> Late { get; } = [];
}

/// <summary>A row that missed its window.</summary>
/// <param name="Offset">The record's offset.</param>
/// <param name="WindowStart">ms since the Unix epoch.</param>
/// <param name="WindowEnd">ms since the Unix epoch.</param>
/// <param name="LateBy">By how much the watermark had passed the window's last chance, ms.</param>
/// <param name="Reason">Which watermark that was.</param>
public readonly record struct LateOffset(
    long Offset, long WindowStart, long WindowEnd, long LateBy, LateReason Reason = LateReason.Watermark);

/// <summary>
/// Rows for a record sink, in the columns of its table. Handed over for good: nothing in it is used again.
/// </summary>
public sealed class SinkRequest : PartitionRequest
{
    public required SinkPlan Sink { get; init; }
    public required RowBlock Rows { get; init; }

    /// <summary>Per row the offset it came from, ascending.</summary>
    public required long[] Offsets { get; init; }

    /// <summary>True at rows that delete their key; null: none.</summary>
    public bool[]? Deletes { get; init; }

    /// <summary>A copy of the raw records of these rows, row by row, for quarantine.</summary>
    public required RawBatch Raw { get; init; }
}

/// <summary>
/// Rows for a C# transform; the answer is a block in the step's output schema and the input row each output row came
/// from.
/// </summary>
public sealed class CustomRequest : PartitionRequest
{
    public required CustomPlan Step { get; init; }
    public required RowBlock Rows { get; init; }

    /// <summary>The input rows meant.</summary>
    public required Selection Selected { get; init; }

    /// <summary>Where the transform notes rows it refuses; they go to quarantine.</summary>
    public required RowErrors Errors { get; init; }

    /// <summary>The answer: rows in the step's output schema.</summary>
    public RowBlock? Result { get; set; }

    /// <summary>The answer: the input row of each output row; at most one output row per input row.</summary>
    public int[]? ResultRows { get; set; }
}

/// <summary>
/// Records refused by decoding or by a step, to be stored before the partition's checkpoint passes them.
/// </summary>
public sealed class QuarantineRequest : PartitionRequest
{
    public required IReadOnlyList<QuarantineRecord> Records { get; init; }
}

/// <summary>What became of the records of a batch; late ones are known once the shards have answered.</summary>
public readonly record struct BatchCounts(
    long Consumed, long Absorbed, long Duplicate, long Late, long Filtered, long Quarantined);

/// <summary>A quality step's stop rule came true: the pipeline stops and waits for an operator.</summary>
public sealed class PipelineStopException(string message) : Exception(message);
