using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>
/// What every database's sink, quarantine and lookup must do. The table is read back through the lookup.
/// </summary>
public abstract partial class SinkConformance : IAsyncLifetime
{
    protected static readonly Schema WindowRow = new(
        new Field("customer", FieldType.String, false), new Field("window_start", FieldType.Timestamp, false),
        new Field("orders", FieldType.Integer), new Field("revenue", FieldType.Decimal(12, 2)),
        new Field("revision", FieldType.Integer, false));

    protected static readonly Schema EveryType = new(
        new Field("id", FieldType.Integer, false), new Field("flag", FieldType.Boolean),
        new Field("small", FieldType.Decimal(6, 3)), new Field("big", FieldType.Decimal(28, 8)),
        new Field("ratio", FieldType.Double), new Field("name", FieldType.String), new Field("at", FieldType.Timestamp),
        new Field("day", FieldType.Date), new Field("raw", FieldType.Bytes), new Field("doc", FieldType.Json));

    private readonly List<DatabaseConnections> _connections = [];

    protected ConnectionOptions Options { get; private set; } = null!;

    protected Database Database { get; private set; } = null!;

    protected AdoSinkFactory Factory { get; private set; } = null!;

    protected AdoLookup Lookup { get; private set; } = null!;

    protected QuarantineStore Quarantine { get; private set; } = null!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>Options for a connection to an empty database of its own.</summary>
    protected abstract Task<ConnectionOptions> CreateAsync();

    /// <summary>
    /// DDL of a table "limited": id integer key, code text of 5 characters, qty not above 100 by a check.
    /// </summary>
    protected abstract string LimitedTable { get; }

    public async ValueTask InitializeAsync()
    {
        Options = await CreateAsync();
        var connections = Connect(Options);
        Database = connections.Get("dwh");
        Factory = new AdoSinkFactory(connections);
        Lookup = new AdoLookup(connections);
        Quarantine = new QuarantineStore(Database);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var connections in _connections) await connections.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_made_table_takes_every_type_and_gives_it_back()
    {
        var spec = Spec("every_type", EveryType, SinkMode.Append, ["id"]);
        await using var lane = await OpenAsync(spec);
        var rows = Rows.Block(
            EveryType,
            [1L, true, 123.456m, 12345678901234567890.12345678m, 1.5e-7, "naïve 🔑 'x' \"y\"",
                Time("2026-01-02T03:04:05.123456"),
                new DateOnly(2024, 2, 29), new byte[] { 0, 255, 1 }, """{"a": [1, 2]}"""],
            [2L, false, -123.456m, -0.00000001m, -1e300, "x", Time("0001-01-01T00:00:00"), new DateOnly(1, 1, 1),
                new byte[] { 7 }, "[]"],
            [3L, null, null, null, null, null, null, null, null, null],
            [long.MaxValue, true, 0m, 0m, 0.0, new string('é', 2000), Time("9999-12-31T23:59:59.999999"),
                new DateOnly(9999, 12, 31), new byte[100_000], "{}"]);

        var result = await lane.WriteAsync(new SinkWrite(rows, 10, null, null), Cancel);

        Assert.Equal(new SinkWriteResult(4, 0), result);
        Assert.Equal(Rows.Texts(rows), await ReadTextsAsync(spec));
        await Factory.PrepareAsync(spec with { Create = false }, Cancel);
    }

    [Fact]
    public async Task An_appended_row_that_is_there_is_left_alone()
    {
        var schema = new Schema(new Field("KOR_TOPIC", FieldType.String, false),
            new Field("KOR_PARTITION", FieldType.Integer, false),
            new Field("KOR_OFFSET", FieldType.Integer, false), new Field("v", FieldType.String));
        var spec = Spec("log", schema, SinkMode.Append, ["KOR_TOPIC", "KOR_PARTITION", "KOR_OFFSET"]);
        await using var lane = await OpenAsync(spec);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["t", 0L, 1L, "a"], ["t", 0L, 2L, "b"]), 3, null, null),
            Cancel);
        await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, ["t", 0L, 2L, "b"], ["t", 0L, 3L, "c"], ["t", 0L, 3L, "c"]), 4,
                null, null),
            Cancel);

        Assert.Equal(["t|0|1|a", "t|0|2|b", "t|0|3|c"], await ReadTextsAsync(spec));
    }

    /// <summary>Rows that an explode step made of one record differ by their position: cut anywhere and written again, each is there once.</summary>
    [Fact]
    public async Task Rows_of_one_record_are_told_apart_by_their_position()
    {
        var schema = new Schema(
            new Field("KOR_TOPIC", FieldType.String, false), new Field("KOR_PARTITION", FieldType.Integer, false), new Field("KOR_OFFSET", FieldType.Integer, false),
            new Field("KOR_POSITION", FieldType.Integer, false), new Field("v", FieldType.String));
        var spec = Spec("exploded", schema, SinkMode.Append, ["KOR_TOPIC", "KOR_PARTITION", "KOR_OFFSET", "KOR_POSITION"]);
        await using var lane = await OpenAsync(spec);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, ["t", 0L, 1L, 1L, "a"], ["t", 0L, 1L, 2L, "b"]), 1, null, null), Cancel);
        var again = await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, ["t", 0L, 1L, 1L, "a"], ["t", 0L, 1L, 2L, "b"], ["t", 0L, 1L, 3L, "c"], ["t", 0L, 2L, 1L, "d"]), 3, null, null), Cancel);

        Assert.Equal(2, again.Already);
        Assert.Equal(["t|0|1|1|a", "t|0|1|2|b", "t|0|1|3|c", "t|0|2|1|d"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task An_upsert_takes_the_highest_revision_of_a_key_the_later_of_equal_ones_and_never_goes_back()
    {
        var spec = Windows();
        await using var lane = await OpenAsync(spec);
        var start = Time("2026-01-01T00:00:00");
        await lane.WriteAsync(
            Write(1, [["b", start, 2L, 2m, 2L], ["a", start, 1L, 1m, 1L], ["b", start, 3L, 3m, 3L],
                ["b", start, 1L, 1m, 1L]]), Cancel);
        await lane.WriteAsync(
            Write(2, [["b", start, 99L, 99m, 3L], ["a", start, 5L, 5.25m, 2L], ["c", start, 0L, null, 0L]]), Cancel);

        Assert.Equal(
            ["a|2026-01-01T00:00:00.000000|5|5.25|2", "b|2026-01-01T00:00:00.000000|99|99|3",
                "c|2026-01-01T00:00:00.000000|0|null|0"],
            await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Whether_a_table_holds_rows_is_told_of_one_that_is_missing_empty_or_filled()
    {
        var spec = Windows();
        Assert.False(await Factory.HasRowsAsync(spec, Cancel));
        await using var lane = await OpenAsync(spec);
        Assert.False(await Factory.HasRowsAsync(spec, Cancel));
        await lane.WriteAsync(Write(1, [["a", Time("2026-01-01T00:00:00"), 1L, 1m, 1L]]), Cancel);
        Assert.True(await Factory.HasRowsAsync(spec, Cancel));
    }

    [Fact]
    public async Task A_window_that_is_withdrawn_is_deleted_unless_the_table_holds_a_later_revision()
    {
        var spec = Windows();
        await using var lane = await OpenAsync(spec);
        var start = Time("2026-01-01T00:00:00");
        await lane.WriteAsync(Write(1, [["a", start, 1L, 1m, 1L], ["b", start, 2L, 2m, 3L], ["c", start, 3L, 3m, 1L]]), Cancel);
        var rows = Rows.Block(WindowRow, ["a", start, 0L, null, 2L], ["b", start, 0L, null, 2L], ["d", start, 4L, 4m, 1L], ["none", start, 0L, null, 2L]);
        await lane.WriteAsync(new SinkWrite(rows, 2, [true, true, false, true], null), Cancel);

        Assert.Equal(
            ["b|2026-01-01T00:00:00.000000|2|2|3", "c|2026-01-01T00:00:00.000000|3|3|1", "d|2026-01-01T00:00:00.000000|4|4|1"],
            await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Tombstones_delete_and_the_last_word_on_a_key_counts()
    {
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String));
        var spec = Spec("docs", schema, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, [1, "a"], [2, "b"], [3, "c"]), 1, null, null), Cancel);
        await lane.WriteAsync(
            new SinkWrite(
                Rows.Block(schema, [1, null], [2, null], [2, "again"], [3, "z"], [3, null], [9, null]), 2,
                [true, true, false, false, true, true], null),
            Cancel);

        Assert.Equal(["2|again"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Poison_rows_go_to_quarantine_with_their_records_and_good_ones_are_written()
    {
        await ExecuteAsync(LimitedTable);
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("code", FieldType.String),
            new Field("qty", FieldType.Integer));
        var spec = Spec("limited", schema, SinkMode.Append, ["id"]) with { PipelineVersion = 7 };
        await using var lane = await OpenAsync(spec);
        var rows = Enumerable.Range(0, 1000)
            .Select(i =>
                (object?[])[i == 500 ? null : i, i == 300 ? "too long" : "abc", i is 7 or 8 or 999 ? 101 : i % 100])
            .ToArray();
        var raw = Rows.Raw("orders", 3, 5000, [.. rows.Select((_, i) => (string?)$"value {i}")]);
        var write = new SinkWrite(
            Rows.Block(schema, rows), 6000, null, new QuarantineOrigin(raw, [.. Enumerable.Range(0, 1000)]));

        Assert.Equal(new SinkWriteResult(995, 5), await lane.WriteAsync(write, Cancel));

        Assert.Equal(995, (await ReadTextsAsync(spec)).Length);
        var refused = await Quarantine.ListAsync(new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 100, null, Cancel);
        Assert.Equal([5007, 5008, 5300, 5500, 5999], refused.Select(r => r.Record.Offset).Order());
        var first = refused.Single(r => r.Record.Offset == 5007).Record;
        Assert.Equal(("sink:s", "orders", 3, 7), (first.Place, first.Topic, first.Partition, first.PipelineVersion));
        Assert.Equal("value 7"u8.ToArray(), first.Value);
        Assert.Equal("k7"u8.ToArray(), first.Key);
        Assert.Equal([new("trace", "t7"), new("empty", null)],
            first.Headers.Select(h =>
                KeyValuePair.Create(h.Key, h.Value is null ? null : System.Text.Encoding.UTF8.GetString(h.Value))));
        Assert.Equal(SinkRowCodes.KeyIsNull, refused.Single(r => r.Record.Offset == 5500).Record.Code);

        // A new owner replays the same rows: the same ones are refused, and none of them is in quarantine twice.
        await using var heir = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new LaneLease(2, 6000, 5) { Written = 995 }, heir.Lease);
        Assert.Equal(new SinkWriteResult(0, 5, Already: 995), await heir.WriteAsync(write, Cancel));
        Assert.Equal(5, (await Quarantine.CountAsync(new QuarantineFilter(), Cancel)).Sum(c => c.Records));
        await using var third = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new LaneLease(3, 6000, 5) { Written = 995, Already = 995 }, third.Lease);
    }

    [Fact]
    public async Task Every_poison_pattern_is_found_exactly()
    {
        await ExecuteAsync(LimitedTable);
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("code", FieldType.String),
            new Field("qty", FieldType.Integer));
        var spec = Spec("limited", schema, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        var random = new Random(42);
        var expected = new HashSet<long>();
        var poisoned = 0;
        for (var round = 0; round < 12; round++)
        {
            var rows = Enumerable.Range(0, random.Next(2, 300)).Select(i =>
                (object?[])[(round * 1000L) + i, "ok", 1L]).ToArray();
            foreach (var row in rows) row[2] = random.Next(round % 3 == 0 ? 3 : 50) == 0 ? 500L : 1L;
            rows[random.Next(rows.Length)][2] = 1L;
            foreach (var row in rows.Where(r => r[2] is 1L)) expected.Add((long)row[0]!);
            var bad = rows.Count(r => r[2] is 500L);
            poisoned += bad;
            Assert.Equal(
                new SinkWriteResult(rows.Length - bad, bad),
                await lane.WriteAsync(new SinkWrite(Rows.Block(schema, rows), round, null, null), Cancel));
        }

        Assert.Equal(expected.Order().Select(id => $"{id}|ok|1").Order(StringComparer.Ordinal),
            await ReadTextsAsync(spec));
        Assert.Equal(poisoned, (await Quarantine.CountAsync(new QuarantineFilter(), Cancel)).Sum(c => c.Records));
    }

    [Fact]
    public async Task A_column_that_disappears_stops_the_sink_and_nothing_is_quarantined()
    {
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String), new Field("w", FieldType.String));
        var spec = Spec("shrinking", schema, SinkMode.Upsert, ["id"]);
        await using var lane = await OpenAsync(spec);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, [1, "a", "b"]), 1, null, null), Cancel);
        await ExecuteAsync("ALTER TABLE shrinking DROP COLUMN w");
        var write = new SinkWrite(
            Rows.Block(schema, [.. Enumerable.Range(2, 20).Select(i => (object?[])[i, "a", "b"])]), 2, null, null);

        var stopped = await Assert.ThrowsAsync<SinkConfigurationException>(() => lane.WriteAsync(write, Cancel));
        Assert.Contains("w", stopped.Message);
        Assert.Empty(await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 10, null, Cancel));
        await Factory.PrepareAsync(spec with { AddColumns = true }, Cancel);
        await using var heir = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new SinkWriteResult(20, 0), await heir.WriteAsync(write, Cancel));
    }

    [Fact]
    public async Task A_sink_told_to_stop_stops_at_the_first_refused_row()
    {
        await ExecuteAsync(LimitedTable);
        var schema = new Schema(new Field("id", FieldType.Integer), new Field("code", FieldType.String),
            new Field("qty", FieldType.Integer));
        var spec = Spec("limited", schema, SinkMode.Append, ["id"]) with { StopOnReject = true };
        await using var lane = await OpenAsync(spec);

        await Assert.ThrowsAsync<SinkConfigurationException>(
            () => lane.WriteAsync(new SinkWrite(Rows.Block(schema, [1, "ok", 1], [2, "ok", 1000]), 2, null, null),
                Cancel));
        Assert.Empty(await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task A_zombie_lane_is_fenced_and_leaves_nothing()
    {
        var spec = Windows();
        await using var zombie = await OpenAsync(spec);
        await zombie.WriteAsync(Write(5, [["a", Time("2026-01-01T00:00:00"), 1L, 1m, 1L]]), Cancel);
        await using var heir = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new LaneLease(2, 5, 0) { Written = 1 }, heir.Lease);

        await Assert.ThrowsAsync<EpochFencedException>(
            () => zombie.WriteAsync(Write(6, [["z", Time("2026-01-01T00:00:00"), 1L, 1m, 1L]]), Cancel));
        await heir.WriteAsync(Write(6, [["b", Time("2026-01-01T00:00:00"), 1L, 1m, 1L]]), Cancel);
        Assert.Equal(2, (await ReadTextsAsync(spec)).Length);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            () => heir.WriteAsync(Write(5, [["c", Time("2026-01-01T00:00:00"), 1L, 1m, 1L]]), Cancel));
    }

    [Fact]
    public async Task Writers_that_open_one_lane_at_once_get_an_epoch_each()
    {
        var spec = Spec("opened", EveryType, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        for (var round = 0; round < 2; round++)
        {
            var lanes = await Task.WhenAll(Enumerable.Range(0, 8).Select(
                _ => Task.Run(() => Factory.OpenAsync(spec, "0", Cancel), Cancel)));
            Assert.Equal(Enumerable.Range((8 * round) + 1, 8).Select(i => (long)i), lanes.Select(l => l.Lease.Epoch).Order());
            foreach (var lane in lanes) await lane.DisposeAsync();
        }
    }

    [Fact]
    public async Task Lanes_write_one_table_in_parallel()
    {
        var spec = Windows();
        await Factory.PrepareAsync(spec, Cancel);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(async () =>
        {
            await using var lane = await Factory.OpenAsync(spec, $"{n}", Cancel);
            for (var i = 0; i < 10; i++)
            {
                // All lanes write the same keys: the highest revision must win whatever the order.
                var rows = Enumerable.Range(0, 50)
                    .Select(k =>
                        (object?[])[$"k{k}", Time("2026-01-01T00:00:00"), (long)((i * 4) + n), 1m,
                            (long)((i * 4) + n)]);
                await lane.WriteAsync(Write(i, [.. rows.OrderBy(_ => Random.Shared.Next())]), Cancel);
            }
        })));

        Assert.Equal(
            Enumerable.Range(0, 50).Select(k =>
                $"k{k}|2026-01-01T00:00:00.000000|39|1|39").Order(StringComparer.Ordinal),
            await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task A_missing_or_different_table_is_reported_with_every_difference_at_once()
    {
        await Factory.PrepareAsync(Spec("other", EveryType, SinkMode.Append, ["id"]), Cancel);
        var missing = await Assert.ThrowsAsync<SinkConfigurationException>(
            () => Factory.PrepareAsync(Windows() with { Create = false }, Cancel));
        Assert.Contains("does not exist", missing.Message);
        Assert.Contains("CREATE TABLE", missing.Message);

        var schema = new Schema(new Field("id", FieldType.Integer), new Field("flag", FieldType.Json),
            new Field("raw", FieldType.Double), new Field("extra", FieldType.String),
                new Field("extra2", FieldType.Date));
        var spec = Spec("other", schema, SinkMode.Append, ["id", "flag"]) with { Keys = ["id", "raw"] };
        var different = await Assert.ThrowsAsync<SinkConfigurationException>(() => Factory.PrepareAsync(spec, Cancel));
        Assert.Contains("extra", different.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("extra2", different.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("UNIQUE", different.Message);
        Assert.True(different.Message.Split("\n  - ").Length >= 4, different.Message);
    }

    [Fact]
    public async Task Columns_are_added_when_the_table_may_evolve()
    {
        var before = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String));
        var after = new Schema(new Field("id", FieldType.Integer, false), new Field("v", FieldType.String),
            new Field("price", FieldType.Decimal(10, 2)), new Field("seen", FieldType.Timestamp));
        await using (var lane = await OpenAsync(Spec("evolving", before, SinkMode.Upsert, ["id"])))
            await lane.WriteAsync(new SinkWrite(Rows.Block(before, [1, "a"]), 1, null, null), Cancel);

        var spec = Spec("evolving", after, SinkMode.Upsert, ["id"]) with { AddColumns = true };
        var plan = await Factory.PlanAsync(spec, Cancel);
        Assert.Equal(2, plan.Statements.Count(s => s.StartsWith("ALTER TABLE", StringComparison.Ordinal)));
        Assert.Empty(plan.Differences);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Factory.PrepareAsync(spec, Cancel)));
        await using (var lane = await Factory.OpenAsync(spec, "0", Cancel))
            await lane.WriteAsync(
                new SinkWrite(Rows.Block(after, [2, "b", 1.5m, Time("2026-01-01T00:00:00")]), 2, null, null), Cancel);
        Assert.Equal(["1|a|null|null", "2|b|1.5|2026-01-01T00:00:00.000000"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task Sixteen_silos_make_the_same_table_at_once()
    {
        var spec = Windows();
        await Task.WhenAll(
            Enumerable.Range(0, 16).Select(_ => Task.Run(() => Factory.PrepareAsync(spec, Cancel), Cancel)));
        Assert.Empty((await Factory.PlanAsync(spec, Cancel)).Statements);
    }

    [Fact]
    public async Task Lookups_find_keys_miss_others_and_refuse_ambiguity()
    {
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("region", FieldType.String, false),
            new Field("segment", FieldType.String), new Field("limit_", FieldType.Decimal(8, 2)));
        var spec = Spec("customers", schema, SinkMode.Upsert, ["id", "region"]);
        await using var lane = await OpenAsync(spec);
        var rows = Enumerable.Range(0, 1500).Select(i =>
            (object?[])[i, i % 2 == 0 ? "eu" : "us", i % 5 == 0 ? null : $"s{i}", i + 0.25m]);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, [.. rows]), 1, null, null), Cancel);

        var lookup = new LookupSpec("dwh", "customers", ["id", "region"], ["segment", "limit_"],
            [FieldType.String, FieldType.Decimal(8, 2)]);
        var keySchema = new Schema(new Field("i", FieldType.Integer), new Field("r", FieldType.String));
        // More than one query asks for; those there are come last.
        const int More = AdoLookup.MaxKeys;
        var keys = Rows.Block(keySchema,
            [.. Enumerable.Range(0, More).Select(i => (object?[])[-1 - i, "eu"]), .. Enumerable.Range(0, 1600).Select(i => (object?[])[i, i % 3 == 0 ? "eu" : "us"])]);
        Rows.Set(keys.Columns[1], More + 7, null);
        var found = await Lookup.LookupAsync(lookup, keys, Cancel);

        Assert.DoesNotContain(true, found.Found[..More]);
        for (var i = 0; i < 1600; i++)
        {
            var region = i == 7 ? null : i % 3 == 0 ? "eu" : "us";
            var expected = i < 1500 && region == (i % 2 == 0 ? "eu" : "us");
            Assert.Equal(expected, found.Found[More + i]);
            if (expected) Assert.Equal($"{(i % 5 == 0 ? "null" : $"s{i}")}|{i}.25", Rows.Text(found.Values, More + i));
        }

        var ambiguous = lookup with { KeyColumns = ["region"] };
        var several = await Lookup.LookupAsync(
            ambiguous, Rows.Block(new Schema(new Field("r", FieldType.String)), ["asia"], ["eu"]), Cancel);
        Assert.Equal([false, false], several.Found);
        Assert.Equal((1, "KOR4051"), (Assert.Single(several.Faults).Key, several.Faults[0].Code));
        // All rows of a key, as far as there are not too many.
        await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, [.. Enumerable.Range(0, 1001).Select(i => (object?[])[10_000 + i, i < 2 ? "asia" : "africa", null, 1m])]), 2, null, null), Cancel);
        await lane.WriteAsync(new SinkWrite(Rows.Block(schema, [10_000L, "africa", null, 1m], [10_001L, "africa", null, 1m]), 3, null, null), Cancel);
        var all = await Lookup.LookupAsync(
            ambiguous with { Several = true }, Rows.Block(new Schema(new Field("r", FieldType.String)), ["nowhere"], ["us"], ["asia"], ["africa"], [null]), Cancel);
        Assert.Equal([false, true, true, false, false], all.Found);
        Assert.Equal([0, 750, 2], all.Rows!.Take(3).Select(r => r.Count));
        Assert.Equal(Enumerable.Range(0, 750).Select(i => $"{(i * 2) + 1}.25").Order(), all.Rows![1].Select(r => Rows.Text(all.Values, r).Split('|')[1]).Order());
        Assert.Equal((3, "KOR4051"), (Assert.Single(all.Faults).Key, all.Faults[0].Code));
        Assert.Contains("more than 1000 rows", all.Faults[0].Reason, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SinkConfigurationException>(
            () => Lookup.ReadAllAsync(lookup, [FieldType.Integer, FieldType.String], 1499, Cancel));
        await Assert.ThrowsAsync<SinkConfigurationException>(
            () => Lookup.LookupAsync(lookup with { Table = "nowhere" }, keys, Cancel));
    }

    [Fact]
    public async Task A_row_that_a_lookup_cannot_read_is_the_fault_of_its_key_alone()
    {
        await ExecuteAsync("CREATE TABLE ref (code VARCHAR(10), price NUMERIC(10,3))");
        foreach (var row in (string[])["'a', 1.5", "'fine', 1.005", "'b', 2.25", "'many', 1", "'many', 1", "'c', NULL"])
            await ExecuteAsync($"INSERT INTO ref VALUES ({row})");
        var lookup = new LookupSpec("dwh", "ref", ["code"], ["price"], [FieldType.Decimal(10, 2)]);
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), ["a"], ["fine"], ["many"], ["b"], ["none"], ["c"]);

        var found = await Lookup.LookupAsync(lookup, keys, Cancel);
        Assert.Equal([true, false, false, true, false, true], found.Found);
        Assert.Equal(["1 KOR4052", "2 KOR4051"], found.Faults.Select(f => $"{f.Key} {f.Code}").Order());
        Assert.Equal(["1.5", "2.25", "null"], new[] { 0, 3, 5 }.Select(i => Rows.Text(found.Values, i)));
        Assert.Contains("no decimal(10,2)", found.Faults.Single(f => f.Key == 1).Reason);

        var whole = await Lookup.ReadAllAsync(lookup, [FieldType.String], 100, Cancel);
        Assert.Equal(6, whole.Rows.Count);
        Assert.Equal("fine", Rows.Get(whole.Rows.Columns[0], Assert.Single(whole.Faults).Key));
    }

    [Fact]
    public async Task Quarantine_is_listed_in_pages_counted_and_dropped()
    {
        var quarantine = new AdoQuarantine(Database);
        await quarantine.EnsureAsync(create: true, Cancel);
        var records = Enumerable.Range(0, 25)
            .Select(i =>
                new QuarantineRecord("p", 1, i % 2 == 0 ? "decode" : "quality", $"C{i % 3}", new string('r', 3000), "t",
                    0, i, 5,
                i == 0 ? null : [1], i == 1 ? null : new byte[i * 1000], []))
            .ToList();
        await quarantine.AddAsync(records, Cancel);
        await quarantine.AddAsync(records, Cancel);

        var seen = new List<long>();
        QuarantinedRecord? last = null;
        while (true)
        {
            var page = await Quarantine.ListAsync(new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 10, last, Cancel);
            if (page.Count == 0) break;
            seen.AddRange(page.Select(r => r.Record.Offset));
            last = page[^1];
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => (long)i), seen.Order());
        Assert.Equal(6, (await Quarantine.CountAsync(new QuarantineFilter(), Cancel)).Count);
        var one = (await Quarantine.GetAsync(last!.Id, Cancel))!;
        Assert.Equal(last.AddedAt, one.AddedAt);
        Assert.Equal(13, await Quarantine.DropAsync(new QuarantineFilter { Place = "decode" }, Cancel));
        Assert.Equal(1,
            await Quarantine.DropAsync(new QuarantineFilter { Offset = 1, Since = DateTimeOffset.UnixEpoch }, Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => Quarantine.DropAsync(new QuarantineFilter(), Cancel));
        Assert.Equal(11, (await Quarantine.ListAsync(new QuarantineFilter(), QuarantineOrder.OldestFirst, 100, null, Cancel)).Count);
    }

    protected static SinkSpec Spec(string table, Schema schema, SinkMode mode, string[] keys) =>
        new("p", "s", "dwh", table, mode, schema, keys, null, Create: true, AddColumns: false);

    protected static SinkSpec Windows() =>
        Spec("revenue", WindowRow, SinkMode.Upsert, ["customer", "window_start"]) with { RevisionColumn = "revision" };

    protected static SinkWrite Write(long progress, object?[][] rows) =>
        new(Rows.Block(WindowRow, rows), progress, null, null);

    protected static DateTime Time(string text) =>
        DateTime.Parse(text, null,
            System.Globalization.DateTimeStyles.AssumeUniversal | System.Globalization.DateTimeStyles.AdjustToUniversal);

    protected DatabaseConnections Connect(ConnectionOptions options, TimeProvider? time = null)
    {
        var connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions> { ["dwh"] = options }, time);
        _connections.Add(connections);
        return connections;
    }

    protected async Task<ISinkLane> OpenAsync(SinkSpec spec)
    {
        await Factory.PrepareAsync(spec, Cancel);
        return await Factory.OpenAsync(spec, "0", Cancel);
    }

    /// <summary>Runs statements in the words of PostgreSQL, behind the stand-in too, or of SQLite.</summary>
    protected abstract Task ExecuteNativeAsync(string sql, string sqlite);

    protected Task<int> ExecuteAsync(string sql) =>
        Database.WriteAsync((session, token) => session.ExecuteAsync(sql, token), Cancel);

    protected async Task<string[]> ReadTextsAsync(SinkSpec spec)
    {
        var fields = spec.Schema.Fields;
        var lookup = new LookupSpec("dwh", spec.Table, [fields[0].Name], [.. fields.Skip(1).Select(f => f.Name)],
            [.. fields.Skip(1).Select(f => f.Type)]);
        return Rows.Texts((await Lookup.ReadAllAsync(lookup, [fields[0].Type], 1_000_000, Cancel)).Rows);
    }
}

public sealed class PostgresSinkTests(PostgresFixture postgres) : SinkConformance
{
    protected override string LimitedTable =>
        "CREATE TABLE limited (id bigint PRIMARY KEY, code varchar(5), qty bigint CHECK (qty <= 100))";

    protected override Task ExecuteNativeAsync(string sql, string sqlite) => ExecuteAsync(sql);

    protected override async Task<ConnectionOptions> CreateAsync()
    {
        var cluster = await postgres.GetAsync();
        return new ConnectionOptions
        {
            Provider = DatabaseProvider.PostgreSql,
            ConnectionString = cluster.For(await cluster.CreateDatabaseAsync()),
        };
    }
}

public sealed class SqliteSinkTests : SinkConformance
{
    protected override string LimitedTable =>
        "CREATE TABLE limited (id INTEGER NOT NULL PRIMARY KEY, code TEXT CHECK (length(code) <= 5), qty INTEGER CHECK (qty <= 100))";

    [Fact]
    public async Task A_text_that_is_no_date_is_the_fault_of_its_row()
    {
        await ExecuteAsync("CREATE TABLE dates (code TEXT, d TEXT)");
        foreach (var (code, date) in ((string, string)[])[("a", "2026-07-31"), ("b", "0"), ("c", "2026-07-31 10:00:00"), ("d", "infinity"), ("e", "2026-07-31x")])
            await ExecuteAsync($"INSERT INTO dates VALUES ('{code}', '{date}')");
        var lookup = new LookupSpec("dwh", "dates", ["code"], ["d"], [FieldType.Date]);
        var keys = Rows.Block(new Schema(new Field("k", FieldType.String)), ["a"], ["b"], ["c"], ["d"], ["e"]);
        var found = await Lookup.LookupAsync(lookup, keys, Cancel);
        Assert.Equal([true, false, true, false, false], found.Found);
        Assert.Equal(["1 KOR4052", "3 KOR4052", "4 KOR4052"], found.Faults.Select(f => $"{f.Key} {f.Code}").Order());
        Assert.Equal(3, (await Lookup.ReadAllAsync(lookup, [FieldType.String], 100, Cancel)).Faults.Count);
    }

    protected override Task ExecuteNativeAsync(string sql, string sqlite) => ExecuteAsync(sqlite);

    protected override Task<ConnectionOptions> CreateAsync() => Task.FromResult(SqliteFile.Options());
}
