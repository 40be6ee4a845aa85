using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>
/// The table ends as if rows had been written one by one in the order in which they came, however they are cut into writes.
/// </content>
public abstract partial class SinkConformance
{
    private static readonly Schema Revised = new(
        new Field("id", FieldType.String, false), new Field("v", FieldType.String), new Field("rev", FieldType.Integer));

    private static readonly Schema Counted = new(new Field("code", FieldType.String, false), new Field("n", FieldType.Integer));

    private static readonly Schema Mailed = new(new Field("id", FieldType.Integer, false), new Field("email", FieldType.String));

    /// <summary>A name for tables of one test that is new each time.</summary>
    private int _tables;

    [Fact]
    public async Task Revisions_count_alike_however_rows_are_batched()
    {
        object?[][] rows =
        [
            ["a", "new", 7], ["b", "first", 5], ["b", "second", 6], ["b", "norev", null], ["c", "only", null], ["c", "later", 1],
            ["d", "x", 2], ["d", "y", 2], ["e", "x", null], ["e", "y", null],
        ];
        var spec = Spec("rev_t", Revised, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev" };
        await Factory.PrepareAsync(spec, Cancel);
        // Every cut of the first six, the rest of the rows one write or each its own.
        for (var cuts = 0; cuts < 64; cuts += 3)
        {
            await ExecuteNativeAsync(
                "DELETE FROM rev_t; INSERT INTO rev_t VALUES ('a', 'old', NULL), ('b', 'zero', 1)",
                "DELETE FROM rev_t; INSERT INTO rev_t VALUES ('a', 'old', NULL), ('b', 'zero', 1)");
            await using var lane = await Factory.OpenAsync(spec, $"lane{cuts}", Cancel);
            await WriteInPartsAsync(lane, Revised, rows, i => i < 6 ? (cuts & (1 << i)) != 0 : cuts % 2 == 0);
            Assert.Equal(["a|new|7", "b|second|6", "c|later|1", "d|y|2", "e|y|null"], await ReadTextsAsync(spec));
        }
    }

    [Fact]
    public async Task Equal_times_of_a_revision_end_alike_together_and_apart()
    {
        var schema = new Schema(Revised[0], Revised[1], new Field("rev", FieldType.Timestamp));
        var spec = Spec("eqrev_t", schema, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev" };
        await using var lane = await OpenAsync(spec);
        var at = Time("2026-01-31T10:00:00");
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["together", "first", at], ["together", "second", at], ["apart", "first", at]), 3, null, null), Cancel);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["apart", "second", at]), 4, null, null), Cancel);
        Assert.Equal(["apart|second|2026-01-31T10:00:00.000000", "together|second|2026-01-31T10:00:00.000000"], await ReadTextsAsync(spec));
    }

    /// <summary>A window that was withdrawn and is there again, or came in another order: the higher revision counts, be it a row or its end.</summary>
    [Fact]
    public async Task A_row_that_is_withdrawn_goes_only_where_its_revision_is_older_than_the_withdrawal()
    {
        var spec = Spec("gone_t", Revised, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev" };
        await Factory.PrepareAsync(spec, Cancel);
        object?[][] rows = [["stays", "row", 5], ["stays", "end", 3], ["goes", "row", 3], ["goes", "end", 4], ["back", "end", 1], ["back", "row", 2]];
        bool[] ends = [false, true, false, true, true, false];
        foreach (var together in (bool[])[true, false])
        {
            await ExecuteNativeAsync("DELETE FROM gone_t", "DELETE FROM gone_t");
            await using var lane = await Factory.OpenAsync(spec, $"lane {together}", Cancel);
            var progress = 0;
            for (var from = 0; from < rows.Length; from += together ? rows.Length : 1)
            {
                var part = from..(from + (together ? rows.Length : 1));
                await lane.WriteAsync(new SinkWrite(Rows.Block(Revised, rows[part]), ++progress, ends[part], null), Cancel);
            }

            Assert.Equal(["back|row|2", "stays|row|5"], await ReadTextsAsync(spec));
        }
    }

    [Fact]
    public async Task A_key_that_is_deleted_and_comes_back_forgets_its_revision_in_one_write_as_in_two()
    {
        var spec = Spec("tomb_t", Revised, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev" };
        await Factory.PrepareAsync(spec, Cancel);
        foreach (var together in (bool[])[true, false])
        {
            await ExecuteNativeAsync("DELETE FROM tomb_t", "DELETE FROM tomb_t");
            await using var lane = await Factory.OpenAsync(spec, $"lane {together}", Cancel);
            await lane.WriteAsync(new SinkWrite(Rows.Block(Revised, ["a", "high", 9]), 1, null, null), Cancel);
            await WriteInPartsAsync(lane, Revised, [["a", null, null], ["a", "low", 1]], _ => !together, [true, false], 1);
            Assert.Equal(["a|low|1"], await ReadTextsAsync(spec));
        }
    }

    [Fact]
    public async Task Texts_of_a_revision_are_compared_by_their_bytes_or_refused()
    {
        var schema = new Schema(Revised[0], Revised[1], new Field("rev", FieldType.String));
        var spec = Spec("textrev", schema, SinkMode.Upsert, ["id"]) with { RevisionColumn = "rev" };
        await ExecuteNativeAsync(
            "CREATE TABLE textrev (id varchar(9) PRIMARY KEY, v varchar(9), rev text COLLATE \"und-x-icu\")",
            "CREATE TABLE textrev (id TEXT NOT NULL PRIMARY KEY, v TEXT, rev TEXT COLLATE NOCASE)");
        if (Options.Provider == DatabaseProvider.Oracle)
        {
            var refused = await Assert.ThrowsAsync<SinkConfigurationException>(() => Factory.PrepareAsync(spec, Cancel));
            Assert.Contains("compared differently", refused.Message);
            return;
        }

        await using var lane = await OpenAsync(spec);
        // 'a' is above 'B' by bytes; dictionaries and NOCASE have it the other way.
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["x", "low", "B"]), 1, null, null), Cancel);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["x", "high", "a"]), 2, null, null), Cancel);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["y", "high", "a"], ["y", "low", "B"]), 3, null, null), Cancel);
        Assert.Equal(["x|high|a", "y|high|a"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Keys_that_only_the_database_holds_equal_end_in_one_row_the_later_one_counts()
    {
        Assert.SkipWhen(Options.Provider == DatabaseProvider.Oracle, "How CHAR keys are bound is the Oracle dialect's own test.");
        string[][] orders = Options.Provider == DatabaseProvider.PostgreSql ? [["abc", "abc "], ["abc ", "abc"]] : [["abc", "ABC"], ["ABC", "abc"]];
        await ExecuteNativeAsync(
            "CREATE TABLE alike (code char(5) PRIMARY KEY, n bigint)", "CREATE TABLE alike (code TEXT COLLATE NOCASE NOT NULL PRIMARY KEY, n INTEGER)");
        var spec = Spec("alike", Counted, SinkMode.Upsert, ["code"]);
        await using var lane = await OpenAsync(spec);
        for (var i = 0; i < orders.Length; i++)
        {
            await ExecuteNativeAsync("DELETE FROM alike", "DELETE FROM alike");
            // Far enough apart that they are in different statements when rows go by key.
            var rows = Enumerable.Range(0, 1500).Select(n => (object?[])[$"abb{n % 90 + 10}", n])
                .Append([orders[i][0], 1]).Append([orders[i][1], 2]).Append(["zz", 3]);
            var result = await lane.WriteAsync(new SinkWrite(Rows.Block(Counted, [.. rows]), i, null, null), Cancel);
            Assert.Equal(0, result.Quarantined);
            Assert.Equal("2", Assert.Single(await ReadTextsAsync(spec), r => r.StartsWith("abc", StringComparison.OrdinalIgnoreCase)).Split('|')[1]);
            Assert.Equal(92, (await ReadTextsAsync(spec)).Length);
        }
    }

    [Theory]
    [InlineData("2c 1b", "1|b 2|c")] // As it came.
    [InlineData("1b 2c", "1|b 2|c")] // What is in the way goes later in the same write.
    [InlineData("2tmp 1b 2a", "1|b 2|a")] // An exchange over a third value.
    [InlineData("2c 1b 1x 2b 1c 2z 1b", "1|b 2|z")]
    [InlineData("3a 3b 2c", "1|a 2|c 3|b")] // A row that another one was in the way of, and that a later row of its key replaces.
    public async Task Valid_changes_of_a_unique_column_go_in(string changes, string expected)
    {
        await ExecuteNativeAsync(
            "CREATE TABLE uniq_t (id numeric PRIMARY KEY, email varchar(9) UNIQUE); INSERT INTO uniq_t VALUES (1, 'a'), (2, 'b')",
            "CREATE TABLE uniq_t (id INTEGER NOT NULL PRIMARY KEY, email TEXT UNIQUE); INSERT INTO uniq_t VALUES (1, 'a'), (2, 'b')");
        var spec = Spec("uniq_t", Mailed, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        var rows = changes.Split(' ').Select(c => (object?[])[(long)(c[0] - '0'), c[1..]]).ToArray();
        var result = await lane.WriteAsync(new SinkWrite(Rows.Block(Mailed, rows), 1, null, null), Cancel);
        Assert.Equal(0, result.Quarantined);
        Assert.Equal(rows.Length, result.Written + result.Superseded);
        Assert.Equal(expected.Split(' '), await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task A_good_row_is_not_lost_with_a_later_one_of_its_key_that_is_refused()
    {
        await ExecuteAsync(LimitedTable);
        foreach (var mode in (SinkMode[])[SinkMode.Upsert, SinkMode.Append])
        {
            var spec = Spec("limited", Limited, mode, ["id"]) with { Sink = mode.ToString() };
            await using var lane = await OpenAsync(spec);
            var id = 10L * (int)mode;
            object?[][] rows = mode == SinkMode.Upsert
                ? [[id, "good", 1], [id, "bad", 500], [id + 1, "ok", 1]]
                : [[id, "bad", 500], [id, "good", 1], [id + 1, "ok", 1]];
            Assert.Equal(new SinkWriteResult(2, 1), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, rows), 1, null, null), Cancel));
            Assert.Contains($"{id}|good|1", await ReadTextsAsync(spec));
        }
    }

    [Fact]
    public async Task A_child_waits_for_its_parent_and_goes_to_quarantine_when_none_comes()
    {
        var (child, parent, children, parents) = await FamilyAsync(TimeSpan.FromSeconds(30));
        var waiting = child.WriteAsync(new SinkWrite(Rows.Block(Mailed, [1, "c1"], [2, "c2"]), 1, null, null), Cancel);
        await parent.WriteAsync(new SinkWrite(Rows.Block(Counted, ["c1", 1], ["c2", 1]), 1, null, null), Cancel);
        Assert.Equal(new SinkWriteResult(2, 0), await RepeatAsync(() => waiting.IsCompletedSuccessfully || !waiting.IsCompleted
            ? waiting : child.WriteAsync(new SinkWrite(Rows.Block(Mailed, [1, "c1"], [2, "c2"]), 1, null, null), Cancel)));

        var (hasty, _, _, _) = await FamilyAsync(TimeSpan.FromMilliseconds(100), children, parents);
        Assert.Equal(
            new SinkWriteResult(1, 1),
            await hasty.WriteAsync(new SinkWrite(Rows.Block(Mailed, [3, "nobody"], [4, "c1"]), 1, null, null), Cancel));
        var refused = Assert.Single(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
        Assert.Matches("23503|787|02291", refused.Record.Code);
        Assert.Equal(["1|c1", "2|c2", "4|c1"], await ReadTextsAsync(children));
    }

    [Theory]
    [InlineData(1)] // Children before their parents,
    [InlineData(-1)] // after them,
    [InlineData(7)] // and here and there.
    public async Task A_line_of_parents_in_one_table_goes_in_whatever_its_order_and_length(int step)
    {
        await ExecuteNativeAsync(
            "CREATE TABLE line_t (id numeric PRIMARY KEY, parent numeric REFERENCES line_t(id))",
            "CREATE TABLE line_t (id INTEGER NOT NULL PRIMARY KEY, parent INTEGER REFERENCES line_t(id))");
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("parent", FieldType.Integer));
        var spec = Spec("line_t", schema, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        await using var lane = await HastyFactory(TimeSpan.FromMilliseconds(50)).OpenAsync(spec, "0", Cancel);
        // Each is the child of the next one; 0 has none, and 1000's never comes.
        var rows = Enumerable.Range(0, 97).Select(i => ((i * step) % 97 + 97) % 97)
            .Select(i => (object?[])[i + 1, i == 96 ? null : i + 2]).Append([1000, 2000]).ToArray();
        Assert.Equal(
            new SinkWriteResult(97, 1),
            await RepeatAsync(() => lane.WriteAsync(new SinkWrite(Rows.Block(schema, rows), 1, null, null), Cancel)));
        Assert.Equal(97, (await ReadTextsAsync(spec)).Length);
    }

    [Fact]
    public async Task A_constraint_that_is_checked_at_COMMIT_blames_the_row()
    {
        await ExecuteNativeAsync(
            "CREATE TABLE parent (code varchar(9) PRIMARY KEY); INSERT INTO parent VALUES ('c1'); CREATE TABLE late_t "
            + "(id numeric PRIMARY KEY, email varchar(9) REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
            "CREATE TABLE parent (code TEXT NOT NULL PRIMARY KEY); INSERT INTO parent VALUES ('c1'); CREATE TABLE late_t "
            + "(id INTEGER NOT NULL PRIMARY KEY, email TEXT REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
        var spec = Spec("late_t", Mailed, SinkMode.Upsert, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        var hasty = HastyFactory(TimeSpan.FromMilliseconds(50));
        await using var lane = await hasty.OpenAsync(spec, "0", Cancel);
        var rows = Enumerable.Range(1, 30).Select(i => (object?[])[i, i == 17 ? "nobody" : "c1"]).ToArray();
        Assert.Equal(new SinkWriteResult(29, 1), await lane.WriteAsync(new SinkWrite(Rows.Block(Mailed, rows), 1, null, null), Cancel));
        Assert.Equal(29, (await ReadTextsAsync(spec)).Length);
        // The lane is where it should be, and the next write is as ever.
        Assert.Equal(new SinkWriteResult(1, 0), await lane.WriteAsync(new SinkWrite(Rows.Block(Mailed, [31, "c1"]), 2, null, null), Cancel));
        await using var heir = await hasty.OpenAsync(spec, "0", Cancel);
        Assert.Equal((2L, 1L), (heir.Lease.Progress, heir.Lease.Quarantined));
    }

    private async Task<(ISinkLane Child, ISinkLane Parent, SinkSpec Children, SinkSpec Parents)> FamilyAsync(
        TimeSpan patience, SinkSpec? children = null, SinkSpec? parents = null)
    {
        if (children is null || parents is null)
        {
            await ExecuteNativeAsync(
                "CREATE TABLE fk_cust (code varchar(9) PRIMARY KEY, n numeric); "
                + "CREATE TABLE fk_order (id numeric PRIMARY KEY, email varchar(9) REFERENCES fk_cust(code))",
                "CREATE TABLE fk_cust (code TEXT NOT NULL PRIMARY KEY, n INTEGER); "
                + "CREATE TABLE fk_order (id INTEGER NOT NULL PRIMARY KEY, email TEXT REFERENCES fk_cust(code))");
            children = Spec("fk_order", Mailed, SinkMode.Upsert, ["id"]) with { Sink = "child" };
            parents = Spec("fk_cust", Counted, SinkMode.Upsert, ["code"]) with { Sink = "parent" };
            await Factory.PrepareAsync(children, Cancel);
            await Factory.PrepareAsync(parents, Cancel);
        }

        var factory = HastyFactory(patience);
        var lane = $"{_tables++}";
        return (await factory.OpenAsync(children, lane, Cancel), await factory.OpenAsync(parents, lane, Cancel), children, parents);
    }

    /// <summary>A factory that waits so long for other rows.</summary>
    private AdoSinkFactory HastyFactory(TimeSpan patience)
    {
        Options.Retry.OtherRowsWait = patience;
        return new AdoSinkFactory(Connect(Options));
    }

    private static async Task WriteInPartsAsync(
        ISinkLane lane, Schema schema, object?[][] rows, Func<int, bool> cutAfter, bool[]? deletes = null, long progress = 0)
    {
        var from = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            if (i < rows.Length - 1 && !cutAfter(i)) continue;
            await lane.WriteAsync(new SinkWrite(Rows.Block(schema, rows[from..(i + 1)]), ++progress, deletes?[from..(i + 1)], OriginOf(i + 1 - from)), Cancel);
            from = i + 1;
        }
    }

    /// <summary>Of records: only the deletions of windows have a revision.</summary>
    private static QuarantineOrigin OriginOf(int rows) =>
        new(Rows.Raw("t", 0, 0, [.. Enumerable.Repeat((string?)"v", rows)]), [.. Enumerable.Range(0, rows)]);

    private static async Task<T> RepeatAsync<T>(Func<Task<T>> body)
    {
        var deadline = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            try
            {
                return await body();
            }
            catch (SinkUnavailableException) when (DateTime.UtcNow < deadline)
            {
                await Task.Delay(20, Cancel);
            }
        }
    }
}
