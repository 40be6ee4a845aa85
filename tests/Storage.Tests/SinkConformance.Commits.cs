using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>COMMITs without an answer, and errors that nobody knows.</content>
public abstract partial class SinkConformance
{
    [Fact]
    public async Task COMMITs_whose_answer_is_lost_count_once_whether_they_happened_or_not()
    {
        // Every order of the faults of three COMMITs in a row, each pattern with rows of its own; the last write is left alone.
        var faults = Enum.GetValues<CommitFault>();
        var plans = (from a in faults from b in faults from c in faults select new[] { a, b, c }).Where(p => p.Any(f => f != CommitFault.None)).ToList();
        await ExecuteAsync(LimitedTable);
        await ExecuteNativeAsync("CREATE TABLE hits (n numeric)", "CREATE TABLE hits (n INTEGER)");
        // Counts what the table takes in all: a row that is written twice counts twice.
        await ExecuteNativeAsync(
            "CREATE FUNCTION hit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hits VALUES (new.id); RETURN NULL; END $$; "
            + "CREATE TRIGGER hit AFTER INSERT OR UPDATE ON limited FOR EACH ROW EXECUTE FUNCTION hit()",
            "CREATE TRIGGER hit AFTER INSERT ON limited BEGIN INSERT INTO hits VALUES (new.id); END");
        Options.Retry.FirstDelay = TimeSpan.FromMilliseconds(1);
        Options.Retry.MaxDelay = TimeSpan.FromMilliseconds(5);
        Options.Breaker.Failures = 1000;
        var connections = Connect(Options);
        FaultyCommits? commits = null;
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        var factory = new AdoSinkFactory(connections);
        await using var lane = await factory.OpenAsync(spec, "0", Cancel);
        connections.Get("dwh").Intercept(inner => commits = new FaultyCommits(inner, plans.SelectMany(p => p)));
        var write = 0;
        var total = new SinkWriteResult(0, 0);
        while (commits!.Sent < plans.Count * 3)
        {
            var rows = Rows.Block(Limited, [write * 2, "ok", 1], [(write * 2) + 1, "ok", 1]);
            var next = new SinkWrite(rows, ++write, null, null);
            var done = await RepeatAsync(() => lane.WriteAsync(next, Cancel));
            total = new SinkWriteResult(total.Written + done.Written, total.Quarantined + done.Quarantined, total.Already + done.Already);
        }

        // A search for a row that breaks off is begun again with the rows that it has committed: these are there already then.
        Assert.Equal((write * 2, 0), (total.Written + total.Already, total.Quarantined));
        Assert.Equal(write * 2, (await ReadTextsAsync(spec)).Length);
        Assert.Equal(Enumerable.Range(0, write * 2).Select(i => (long)i), await HitsAsync());
        // The lane's own row says the same, to whoever opens it next.
        Assert.Equal(lane.Counts, await Factory.CountsAsync(spec, "0", Cancel));
        Assert.Equal((write * 2L, 0L), (lane.Counts.Written, lane.Counts.Quarantined));
        await using var heir = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal((write, write * 2L), (heir.Lease.Progress, heir.Lease.Written));
    }

    /// <summary>A server that loses one COMMIT after the other is not helped by logins in a loop; the first is repeated at once.</summary>
    [Fact]
    public async Task Every_further_COMMIT_without_an_answer_waits()
    {
        await ExecuteAsync(LimitedTable);
        Options.Retry.FirstDelay = TimeSpan.FromMilliseconds(40);
        Options.Retry.MaxDelay = TimeSpan.FromMilliseconds(80);
        Options.Breaker.Failures = 1000;
        var waits = new Waits();
        var connections = Connect(Options, waits);
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        await using var lane = await new AdoSinkFactory(connections).OpenAsync(spec, "0", Cancel);
        connections.Get("dwh").Intercept(inner => new FaultyCommits(
            inner, [CommitFault.None, CommitFault.Lost, CommitFault.None, CommitFault.Lost, CommitFault.Lost, CommitFault.None]));
        async Task<int> WaitsOfAsync(int write)
        {
            waits.Short = 0;
            await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [write, "ok", 1]), write, null, null), Cancel);
            return waits.Short;
        }

        Assert.Equal(0, await WaitsOfAsync(1));
        Assert.Equal(0, await WaitsOfAsync(2));
        Assert.Equal(1, await WaitsOfAsync(3));
        Assert.Equal(["1|ok|1", "2|ok|1", "3|ok|1"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task A_row_alone_that_is_refused_with_an_unknown_code_waits_and_says_so_or_is_quarantined_after_the_time_that_is_set()
    {
        Assert.SkipWhen(Options.Provider == Connections.DatabaseProvider.Sqlite, "SQLite has no codes of a program's own.");
        await ExecuteAsync(LimitedTable);
        await ExecuteNativeAsync(
            "CREATE FUNCTION odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.qty = 13 THEN RAISE EXCEPTION 'an odd thing' USING ERRCODE = 'ZZ123'; END IF; RETURN new; END $$; "
            + "CREATE TRIGGER odd BEFORE INSERT ON limited FOR EACH ROW EXECUTE FUNCTION odd()",
            "");
        Options.Retry.FirstDelay = TimeSpan.FromMilliseconds(1);
        Options.Retry.MaxDelay = TimeSpan.FromMilliseconds(5);
        Options.Breaker.Failures = 1000;
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        await Factory.PrepareAsync(spec, Cancel);
        var odd = new SinkWrite(Rows.Block(Limited, [1, "ok", 13]), 1, null, null);

        // For ever, unless somebody says otherwise.
        await using (var lane = await new AdoSinkFactory(Connect(Options)).OpenAsync(spec, "0", Cancel))
        {
            var said = "";
            for (var i = 0; i < 12; i++) said = (await Assert.ThrowsAsync<SinkUnavailableException>(() => lane.WriteAsync(odd, Cancel))).Message;
            Assert.Contains("an odd thing", said);
            Assert.Contains("a row alone cannot show whether it is the row's fault, so nothing was quarantined", said);
            Assert.Contains("With Kor:Connections:dwh:Retry:UnknownErrorWait above 0 it goes to quarantine after that time.", said);
        }

        Assert.Equal(0, (await Quarantine.CountAsync(new QuarantineFilter(), Cancel)).Sum(c => c.Records));
        Options.Retry.UnknownErrorWait = TimeSpan.FromMilliseconds(200);
        await using (var lane = await new AdoSinkFactory(Connect(Options)).OpenAsync(spec, "0", Cancel))
        {
            Assert.Equal(new SinkWriteResult(0, 1), await RepeatAsync(() => lane.WriteAsync(odd, Cancel)));
            Assert.Equal(new SinkWriteResult(1, 0), await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [2, "ok", 1]), 2, null, null), Cancel));
        }

        // Where the definition says so, the sink stops instead.
        await using var strict = await new AdoSinkFactory(Connect(Options)).OpenAsync(spec with { StopOnReject = true }, "strict", Cancel);
        await Assert.ThrowsAsync<SinkConfigurationException>(() => RepeatAsync(() => strict.WriteAsync(odd, Cancel)));
        Assert.Equal(["2|ok|1"], await ReadTextsAsync(spec));
    }

    /// <summary>The system's time; counts timers of under 100 ms, which only a pause has here.</summary>
    private sealed class Waits : TimeProvider
    {
        public int Short { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime > TimeSpan.Zero && dueTime < TimeSpan.FromMilliseconds(100)) Short++;
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }

    private async Task<List<long>> HitsAsync()
    {
        var hits = new List<long>();
        await Database.ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync("SELECT n FROM hits ORDER BY n", r => hits.Add(Convert.ToInt64(r.GetValue(0), System.Globalization.CultureInfo.InvariantCulture)), token);
                return true;
            },
            Cancel);
        return hits;
    }
}
