using System.Reflection;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Every statement a dialect can send, against golden files. KOR_UPDATE_GOLDEN=1 rewrites them.</summary>
public sealed class StatementTests
{
    [Theory]
    [InlineData(DatabaseProvider.Oracle)]
    [InlineData(DatabaseProvider.PostgreSql)]
    [InlineData(DatabaseProvider.Sqlite)]
    public void Statements_are_as_in_the_golden_file(DatabaseProvider provider)
    {
        var text = Describe(Dialect.For(provider));
        var path = Path.Combine(Root(), "tests", "Storage.Tests", "Golden", $"{provider.ToText()}.sql");
        if (Environment.GetEnvironmentVariable("KOR_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Assert.Equal(File.ReadAllText(path), text);
    }

    [Fact]
    public void Oracle_binds_are_right_by_name_and_by_position_and_no_statement_ends_with_a_semicolon()
    {
        var statements = Describe(Dialect.For(DatabaseProvider.Oracle)).Split("\n\n")
            .Select(s => string.Join('\n', s.Split('\n').Where(l => !l.StartsWith("--", StringComparison.Ordinal))));
        foreach (var statement in statements)
        {
            var places = System.Text.RegularExpressions.Regex.Matches(statement, @":P(\d+)").Select(m =>
                int.Parse(m.Groups[1].Value)).ToArray();
            Assert.Equal(Enumerable.Range(0, places.Length), places);
            Assert.DoesNotMatch(@";\s*$", statement);
        }
    }

    [Fact]
    public void Oracle_MERGE_never_updates_a_column_of_its_ON_clause()
    {
        var table = SinkTable.From(Window(), Dialect.For(DatabaseProvider.Oracle));
        var text = Dialect.For(DatabaseProvider.Oracle).UpsertText(table);
        var update = text[text.IndexOf("UPDATE SET", StringComparison.Ordinal)..text.IndexOf("WHEN NOT",
            StringComparison.Ordinal)];
        Assert.All(table.Keys.ToArray(), key => Assert.DoesNotContain($"{key.Quoted} =", update));
    }

    [Theory]
    [InlineData("oracle/state")]
    [InlineData("oracle/sink")]
    [InlineData("oracle/audit")]
    [InlineData("orleans/oracle")]
    public void Oracle_scripts_run_in_SQL_Plus_and_through_the_driver(string script)
    {
        var text = SchemaScripts.Read(script);
        var statements = Dialect.For(DatabaseProvider.Oracle).SplitScript(text);
        Assert.EndsWith("\nCOMMIT;\n", text); // A client without autocommit must not lose what DDL has not committed.
        Assert.DoesNotContain("COMMIT", statements);
        foreach (var statement in statements)
        {
            if (statement.StartsWith("CREATE OR REPLACE FUNCTION", StringComparison.Ordinal))
            {
                Assert.EndsWith("\nEND;", statement);
                continue;
            }

            // SQL*Plus ends a statement at an empty line and at a semicolon at a line's end, also within quotes; the driver takes none at the end.
            Assert.All(statement.Split('\n'), line => Assert.Matches("[^; ]$", line));
        }

        // Plain names of columns must not be reserved words.
        var names = System.Text.RegularExpressions.Regex.Matches(text, @"^\s+(\w+) +(?:VARCHAR2|NUMBER|TIMESTAMP|BLOB|CLOB)\b",
            System.Text.RegularExpressions.RegexOptions.Multiline).Select(m => m.Groups[1].Value.ToUpperInvariant()).ToHashSet();
        Assert.NotEmpty(names);
        Assert.Empty(names.Intersect(ReservedInOracle.Split(' ')));
    }

    private const string ReservedInOracle =
        "ACCESS ADD ALL ALTER AND ANY AS ASC AUDIT BETWEEN BY CHAR CHECK CLUSTER COLUMN COMMENT COMPRESS CONNECT CREATE CURRENT DATE DECIMAL DEFAULT "
        + "DELETE DESC DISTINCT DROP ELSE EXCLUSIVE EXISTS FILE FLOAT FOR FROM GRANT GROUP HAVING IDENTIFIED IMMEDIATE IN INCREMENT INDEX INITIAL INSERT "
        + "INTEGER INTERSECT INTO IS LEVEL LIKE LOCK LONG MAXEXTENTS MINUS MLSLABEL MODE MODIFY NOAUDIT NOCOMPRESS NOT NOWAIT NULL NUMBER OF OFFLINE ON "
        + "ONLINE OPTION OR ORDER PCTFREE PRIOR PUBLIC RAW RENAME RESOURCE REVOKE ROW ROWID ROWNUM ROWS SELECT SESSION SET SHARE SIZE SMALLINT START "
        + "SUCCESSFUL SYNONYM SYSDATE TABLE THEN TO TRIGGER UID UNION UNIQUE UPDATE USER VALIDATE VALUES VARCHAR VARCHAR2 VIEW WHENEVER WHERE WITH";

    [Theory]
    [InlineData("orders", "ORDERS", "orders", "orders")]
    [InlineData("dwh.Orders_Clean", "DWH.ORDERS_CLEAN", "dwh.orders_clean", "dwh.Orders_Clean")]
    [InlineData("\"Mixed Case\"", "Mixed Case", "Mixed Case", "Mixed Case")]
    public void Names_are_folded_as_the_database_folds_them(string text, string oracle, string postgres, string sqlite)
    {
        foreach (var (provider, expected) in new[]
            { (DatabaseProvider.Oracle, oracle), (DatabaseProvider.PostgreSql, postgres),
                (DatabaseProvider.Sqlite, sqlite) })
        {
            var dialect = Dialect.For(provider);
            Assert.Equal(expected, Identifiers.Table(text, dialect.Fold, dialect.MaxIdentifierBytes).ToString());
        }
    }

    [Theory]
    [InlineData("orders; DROP TABLE x")]
    [InlineData("a.b.c")]
    [InlineData("1st")]
    [InlineData("\"a\"b\"")]
    [InlineData("")]
    [InlineData("tab\"le")]
    public void What_is_no_name_is_refused(string text) =>
        Assert.Throws<SinkConfigurationException>(() => Identifiers.Table(text, s => s, 63));

    [Fact]
    public void Faults_of_a_sink_are_reported_all_at_once()
    {
        var schema = new Schema(new Field("a", FieldType.String), new Field("A", FieldType.String),
            new Field("x y", FieldType.Json));
        var spec = new SinkSpec("p", "s", "c", "t", SinkMode.Upsert, schema, ["a", "nope", "x y"], "gone", true, false);
        var fault = Assert.Throws<SinkConfigurationException>(() =>
            SinkTable.From(spec, Dialect.For(DatabaseProvider.PostgreSql)));
        foreach (
            var part in (string[])["both column a", "'x y' is not a column name", "'nope' is not a field", "'gone'",
                "key is a scalar"])
            Assert.Contains(part, fault.Message);
    }

    [Fact]
    public void A_name_too_long_for_the_database_is_refused_with_its_length() =>
        Assert.Contains("64 bytes, this database allows 63", Assert.Throws<SinkConfigurationException>(
            () => Identifiers.Table(new string('t', 64), s => s, 63)).Message);

    private static SinkSpec Window() => new(
        "orders", "revenue", "dwh", "DWH.REVENUE_5M", SinkMode.Upsert,
        new Schema(
            new Field("customer_id", FieldType.String, false), new Field("window_start", FieldType.Timestamp, false),
            new Field("doc", FieldType.Json), new Field("raw", FieldType.Bytes), new Field("orders", FieldType.Integer),
            new Field("revenue", FieldType.Decimal(18, 2)), new Field("ratio", FieldType.Double),
                new Field("vip", FieldType.Boolean),
            new Field("day", FieldType.Date), new Field("revision", FieldType.Integer, false)),
        ["customer_id", "window_start"], "revision", true, false);

    private static string Describe(Dialect dialect)
    {
        var text = new StringBuilder();
        var table = SinkTable.From(Window(), dialect);
        var keysOnly = SinkTable.From(
            Window() with { Schema = new Schema(new Field("id", FieldType.Integer)), Keys = ["id"], RevisionColumn = null, Table = "ids" }, dialect);
        foreach (var property in typeof(StateSql).GetProperties()) Add($"state: {property.Name}",
            (string?)property.GetValue(dialect.State));
        if (dialect is OracleDialect)
        {
            Add("state: read cells by part", OracleDialect.ReadCellsText(2, true));
            Add("state: read whole cells", OracleDialect.ReadCellsText(2, false));
        }
        else
        {
            Add("state: read cells by part", dialect is PostgresDialect ? PostgresDialect.ReadParts
                : SqliteDialect.ReadPart);
            Add("state: read whole cells", dialect is PostgresDialect ? PostgresDialect.ReadAllParts
                : SqliteDialect.ReadAllParts);
        }

        foreach (var property in typeof(SinkSql).GetProperties().Where(p => p.PropertyType == typeof(string)))
            Add($"sink: {property.Name}", (string?)property.GetValue(dialect.Sink));
        Add("sink: append", dialect.AppendText(table));
        Add("sink: upsert", dialect.UpsertText(table));
        Add("sink: upsert without values", dialect.UpsertText(keysOnly));
        var parts = SinkTable.From(table.Spec with { KeepMissing = true }, dialect);
        foreach (var (part, i) in dialect.WriteTexts(parts).Select((t, i) => (t, i))) Add($"sink: upsert, missing values kept ({i + 1})", part);
        Add("sink: update", dialect.WriteTexts(SinkTable.From(table.Spec with { UpdateOnly = true }, dialect))[0]);
        Add("sink: update, missing values kept", dialect.WriteTexts(SinkTable.From(table.Spec with { UpdateOnly = true, KeepMissing = true }, dialect))[0]);
        Add("sink: delete", dialect.DeleteText(table));
        Add("sink: delete what is older", dialect.DeleteOlderText(table));
        Add("sink: create table", SinkDdl.CreateTable(table, dialect));
        var typed = SinkTable.From(
            table.Spec with { ColumnTypes = new Dictionary<string, string> { ["orders"] = "NUMERIC(7)", ["customer_id"] = "VARCHAR(40)" }, Indexes = [["orders", "customer_id"], ["customer_id"]] }, dialect);
        Add("sink: create table with types", SinkDdl.CreateTable(typed, dialect));
        foreach (var index in SinkDdl.Indexes(typed, dialect)) Add("sink: create index", index);
        Add("lookup", dialect.LookupText(
            new LookupTable(
                table.Name,
                [new LookupColumn(table.Columns[0].Name, FieldType.String),
                    new LookupColumn(table.Columns[1].Name, FieldType.Timestamp)],
                [new LookupColumn(table.Columns[^1].Name, FieldType.Bytes)]), 2));
        Add("lookup by one key", dialect.LookupText(
            new LookupTable(table.Name, [new LookupColumn(table.Columns[0].Name, FieldType.String)],
                [new LookupColumn(table.Columns[2].Name, FieldType.Integer)]), 1));
        Add("sink: upsert without revision", dialect.UpsertText(SinkTable.From(
            Window() with { RevisionColumn = null, Table = "plain", Schema = new Schema(new Field("id", FieldType.Integer), new Field("v", FieldType.String)), Keys = ["id"] },
            dialect)));
        var evolving = SinkTable.From(Window() with { AddColumns = true }, dialect);
        var keys = evolving.Keys.ToArray().Select(k => k.Name).ToHashSet();
        var found = new TableInfo(
            [.. evolving.Keys.ToArray().Select(k => new ColumnInfo(k.Name, k.Type.Kind == FieldKind.String ? "varchar" : "timestamptz", null, false, null, null, false, false))], [new TableKey("pk", true, keys)]);
        foreach (var statement in SinkDdl.Plan(evolving, dialect, found).Statements) Add("sink: add column", statement);
        Add("sink: constraints at once", dialect.ConstraintsAtOnce);
        Add("schema: lock", dialect.SchemaLock);
        Add("schema: before", dialect.AroundDdl?.Before);
        Add("schema: after", dialect.AroundDdl?.After);
        // The statements that are constants of the dialect, whoever uses them: none can be forgotten here.
        foreach (var field in dialect.GetType().GetFields(BindingFlags.NonPublic | BindingFlags.Static)
            .Where(f => f.IsLiteral && f.FieldType == typeof(string)).OrderBy(f => f.Name, StringComparer.Ordinal))
        {
            var value = (string)field.GetRawConstantValue()!;
            if (value.StartsWith("SELECT ", StringComparison.Ordinal) || value.StartsWith("WITH ", StringComparison.Ordinal) || value.Contains("SAVEPOINT", StringComparison.Ordinal))
                Add($"constant: {field.Name}", value);
        }

        Add("limit", dialect.Limit(10));
        Add("ping", dialect.Ping);
        return text.ToString();

        void Add(string name, string? statement)
        {
            if (statement is not null) text.Append("-- ").Append(name).Append('\n').Append(statement).Append("\n\n");
        }
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "KafkaOracleOrleans.sln"))) directory = directory.Parent;
        return directory.FullName;
    }
}
