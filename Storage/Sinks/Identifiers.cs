using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>A table's name as the database keeps it.</summary>
internal sealed record TableName(string? Schema, string Name)
{
    public override string ToString() => Schema is null ? Name : $"{Schema}.{Name}";
}

/// <summary>
/// Names of tables and columns: written plain they are folded as the database folds unquoted names, written in double
/// quotes they are kept. In statements they are always quoted, so reserved words are safe.
/// </summary>
internal static partial class Identifiers
{
    /// <summary>A table, optionally schema-qualified. Throws <see cref="SinkConfigurationException"/>.</summary>
    public static TableName Table(string text, Func<string, string> fold, int maxLength)
    {
        var match = QualifiedName().Match(text);
        if (!match.Success)
        {
            throw new SinkConfigurationException(
                $"'{text}' is not a table name: write NAME or SCHEMA.NAME with letters, digits and underscores, "
                + "or put a name with other characters in double quotes.");
        }

        var schema = match.Groups["schema"];
        return new TableName(
            schema.Success ? Name(schema.Value, fold, maxLength) : null,
            Name(match.Groups["name"].Value, fold, maxLength));
    }

    /// <summary>A column. Throws <see cref="SinkConfigurationException"/>.</summary>
    public static string Column(string text, Func<string, string> fold, int maxLength) =>
        SingleName().IsMatch(text)
            ? Name(text, fold, maxLength)
            : throw new SinkConfigurationException(
                $"'{text}' is not a column name: rename the field in a map step to letters, digits and underscores.");

    public static string Quote(string name) => $"\"{name}\"";

    public static string Quote(TableName table) =>
        table.Schema is null ? Quote(table.Name) : $"{Quote(table.Schema)}.{Quote(table.Name)}";

    private static string Name(string text, Func<string, string> fold, int maxLength)
    {
        var name = text[0] == '"' ? text[1..^1] : fold(text);
        var bytes = System.Text.Encoding.UTF8.GetByteCount(name);
        return bytes <= maxLength
            ? name
            : throw new SinkConfigurationException(
                $"The name '{name}' has {bytes} bytes, this database allows {maxLength}: choose a shorter one.");
    }

    [GeneratedRegex("""^(?:(?<schema>[A-Za-z_][A-Za-z0-9_$#]*|"[^"\x00]+")\.)?(?<name>[A-Za-z_][A-Za-z0-9_$#]*|"[^"\x00]+")$""",
        RegexOptions.CultureInvariant)]
    private static partial Regex QualifiedName();

    [GeneratedRegex("""^(?:[A-Za-z_][A-Za-z0-9_$#]*|"[^"\x00]+")$""", RegexOptions.CultureInvariant)]
    private static partial Regex SingleName();
}
