using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>Columns of PostgreSQL hold exactly what was sent, or the row is refused and says why.</summary>
public sealed class PostgresTypeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private PostgresCluster _cluster = null!;
    private string _name = "";
    private DatabaseConnections _connections = null!;
    private AdoSinkFactory _factory = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _cluster = await postgres.GetAsync();
        _name = await _cluster.CreateDatabaseAsync();
        _connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions>
        {
            ["dwh"] = new() { Provider = DatabaseProvider.PostgreSql, ConnectionString = _cluster.For(_name) },
        });
        _factory = new AdoSinkFactory(_connections);
    }

    public async ValueTask DisposeAsync() => await _connections.DisposeAsync();

    [Fact]
    public async Task Rows_are_looked_up_by_uuids_enums_and_other_types_that_are_written_as_texts()
    {
        await _cluster.PsqlAsync(
            _name,
            "CREATE EXTENSION IF NOT EXISTS citext; CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE TABLE ref (u uuid, m mood, c citext, i inet, v text, PRIMARY KEY (u, m)); "
            + "INSERT INTO ref VALUES ('6f1d9c2e-8a1b-4c3d-9e4f-000000000001', 'happy', 'Key', '10.0.0.1', 'one'), ('6f1d9c2e-8a1b-4c3d-9e4f-000000000002', 'sad', 'other', '::1', 'two')");
        var lookup = new AdoLookup(_connections);
        var both = new LookupSpec("dwh", "ref", ["u", "m"], ["v", "u", "i"], [FieldType.String, FieldType.String, FieldType.String]);
        var keys = Rows.Block(
            new Schema(new Field("u", FieldType.String), new Field("m", FieldType.String)),
            ["6F1D9C2E-8A1B-4C3D-9E4F-000000000001", "happy"], ["6f1d9c2e-8a1b-4c3d-9e4f-000000000001", "sad"], ["no uuid", "sad"],
            ["6f1d9c2e-8a1b-4c3d-9e4f-000000000002", "angry"], ["6f1d9c2e-8a1b-4c3d-9e4f-000000000002", "sad"], [null, "sad"]);
        var found = await lookup.LookupAsync(both, keys, Cancel);
        // A text that is no value of the type is that record's fault; one that no row has is not there.
        Assert.Equal([true, false, false, false, true, false], found.Found);
        Assert.Equal([2, 3], found.Faults.Select(f => f.Key).Order());
        Assert.All(found.Faults, f => Assert.Equal("KOR4053", f.Code));
        Assert.StartsWith("one|6f1d9c2e-8a1b-4c3d-9e4f-000000000001|10.0.0.1", Rows.Text(found.Values, 0), StringComparison.Ordinal);
        var one = Rows.Block(new Schema(new Field("k", FieldType.String)), ["KEY"]);
        Assert.True((await lookup.LookupAsync(new LookupSpec("dwh", "ref", ["c"], ["v"], [FieldType.String]), one, Cancel)).Found[0]);

        Assert.True((await lookup.ReadAllAsync(both, [FieldType.String, FieldType.String], 10, Cancel)).AskForOthers);
        var plain = new LookupSpec("dwh", "ref", ["v"], ["u"], [FieldType.String]);
        Assert.False((await lookup.ReadAllAsync(plain, [FieldType.String], 10, Cancel)).AskForOthers);

        // A table that becomes another one is looked at anew.
        await _cluster.PsqlAsync(_name, "ALTER TABLE ref ALTER COLUMN m TYPE text");
        var again = new LookupSpec("dwh", "ref", ["m"], ["v"], [FieldType.String]);
        var happy = Rows.Block(new Schema(new Field("k", FieldType.String)), ["happy"]);
        Assert.True((await lookup.LookupAsync(again, happy, Cancel)).Found[0]);
        await _cluster.PsqlAsync(_name, "ALTER TABLE ref ALTER COLUMN m TYPE uuid USING u");
        await Assert.ThrowsAsync<SinkConfigurationException>(() => lookup.LookupAsync(again, happy, Cancel));
        Assert.Equal("KOR4053", Assert.Single((await lookup.LookupAsync(again, happy, Cancel)).Faults).Code);
    }

    [Fact]
    public async Task Rows_with_padded_keys_are_found_by_texts_without_the_padding_read_whole_or_one_by_one()
    {
        await _cluster.PsqlAsync(_name, "CREATE TABLE padded (k char(5) PRIMARY KEY, v text); INSERT INTO padded VALUES ('ok', 'one'), ('abcde', 'two')");
        var lookup = new AdoLookup(_connections);
        var spec = new LookupSpec("dwh", "padded", ["k"], ["v", "k"], [FieldType.String, FieldType.String]);
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), ["ok"], ["ok  "], ["abcde"], ["abcdefg"], ["o"]);
        var found = await lookup.LookupAsync(spec, keys, Cancel);
        Assert.Equal([true, true, true, false, false], found.Found);
        var all = await lookup.ReadAllAsync(spec, [FieldType.String], 10, Cancel);
        Assert.Equal(["abcde|two|abcde", "ok|one|ok   "], Enumerable.Range(0, 2).Select(r => Rows.Text(all.Rows, r)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_first_and_the_last_day_of_the_calendar_are_days_and_not_infinity()
    {
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("valid_to", FieldType.Date), new Field("at", FieldType.Timestamp),
            new Field("local", FieldType.Timestamp));
        await _cluster.PsqlAsync(_name, "CREATE TABLE inf_t (id bigint PRIMARY KEY, valid_to date, at timestamptz, local timestamp)");
        await WriteAsync("inf_t", schema, 4,
            [1L, new DateOnly(9999, 12, 31), DateTime.MaxValue, DateTime.MaxValue],
            [2L, new DateOnly(1, 1, 1), DateTime.MinValue, DateTime.MinValue],
            [3L, new DateOnly(9999, 12, 30), new DateTime(9999, 12, 31), new DateTime(2000, 1, 1)],
            [4L, new DateOnly(1999, 12, 31), new DateTime(1999, 12, 31, 23, 59, 59), new DateTime(1969, 12, 31)]);

        Assert.Equal("4", await _cluster.PsqlAsync(_name, "SELECT count(*) FROM inf_t WHERE isfinite(valid_to) AND isfinite(at) AND isfinite(local)"));
        Assert.Equal(
            "9999-12-31|9999-12-31 23:59:59.999999+00|9999-12-31 23:59:59.999999\n0001-01-01|0001-01-01 00:00:00+00|0001-01-01 00:00:00\n"
            + "9999-12-30|9999-12-31 00:00:00+00|2000-01-01 00:00:00\n1999-12-31|1999-12-31 23:59:59+00|1969-12-31 00:00:00",
            (await _cluster.PsqlAsync(_name, "SET TIME ZONE 'UTC'; SELECT valid_to, at, local FROM inf_t ORDER BY id")).Replace("SET\n", "", StringComparison.Ordinal));
        Assert.Equal("1", await _cluster.PsqlAsync(_name,
            "SELECT count(*) FROM inf_t WHERE at < timestamptz '9999-12-31 23:59:59.9999995+00' AND valid_to = date '9999-12-31'"));

        // They come back as what they are, as keys too.
        var lookup = new LookupSpec("dwh", "inf_t", ["at"], ["id", "valid_to", "local"], [FieldType.Integer, FieldType.Date, FieldType.Timestamp]);
        var keys = Rows.Block(new Schema(new Field("k", FieldType.Timestamp)), [DateTime.MaxValue.AddTicks(-9)], [DateTime.MinValue]);
        var found = await new AdoLookup(_connections).LookupAsync(lookup, keys, Cancel);
        Assert.Equal([true, true], found.Found);
        Assert.Equal("1|9999-12-31|9999-12-31T23:59:59.999999", Rows.Text(found.Values, 0));
        Assert.Equal("2|0001-01-01|0001-01-01T00:00:00.000000", Rows.Text(found.Values, 1));
    }

    [Theory]
    [InlineData("timestamp(3)")]
    [InlineData("timestamptz(3)")]
    [InlineData("timestamptz(0)")]
    [InlineData("instant3")]
    public async Task A_time_finer_than_its_column_is_refused_and_never_rounded(string type)
    {
        await _cluster.PsqlAsync(_name, $"CREATE DOMAIN instant3 AS timestamptz(3); CREATE TABLE fine (id bigint PRIMARY KEY, at {type})");
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("at", FieldType.Timestamp));
        await WriteAsync("fine", schema, 1,
            [1L, new DateTime(2026, 12, 31, 23, 59, 59).AddTicks(9_996_000)],
            [2L, new DateTime(2026, 1, 31, 10, 0, 0).AddTicks(1_234_560)],
            [3L, new DateTime(2026, 1, 31, 10, 0, 5)]);

        Assert.Equal("3", await _cluster.PsqlAsync(_name, "SELECT string_agg(id::text, ',') FROM fine"));
        Assert.Equal("KOR5106,KOR5106", await CodesAsync());
    }

    [Fact]
    public async Task Times_of_a_key_are_never_rounded_onto_one_another()
    {
        await _cluster.PsqlAsync(_name, "CREATE TABLE tz0_t (at timestamptz(0) PRIMARY KEY, n bigint)");
        var schema = new Schema(new Field("at", FieldType.Timestamp), new Field("n", FieldType.Integer));
        var ten = new DateTime(2026, 1, 31, 10, 0, 0);
        await WriteAsync("tz0_t", schema, 1, ["at"], [ten.AddMilliseconds(100), 1L], [ten.AddMilliseconds(200), 2L], [ten.AddSeconds(5), 3L]);

        Assert.Equal("3", await _cluster.PsqlAsync(_name, "SELECT string_agg(n::text, ',') FROM tz0_t"));
        Assert.Equal("KOR5106,KOR5106", await CodesAsync());
    }

    [Fact]
    public async Task Integer_columns_have_their_true_range()
    {
        await _cluster.PsqlAsync(_name, "CREATE TABLE int4_t (id bigint PRIMARY KEY, epoch integer, small smallint)");
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("epoch", FieldType.Integer), new Field("small", FieldType.Decimal(10, 0)));
        await WriteAsync("int4_t", schema, 6,
            [1L, 999999999L, 9999m], [2L, 1767225600L, 1m], [3L, 1L, 20000m], [4L, (long)int.MaxValue, 32767m], [5L, 2147483648L, 1m],
            [6L, (long)int.MinValue, -32768m], [7L, 1L, -32769m], [8L, 1L, null]);

        Assert.Equal(
            "1|999999999|9999\n2|1767225600|1\n3|1|20000\n4|2147483647|32767\n6|-2147483648|-32768\n8|1|",
            await _cluster.PsqlAsync(_name, "SELECT * FROM int4_t ORDER BY id"));
        Assert.Equal(
            "epoch holds numbers of -2147483648 to 2147483647, the value is 2147483648; widen the column.",
            await _cluster.PsqlAsync(_name, "SELECT reason FROM kor_quarantine WHERE code = 'KOR5104' AND reason LIKE 'epoch%'"));
    }

    [Fact]
    public async Task Numbers_are_never_rounded_in_silence()
    {
        await _cluster.PsqlAsync(_name,
            "CREATE DOMAIN hundreds AS numeric(5,-2) CHECK (value > 0); CREATE TABLE exact (id bigint PRIMARY KEY, h hundreds, f numeric(3,5), d double precision, r real, s real)");
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("h", FieldType.Integer), new Field("f", FieldType.Decimal(6, 5)),
            new Field("d", FieldType.Integer), new Field("r", FieldType.Integer), new Field("s", FieldType.Double));
        await WriteAsync("exact", schema, 2,
            [1L, 1200L, 0.00999m, 1L << 53, 1L << 24, 1.5],
            [2L, 1234L, null, null, null, null],
            [3L, 10_000_000L, null, null, null, null],
            [4L, null, 0.01m, null, null, null],
            [5L, null, null, (1L << 53) + 1, null, null],
            [6L, null, null, null, (1L << 24) + 1, null],
            [7L, null, null, null, null, 1e300],
            [8L, null, null, null, null, 1e-300],
            [9L, 9_999_900L, -0.00999m, -(1L << 53), -(1L << 24), 0.1],
            [10L, -100L, null, null, null, null]);

        Assert.Equal(
            "1|1200|0.00999|9007199254740992|16777216|1.5\n9|9999900|-0.00999|-9007199254740992|-16777216|0.1",
            await _cluster.PsqlAsync(_name, "SELECT id, h, f, d::bigint, r::bigint, s FROM exact ORDER BY id"));
        Assert.Equal(
            "KOR5104,KOR5104,KOR5104,KOR5107,KOR5107,KOR5107,SQLSTATE 22003,SQLSTATE 23514", await CodesAsync());
    }

    [Fact]
    public async Task Every_shape_of_column_takes_what_it_can_hold()
    {
        await _cluster.PsqlAsync(_name,
            "CREATE EXTENSION IF NOT EXISTS citext; CREATE TYPE mood AS ENUM ('ok', 'bad'); CREATE DOMAIN short AS varchar(3); CREATE DOMAIN code AS short NOT NULL DEFAULT 'x'; "
            + "CREATE TABLE shapes (u uuid PRIMARY KEY, m mood, c citext, k code, j json, b jsonb, a int[], t text[], i inet, s smallint, n numeric(1), ch char(4), "
            + "\"Mixed\" text, made bigint GENERATED ALWAYS AS (s * 2) STORED, own bigint GENERATED ALWAYS AS IDENTITY)");
        var schema = new Schema(
            new Field("u", FieldType.String), new Field("m", FieldType.String), new Field("c", FieldType.String), new Field("k", FieldType.String),
            new Field("j", FieldType.String), new Field("b", FieldType.String), new Field("a", FieldType.Json), new Field("t", FieldType.Json),
            new Field("i", FieldType.String), new Field("s", FieldType.Boolean), new Field("n", FieldType.Boolean), new Field("ch", FieldType.String),
            new Field("\"Mixed\"", FieldType.String));
        const string Id = "6f1d9c2e-8a1b-4c3d-9e4f-00000000000";
        await WriteAsync("shapes", schema, 2, ["u"],
            [Id + "1", "ok", "Hi", "abc", """{"a": 1}""", "[1]", "[1, null, 3]", """["x", "y"]""", "10.0.0.1", true, false, "ab", "M"],
            [Id + "2", null, null, "y", null, null, null, "[]", null, null, null, null, null],
            [Id + "3", "sad", null, "y", null, null, null, null, null, null, null, null, null],
            ["no uuid", null, null, "y", null, null, null, null, null, null, null, null, null],
            [Id + "4", null, null, "abcd", null, null, null, null, null, null, null, null, null],
            [Id + "5", null, null, "y", "{", null, null, null, null, null, null, null, null],
            [Id + "6", null, null, "y", null, null, "{}", null, null, null, null, null, null]);
        // An update and a delete find the row by its uuid.
        var spec = Spec("shapes", schema, ["u"]);
        await using (var lane = await _factory.OpenAsync(spec, "1", Cancel))
        {
            var again = Rows.Block(schema,
                [Id + "1", "bad", "Hi", "abc", """{"a": 1}""", "[1]", "[1, null, 3]", """["x", "y"]""", "10.0.0.1", true, false, "ab", "M"],
                [Id + "2", null, null, null, null, null, null, null, null, null, null, null, null]);
            Assert.Equal(2, (await lane.WriteAsync(new SinkWrite(again, 1, [false, true], null), Cancel)).Written);
        }

        Assert.Equal(
            Id + """1|bad|Hi|abc|{"a": 1}|[1]|{1,NULL,3}|{x,y}|10.0.0.1|1|0|ab  |M|2""",
            await _cluster.PsqlAsync(_name, "SELECT u, m, c, k, j, b, a, t, i, s, n, ch, \"Mixed\", made FROM shapes"));
        Assert.Equal(
            "KOR5103,SQLSTATE 22023,SQLSTATE 22P02,SQLSTATE 22P02,SQLSTATE 22P02", await CodesAsync());
    }

    [Fact]
    public async Task Reference_rows_that_are_no_values_are_the_fault_of_their_keys()
    {
        await _cluster.PsqlAsync(_name,
            "CREATE TABLE lookup_ref (code text, seg text, price numeric, since timestamptz, d date, n double precision); INSERT INTO lookup_ref VALUES "
            + "('ok', 'a', 1.50, '9999-12-31 23:59:59.999999+00', '0001-01-01', 1), ('nan', 'b', 'NaN', now(), now(), 1), ('fine', 'c', 1.005, now(), now(), 1), "
            + "('huge', 'd', 1e40, now(), now(), 1), ('bc', 'e', 1, '0044-03-15 BC', now(), 1), ('inf', 'f', 1, 'infinity', now(), 1), "
            + "('bcd', 'g', 1, now(), '0044-03-15 BC', 1), ('infd', 'h', 1, now(), '-infinity', 1), ('real', 'i', 1, now(), now(), 'NaN'), "
            + "('two', 'j', 1, now(), now(), 1), ('two', 'j', 1, now(), now(), 1), ('last', 'k', 2, '2026-01-31', '2026-01-31', 2)");
        FieldType[] types = [FieldType.String, FieldType.Decimal(10, 2), FieldType.Timestamp, FieldType.Date, FieldType.Double];
        var lookup = new LookupSpec("dwh", "lookup_ref", ["code"], ["seg", "price", "since", "d", "n"], types);
        string[] codes = ["ok", "nan", "fine", "huge", "bc", "inf", "bcd", "infd", "real", "two", "last", "none"];
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), [.. codes.Select(c => (object?[])[c])]);

        var found = await new AdoLookup(_connections).LookupAsync(lookup, keys, Cancel);
        Assert.Equal(["ok", "last"], codes.Where((_, i) => found.Found[i]));
        Assert.Equal("a|1.5|9999-12-31T23:59:59.999999|0001-01-01|1", Rows.Text(found.Values, 0));
        Assert.Equal("k|2|2026-01-31T00:00:00.000000|2026-01-31|2", Rows.Text(found.Values, 10));
        Assert.Equal(codes[1..10], found.Faults.OrderBy(f => f.Key).Select(f => codes[f.Key]));
        Assert.Equal(["KOR4051", "KOR4052"], found.Faults.Select(f => f.Code).Distinct().Order());

        var whole = await new AdoLookup(_connections).ReadAllAsync(lookup, [FieldType.String], 100, Cancel);
        Assert.Equal((12, 8), (whole.Rows.Count, whole.Faults.Count));
        // A key that no record can have is left out; when none can be had, the key field is wrong.
        var byPrice = new LookupSpec("dwh", "lookup_ref", ["price"], ["seg"], [FieldType.String]);
        Assert.Equal(9, (await new AdoLookup(_connections).ReadAllAsync(byPrice, [FieldType.Decimal(10, 2)], 100, Cancel)).Rows.Count);
        var bySegment = byPrice with { KeyColumns = ["seg"] };
        var wrong = await Assert.ThrowsAsync<SinkConfigurationException>(
            () => new AdoLookup(_connections).ReadAllAsync(bySegment, [FieldType.Timestamp], 100, Cancel));
        Assert.Contains("Give the key field the type the column has", wrong.Message);
    }

    [Fact]
    public async Task A_key_the_database_refuses_is_found_among_the_others()
    {
        await _cluster.PsqlAsync(_name,
            "CREATE TYPE mood AS ENUM ('ok', 'bad', 'odd'); CREATE TABLE moods (m mood, n bigint); INSERT INTO moods VALUES ('ok', 1), ('bad', 2); "
            + "CREATE FUNCTION mood_is(mood, text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = $2::mood'; "
            + "CREATE OPERATOR = (LEFTARG = mood, RIGHTARG = text, FUNCTION = mood_is)");
        var lookup = new LookupSpec("dwh", "moods", ["m"], ["n"], [FieldType.Integer]);
        string[] codes = ["ok", "sad", "odd", "bad", "glad"];
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), [.. codes.Select(c => (object?[])[c])]);

        var found = await new AdoLookup(_connections).LookupAsync(lookup, keys, Cancel);
        Assert.Equal([true, false, false, true, false], found.Found);
        Assert.Equal(["1", "2"], new[] { 0, 3 }.Select(i => Rows.Text(found.Values, i)));
        Assert.Equal(["1 KOR4053", "4 KOR4053"], found.Faults.Select(f => $"{f.Key} {f.Code}").Order());
        Assert.Contains("22P02", found.Faults[0].Reason);
    }

    private static SinkSpec Spec(string table, Schema schema, string[] keys) =>
        new("p", "s", "dwh", table, SinkMode.Upsert, schema, keys, null, Create: true, AddColumns: false);

    private Task WriteAsync(string table, Schema schema, int written, params object?[][] rows) =>
        WriteAsync(table, schema, written, ["id"], rows);

    private async Task WriteAsync(string table, Schema schema, int written, string[] keys, params object?[][] rows)
    {
        var spec = Spec(table, schema, keys);
        await _factory.PrepareAsync(spec, Cancel);
        await using var lane = await _factory.OpenAsync(spec, "0", Cancel);
        var result = await lane.WriteAsync(new SinkWrite(Rows.Block(schema, rows), rows.Length, null, null), Cancel);
        Assert.Equal((written, rows.Length - written), (result.Written, result.Quarantined));
    }

    private Task<string> CodesAsync() => _cluster.PsqlAsync(_name, "SELECT string_agg(code, ',' ORDER BY code) FROM kor_quarantine");
}
