using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>
/// A quarantine table: kor_quarantine, or one of another name with the same columns. Its statements are those of kor_quarantine
/// with the name replaced, so there is one text per database.
/// </summary>
internal sealed partial class QuarantineTable
{
    private const string Default = "kor_quarantine";
    private readonly Dialect _dialect;

    private QuarantineTable(Dialect dialect, TableName? name)
    {
        _dialect = dialect;
        Name = name;
        Sql = name is null ? Default : Identifiers.Quote(name);
        AddText = Rename(dialect.Sink.AddQuarantine);
    }

    /// <summary>The name, or null for kor_quarantine, which comes with the sinks' own tables.</summary>
    public TableName? Name { get; }

    /// <summary>The name as statements write it.</summary>
    public string Sql { get; }

    /// <summary>Rows of <see cref="SinkSql.QuarantineColumns"/>; those that exist are left alone.</summary>
    public string AddText { get; }

    /// <summary>
    /// The table of a name as a pipeline writes it. Throws <see cref="ConnectionConfigurationException"/> for what is no table name.
    /// </summary>
    public static QuarantineTable Of(Dialect dialect, string? table)
    {
        if (table is null) return new QuarantineTable(dialect, null);
        try
        {
            var name = Identifiers.Table(table, dialect.Fold, dialect.MaxIdentifierBytes - IndexSuffix.Length);
            var plain = name.Schema is null && name.Name.Equals(Default, StringComparison.OrdinalIgnoreCase);
            return new QuarantineTable(dialect, plain ? null : name);
        }
        catch (SinkConfigurationException fault)
        {
            throw new ConnectionConfigurationException($"quarantine.table: {fault.Message}", fault);
        }
    }

    /// <summary>What makes the table, without its semicolons.</summary>
    public IReadOnlyList<string> CreateStatements() =>
    [
        .. SchemaScripts.Statements(SchemaScripts.Read(_dialect.Provider, SchemaScripts.Sink))
            .Where(s => Definition().IsMatch(s)).Select(Rename),
    ];

    private const string IndexSuffix = "_IX1";

    private string Rename(string text)
    {
        if (Name is null) return text;
        return NameInText().Replace(text, match => match.Groups["suffix"] is { Length: > 0 } suffix
            ? Identifiers.Quote(Name.Name + suffix.Value)
            : Sql);
    }

    [GeneratedRegex(@"\bkor_quarantine(?<suffix>_ix1|_pk)?\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NameInText();

    [GeneratedRegex(@"^CREATE\s+(TABLE|INDEX)\s.*\bkor_quarantine\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.Singleline)]
    private static partial Regex Definition();
}
