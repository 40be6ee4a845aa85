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
    string Pipeline, string Sink, string Connection, string Table, bool KeysDeclared, bool ByPlace, IReadOnlyList<string> Topics)
{
    /// <summary>The database and schema the connection leads to, where that is known: connections of two names may lead to one.</summary>
    public string? Database { get; init; }

    /// <summary>Whether both may write one table. A name without a schema may mean the other's schema.</summary>
    internal bool MayWriteTableOf(TableUse other) =>
        (Database is not null && other.Database is not null
            ? Database == other.Database
            : Connection.Equals(other.Connection, StringComparison.OrdinalIgnoreCase))
        && SharedTables.MayBeOne(Table, other.Table);
}

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

    /// <summary>
    /// Whether two names, as written in pipelines, may be of one table. Databases ignore the case of plain names, and where one of the two has no
    /// schema only the database knows which it means.
    /// </summary>
    public static bool MayBeOne(string table, string other)
    {
        var (schema, name) = Parts(table);
        var (otherSchema, otherName) = Parts(other);
        return name == otherName && (schema is null || otherSchema is null || schema == otherSchema);
    }

    /// <summary>What two sinks of one table have in common, whatever their schemas.</summary>
    internal static string NameOf(string table) => Parts(table).Name;

    private static (string? Schema, string Name) Parts(string table)
    {
        var quoted = false;
        for (var i = 0; i < table.Length; i++)
        {
            if (table[i] == '"') quoted = !quoted;
            else if (table[i] == '.' && !quoted) return (Fold(table[..i]), Fold(table[(i + 1)..]));
        }

        return (null, Fold(table));
    }

    /// <summary>A quoted name of mixed case is no plain name's; one of upper or lower case is, depending on the database.</summary>
    private static string Fold(string part)
    {
        if (part is not ['"', .., '"']) return part.ToUpperInvariant();
        var inner = part[1..^1];
        return inner.Any(char.IsLower) && inner.Any(char.IsUpper) ? part : inner.ToUpperInvariant();
    }

    /// <summary>Why sinks must not write beside those of other pipelines; one entry for each of the former at most.</summary>
    public static IReadOnlyList<SharedTable> Refusals(IEnumerable<TableUse> sinks, IEnumerable<TableUse> others)
    {
        ArgumentNullException.ThrowIfNull(sinks);
        ArgumentNullException.ThrowIfNull(others);
        var there = others.ToLookup(o => NameOf(o.Table));
        return
        [
            .. sinks.Select(s => (Sink: s, Other: there[NameOf(s.Table)].FirstOrDefault(o => o.Pipeline != s.Pipeline && s.MayWriteTableOf(o) && !GoTogether(s, o))))
                .Where(p => p.Other is not null).Select(p => Refusal(p.Sink, p.Other!)),
        ];
    }

    /// <summary>The same among plans: of two, the one with the later name is refused.</summary>
    public static IReadOnlyList<SharedTable> Find(IEnumerable<PipelinePlan> plans)
    {
        var uses = plans.OrderBy(p => p.Name, StringComparer.Ordinal).Select(UsesOf).ToList();
        return [.. uses.SelectMany((use, at) => Refusals(use, uses.Take(at).SelectMany(u => u)))];
    }

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
        var sameName = sink.Table.Equals(other.Table, StringComparison.OrdinalIgnoreCase) && sink.Connection.Equals(other.Connection, StringComparison.OrdinalIgnoreCase);
        var writes = sameName ? "writes too" : $"may write too (as {other.Table} of '{other.Connection}'; names of two schemas are told apart where both are written)";
        return new SharedTable(
            sink.Pipeline, sink.Sink, other.Pipeline,
            $"sink '{sink.Sink}' of pipeline '{sink.Pipeline}' writes table {sink.Table} of connection '{sink.Connection}', which sink '{other.Sink}' of pipeline "
            + $"'{other.Pipeline}' {writes}, and {why}: a row of one would be taken for a row of the other and be lost, or be written over it. Give each a table of its "
            + "own; or declare in both sinks 'keys' that tell their rows apart (a field with the pipeline's name among them, if nothing else does)");
    }
}
