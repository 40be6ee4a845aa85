using System.Globalization;
using System.Text;
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
        if (RevisionFault(table, dialect, found) is { } fault) return new SinkTablePlan([], [fault]);
        if (KeepFaults(table, dialect, found) is { Count: not 0 } parts) return new SinkTablePlan([], parts);
        if (found is null)
        {
            return table.Spec.Create
                ? new SinkTablePlan([CreateTable(table, dialect), .. Indexes(table, dialect)], [])
                : new SinkTablePlan(
                    [], [$"The table {table.Name} does not exist (or the user may not see it): set create: true, or run\n{CreateTable(table, dialect)}"]);
        }

        if (found.Kind != RelationKind.Table)
        {
            var what = found.Kind == RelationKind.View ? "is a view" : "is a materialized view or a foreign table";
            return new SinkTablePlan(
                [], [$"{table.Name} {what}, and rows are written by a unique key, which only a table has: name the table behind it at the sink's 'table'."]);
        }

        // DDL does not go through synonyms.
        if (found.Behind is { } behind) table = table.At(behind);
        var statements = new List<string>();
        var differences = new List<string>();
        foreach (var column in table.Columns)
        {
            if (found.Find(column.Name) is { } present)
                differences.AddRange(ColumnDifferences.Of(table, column, present, dialect));
            else if (column.IsKey)
                differences.Add(
                    $"The key column {column.Name} is missing: run {AddColumn(table, column, dialect)}\n"
                    + "and fill it in the rows that are there; the unique key over it comes after that.");
            else if (table.Spec.AddColumns)
                statements.Add(AddColumn(table, column, dialect));
            else
                differences.Add(
                    $"The column {column.Name} is missing: set evolve: add-columns, or run {AddColumn(table, column, dialect)}");
        }

        foreach (var column in found.Columns)
        {
            var isOurs = table.Columns.Any(c => c.Name.Equals(column.Name, StringComparison.OrdinalIgnoreCase));
            // Where no row is made, nothing has to be filled in.
            if (!isOurs && !table.Spec.UpdateOnly && column is { Nullable: false, HasDefault: false })
                differences.Add(
                    $"The column {column.Name} is NOT NULL without a default, and the pipeline does not write it: give it a default, allow NULL, or add the field.");
        }

        if (table.Keys.ToArray().All(k => found.Find(k.Name) is not null)) differences.AddRange(KeyDifferences(table, dialect, found));
        return new SinkTablePlan(statements, differences);
    }

    private static IEnumerable<string> KeyDifferences(SinkTable table, Dialect dialect, TableInfo found)
    {
        var keys = table.Keys.ToArray().Select(k => k.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var late = found.Deferrable.Where(d => IsKey(d.Columns)).ToArray();
        foreach (var constraint in late)
        {
            var quoted = Identifiers.Quote(constraint.Name);
            var list = string.Join(", ", table.Keys.ToArray().Select(k => k.Quoted));
            yield return $"The unique constraint {constraint.Name} on ({string.Join(", ", keys)}) is DEFERRABLE, which rows cannot be upserted by: "
                + $"run ALTER TABLE {table.Quoted} DROP CONSTRAINT {quoted}, ADD CONSTRAINT {quoted} {(constraint.IsPrimary ? "PRIMARY KEY" : "UNIQUE")} ({list})";
        }

        // Rows known by their record's place got a wider key since version 0.1: a record may be late for several windows.
        if (PlaceCheck.IsKeyedByPlace(table.Spec))
        {
            foreach (var narrow in found.UniqueKeys.Where(k => k.Columns.Count < keys.Count && k.Columns.All(keys.Contains)))
            {
                yield return $"The unique key {narrow.Name} on ({string.Join(", ", narrow.Columns)}) is narrower than the key of these rows, ({string.Join(", ", keys)}), "
                    + $"as in tables of version 0.1, and would refuse rows: run {dialect.DropKeyText(table, narrow)}\nand {dialect.AfterDropKey}";
            }
        }

        if (late.Length == 0 && !found.UniqueKeys.Any(k => IsKey(k.Columns)))
        {
            yield return $"No primary key or unique constraint on exactly ({string.Join(", ", keys)}): "
                + $"run {dialect.AddUniqueText(table, ConstraintName(table, '_' + string.Join('_', keys) + dialect.Fold("_uk"), dialect))}";
        }

        bool IsKey(IReadOnlySet<string> columns) => columns.Count == keys.Count && columns.All(keys.Contains);
    }

    private static List<string> KeepFaults(SinkTable table, Dialect dialect, TableInfo? found) => !table.Spec.KeepMissing ? [] :
    [
        .. table.Values.ToArray()
            .Select(c => (c.Name, Why: dialect.KeepFault(c.Type, found?.Find(c.Name))))
            .Where(c => c.Why is not null).Select(c => $"The column {c.Name} cannot be changed in part ('missing: keep'): {c.Why}."),
    ];

    /// <summary>What would make one write's rows end otherwise than the same rows in several writes.</summary>
    private static string? RevisionFault(SinkTable table, Dialect dialect, TableInfo? found)
    {
        if (table.Revision < 0) return null;
        var column = table.Columns[table.Revision];
        return dialect.RevisionFault(column.Type, found?.Find(column.Name)) is { } why
            ? $"The revision column {column.Name} ({column.Type}) would be compared differently here and in the database: {why}."
            : null;
    }

    public static string CreateTable(SinkTable table, Dialect dialect)
    {
        var columns = table.Columns.Select(
            c => $"    {c.Quoted} {TypeOf(table, c, dialect, c.IsKey)}");
        var keys = string.Join(", ", table.Keys.ToArray().Select(k => k.Quoted));
        return $"CREATE TABLE {table.Quoted} (\n{string.Join(",\n", columns)},\n"
            + $"    CONSTRAINT {Identifiers.Quote(ConstraintName(table, dialect.Fold("_pk"), dialect))} PRIMARY KEY ({keys})\n)";
    }

    /// <summary>The indexes that are made with the table.</summary>
    public static IEnumerable<string> Indexes(SinkTable table, Dialect dialect) => table.Spec.Indexes.Select((columns, i) =>
    {
        var name = Identifiers.Quote(ConstraintName(table, dialect.Fold(string.Create(CultureInfo.InvariantCulture, $"_i{i + 1}")), dialect));
        return $"CREATE INDEX {name} ON {table.Quoted} ({string.Join(", ", columns.Select(c => table.Columns.First(t => t.Field == table.Spec.Schema.IndexOf(c)).Quoted))})";
    });

    /// <summary>The type a column is made with, NOT NULL included.</summary>
    private static string TypeOf(SinkTable table, SinkColumn column, Dialect dialect, bool isKey)
    {
        var type = table.Spec.ColumnTypes.GetValueOrDefault(table.Spec.Schema[column.Field].Name) ?? dialect.TypeText(column.Type, isKey);
        return isKey && !type.EndsWith(" NOT NULL", StringComparison.OrdinalIgnoreCase) ? type + " NOT NULL" : type;
    }

    private static string AddColumn(SinkTable table, SinkColumn column, Dialect dialect) =>
        string.Create(CultureInfo.InvariantCulture,
            $"ALTER TABLE {table.Quoted} ADD {column.Quoted} {TypeOf(table, column, dialect, false)}");

    private static string ConstraintName(SinkTable table, string suffix, Dialect dialect)
    {
        var name = table.Name.Name;
        while (Encoding.UTF8.GetByteCount(suffix) > dialect.MaxIdentifierBytes / 2) suffix = suffix[1..];
        while (Encoding.UTF8.GetByteCount(name) + Encoding.UTF8.GetByteCount(suffix) > dialect.MaxIdentifierBytes) name = name[..^1];
        return name + suffix;
    }
}
