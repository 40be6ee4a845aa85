using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Columns as they are in Oracle schemas that were there before, on the stand-in. No Oracle is involved.</summary>
public sealed class OracleTypeTests(PostgresFixture postgres)
{
    private static readonly DateTime Morning = new(2026, 1, 31, 10, 30, 15, DateTimeKind.Utc);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_DATE_takes_date_and_time_of_day_and_refuses_a_fraction_by_row()
    {
        await using var table = await TableAsync(
            "create table oradate_t(id numeric(19) primary key, created_at date)",
            [("id", FieldType.Integer), ("created_at", FieldType.Timestamp)], ["id"]);

        Assert.Equal(new SinkWriteResult(2, 1), await table.WriteAsync([1L, Morning], [2L, Morning.AddMilliseconds(1)], [3L, null]));
        Assert.Equal("1:2026-01-31 10:30:15,3:", await table.PsqlAsync(
            "SELECT string_agg(id || ':' || coalesce(to_char(created_at, 'YYYY-MM-DD HH24:MI:SS'), ''), ',' ORDER BY id) FROM oradate_t"));
        Assert.Equal("KOR5106", await table.PsqlAsync("SELECT code FROM kor_quarantine"));

        // Read as a time it comes back whole; as a date it is none, and not cut to one in silence.
        var keys = Rows.Block(new Schema(new Field("id", FieldType.Integer)), [1L]);
        var found = await table.Lookup.LookupAsync(new LookupSpec("dwh", "oradate_t", ["id"], ["created_at"], [FieldType.Timestamp]), keys, Cancel);
        Assert.Equal(BindTime.FromUtc(Morning), ((LongColumn)found.Values.Columns[0]).Values[0]);
        var unread = await table.Lookup.LookupAsync(new LookupSpec("dwh", "oradate_t", ["id"], ["created_at"], [FieldType.Date]), keys, Cancel);
        Assert.Contains("has a time of day", Assert.Single(unread.Faults).Reason);

        // As a key it is bound as what the column is; a time between two seconds is found nowhere.
        var times = Rows.Block(new Schema(new Field("created_at", FieldType.Timestamp)), [Morning], [Morning.AddMilliseconds(1)]);
        var byTime = await table.Lookup.LookupAsync(
            new LookupSpec("dwh", "oradate_t", ["created_at"], ["id"], [FieldType.Integer]), times, Cancel);
        Assert.Equal([true, false], byTime.Found);
    }

    [Fact]
    public async Task Keys_in_CHAR_columns_are_found_again_by_writes_deletes_and_lookups()
    {
        await using var table = await TableAsync(
            "CREATE TABLE codes (code char(5) NOT NULL PRIMARY KEY, n numeric(19))",
            [("code", FieldType.String), ("n", FieldType.Integer)], ["code"]);

        Assert.Equal(2, (await table.WriteAsync(["ab", 1L], ["abcde", 2L])).Written);
        Assert.Equal(2, (await table.WriteAsync(["ab", 3L], ["x", 4L])).Written);
        Assert.Equal("ab:3,abcde:2,x:4", await table.PsqlAsync("SELECT string_agg(trim(code) || ':' || n, ',' ORDER BY code) FROM codes"));
        var asked = Rows.Block(new Schema(new Field("code", FieldType.String)), ["ab"], ["x   "], ["nowhere"], [new string('k', 5000)]);
        for (var i = 0; i < 2; i++)
        {
            var found = await table.Lookup.LookupAsync(
                new LookupSpec("dwh", "codes", ["code"], ["code", "n"], [FieldType.String, FieldType.Integer]), asked, Cancel);
            Assert.Equal([true, true, false, false], found.Found);
            Assert.Equal("ab", System.Text.Encoding.UTF8.GetString(((BinaryColumn)found.Values.Columns[0]).Span(0)));
        }

        await table.DeleteAsync(["ab", null]);
        Assert.Equal("2", await table.PsqlAsync("SELECT count(*) FROM codes"));
    }

    [Fact]
    public async Task Text_of_the_national_character_set_is_bound_as_such_and_long_text_comes_last()
    {
        await using var table = await TableAsync(
            "CREATE TABLE national (id numeric(19) NOT NULL PRIMARY KEY, doc nclob, body text, name nvarchar2(20), title varchar(4000))",
            [("id", FieldType.Integer), ("doc", FieldType.String), ("body", FieldType.String), ("name", FieldType.String), ("title", FieldType.String)],
            ["id"]);
        var doc = string.Concat(Enumerable.Repeat("語", 3000));

        // The CLOB stands before the VARCHAR2 in the table and in the schema: bound in that order it would be ORA-24816.
        Assert.Equal(new SinkWriteResult(2, 1), await table.WriteAsync(
            [1L, doc, new string('b', 5000), "語語", new string('t', 4000)], [2L, "d", "b", "n", "t"], [3L, null, null, new string('語', 21), null]));
        Assert.Equal("3000|5000|2|4000", await table.PsqlAsync(
            "SELECT length(doc), length(body), length(name::text), length(title) FROM national WHERE id = 1"));
        Assert.Equal("KOR5103", await table.PsqlAsync("SELECT code FROM kor_quarantine"));
        BindType[] expected = [BindType.NationalLongText, BindType.NationalText, BindType.NationalFixedText, BindType.FixedText, BindType.LongText];
        Assert.Equal(expected, new[] { "nclob", "nvarchar2", "nchar", "char", "clob" }.Select(t =>
            OracleDialect.Instance.BindTypeOf(FieldType.String, Column(t))));
    }

    [Fact]
    public async Task Synonyms_lead_to_their_tables_and_never_to_an_empty_twin()
    {
        await using var table = await TableAsync(
            "CREATE TABLE syn.events (id numeric(19) NOT NULL PRIMARY KEY, v numeric(19))",
            [("id", FieldType.Integer), ("v", FieldType.Integer)], ["id"], name: "events");

        Assert.Equal(1, (await table.WriteAsync([1L, 2L])).Written);
        Assert.Equal("1|0", await table.PsqlAsync(
            "SELECT (SELECT count(*) FROM syn.events), (SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = 'events')"));

        // DDL names the table behind the synonym; it does not go through it.
        var wider = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.Integer), new Field("w", FieldType.Integer));
        var plan = await table.Factory.PlanAsync(table.Spec with { Schema = wider, AddColumns = true }, Cancel);
        Assert.StartsWith("ALTER TABLE \"SYN\".\"EVENTS\" ADD", Assert.Single(plan.Statements));

        await table.PsqlAsync(
            "DROP VIEW all_synonyms; CREATE VIEW all_synonyms AS SELECT 'KOR'::text AS owner, s.name AS synonym_name, 'APP'::text AS table_owner, "
            + "'GONE'::text AS table_name, s.link AS db_link FROM (VALUES ('LOST', NULL), ('FAR', 'HQ')) AS s(name, link)");
        Assert.Contains("synonym of APP.GONE, which does not exist or which the connection's user may not see",
            (await Assert.ThrowsAsync<SinkConfigurationException>(() => table.Factory.PrepareAsync(table.Spec with { Table = "lost" }, Cancel))).Message);
        Assert.Contains("on another database (HQ)",
            (await Assert.ThrowsAsync<SinkConfigurationException>(() => table.Factory.PrepareAsync(table.Spec with { Table = "far" }, Cancel))).Message);
    }

    [Fact]
    public async Task NUMBERs_of_any_digits_are_read_by_the_type_they_are_declared_with()
    {
        await using var table = await TableAsync(
            "CREATE TABLE numbers (id numeric(19) NOT NULL PRIMARY KEY, price numeric(7,2), third numeric, many numeric(38,10))",
            [("id", FieldType.Integer), ("price", FieldType.Decimal(7, 2))], ["id"]);
        await table.PsqlAsync("INSERT INTO numbers VALUES (1, 16777.21, 1/3::numeric(38,37), 1234567890123456789012345678.9012345678)");
        var keys = Rows.Block(new Schema(new Field("id", FieldType.Integer)), [1L]);

        // GetValue would make a single of NUMBER(7,2) and overflow at the other two.
        var found = await ReadAsync("price", FieldType.Decimal(7, 2));
        Assert.Equal(16777.21m, ((DecimalColumn)found).Values[0]);
        Assert.Equal(1.0 / 3, ((DoubleColumn)await ReadAsync("third", FieldType.Double)).Values[0]);
        Assert.Equal(1234567890123456789012345678.9012345678, ((DoubleColumn)await ReadAsync("many", FieldType.Double)).Values[0]);
        var refused = await table.Lookup.LookupAsync(
            new LookupSpec("dwh", "numbers", ["id"], ["third"], [FieldType.Decimal(10, 2)]), keys, Cancel);
        Assert.Contains("more than 2 digits after the point", Assert.Single(refused.Faults).Reason);
        Assert.Equal(1, ((LongColumn)await ReadAsync("id", FieldType.Integer)).Values[0]);

        async Task<Column> ReadAsync(string column, FieldType type) =>
            (await table.Lookup.LookupAsync(new LookupSpec("dwh", "numbers", ["id"], [column], [type]), keys, Cancel)).Values.Columns[0];
    }

    [Fact]
    public async Task Columns_the_database_makes_are_refused_with_remedies_that_work_and_views_are_told()
    {
        await using var table = await TableAsync(
            "CREATE TABLE made (id numeric(19) NOT NULL PRIMARY KEY, n numeric(19), serial bigint GENERATED ALWAYS AS IDENTITY, "
            + "twice numeric(19) GENERATED ALWAYS AS (n * 2) STORED)",
            [("id", FieldType.Integer), ("n", FieldType.Integer)], ["id"]);
        var schema = new Schema(
            new Field("id", FieldType.Integer, false), new Field("n", FieldType.Integer), new Field("serial", FieldType.Integer),
            new Field("twice", FieldType.Integer));
        var plan = await table.Factory.PlanAsync(table.Spec with { Schema = schema }, Cancel);
        var serial = Assert.Single(plan.Differences, d => d.Contains("SERIAL is an identity that is GENERATED ALWAYS", StringComparison.Ordinal));
        Assert.Single(plan.Differences, d => d.Contains("TWICE is computed by the database", StringComparison.Ordinal));

        // What is not written needs no value; after the remedy the identity takes one.
        Assert.Equal(1, (await table.WriteAsync([1L, 2L])).Written);
        await table.ExecuteAsync(serial[(serial.IndexOf("run ", StringComparison.Ordinal) + 4)..]);
        var after = await table.Factory.PlanAsync(table.Spec with { Schema = schema }, Cancel);
        Assert.DoesNotContain(after.Differences, d => d.Contains("SERIAL is an identity", StringComparison.Ordinal));

        await table.PsqlAsync("CREATE VIEW seen AS SELECT id, n FROM made");
        var view = await table.Factory.PlanAsync(table.Spec with { Table = "seen" }, Cancel);
        Assert.Contains("is a view", Assert.Single(view.Differences));
    }

    [Fact]
    public void What_a_number_column_holds_is_told_by_its_digits()
    {
        var dialect = OracleDialect.Instance;
        // FLOAT's digits are binary, and it rounds without an error.
        Assert.True(dialect.Accepts(FieldType.Decimal(12, 2), Column("float", 38)));
        Assert.False(dialect.Accepts(FieldType.Decimal(12, 2), Column("float", 7)));
        Assert.False(dialect.Accepts(FieldType.Double, Column("float", 15)));
        Assert.True(dialect.Accepts(FieldType.Double, Column("float", 37)));
        // NUMBER(2,5) holds 0.00099 and nothing above.
        Assert.False(dialect.Accepts(FieldType.Integer, Column("number", 2, 5)));
        Assert.False(dialect.Accepts(FieldType.Boolean, Column("number", 2, 5)));
        Assert.True(dialect.Accepts(FieldType.Decimal(5, 5), Column("number", 2, 5)));
        Assert.True(dialect.Accepts(FieldType.Integer, Column("number", null, 0)));
    }

    private static ColumnInfo Column(string type, int? precision = null, int? scale = null) =>
        new("X", type, null, false, precision, scale, true, false);

    private async Task<TestTable> TableAsync(string ddl, (string Name, FieldType Type)[] fields, string[] keys, string? name = null)
    {
        var options = await StandIn.CreateAsync(postgres);
        var cluster = await postgres.GetAsync();
        // As anybody would with psql: what a DATE is there was set up for the database.
        await cluster.PsqlAsync(options.Database!, ddl);
        name ??= ddl.Split(' ', '(')[2];
        var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options });
        var schema = new Schema([.. fields.Select((f, i) => new Field(f.Name, f.Type, i > 0))]);
        var spec = new SinkSpec("p", "s", "dwh", name, SinkMode.Upsert, schema, keys, null, true, false);
        var factory = new AdoSinkFactory(connections);
        await factory.PrepareAsync(spec, Cancel);
        return new TestTable(cluster, options.Database!, connections, factory, spec, await factory.OpenAsync(spec, "0", Cancel));
    }

    private sealed class TestTable(
        PostgresCluster cluster, string database, DatabaseConnections connections, AdoSinkFactory factory, SinkSpec spec, ISinkLane lane)
        : IAsyncDisposable
    {
        private long _progress;

        public AdoLookup Lookup { get; } = new(connections);

        public AdoSinkFactory Factory => factory;

        public SinkSpec Spec => spec;

        public Task<SinkWriteResult> WriteAsync(params object?[][] rows) =>
            lane.WriteAsync(new SinkWrite(Rows.Block(spec.Schema, rows), ++_progress, null, null), Cancel);

        public Task<SinkWriteResult> DeleteAsync(params object?[][] rows) => lane.WriteAsync(
            new SinkWrite(Rows.Block(spec.Schema, rows), ++_progress, [.. rows.Select(_ => true)], null), Cancel);

        /// <summary>Runs a statement as the product would.</summary>
        public Task<int> ExecuteAsync(string sql) =>
            connections.Get("dwh").WriteAsync((session, token) => session.ExecuteAsync(sql, token), Cancel);

        public Task<string> PsqlAsync(string sql) => cluster.PsqlAsync(database, sql);

        public async ValueTask DisposeAsync()
        {
            await lane.DisposeAsync();
            await connections.DisposeAsync();
        }
    }
}
