using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>A sink, as far as it matters to others that write its table.</summary>
/// <param name="Pipeline">The pipeline's name.</param>
/// <param name="Sink">The sink's id.</param>
/// <param name="Connection">The connection's name.</param>
/// <param name="Table">The table, as written in the pipeline.</param>
/// <param name="KeysDeclared">The author says by which keys the rows differ.</param>
/// <param name="ByPlace">Rows are appended and known by topic, partition and offset of their record.</param>
/// <param name="Topics">The topics and patterns its records come from.</param>
public sealed record TableUse(
    string Pipeline, string Sink, string Connection, string Table, bool KeysDeclared, bool ByPlace, IReadOnlyList<string> Topics);

/// <summary>A sink that must not write the table of another pipeline's sink.</summary>
/// <param name="Pipeline">The pipeline that is refused.</param>
/// <param name="Sink">Its sink.</param>
/// <param name="Other">The other pipeline.</param>
/// <param name="Message">What is wrong and what to do.</param>
public sealed record SharedTable(string Pipeline, string Sink, string Other, string Message);

/// <summary>
/// Pipelines that write one table. Their rows may meet there, and those of one would be taken for those of the other and be lost, or be
/// written over. Allowed is what cannot meet (appended records of other topics), and what the author says: keys in both sinks.
/// </summary>
public static class SharedTables
{
    /// <summary>The code of the error.</summary>
    public const string Code = "KOR2063";

    /// <summary>The sinks of a plan.</summary>
    public static IReadOnlyList<TableUse> UsesOf(PipelinePlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var offset = MetadataColumns.Field(MetadataColumn.Offset).Name;
        return
        [
            .. plan.Sinks.Select(s => new TableUse(
                plan.Name, s.Id, s.Spec.Connection, s.Spec.Table, s.KeysDeclared,
                !s.KeysDeclared && s.Spec.Mode == SinkMode.Append && s.Spec.Keys.Contains(offset, StringComparer.OrdinalIgnoreCase),
                [.. plan.Source.Topics])),
        ];
    }

    /// <summary>The name two sinks have in common when they write one table.</summary>
    internal static string NameOf(string table) => table.ToUpperInvariant();

    /// <summary>Why sinks must not write beside those of other pipelines; one entry for each of the former at most.</summary>
    public static IReadOnlyList<SharedTable> Refusals(IEnumerable<TableUse> sinks, IEnumerable<TableUse> others)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        ArgumentNullException.ThrowIfNull(others);
        var there = others.ToLookup(Place);
        return
        [
            .. sinks.Select(s => (Sink: s, Other: there[Place(s)].FirstOrDefault(o => o.Pipeline != s.Pipeline && !GoTogether(s, o))))
                .Where(p => p.Other is not null).Select(p => Refusal(p.Sink, p.Other!)),
        ];
    }

    /// <summary>The same among plans: of two, the one with the later name is refused.</summary>
    public static IReadOnlyList<SharedTable> Find(IEnumerable<PipelinePlan> plans)
    {
        var uses = plans.OrderBy(p => p.Name, StringComparer.Ordinal).Select(UsesOf).ToList();
        return [.. uses.SelectMany((use, at) => Refusals(use, uses.Take(at).SelectMany(u => u)))];
    }

    private static (string, string) Place(TableUse use) => (use.Connection.ToUpperInvariant(), NameOf(use.Table));

    private static bool GoTogether(TableUse one, TableUse other) =>
        (one.KeysDeclared && other.KeysDeclared) || (one.ByPlace && other.ByPlace && !one.Topics.Any(t => other.Topics.Any(o => MayMeet(t, o))));

    /// <summary>Whether two patterns have a topic in common is not found out: they may.</summary>
    private static bool MayMeet(string one, string other) =>
        (one.StartsWith('^') && other.StartsWith('^')) || TopicNames.Matches(one, other) || TopicNames.Matches(other, one);

    private static SharedTable Refusal(TableUse sink, TableUse other)
    {
        var why = sink.ByPlace && other.ByPlace
            ? "both append records of the same topics"
            : $"{(sink.KeysDeclared ? $"'{other.Sink}' of '{other.Pipeline}' does" : other.KeysDeclared ? $"'{sink.Sink}' does" : "they do")} not say by which keys the rows differ";
        return new SharedTable(
            sink.Pipeline, sink.Sink, other.Pipeline,
            $"sink '{sink.Sink}' of pipeline '{sink.Pipeline}' writes table {sink.Table} of connection '{sink.Connection}', which sink '{other.Sink}' of pipeline "
            + $"'{other.Pipeline}' writes too, and {why}: a row of one would be taken for a row of the other and be lost, or be written over it. Give each a table of its "
            + "own; or declare in both sinks 'keys' that tell their rows apart (a field with the pipeline's name among them, if nothing else does)");
    }
}
