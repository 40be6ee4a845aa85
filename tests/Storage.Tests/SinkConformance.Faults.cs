using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>What is a row's fault and what is not, and what counts as written.</content>
public abstract partial class SinkConformance
{
    private static readonly Schema Placed = new(
        new Field("kind", FieldType.String), new Field("amount", FieldType.Integer), new Field("KOR_TOPIC", FieldType.String, false),
        new Field("KOR_PARTITION", FieldType.Integer, false), new Field("KOR_OFFSET", FieldType.Integer, false));

    private static readonly string[] PlaceKeys = ["KOR_TOPIC", "KOR_PARTITION", "KOR_OFFSET"];

    [Fact]
    public async Task Values_that_do_not_fit_are_quarantined_however_many_there_are()
    {
        await ExecuteAsync(LimitedTable);
        var spec = Spec("limited", Limited, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        object?[][] tooLong = [.. Enumerable.Range(0, 8).Select(i => (object?[])[i, "far too long", 1])];
        Assert.Equal(new SinkWriteResult(0, 8), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, tooLong), 8, null, null), Cancel));
        object?[][] checks = [.. Enumerable.Range(100, 60).Select(i => (object?[])[i, "ok", 1000])];
        Assert.Equal(new SinkWriteResult(0, 60), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, checks), 68, null, null), Cancel));
        Assert.Equal(new SinkWriteResult(1, 0), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [1, "ok", 1]), 69, null, null), Cancel));
    }

    [Fact]
    public async Task When_a_trigger_refuses_all_rows_nothing_is_quarantined_and_the_sink_waits()
    {
        await ExecuteAsync(LimitedTable);
        await CloseTableAsync();
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await using var lane = await OpenAsync(spec);
        var bad = new SinkWrite(
            Rows.Block(Limited, [.. Enumerable.Range(0, 50).Select(i => (object?[])[i, "ok", 1])]), 50, null, null);

        var refused = await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(bad, Cancel));
        Assert.Contains("refused alike", refused.Message);
        Assert.Empty(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));

        // Row by row it takes a while to tell, and then it waits too.
        for (var i = 0; i < SystemicGuard.InARow - 1; i++)
            Assert.Equal(1,
                (await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [100 + i, "ok", 1]), 50 + i, null, null),
                    Cancel)).Quarantined);
        await Assert.ThrowsAsync<SinkUnavailableException>(
            () => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [200, "ok", 1]), 99, null, null), Cancel));
        await ExecuteNativeAsync("DROP TRIGGER closed ON limited", "DROP TRIGGER closed");
        await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [200, "ok", 1]), 99, null, null), Cancel);
        Assert.Equal(["200|ok|1"], await ReadTextsAsync(spec));
    }

    /// <summary>A policy of row level security and triggers raise whatever they like for one row.</summary>
    [Theory]
    [InlineData("42501")]
    [InlineData("40P01")]
    [InlineData("08006")]
    public async Task A_row_refused_as_if_it_were_the_table_is_that_rows_fault_where_others_go_in(string state)
    {
        Assert.SkipWhen(this is SqliteSinkTests, "SQLite's triggers raise one code only.");
        await ExecuteAsync(LimitedTable);
        await ExecuteNativeAsync(
            $"CREATE FUNCTION whim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '{state}'; END $$; "
            + "CREATE TRIGGER whim BEFORE INSERT ON limited FOR EACH ROW WHEN (new.qty = 13) EXECUTE FUNCTION whim()", "");
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        await using var lane = await HastyFactory(TimeSpan.FromMilliseconds(50)).OpenAsync(spec, "0", Cancel);
        object?[][] rows = [.. Enumerable.Range(0, 30).Select(i => (object?[])[i, "ok", i])];
        Assert.Equal(new SinkWriteResult(29, 1), await RepeatAsync(() => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, rows), 1, null, null), Cancel)));
        Assert.Equal(29, (await ReadTextsAsync(spec)).Length);

        // Of all rows it is the table's, and nobody's row is thrown away for it.
        await ExecuteNativeAsync("DROP TRIGGER whim ON limited; CREATE TRIGGER whim BEFORE INSERT ON limited FOR EACH ROW EXECUTE FUNCTION whim()", "");
        object?[][] more = [.. Enumerable.Range(100, 300).Select(i => (object?[])[i, "ok", 1])];
        for (var i = 0; i < 5; i++)
        {
            var refused = await Assert.ThrowsAnyAsync<Exception>(() => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, more), 2, null, null), Cancel));
            Assert.True(refused is SinkUnavailableException or SinkConfigurationException, refused.ToString());
        }

        Assert.Single(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
        await ExecuteNativeAsync("DROP TRIGGER whim ON limited", "");
        Assert.Equal(new SinkWriteResult(300, 0), await RepeatAsync(() => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, more), 2, null, null), Cancel)));
    }

    [Fact]
    public async Task A_server_without_room_is_named_however_often_it_says_so()
    {
        Assert.SkipWhen(this is SqliteSinkTests, "SQLite's triggers raise one code only.");
        await ExecuteAsync(LimitedTable);
        await ExecuteNativeAsync(
            "CREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$; "
            + "CREATE TRIGGER full_up BEFORE INSERT ON limited FOR EACH ROW WHEN (new.qty = 13) EXECUTE FUNCTION full_up()", "");
        await using var lane = await OpenAsync(Spec("limited", Limited, SinkMode.Append, ["id"]));
        object?[][] rows = [.. Enumerable.Range(0, 30).Select(i => (object?[])[i, "ok", i])];
        for (var i = 0; i < 4; i++)
        {
            var refused = await Assert.ThrowsAsync<SinkUnavailableException>(
                () => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, rows), 1, null, null), Cancel));
            Assert.Contains("no room", refused.Message);
        }

        Assert.Empty(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
    }

    [Fact]
    public async Task A_column_of_others_that_becomes_mandatory_stops_the_sink_and_not_the_rows()
    {
        await ExecuteNativeAsync(
            "CREATE TABLE grown (id numeric PRIMARY KEY, email varchar(9), theirs numeric)",
            "CREATE TABLE grown (id INTEGER NOT NULL PRIMARY KEY, email TEXT, theirs INTEGER)");
        var spec = Spec("grown", Mailed, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        await ExecuteNativeAsync(
            "ALTER TABLE grown ALTER COLUMN theirs SET NOT NULL",
            "DROP TABLE grown; CREATE TABLE grown (id INTEGER NOT NULL PRIMARY KEY, email TEXT, theirs INTEGER NOT NULL)");
        var write = new SinkWrite(Rows.Block(Mailed, [.. Enumerable.Range(0, 9).Select(i => (object?[])[i, "x"])]), 9, null, null);
        var stopped = await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(write, Cancel));
        Assert.Contains("theirs", stopped.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
    }

    [Fact]
    public async Task Written_is_what_the_database_says_and_what_was_there_is_counted_apart()
    {
        var append = Spec("log", Placed, SinkMode.Append, PlaceKeys);
        await using var lane = await OpenAsync(append);
        Assert.Equal(new SinkWriteResult(2, 0), await lane.WriteAsync(At(2, ["a", 1, "t", 0, 0], ["b", 2, "t", 0, 1]), Cancel));
        Assert.Equal(
            new SinkWriteResult(1, 0, Already: 2),
            await lane.WriteAsync(At(3, ["a", 1, "t", 0, 0], ["b", 2, "t", 0, 1], ["c", 3, "t", 0, 2]), Cancel));

        var upsert = Spec("latest", Revised, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev", Sink = "latest" };
        await using var second = await OpenAsync(upsert);
        Assert.Equal(
            new SinkWriteResult(2, 0, Already: 0, Superseded: 1),
            await second.WriteAsync(new SinkWrite(Rows.Block(Revised, ["a", "x", 5], ["a", "y", 6], ["b", "x", 1]), 1, null, null), Cancel));
        Assert.Equal(
            new SinkWriteResult(1, 0, Already: 2),
            await second.WriteAsync(
                new SinkWrite(Rows.Block(Revised, ["a", "old", 3], ["b", null, null], ["z", null, null]), 2, [false, true, true], OriginOf(3)), Cancel));
    }

    [Fact]
    public async Task A_row_of_another_sink_under_the_same_key_is_refused_in_a_shared_table()
    {
        Schema rows = new(
            new Field("id", FieldType.String, false), new Field("kind", FieldType.String), new Field("amount", FieldType.Decimal(12, 2)), new Field("ratio", FieldType.Double));
        var spec = Spec("shared_t", rows, SinkMode.Append, ["id"]) with { IsTableShared = true };
        await using var one = await OpenAsync(spec);
        await using var other = await OpenAsync(spec with { Sink = "other" });
        await one.WriteAsync(new SinkWrite(Rows.Block(rows, ["a", "x", 1.5m, 0.1], ["b", "x", 2m, 0.2], ["c", null, null, null], ["d", "x", 3m, null]), 4, null, OriginOf(4)), Cancel);

        // A replay, another amount, another text, nothing where there is something, and a new row.
        var write = new SinkWrite(
            Rows.Block(rows, ["a", "x", 1.50m, 0.1], ["b", "x", 2.01m, 0.2], ["c", "y", null, null], ["d", "x", 3m, 0.5], ["e", "x", 1m, null]), 5, null, OriginOf(5));
        Assert.Equal(new SinkWriteResult(1, 3, Already: 1), await other.WriteAsync(write, Cancel));
        var refused = await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel);
        Assert.Equal(3, refused.Count);
        Assert.All(refused, r => Assert.Equal((SinkRowCodes.SharedKeyTaken, "sink:other"), (r.Record.Code, r.Record.Place)));
        Assert.Contains(refused, r => r.Record.Reason.Contains("holds a row of the same key with another", StringComparison.Ordinal) && r.Record.Reason.Contains(" b:", StringComparison.Ordinal));

        // Once each has a table of its own they go in.
        await using var apart = await OpenAsync(spec with { Sink = "other", Table = "shared_u" });
        Assert.Equal(new SinkWriteResult(5, 0), await apart.WriteAsync(write, Cancel));

        // Where the pipeline has one sink of the table its keys are the author's to say, and what they leave alone is counted.
        await using var lone = await OpenAsync(spec with { Sink = "lone", IsTableShared = false });
        Assert.Equal(new SinkWriteResult(0, 0, Already: 5) { Differing = 3 }, await lone.WriteAsync(write, Cancel));
    }

    [Fact]
    public async Task Another_records_row_at_the_same_place_stops_the_sink_and_says_why()
    {
        var spec = Spec("recreate_t", Placed, SinkMode.Append, PlaceKeys);
        await using (var before = await OpenAsync(spec))
            await before.WriteAsync(At(3, ["old-0", 0, "t", 0, 0], ["old-1", 1, "t", 0, 1], ["old-2", 2, "t", 0, 2]), Cancel);

        // The topic was made again and is read from its beginning: a new generation of the lane.
        await using var lane = await Factory.OpenAsync(spec, "0@1", Cancel);
        var write = At(4, ["new-0", 0, "t", 0, 0], ["new-1", 1, "t", 0, 1], ["old-2", 2, "t", 0, 2], ["new-3", 3, "t", 0, 3]);
        var stopped = await Assert.ThrowsAsync<SinkConfigurationException>(() => lane.WriteAsync(write, Cancel));
        Assert.Equal(SinkRowCodes.KeyTaken, stopped.Code);
        Assert.Contains("recreate_t holds another row at KOR_TOPIC t, KOR_PARTITION 0, KOR_OFFSET 0", stopped.Message);
        Assert.Equal(3, (await ReadTextsAsync(spec)).Length);

        // What it says can be done: rows are written over, or another table is written.
        await using var over = await OpenAsync(spec with { Mode = SinkMode.Upsert, Sink = "over" });
        Assert.Equal(new SinkWriteResult(4, 0), await over.WriteAsync(write, Cancel));
        await using var apart = await OpenAsync(spec with { Table = "recreate_u", Sink = "apart" });
        var twice = At(4, ["a", 0, "t", 0, 9], ["b", 0, "t", 0, 9]);
        await Assert.ThrowsAsync<SinkConfigurationException>(() => apart.WriteAsync(twice, Cancel));
        Assert.Equal(new SinkWriteResult(4, 0), await apart.WriteAsync(write, Cancel));
        await ExecuteNativeAsync("DELETE FROM recreate_t", "DELETE FROM recreate_t");
        await using var emptied = await Factory.OpenAsync(spec, "0@1", Cancel);
        Assert.Equal(new SinkWriteResult(4, 0), await emptied.WriteAsync(write, Cancel));
    }

    [Fact]
    public async Task A_row_whose_COMMIT_ends_the_session_is_found_and_a_database_that_commits_nothing_is_spared()
    {
        Assert.SkipWhen(Options.Provider == DatabaseProvider.Sqlite, "SQLite has no sessions.");
        await ExecuteAsync(LimitedTable);
        var spec = Spec("limited", Limited, SinkMode.Upsert, ["id"]);
        Options.Retry.FirstDelay = TimeSpan.FromMilliseconds(20);
        Options.Breaker.Failures = 1000;
        var factory = new AdoSinkFactory(Connect(Options));
        await factory.PrepareAsync(spec, Cancel);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        // Nothing checks it before COMMIT: the trigger ends the session only when it is deferred. A sequence counts, whatever is rolled back.
        await ExecuteNativeAsync(
            "CREATE SEQUENCE tries; CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries'); "
            + "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$; "
            + "CREATE CONSTRAINT TRIGGER cut AFTER INSERT OR UPDATE ON limited DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.qty = 13) EXECUTE FUNCTION cut()",
            "");
        object?[][] rows = [.. Enumerable.Range(0, 20).Select(i => (object?[])[i, "ok", i == 11 ? 13 : 1])];
        var write = new SinkWrite(Rows.Block(Limited, rows), 20, null, null);
        Assert.Equal(new SinkWriteResult(19, 1), await RepeatAsync(() => lane.WriteAsync(write, Cancel)));
        Assert.Equal(19, (await ReadTextsAsync(spec)).Length);
        Assert.Single(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
        Assert.InRange(await TriesAsync(), 3, 12);
        Assert.Equal(new SinkWriteResult(1, 0), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [50, "ok", 1]), 21, null, null), Cancel));

        var before = await TriesAsync();
        object?[][] all = [.. Enumerable.Range(100, 64).Select(i => (object?[])[i, "ok", 13])];
        await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, all), 85, null, null), Cancel));
        Assert.InRange(await TriesAsync() - before, 3, 60);
        Assert.Equal(1, (await Quarantine.CountAsync(new QuarantineFilter(), Cancel)).Sum(c => c.Records));

        // It is repeated as a whole when the database commits again.
        await ExecuteNativeAsync("DROP TRIGGER cut ON limited", "");
        Assert.Equal(new SinkWriteResult(64, 0), await RepeatAsync(() => lane.WriteAsync(new SinkWrite(Rows.Block(Limited, all), 85, null, null), Cancel)));
        Assert.Equal(84, (await ReadTextsAsync(spec)).Length);
    }

    private async Task<long> TriesAsync()
    {
        var tries = 0L;
        await Database.ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync("SELECT last_value FROM tries", r => tries = r.GetInt64(0), token);
                return true;
            },
            Cancel);
        return tries;
    }

    [Fact]
    public async Task Declared_keys_are_the_authors_and_the_first_row_stays()
    {
        var spec = Spec("declared", Mailed, SinkMode.Append, ["id"]);
        await using var lane = await OpenAsync(spec);
        await lane.WriteAsync(new SinkWrite(Rows.Block(Mailed, [1, "first"]), 1, null, null), Cancel);
        Assert.Equal(
            new SinkWriteResult(0, 0, Already: 2) { Differing = 2 },
            await lane.WriteAsync(new SinkWrite(Rows.Block(Mailed, [1, "second"], [1, "third"]), 2, null, null), Cancel));
        Assert.Equal(["1|first"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Nothing_that_is_refused_is_too_long_or_too_odd_for_the_quarantine()
    {
        var quarantine = new AdoQuarantine(Database);
        await quarantine.EnsureAsync(create: true, Cancel);
        var odd = "reason \0 with \ud83d half a pair " + new string('é', 3000);
        QuarantineRecord Record(long offset, string code, string place) => new(
            "p", 1, place, code, odd, "t", 0, offset, 5, [0, 255], [0], [new("h\0", [0])]);
        await quarantine.AddAsync([Record(1, new string('C', 500), new string('p', 500)), Record(2, "", ""), Record(3, "\0", "ok")], Cancel);
        var kept = await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel);
        Assert.Equal([1, 2, 3], kept.Select(r => r.Record.Offset).Order());
        Assert.All(kept, r => Assert.InRange(r.Record.Reason.Length, 100, QuarantineRows.MaxReason));
        Assert.All(kept, r => Assert.Equal([0], r.Record.Value!));
    }

    [Fact]
    public async Task A_record_that_the_quarantine_table_refuses_is_kept_without_its_value()
    {
        var quarantine = new AdoQuarantine(Database);
        await quarantine.EnsureAsync(create: true, Cancel);
        await ExecuteNativeAsync(
            "ALTER TABLE kor_quarantine ADD CHECK (length(record_value) < 10)",
            "CREATE TRIGGER small BEFORE INSERT ON kor_quarantine WHEN length(new.record_value) >= 10 BEGIN SELECT RAISE(ABORT, 'too large'); END");
        QuarantineRecord Record(long offset, int bytes) => new("p", 1, "x", "C", "why", "t", 0, offset, 5, [1], new byte[bytes], []);
        await quarantine.AddAsync([Record(1, 5), Record(2, 50), Record(3, 5)], Cancel);
        var kept = (await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel)).OrderBy(r => r.Record.Offset).ToList();
        Assert.Equal([5, null, 5], kept.Select(r => r.Record.Value?.Length));
        Assert.StartsWith("why (The quarantine table refused key, value and headers:", kept[1].Record.Reason);
    }

    private Task CloseTableAsync() => ExecuteNativeAsync(
        "CREATE FUNCTION closed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the table is closed'; END $$; "
        + "CREATE TRIGGER closed BEFORE INSERT ON limited FOR EACH ROW EXECUTE FUNCTION closed()",
        "CREATE TRIGGER closed BEFORE INSERT ON limited BEGIN SELECT RAISE(ABORT, 'the table is closed'); END");

    private static SinkWrite At(long progress, params object?[][] rows) => new(Rows.Block(Placed, rows), progress, null, null);
}
