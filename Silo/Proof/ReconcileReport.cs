using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Proof;

namespace KafkaOracleOrleans.Silo.Proof;

/// <summary>What a proof of a pipeline's tables found.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Version">The version of its definition that was proved.</param>
/// <param name="Result"><c>equal</c>: nothing is missing, too many or wrong; <c>different</c>.</param>
/// <param name="Records">How many records were read.</param>
/// <param name="Log">What became of the records by the model, up to where the pipeline had come; null where the scan begins in the middle.</param>
/// <param name="Counted">What the pipeline counted there.</param>
/// <param name="CountsAgree">Whether the two are equal; null: that does not follow from the log, and a note says why.</param>
/// <param name="Sinks">The tables.</param>
/// <param name="Notes">What the reader should know.</param>
/// <param name="Seconds">How long it took, s.</param>
public sealed record ReconcileReport(
    string Pipeline, int Version, string Result, long Records, RecordCounts? Log, RecordCounts Counted, bool? CountsAgree, IReadOnlyList<ReconcileSink> Sinks,
    IReadOnlyList<string> Notes, double Seconds);

/// <summary>What was found in a sink's table.</summary>
/// <param name="Matched">Rows that are as the log says.</param>
/// <param name="Missing">Rows the log says there are.</param>
/// <param name="Extra">Rows of which the log knows nothing, and rows that are there more than once.</param>
/// <param name="Wrong">Rows with other values.</param>
/// <param name="Undecidable">Rows of which the log does not say what they must be.</param>
/// <param name="Open">Rows that are not due yet or that are worked on just now.</param>
/// <param name="NotCompared">Why the table was not compared at all; null: it was.</param>
/// <param name="Reasons">The undecidable rows by reason.</param>
/// <param name="OpenColumns">Columns whose values do not follow from the log (lookups, transforms, the clock) or that the model does not compute.</param>
/// <param name="Examples">The first rows of each kind that are not matched.</param>
public sealed record ReconcileSink(
    string Sink, string Connection, string Table, long Matched, long Missing, long Extra, long Wrong, long Undecidable, long Open, string? NotCompared,
    IReadOnlyDictionary<string, long> Reasons, IReadOnlyList<string> OpenColumns, IReadOnlyList<RowExample> Examples);

/// <summary>How far a proof has come.</summary>
/// <param name="Phase">What it is at.</param>
/// <param name="Done">Offsets passed.</param>
/// <param name="Total">Offsets in all.</param>
public sealed record ReconcileProgress(string Phase, long Done, long Total);

/// <summary>What is to be proved.</summary>
/// <param name="Since">Only windows that begin then or later, and rows of records from then on (Kafka time); null: all.</param>
/// <param name="Until">Only windows that end then or earlier, and rows of records before then; null: all.</param>
/// <param name="Rate">At most so many records a second.</param>
/// <param name="Examples">So many examples of each kind.</param>
/// <param name="Fresh">Begins anew where an earlier proof was broken off.</param>
public sealed record ReconcileRequest(DateTimeOffset? Since, DateTimeOffset? Until, int Rate, int Examples, bool Fresh)
{
    internal ScanRange Range => new(Since?.ToUnixTimeMilliseconds() ?? long.MinValue, Until?.ToUnixTimeMilliseconds() ?? long.MaxValue);
}
