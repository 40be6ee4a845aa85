using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Diagnosis;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>Quarantine tables of any name, replays of refused rows, and the doctor.</content>
public abstract partial class SinkConformance
{
    private static readonly Schema Limited = new(
        new Field("id", FieldType.Integer), new Field("code", FieldType.String), new Field("qty", FieldType.Integer));

    [Theory]
    [InlineData(null)]
    [InlineData("bad_records")]
    public async Task Quarantined_records_are_found_renewed_and_removed(string? table)
    {
        var quarantine = new AdoQuarantine(Database, table);
        Assert.False(await quarantine.ExistsAsync(Cancel));
        if (table is not null)
            Assert.Contains("bad_records", (await Assert.ThrowsAnyAsync<Exception>(() => quarantine.EnsureAsync(false, Cancel))).Message,
                StringComparison.OrdinalIgnoreCase);
        await quarantine.EnsureAsync(true, Cancel);
        await quarantine.EnsureAsync(true, Cancel);
        Assert.True(await quarantine.ExistsAsync(Cancel));

        string[] places = ["source.value", "check.positive", "check.known_id", "checker.positive", "sink:clean"];
        await quarantine.AddAsync([.. places.Select((p, i) => Refused(p, i))], Cancel);
        await quarantine.AddAsync([Refused("check.positive", 1) with { Reason = "another" }], Cancel);
        var all = await quarantine.Store.ListAsync(new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 100, null, Cancel);
        Assert.Equal(places.Order(StringComparer.Ordinal), all.Select(r => r.Record.Place).Order(StringComparer.Ordinal));
        Assert.Equal(2, (await ListAsync(new QuarantineFilter { Step = "check" })).Count);
        Assert.Equal(["check.positive", "checker.positive"], (await ListAsync(new QuarantineFilter { Rule = "positive" })).Select(r => r.Record.Place).Order(StringComparer.Ordinal));
        Assert.Empty(await ListAsync(new QuarantineFilter { Rule = "nownXid" }));
        Assert.Equal("source.value", Assert.Single(await ListAsync(new QuarantineFilter { Step = "source" })).Record.Place);

        var one = all.Single(r => r.Record.Place == "check.positive");
        Assert.Equal(one.Id, Assert.Single(await ListAsync(new QuarantineFilter { IdPrefix = one.Id[..16] })).Id);
        Assert.Equal([0L, 1], (await quarantine.FindAsync("p", [one.Id, all.Single(r => r.Record.Offset == 0).Id, "none"], Cancel)).Select(r => r.Record.Offset));
        Assert.Empty(await quarantine.FindAsync("other", [one.Id], Cancel));

        await quarantine.RenewAsync([Refused("check.positive", 1) with { Code = "C2", Reason = "still", PipelineVersion = 9 }, Refused("new", 7)], Cancel);
        var renewed = Assert.Single(await quarantine.FindAsync("p", [one.Id], Cancel));
        Assert.Equal(("C2", "still", 9, one.AddedAt), (renewed.Record.Code, renewed.Record.Reason, renewed.Record.PipelineVersion, renewed.AddedAt));
        Assert.Equal(["new"], (await quarantine.Store.FindAtAsync("p", "t", 0, [7, 8], Cancel)).Select(r => r.Record.Place));

        Assert.Equal(1, await quarantine.RemoveAsync("p", [one.Id, "none"], Cancel));
        Assert.Equal(0, await quarantine.RemoveAsync("p", [one.Id], Cancel));
        Assert.Equal(3, await quarantine.ForgetAsync("p", "t", 0, 3, Cancel));
        Assert.Equal([0L, 2], (await ListAsync(new QuarantineFilter())).Select(r => r.Record.Offset).Order());

        Task<IReadOnlyList<QuarantinedRecord>> ListAsync(QuarantineFilter filter) =>
            quarantine.Store.ListAsync(filter with { Pipeline = "p" }, QuarantineOrder.OldestFirst, 100, null, Cancel);
    }

    [Fact]
    public async Task Quarantined_records_are_listed_page_by_page_from_either_end()
    {
        var clock = new Clock();
        var database = Connect(Database.Options, clock).Get("dwh");
        var quarantine = new AdoQuarantine(database);
        await quarantine.EnsureAsync(true, Cancel);
        // Twelve at four times: pages end between records of one time, too.
        for (var i = 0; i < 4; i++, clock.Now = clock.Now.AddSeconds(1))
            await quarantine.AddAsync([.. Enumerable.Range(3 * i, 3).Select(o => Refused("check", o))], Cancel);

        var newest = await PagesAsync(QuarantineOrder.NewestFirst);
        Assert.Equal([9L, 10, 11], newest.Take(3).Select(r => r.Record.Offset).Order());
        Assert.Equal([0L, 1, 2], newest.TakeLast(3).Select(r => r.Record.Offset).Order());
        Assert.Equal(newest.Select(r => r.Id).Reverse(), (await PagesAsync(QuarantineOrder.OldestFirst)).Select(r => r.Id));

        async Task<List<QuarantinedRecord>> PagesAsync(QuarantineOrder order)
        {
            var all = new List<QuarantinedRecord>();
            while (await quarantine.Store.ListAsync(new QuarantineFilter { Pipeline = "p" }, order, 5, all.LastOrDefault(), Cancel) is { Count: > 0 } page)
                all.AddRange(page);
            return all;
        }
    }

    [Fact]
    public async Task Records_go_when_they_are_older_than_their_pipeline_keeps_them_wherever_they_lie()
    {
        var clock = new Clock();
        var connections = Connect(Database.Options, clock);
        var compiled = PipelineCompiler.Compile(Kept, "p.yaml", new PipelineCompilerOptions { KafkaConnections = ["main"], DatabaseConnections = ["dwh"] });
        var plan = compiled.Plan ?? throw new InvalidOperationException(string.Join("; ", compiled.Diagnostics));
        var quarantine = new PipelineQuarantine(
            connections, new QuarantineRouting { StateConnection = "dwh", Create = true, PlanOf = _ => new(plan) }, new NoTopics());
        // Rows a sink refuses lie beside its table, those of steps where the file says.
        var beside = new AdoQuarantine(connections.Get("dwh"));
        await beside.EnsureAsync(true, Cancel);
        await AddAsync(0);
        clock.Now = clock.Now.AddMinutes(59);
        Assert.Equal(0, await ExpireAsync());
        await AddAsync(10);
        clock.Now = clock.Now.AddMinutes(1).AddSeconds(1);

        Assert.Equal(2, await ExpireAsync());
        Assert.Equal(0, await ExpireAsync());
        Assert.Equal([10L, 11], (await LeftAsync("p")).Order());
        Assert.Equal([2L, 12], (await LeftAsync("other")).Order());

        async Task AddAsync(long first)
        {
            await quarantine.AddAsync([Refused("check", first)], Cancel);
            await beside.AddAsync([Refused("sink:s", first + 1), Refused("sink:s", first + 2) with { Pipeline = "other" }], Cancel);
        }

        Task<int> ExpireAsync() => quarantine.ExpireAsync("p", clock.Now - TimeSpan.FromMilliseconds(plan.Quarantine!.KeepFor), Cancel);

        async Task<List<long>> LeftAsync(string pipeline)
        {
            var left = new List<long>();
            foreach (var store in await quarantine.StoresAsync("p", Cancel))
            {
                left.AddRange((await store.ListAsync(new QuarantineFilter { Pipeline = pipeline }, QuarantineOrder.NewestFirst, 10, null, Cancel))
                    .Select(r => r.Record.Offset));
            }

            return left;
        }
    }

    /// <summary>The default is to wait, with what to do; every command of it is for the state here.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_full_quarantine_takes_no_more(bool drops)
    {
        var moments = new Moments();
        var connections = Connect(Database.Options);
        var quarantine = new PipelineQuarantine(
            connections,
            new QuarantineRouting { StateConnection = "dwh", Create = true, PlanOf = _ => new((PipelinePlan?)null), MaxRecords = 3, DropWhenFull = drops, Time = moments },
            new NoTopics());
        await quarantine.AddAsync([Refused("check", 0), Refused("check", 1)], Cancel);
        await quarantine.AddAsync([Refused("check", 2)], Cancel);
        // Another pipeline has its own.
        await quarantine.AddAsync([Refused("check", 0) with { Pipeline = "other" }], Cancel);
        var add = () => quarantine.AddAsync([Refused("check", 3)], Cancel);
        if (drops)
        {
            await add();
        }
        else
        {
            var full = await Assert.ThrowsAsync<StoreUnavailableException>(add);
            Assert.StartsWith("The quarantine of pipeline 'p' is full: 3 records, and Kor:Quarantine:MaxRecords is 3.", full.Message, StringComparison.Ordinal);
            Assert.Contains("'kor quarantine drop p --all --execute'", full.Message, StringComparison.Ordinal);
        }

        Assert.Equal(3, await CountAsync("p"));
        // There is room again, which is seen a moment later.
        var first = await (await quarantine.StoresAsync("p", Cancel))[0].ListAsync(
            new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 1, null, Cancel);
        await quarantine.RemoveAsync("p", [first[0].Id], Cancel);
        moments.Now += TimeSpan.FromSeconds(5);
        await add();
        Assert.Equal(3, await CountAsync("p"));

        Assert.Equal(3, await quarantine.PurgeAsync("p", Cancel));
        Assert.Equal(0, await CountAsync("p"));
        Assert.Equal(1, await CountAsync("other"));

        async Task<long> CountAsync(string pipeline) =>
            (await (await quarantine.StoresAsync("p", Cancel))[0].CountAsync(new QuarantineFilter { Pipeline = pipeline }, Cancel)).Sum(c => c.Records);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_is_refused_too_fast_waits_for_the_next_minute(bool drops)
    {
        var moments = new Moments();
        var topics = new NotedTopics();
        var text = Kept.Replace("table: kept_for_an_hour", "table: fast, kafka: { connection: main, topic: refused }", StringComparison.Ordinal);
        var plan = PipelineCompiler.Compile(text, "p.yaml", new PipelineCompilerOptions { KafkaConnections = ["main"], DatabaseConnections = ["dwh"] }).Plan;
        var quarantine = new PipelineQuarantine(
            Connect(Database.Options),
            new QuarantineRouting
            {
                StateConnection = "dwh", Create = true, PlanOf = _ => new(plan), MaxPerMinute = 3, DropWhenFull = drops, Time = moments,
            },
            topics);
        // A batch larger than all there may be has to go somewhere.
        await quarantine.AddAsync([.. Enumerable.Range(0, 5).Select(i => Refused("check", i))], Cancel);
        var add = () => quarantine.AddAsync([Refused("check", 5)], Cancel);
        moments.Now += TimeSpan.FromSeconds(20);
        if (drops)
        {
            await add();
        }
        else
        {
            var fast = await Assert.ThrowsAsync<StoreUnavailableException>(add);
            Assert.StartsWith("Pipeline 'p' refuses more than 3 records a minute (Kor:Quarantine:MaxPerMinute)", fast.Message, StringComparison.Ordinal);
            Assert.Contains("by itself in 40 s", fast.Message, StringComparison.Ordinal);
        }

        // Neither the table nor the topic has it; another pipeline has its own minute.
        Assert.Equal(5, topics.Sent);
        await quarantine.AddAsync([Refused("check", 0) with { Pipeline = "other" }], Cancel);
        moments.Now += TimeSpan.FromSeconds(40);
        await add();
        await add();
        Assert.Equal(8, topics.Sent);
        var stores = await quarantine.StoresAsync("p", Cancel);
        Assert.Equal(6, (await stores[0].CountAsync(new QuarantineFilter { Pipeline = "p" }, Cancel)).Sum(c => c.Records));
        Assert.Equal(7, await quarantine.PurgeAsync("p", Cancel) + await quarantine.PurgeAsync("other", Cancel));
    }

    private const string Kept = """
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { id: { type: integer, required: true } }
        quarantine: { connection: dwh, table: kept_for_an_hour, keepFor: 1h }
        steps:
          - { id: check, type: quality, rules: { positive: id > 0 }, onFail: quarantine }
        sinks:
          - { id: s, from: check, connection: dwh, table: rows, mode: append, create: true }
        """;

    private sealed class Moments : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 1, 31, 10, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private sealed class NotedTopics : IQuarantineTopic
    {
        public int Sent { get; private set; }

        public Task SendAsync(
            string connection, string topic, IReadOnlyList<(string Id, QuarantineRecord Record)> records, CancellationToken cancellation)
        {
            Sent += records.Count;
            return Task.CompletedTask;
        }
    }

    private sealed class NoTopics : IQuarantineTopic
    {
        public Task SendAsync(
            string connection, string topic, IReadOnlyList<(string Id, QuarantineRecord Record)> records, CancellationToken cancellation) =>
            throw new NotSupportedException("This pipeline has no quarantine topic.");
    }

    [Fact]
    public async Task Refused_rows_that_are_played_again_leave_with_their_row_or_stay_with_the_new_reason()
    {
        await ExecuteAsync(LimitedTable);
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await using (var lane = await OpenAsync(spec))
            await lane.WriteAsync(Row([1L, "ok", 500L], [2L, "ok", 600L], [3L, "ok", 1L]), Cancel);
        var refused = await Quarantine.ListAsync(new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 10, null, Cancel);
        Assert.Equal(2, refused.Count);
        var ids = refused.Select(r => r.Id).ToArray();

        // A steps' change has made the first one fit; the second is still too large.
        await using var replay = await Factory.OpenAsync(spec, "0#replay", Cancel);
        var result = await replay.WriteAsync(Row([1L, "ok", 50L], [2L, "ok", 600L]) with { Released = ids }, Cancel);
        Assert.Equal(new SinkWriteResult(1, 1), result);
        Assert.Equal(["1|ok|50", "3|ok|1"], await ReadTextsAsync(spec));
        var left = Assert.Single(await Quarantine.ListAsync(new QuarantineFilter { Pipeline = "p" }, QuarantineOrder.OldestFirst, 10, null, Cancel));
        Assert.Contains(left.Id, ids);
        Assert.Equal(1, left.Record.Offset);

        SinkWrite Row(params object?[][] rows) => new(
            Rows.Block(Limited, rows), 1, null, new QuarantineOrigin(RawRows(rows.Length), [.. Enumerable.Range(0, rows.Length)]));
    }

    [Fact]
    public async Task The_doctor_finds_what_is_missing_and_says_what_to_do()
    {
        await ExecuteAsync(LimitedTable);
        var wide = new Schema(new Field("id", FieldType.Integer), new Field("more", FieldType.String));
        var use = new DatabaseUse
        {
            Sinks =
            [
                Spec("limited", Limited, SinkMode.Append, ["id"]) with { Create = false },
                Spec("limited", wide, SinkMode.Append, ["id"]) with { Create = false, Sink = "wide" },
            ],
            Lookups =
            [
                ("found", new LookupSpec("dwh", "limited", ["id"], ["code"], [FieldType.String])),
                ("lost", new LookupSpec("dwh", "nowhere", ["id"], ["code"], [FieldType.String])),
            ],
        };
        var findings = await DiagnoseAsync(use);
        Assert.Contains(findings, f => f is { Check: "reachable", Status: FindingStatus.Ok });
        Assert.Contains(findings, f => f.Check == "table limited" && f.Status == FindingStatus.Ok && f.Text.Contains("'s'", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Check == "privileges" && f.Status == FindingStatus.Ok && f.Text.Contains("DELETE", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Check == "table limited" && f.Status == FindingStatus.Failed
            && f.Text.Contains("more", StringComparison.OrdinalIgnoreCase) && f.Remedy is not null);
        Assert.Contains(findings, f => f.Check == "table limited" && f.Text.Contains("'found'", StringComparison.Ordinal) && f.Status == FindingStatus.Ok);
        Assert.Contains(findings, f => f.Check == "table nowhere" && f.Status == FindingStatus.Failed);
        // The tables around sinks are missing, and no sink may make them.
        Assert.Contains(findings, f => f is { Check: "sink tables", Status: FindingStatus.Failed } && f.Remedy!.Contains("sink.sql", StringComparison.Ordinal));
        // Nothing was changed.
        Assert.False(await new AdoQuarantine(Database).ExistsAsync(Cancel));
        Assert.Empty(await ReadTextsAsync(Spec("limited", Limited, SinkMode.Append, ["id"])));
    }

    protected Task<IReadOnlyList<Finding>> DiagnoseAsync(DatabaseUse use) => new DatabaseDoctor(_connections[0], "dwh").CheckAsync(use, Cancel);

    private static QuarantineRecord Refused(string place, long offset) => new(
        "p", 1, place, "C1", "why", "t", 0, offset, 1000 + offset, [1, 2], [3], [new("h", [4]), new("n", null)]);

    private static RawBatch RawRows(int count) => new()
    {
        Topic = "t", Partition = 0, From = 0, To = count, Count = count, Buffer = [9], KeyStart = new int[count], KeyLength = new int[count],
        ValueStart = new int[count], ValueLength = [.. Enumerable.Repeat(1, count)], Offsets = [.. Enumerable.Range(0, count).Select(i => (long)i)],
        Timestamps = new long[count],
    };
}
