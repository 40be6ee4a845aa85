using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>
/// What <c>kor plan</c> advises is done here, word by word, against real tables: afterwards the plan has no objection
/// and a row is written.
/// </summary>
public sealed partial class PlanRemedyTests(PostgresFixture postgres)
{
    private static readonly Remedy Printed = new("printed", "");
    private static readonly Remedy Made = new("make the column", "");
    private static readonly Remedy Cast = new("CAST", "");

    private static readonly FieldType Amount = FieldType.Decimal(10, 2);

    private static readonly (string, FieldType)[] Late =
        [("KOR_TOPIC", FieldType.String), ("KOR_PARTITION", FieldType.Integer), ("KOR_OFFSET", FieldType.Integer), ("window_start", FieldType.Timestamp)];

    /// <summary>Tables in the way: DDL, the pipeline's fields (the first is the key), what is said, and each remedy said.</summary>
    private static readonly Case[] Cases =
    [
        new("missing table", "", [("id", FieldType.Integer)], "does not exist", [With(s => s with { Create = true }), Printed]),
        new("view", "CREATE TABLE behind (id bigint PRIMARY KEY); CREATE VIEW {t} AS SELECT * FROM behind", [("id", FieldType.Integer)],
            "is a view", [With(s => s with { Table = "behind" })]) { Sqlite = "CREATE TABLE behind (id INTEGER PRIMARY KEY); CREATE VIEW {t} AS SELECT * FROM behind" },
        new("materialized view", "CREATE TABLE behind (id bigint PRIMARY KEY); CREATE MATERIALIZED VIEW {t} AS SELECT * FROM behind", [("id", FieldType.Integer)],
            "is a materialized view or a foreign table", [With(s => s with { Table = "behind" })]),
        new("missing key column", "CREATE TABLE {t} (v text); INSERT INTO {t} VALUES ('old')", [("id", FieldType.Integer), ("v", FieldType.String)],
            "The key column id is missing", [Printed]) { Sqlite = "CREATE TABLE {t} (v TEXT); INSERT INTO {t} VALUES ('old')" },
        new("missing column", "CREATE TABLE {t} (id bigint PRIMARY KEY)", [("id", FieldType.Integer), ("v", FieldType.String)],
            "The column v is missing", [With(s => s with { AddColumns = true }), Printed]) { Sqlite = "CREATE TABLE {t} (id INTEGER PRIMARY KEY)" },
        new("column not written", "CREATE TABLE {t} (id bigint PRIMARY KEY, extra text NOT NULL)", [("id", FieldType.Integer)],
            "NOT NULL without a default",
            [
                Sql("ALTER TABLE {t} ALTER COLUMN extra SET DEFAULT 'x'"), Sql("ALTER TABLE {t} ALTER COLUMN extra DROP NOT NULL"),
                With(s => s with { Schema = new Schema([.. s.Schema.Fields, new Field("extra", FieldType.String)]) }),
            ]),
        new("no unique key", "CREATE TABLE {t} (id bigint, v text, UNIQUE (id, v)); ALTER TABLE {t} ADD CONSTRAINT {t}_pk UNIQUE (v)",
            [("id", FieldType.Integer), ("v", FieldType.String)], "No primary key or unique constraint on exactly (id)", [Printed])
            { Sqlite = "CREATE TABLE {t} (id INTEGER, v TEXT UNIQUE)" },
        new("deferrable", "CREATE TABLE {t} (id text PRIMARY KEY DEFERRABLE INITIALLY IMMEDIATE, v text)",
            [("id", FieldType.String), ("v", FieldType.String)], "is DEFERRABLE", [Printed]),
        new("deferrable beside another", "CREATE TABLE {t} (id text PRIMARY KEY, v text, UNIQUE (id) DEFERRABLE INITIALLY DEFERRED)",
            [("id", FieldType.String), ("v", FieldType.String)], "is DEFERRABLE", [Printed]),
        new("late table of version 0.1", "CREATE TABLE {t} (kor_topic text NOT NULL, kor_partition bigint NOT NULL, kor_offset bigint NOT NULL, window_start timestamptz, "
            + "CONSTRAINT {t}_pk PRIMARY KEY (kor_topic, kor_partition, kor_offset)); INSERT INTO {t} VALUES ('x', 0, 1, now())", Late, "is narrower than the key of these rows", [Printed])
            {
                Sqlite = "CREATE TABLE {t} (KOR_TOPIC TEXT NOT NULL, KOR_PARTITION INTEGER NOT NULL, KOR_OFFSET INTEGER NOT NULL, window_start TEXT, "
                    + "CONSTRAINT {t}_pk PRIMARY KEY (KOR_TOPIC, KOR_PARTITION, KOR_OFFSET))",
                Keys = 4,
            },
        new("late table with an index", "CREATE TABLE {t} (kor_topic text, kor_partition bigint, kor_offset bigint, window_start timestamptz, "
            + "PRIMARY KEY (kor_topic, kor_partition, kor_offset, window_start)); CREATE UNIQUE INDEX {t}_ix ON {t} (kor_topic, kor_partition, kor_offset)", Late,
            "The unique key t_ix on", [Printed])
            {
                Sqlite = "CREATE TABLE {t} (KOR_TOPIC TEXT, KOR_PARTITION INTEGER, KOR_OFFSET INTEGER, window_start TEXT, "
                    + "PRIMARY KEY (KOR_TOPIC, KOR_PARTITION, KOR_OFFSET, window_start)); CREATE UNIQUE INDEX {t}_ix ON {t} (KOR_TOPIC, KOR_PARTITION, KOR_OFFSET)",
                Keys = 4,
            },
        new("identity as key", "CREATE TABLE {t} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)", [("id", FieldType.Integer)],
            "an identity that is GENERATED ALWAYS", [Printed]),
        new("identity", "CREATE TABLE {t} (id bigint PRIMARY KEY, no bigint GENERATED ALWAYS AS IDENTITY)",
            [("id", FieldType.Integer), ("no", FieldType.Integer)], "an identity that is GENERATED ALWAYS", [Without("no"), Printed]),
        new("computed", "CREATE TABLE {t} (id bigint PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2) STORED)",
            [("id", FieldType.Integer), ("twice", FieldType.Integer)], "computed by the database", [Without("twice"), Printed]),
        new("computed, SQLite", null, [("id", FieldType.Integer), ("twice", FieldType.Integer)], "computed by the database", [Without("twice")])
            { Sqlite = "CREATE TABLE {t} (id INTEGER PRIMARY KEY, twice INTEGER GENERATED ALWAYS AS (id * 2) STORED)" },
        new("computed key, SQLite", null, [("id", FieldType.Integer), ("n", FieldType.Integer)], "name a column as the key",
            [Sql("CREATE UNIQUE INDEX {t}_n ON {t} (n)", s => s with { Keys = ["n"], Schema = Drop(s.Schema, "id") })])
            { Sqlite = "CREATE TABLE {t} (n INTEGER, id INTEGER GENERATED ALWAYS AS (n * 2) STORED UNIQUE)" },
        new("fewer digits", "CREATE TABLE {t} (id bigint PRIMARY KEY, price numeric(10,1))", [("id", FieldType.Integer), ("price", Amount)],
            "would be rounded silently", [Made, Cast]),
        new("a fraction is kept", "CREATE TABLE {t} (id bigint PRIMARY KEY, price numeric(5,2))", [("id", FieldType.Integer), ("price", FieldType.Decimal(8, 4))],
            "CAST(... AS decimal(5,2))", [Made, Cast]),
        new("a fraction of a double is kept", "CREATE TABLE {t} (id bigint PRIMARY KEY, price numeric(12,4))", [("id", FieldType.Integer), ("price", FieldType.Double)],
            "CAST(... AS decimal(12,4))", [Made, Cast]),
        new("revision of single precision", "CREATE TABLE {t} (id bigint PRIMARY KEY, rev real)", [("id", FieldType.Integer), ("rev", FieldType.Double)],
            "two revisions can be one", [Made]) { Revision = "rev" },
        new("revision of CHAR", "CREATE TABLE {t} (id bigint PRIMARY KEY, rev char(5))", [("id", FieldType.Integer), ("rev", FieldType.String)],
            "would be compared differently", [Sql("ALTER TABLE {t} ALTER COLUMN rev TYPE text")]) { Revision = "rev" },
        Unfit("boolean", FieldType.Integer, [Made, Without("v")]),
        Unfit("numeric(10,2)", FieldType.Double, [Made, Cast]),
        Unfit("bigint", Amount, [Made, Cast]),
        Unfit("date", FieldType.Timestamp, [Made, Cast]),
        Unfit("text", FieldType.Date, [Made, Cast]),
        Unfit("text", FieldType.Integer, [Made, Cast]),
        Unfit("double precision", Amount, [Made, Cast]),
        Unfit("bigint", FieldType.String, [Made, Cast]),
        Unfit("boolean", FieldType.String, [Made, Cast]),
        Unfit("uuid", FieldType.Bytes, [Made, Cast]),
        Unfit("bytea", FieldType.String, [Made, Cast]),
        Unfit("time", FieldType.Timestamp, [Made, Without("v")]),
        new("key of another type", "CREATE TABLE {t} (id boolean PRIMARY KEY)", [("id", FieldType.Integer)], "make the column bigint.", [Made]),
    ];

    private static int _schemas;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> PostgresCases => [.. Cases.Where(c => c.Ddl is not null).Select(c => c.Name)];

    public static TheoryData<string> SqliteCases => [.. Cases.Where(c => c.Sqlite is not null || c.Ddl is "").Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(PostgresCases))]
    public async Task Every_remedy_works_on_PostgreSQL(string name)
    {
        var one = Cases.Single(c => c.Name == name);
        foreach (var remedy in one.Remedies) await RunAsync(one, one.Ddl!, remedy, DatabaseProvider.PostgreSql);
    }

    [Theory]
    [MemberData(nameof(SqliteCases))]
    public async Task Every_remedy_works_on_SQLite(string name)
    {
        var one = Cases.Single(c => c.Name == name);
        foreach (var remedy in one.Remedies) await RunAsync(one, one.Sqlite ?? "", remedy, DatabaseProvider.Sqlite);
    }

    /// <summary>A text of the plan that no case brings about was never tried.</summary>
    [Fact]
    public async Task Every_text_of_the_plan_has_a_case()
    {
        var said = new List<string>();
        foreach (var one in Cases)
        {
            await using var connections = await ConnectAsync(one.Ddl is null ? DatabaseProvider.Sqlite : DatabaseProvider.PostgreSql);
            await MakeAsync(connections.Get("dwh"), one.Ddl ?? one.Sqlite!);
            said.AddRange((await new AdoSinkFactory(connections).PlanAsync(one.Spec, Cancel)).Differences);
        }

        var source = File.ReadAllText(RepoPaths.Under("Storage", "Sinks", "SinkDdl.cs")) + File.ReadAllText(RepoPaths.Under("Storage", "Sinks", "ColumnDifferences.cs"));
        var texts = Message().Matches(source).Select(m => m.Groups[1].Value.Replace("\\n", "\n", StringComparison.Ordinal)).ToArray();
        Assert.InRange(texts.Length, 12, 40);
        foreach (var text in texts)
        {
            // Only Oracle has such columns; OracleStandInTests has the cases.
            if (text.Contains("the session's time zone", StringComparison.Ordinal) || text.Contains("cannot be changed in part", StringComparison.Ordinal)) continue;
            // What is said under a condition ends the comparison.
            var whole = text.LastIndexOf('{') > text.LastIndexOf('}') ? text[..text.LastIndexOf('{')] : text;
            var pattern = string.Join(".+", Hole().Split(whole).Select(Regex.Escape));
            Assert.True(said.Exists(s => Regex.IsMatch(s, pattern)), text);
        }
    }

    private async Task<DatabaseConnections> ConnectAsync(DatabaseProvider provider)
    {
        var options = SqliteFile.Options();
        if (provider == DatabaseProvider.PostgreSql)
        {
            var cluster = await postgres.GetAsync();
            // A schema of its own does, and is made faster than a database.
            var schema = $"remedy{Interlocked.Increment(ref _schemas)}";
            await cluster.PsqlAsync("postgres", $"CREATE SCHEMA {schema}");
            options = new ConnectionOptions { Provider = provider, ConnectionString = $"{cluster.ConnectionString};Search Path={schema}" };
        }

        return new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
    }

    private static async Task MakeAsync(Database database, string ddl)
    {
        foreach (var statement in ddl.Replace("{t}", "t", StringComparison.Ordinal).Split("; ", StringSplitOptions.RemoveEmptyEntries))
            await ExecuteAsync(database, statement);
    }

    private async Task RunAsync(Case one, string ddl, Remedy remedy, DatabaseProvider provider)
    {
        await using var connections = await ConnectAsync(provider);
        var factory = new AdoSinkFactory(connections);
        var database = connections.Get("dwh");
        var spec = one.Spec;
        await SchemaScripts.EnsureAsync(database, SchemaScripts.Sink, AdoSinkFactory.SchemaVersion, create: true, Cancel);
        await MakeAsync(database, ddl);

        // A remedy may be one of several steps: what is said after it is done as well.
        var said = "";
        for (var step = 0; step < 3; step++)
        {
            var plan = await factory.PlanAsync(spec, Cancel);
            if (plan.Differences.Count == 0) break;
            said = string.Join('\n', plan.Differences);
            if (step == 0) Assert.Contains(one.Says, said, StringComparison.Ordinal);
            spec = await ApplyAsync(database, spec, said, remedy, step);
        }

        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        object?[] row = [.. spec.Schema.Fields.Select(f => ValueOf(f, provider))];
        var result = await lane.WriteAsync(new SinkWrite(Rows.Block(spec.Schema, row), 1, null, null), Cancel);
        Assert.Equal((1, 0), (result.Written, result.Quarantined));
        if (one.Keys == 1) return;
        // The same record, late for another window.
        var second = await lane.WriteAsync(new SinkWrite(Rows.Block(spec.Schema, row, [.. row[..^1], new DateTime(2026, 1, 31, 10, 1, 0)]), 2, null, null), Cancel);
        Assert.Equal((1, 1, 0), (second.Written, second.Already, second.Quarantined));
    }

    private static async Task<SinkSpec> ApplyAsync(Database database, SinkSpec spec, string said, Remedy remedy, int step)
    {
        if (remedy == Printed || step > 0)
        {
            var statement = Statement().Match(said);
            Assert.True(statement.Success, said);
            await ExecuteAsync(database, statement.Groups[1].Value);
            return spec;
        }

        if (remedy == Made)
        {
            var column = Regex.Match(said, "The column (\\w+)").Groups[1].Value;
            var type = Regex.Match(said, "[mM]ake (?:it|the column) ([^.]+?)(, or |\\.)").Groups[1].Value;
            await ExecuteAsync(database, $"ALTER TABLE t ALTER COLUMN {column} TYPE {type} USING NULL");
            return spec;
        }

        if (remedy == Cast)
        {
            var type = TypeOf(Regex.Match(said, @"CAST\(\.\.\. AS (.+?)\)\.").Groups[1].Value);
            return spec with { Schema = new Schema([.. spec.Schema.Fields.Select(f => f.Name == spec.Keys[0] ? f : f with { Type = type })]) };
        }

        if (remedy.Sql.Length > 0) await ExecuteAsync(database, remedy.Sql.Replace("{t}", "t", StringComparison.Ordinal));
        Assert.Contains(remedy.Word, said, StringComparison.Ordinal);
        return remedy.Change?.Invoke(spec) ?? spec;
    }

    private static FieldType TypeOf(string text) => text switch
    {
        "integer" => FieldType.Integer,
        "double" => FieldType.Double,
        "string" => FieldType.String,
        "date" => FieldType.Date,
        "boolean" => FieldType.Boolean,
        "bytes" => FieldType.Bytes,
        "timestamp" => FieldType.Timestamp,
        _ when Regex.Match(text, @"^decimal\((\d+),(\d+)\)$") is { Success: true } digits => FieldType.Decimal(
            int.Parse(digits.Groups[1].Value), int.Parse(digits.Groups[2].Value)),
        _ => throw new ArgumentException($"'{text}' is no type."),
    };

    private static object ValueOf(Field field, DatabaseProvider provider) => field.Type.Kind switch
    {
        FieldKind.Integer => 7L,
        FieldKind.Decimal => 7m,
        FieldKind.Double => 7.5,
        FieldKind.Boolean => true,
        FieldKind.Timestamp => new DateTime(2026, 1, 31, 10, 0, 0),
        FieldKind.Date => new DateOnly(2026, 1, 31),
        FieldKind.Bytes => new byte[] { 1 },
        _ => provider == DatabaseProvider.PostgreSql ? "6f1d9c2e-8a1b-4c3d-9e4f-000000000001" : "x",
    };

    private static Task<int> ExecuteAsync(Database database, string sql) =>
        database.WriteAsync((session, token) => session.ExecuteAsync(sql, token), Cancel);

    private static Remedy With(Func<SinkSpec, SinkSpec> change) => new("", "", change);

    private static Remedy Without(string field) => new("leave it out", "", s => s with { Schema = Drop(s.Schema, field) });

    private static Remedy Sql(string sql, Func<SinkSpec, SinkSpec>? change = null) => new("", sql, change);

    private static Schema Drop(Schema schema, string field) => new([.. schema.Fields.Where(f => f.Name != field)]);

    private static Case Unfit(string column, FieldType field, Remedy[] remedies) => new(
        $"{field} into {column}", $"CREATE TABLE {{t}} (id bigint PRIMARY KEY, v {column})", [("id", FieldType.Integer), ("v", field)],
        $", the field is {field}: make the column", remedies);

    [GeneratedRegex("""\$"((?:The|No|\{table\.Name\}) [^"]*)""")]
    private static partial Regex Message();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Hole();

    [GeneratedRegex(@"run\s+((?:ALTER|CREATE|DROP) [^;]+?)(?:\nand |$)", RegexOptions.Singleline)]
    private static partial Regex Statement();

    private sealed record Remedy(string Word, string Sql, Func<SinkSpec, SinkSpec>? Change = null);

    private sealed record Case(string Name, string? Ddl, (string Name, FieldType Type)[] Fields, string Says, Remedy[] Remedies)
    {
        public string? Sqlite { get; init; }

        public string? Revision { get; init; }

        /// <summary>So many of the fields are the key; above 1, rows are appended.</summary>
        public int Keys { get; init; } = 1;

        public SinkSpec Spec => new(
            "p", "s", "dwh", "t", Keys > 1 ? SinkMode.Append : SinkMode.Upsert,
            new Schema([.. Fields.Select((f, i) => new Field(f.Name, f.Type, i >= Keys))]), [.. Fields.Take(Keys).Select(f => f.Name)],
            Revision, Create: false, AddColumns: false);
    }
}
