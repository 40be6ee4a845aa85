using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Protocol.Faults;

/// <summary>What an exception means to an owner.</summary>
internal enum FaultKind
{
    /// <summary>A program's fault, or nobody knows what: the term ends, and after some repetitions the owner gives up.</summary>
    Defect,

    /// <summary>A database does not answer or refuses for now; what became of a write is unknown.</summary>
    Unavailable,

    /// <summary>A newer owner acts.</summary>
    Fenced,

    /// <summary>Somebody this owner builds on has less than it believes: it starts over from its checkpoint.</summary>
    Behind,

    /// <summary>The pipeline is stopped, gone, or another version.</summary>
    Changed,

    /// <summary>A call or its answer got lost between silos.</summary>
    Lost,

    /// <summary>Somebody else reads the partition now.</summary>
    Moved,

    /// <summary>A table, column, privilege or login is wrong: an operator mends it, and nobody tells.</summary>
    Configuration,

    /// <summary>A rule of the pipeline stops it, until an operator starts it again.</summary>
    StopRule,

    /// <summary>Stored state cannot be read.</summary>
    Corrupt,

    /// <summary>The caller wants no answer any more.</summary>
    Cancelled,
}

/// <summary>Sorts exceptions, once for all owners. What only a provider knows (lost calls, readers that moved) it is told by a port.</summary>
/// <param name="provider">The kind of an exception of the provider's own types; null: not one of them.</param>
internal sealed class FaultSorter(Func<Exception, FaultKind?> provider)
{
    /// <summary>What an exception means.</summary>
    public FaultKind Classify(Exception e) => e switch
    {
        StoreUnavailableException or SinkUnavailableException => FaultKind.Unavailable,
        EpochFencedException or OwnerFencedException => FaultKind.Fenced,
        CellLostException or RewindException => FaultKind.Behind,
        SinkConfigurationException => FaultKind.Configuration,
        PipelineStopException => FaultKind.StopRule,
        CorruptStateException => FaultKind.Corrupt,
        OperationCanceledException => FaultKind.Cancelled,
        _ => provider(e) ?? (e is TimeoutException ? FaultKind.Lost : FaultKind.Defect),
    };
}

/// <summary>What follows from a kind of fault.</summary>
internal static class FaultKinds
{
    /// <summary>Something outside or a change of owners caused it: it is repeated without limit, for it mends itself.</summary>
    public static bool MendsItself(this FaultKind kind) => kind is FaultKind.Unavailable or FaultKind.Fenced or FaultKind.Behind or FaultKind.Changed or FaultKind.Lost;

    /// <summary>Only an operator can help.</summary>
    public static bool NeedsOperator(this FaultKind kind) => kind is FaultKind.StopRule or FaultKind.Corrupt;

    /// <summary>The name in metrics.</summary>
    public static string Label(this FaultKind kind) => kind switch
    {
        FaultKind.Unavailable => "unavailable",
        FaultKind.Fenced => "fenced",
        FaultKind.Behind => "rewind",
        FaultKind.Changed => "changed",
        FaultKind.Lost => "cluster",
        _ => "fault",
    };
}

/// <summary>A cell lost what only it held: the owner starts over from its checkpoint.</summary>
internal sealed class CellLostException(string cell)
    : Exception($"Cell '{cell}' lost calls that were not yet durable; the owner starts over from its checkpoint.");

/// <summary>A newer owner holds the cell.</summary>
internal sealed class OwnerFencedException(string cell)
    : Exception($"Cell '{cell}' follows a newer owner.");

/// <summary>A shard has less than this partition believes: it starts over from its checkpoint, which no shard is behind.</summary>
internal sealed class RewindException(string message) : Exception(message);
