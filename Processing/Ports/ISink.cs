using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Ports;

/// <summary>How rows are written.</summary>
public enum SinkMode
{
    /// <summary>Insert only; a row that exists by its identity is left alone.</summary>
    Append,

    /// <summary>
    /// Insert or update by key. With a revision a row replaces the stored one unless its revision is lower; NULL is the lowest, and of equal ones
    /// the later row counts.
    /// </summary>
    Upsert,
}

/// <summary>What the engine asks of a sink's table.</summary>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Sink">The sink's id.</param>
/// <param name="Connection">The connection's name in the host's configuration.</param>
/// <param name="Table">The table, as written in the pipeline (optionally schema-qualified).</param>
/// <param name="Mode">How rows are written.</param>
/// <param name="Schema">The fields of the rows, in order; field names are column names.</param>
/// <param name="Keys">The key columns: the upsert key, or what makes an appended row unique.</param>
/// <param name="RevisionColumn">The guard of an upsert, or null; a row with a lower revision than the stored one does not overwrite, and NULL is the lowest.</param>
/// <param name="Create">Create the table when it is missing.</param>
/// <param name="AddColumns">Add missing columns.</param>
public sealed record SinkSpec(
    string Pipeline,
    string Sink,
    string Connection,
    string Table,
    SinkMode Mode,
    Schema Schema,
    IReadOnlyList<string> Keys,
    string? RevisionColumn,
    bool Create,
    bool AddColumns)
{
    /// <summary>The pipeline's version, noted with the rows a sink refuses.</summary>
    public int PipelineVersion { get; init; }

    /// <summary>
    /// Other sinks write the table too: an appended row whose key the table holds with other values may be of another of them, and is refused instead of
    /// being left alone.
    /// </summary>
    public bool IsTableShared { get; init; }

    /// <summary>A row the database refuses for ever stops the lane instead of going to quarantine.</summary>
    public bool StopOnReject { get; init; }

    /// <summary>Types of columns, as the database names them, for a table that is created and columns that are added; others are those of their fields.</summary>
    public IReadOnlyDictionary<string, string> ColumnTypes { get; init; } = new Dictionary<string, string>();

    /// <summary>Columns of indexes that are created with the table.</summary>
    public IReadOnlyList<IReadOnlyList<string>> Indexes { get; init; } = [];

    /// <summary>An upsert that changes rows that are there and makes none.</summary>
    public bool UpdateOnly { get; init; }

    /// <summary>Where a row has NULL, an upsert leaves what the table has.</summary>
    public bool KeepMissing { get; init; }
}

/// <summary>The state of a lane when its reign begins.</summary>
/// <param name="Epoch">The number of the new reign.</param>
/// <param name="Progress">The lane's last confirmed progress: the outbox sequence or the next position; -1 when there is none.</param>
/// <param name="Quarantined">How many rows of this lane the sink has refused so far.</param>
public sealed record LaneLease(long Epoch, long Progress, long Quarantined)
{
    /// <summary>How many rows of this lane were inserted, updated or deleted so far, as the database counts them.</summary>
    public long Written { get; init; }

    /// <summary>How many rows of this lane the database left alone so far.</summary>
    public long Already { get; init; }
}

/// <summary>What a lane has done since it was first opened; each is committed with the rows it counts.</summary>
/// <param name="Written">Rows inserted, updated or deleted.</param>
/// <param name="Already">Rows the database left alone.</param>
/// <param name="Quarantined">Rows refused for ever.</param>
public sealed record LaneCounts(long Written, long Already, long Quarantined);

/// <summary>Rows on their way to a table.</summary>
/// <param name="Rows">The rows; the schema is the <see cref="SinkSpec"/>'s.</param>
/// <param name="Progress">The lane's progress once these rows are committed; not below the last one.</param>
/// <param name="Deletes">
/// True at the rows that delete their key instead: tombstones, and window rows that are withdrawn, which delete a lower revision only; null when
/// there are none.
/// </param>
/// <param name="Origin">Where each row came from, for quarantine; null for window rows.</param>
public sealed record SinkWrite(RowBlock Rows, long Progress, bool[]? Deletes, QuarantineOrigin? Origin)
{
    /// <summary>Ids that leave the sink's quarantine in the same transaction, before the rows are written: a replay.</summary>
    public IReadOnlyList<string> Released { get; init; } = [];
}

/// <summary>The raw records behind rows: row i of a write is raw record <c>RawRow[i]</c>.</summary>
public sealed record QuarantineOrigin(RawBatch Raw, int[] RawRow);

/// <summary>The outcome of a write; the four are together the rows handed in.</summary>
/// <param name="Written">Rows inserted, updated or deleted, as the database counts them.</param>
/// <param name="Quarantined">Rows refused for ever.</param>
/// <param name="Already">
/// Rows the database left alone: an appended row that was there already, an update below the stored revision, a deletion of nothing.
/// </param>
/// <param name="Superseded">Rows of mode upsert for which a later row of their key in the same write was written.</param>
public sealed record SinkWriteResult(int Written, int Quarantined, int Already = 0, int Superseded = 0)
{
    /// <summary>Those of <see cref="Already"/> that are appended rows under whose declared key the table holds other values: what they say is nowhere.</summary>
    public int Differing { get; init; }
}

/// <summary>A record that was refused, with everything needed to look at it and to play it again.</summary>
public sealed record QuarantineRecord(
    string Pipeline,
    int PipelineVersion,
    string Place,
    string Code,
    string Reason,
    string Topic,
    int Partition,
    long Offset,
    long Timestamp,
    byte[]? Key,
    byte[]? Value,
    IReadOnlyList<KeyValuePair<string, byte[]?>> Headers);

/// <summary>The sink is not available, or refuses everything alike; nothing was written, time or an operator may heal it.</summary>
public sealed class SinkUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>How long to wait before the call is repeated; null leaves it to the caller.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The database's code, such as <c>ORA-12541</c>; null when there is none.</summary>
    public string? Code { get; init; }

    /// <summary>
    /// True when it is certain that the write was undone as a whole and the lane is as it was: the lane stays open, and remembers since when it waits.
    /// </summary>
    public bool IsUndone { get; init; }
}

/// <summary>The sink's configuration cannot work (missing table, wrong columns, no privilege). Says what to do.</summary>
public sealed class SinkConfigurationException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The database's code, such as <c>ORA-00942</c>; null when there is none.</summary>
    public string? Code { get; init; }
}

/// <summary>
/// One writer of one lane of one sink. Rows, the refused ones in quarantine, and the lane's progress commit in one transaction;
/// a commit of unknown outcome is resolved by the progress row before anything is repeated.
/// </summary>
public interface ISinkLane : IAsyncDisposable
{
    /// <summary>What was found when the lane was opened.</summary>
    LaneLease Lease { get; }

    /// <summary>
    /// What the lane has done since it was first opened, as far as its answers are here. Beyond the results of <see cref="WriteAsync"/> it counts what
    /// was committed by calls that failed.
    /// </summary>
    LaneCounts Counts { get; }

    /// <summary>
    /// Writes rows and progress. Throws <see cref="SinkUnavailableException"/> (repeat the same call later),
    /// <see cref="SinkConfigurationException"/> or <see cref="EpochFencedException"/>.
    /// </summary>
    Task<SinkWriteResult> WriteAsync(SinkWrite write, CancellationToken cancellation);
}

/// <summary>Makes sinks ready and opens lanes.</summary>
public interface ISinkFactory
{
    /// <summary>Which database and user a connection leads to, without secrets; null when there is no connection of this name.</summary>
    string? PlaceOf(string connection);

    /// <summary>Creates, extends or checks the table; throws with every difference at once.</summary>
    Task PrepareAsync(SinkSpec spec, CancellationToken cancellation);

    /// <summary>Whether the table is there and holds rows; changes nothing. Throws as <see cref="PrepareAsync"/> does.</summary>
    Task<bool> HasRowsAsync(SinkSpec spec, CancellationToken cancellation);

    /// <summary>
    /// What the table lacks for this sink and no silo will add, with the statements; null when it fits, will be made to fit, or cannot be looked at now. Changes
    /// nothing. A sink without tables has none that could not fit.
    /// </summary>
    Task<string?> MisfitAsync(SinkSpec spec, CancellationToken cancellation) => Task.FromResult<string?>(null);

    /// <summary>Raises the lane's epoch and opens it. <paramref name="lane"/> is the source partition or the shard, e.g. <c>orders/3</c>.</summary>
    Task<ISinkLane> OpenAsync(SinkSpec spec, string lane, CancellationToken cancellation);

    /// <summary>What a lane has done so far, without opening it; null when it never wrote. Throws as <see cref="OpenAsync"/> does.</summary>
    Task<LaneCounts?> CountsAsync(SinkSpec spec, string lane, CancellationToken cancellation);
}
