using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>What a sink's table needs: statements to run, and differences no statement of ours may repair.</summary>
/// <param name="Statements">DDL in order, as it would be run.</param>
/// <param name="Differences">What is in the way, each with its remedy.</param>
public sealed record SinkTablePlan(IReadOnlyList<string> Statements, IReadOnlyList<string> Differences);

/// <summary>Compares a table with what a pipeline writes.</summary>
internal static class SinkDdl
{
    /// <summary>What it takes to make the table fit.</summary>
    public static SinkTablePlan Plan(SinkTable table, Dialect dialect, TableInfo? found)
    {
        if (found is null)
        {
            return table.Spec.Create
                ? new SinkTablePlan([CreateTable(table, dialect)], [])
                : new SinkTablePlan(
                    [], [$"The table {table.Name} does not exist (or the user may not see it): set create: true, or run\n{CreateTable(table, dialect)}"]);
        }

        var statements = new List<string>();
        var differences = new List<string>();
        foreach (var column in table.Columns)
        {
            if (found.Find(column.Name) is { } present)
                Compare(column, present, dialect, differences);
            else if (column.IsKey)
                differences.Add(
                    $"The key column {column.Name} is missing, and a key cannot be added to a table with rows: {AddColumn(table, column, dialect)}");
            else if (table.Spec.AddColumns)
                statements.Add(AddColumn(table, column, dialect));
            else
                differences.Add(
                    $"The column {column.Name} is missing: set evolve: add-columns, or run {AddColumn(table, column, dialect)}");
        }

        foreach (var column in found.Columns)
        {
            var isOurs = table.Columns.Any(c => c.Name.Equals(column.Name, StringComparison.OrdinalIgnoreCase));
            if (!isOurs && column is { Nullable: false, HasDefault: false })
                differences.Add(
                    $"The column {column.Name} is NOT NULL without a default, and the pipeline does not write it: give it a default, allow NULL, or add the field.");
        }

        var keys = table.Keys.ToArray().Select(k => k.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (!found.UniqueKeys.Any(u => u.Count == keys.Count && u.All(keys.Contains)))
        {
            var list = string.Join(", ", table.Keys.ToArray().Select(k => k.Quoted));
            differences.Add(
                $"No primary key or unique constraint on exactly ({string.Join(", ", keys)}): "
                + $"run ALTER TABLE {table.Quoted} ADD CONSTRAINT {Identifiers.Quote(ConstraintName(table, dialect))} UNIQUE ({list})");
        }

        return new SinkTablePlan(statements, differences);
    }

    public static string CreateTable(SinkTable table, Dialect dialect)
    {
        var columns = table.Columns.Select(
            c => $"    {c.Quoted} {dialect.TypeText(c.Type, c.IsKey)}{(c.IsKey ? " NOT NULL" : "")}");
        var keys = string.Join(", ", table.Keys.ToArray().Select(k => k.Quoted));
        return $"CREATE TABLE {table.Quoted} (\n{string.Join(",\n", columns)},\n"
            + $"    CONSTRAINT {Identifiers.Quote(ConstraintName(table, dialect))} PRIMARY KEY ({keys})\n)";
    }

    private static string AddColumn(SinkTable table, SinkColumn column, Dialect dialect) =>
        string.Create(CultureInfo.InvariantCulture,
            $"ALTER TABLE {table.Quoted} ADD {column.Quoted} {dialect.TypeText(column.Type, false)}");

    private static string ConstraintName(SinkTable table, Dialect dialect)
    {
        var suffix = dialect.Fold("_pk");
        var name = table.Name.Name;
        while (System.Text.Encoding.UTF8.GetByteCount(name)
            + suffix.Length > dialect.MaxIdentifierBytes) name = name[..^1];
        return name + suffix;
    }

    private static void Compare(SinkColumn column, ColumnInfo present, Dialect dialect, List<string> differences)
    {
        if (!dialect.Accepts(column.Type, present))
        {
            if (present.Type.Contains("time zone", StringComparison.Ordinal))
            {
                differences.Add(
                    $"The column {column.Name} is {present.Type}: what is stored would depend on the session's time zone. "
                    + $"Make it {dialect.TypeText(column.Type, column.IsKey)}, which holds UTC, and show zones in a view.");
                return;
            }

            differences.Add(
                $"The column {column.Name} is {present.Type}, the field is {column.Type}: "
                + $"make the column {dialect.TypeText(column.Type, column.IsKey)}, or CAST the field in a map step.");
            return;
        }

        if (column.Type.Kind == FieldKind.Decimal && present.Scale is { } scale && scale < column.Type.Scale)
        {
            differences.Add(
                $"The column {column.Name} keeps {scale} digits after the point, the field has {column.Type.Scale}: "
                + $"values would be rounded silently. Make it {dialect.TypeText(column.Type, false)}, or CAST the field in a map step.");
        }
    }
}
