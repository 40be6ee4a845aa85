using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>What a lane has written is kept with its progress.</content>
public abstract partial class SinkConformance
{
    [Fact]
    public async Task What_a_lane_has_written_outlives_its_writers_and_is_committed_with_the_rows()
    {
        await ExecuteAsync(LimitedTable);
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]);
        Assert.Null(await CountsAsync(spec, prepare: true));
        await using (var lane = await Factory.OpenAsync(spec, "0", Cancel))
        {
            await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [1, "ok", 1], [2, "ok", 1], [3, "too long", 1]), 3, null, null), Cancel);
            Assert.Equal(new LaneCounts(2, 0, 1), await CountsAsync(spec));
        }

        await using var heir = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new LaneLease(2, 3, 1) { Written = 2 }, heir.Lease);
        await heir.WriteAsync(new SinkWrite(Rows.Block(Limited, [2, "ok", 1], [4, "ok", 1]), 4, null, null), Cancel);
        Assert.Equal(new LaneCounts(3, 1, 1), await CountsAsync(spec));

        // Rows that are rolled back are not counted.
        await CloseTableAsync();
        object?[][] refused = [.. Enumerable.Range(10, 50).Select(i => (object?[])[i, "ok", 1])];
        await Assert.ThrowsAsync<SinkUnavailableException>(() => heir.WriteAsync(new SinkWrite(Rows.Block(Limited, refused), 60, null, null), Cancel));
        Assert.Equal(new LaneCounts(3, 1, 1), await CountsAsync(spec));
    }

    [Fact]
    public async Task Tables_of_version_0_1_get_what_is_new_and_keep_what_is_there()
    {
        var old = File.ReadAllText(TestSupport.RepoPaths.Under("tests", "Storage.Tests", "Golden", "v0.1", $"{Options.Provider.ToText()}.sql"));
        await SchemaScripts.RunTextAsync(Database, old, Cancel);
        await ExecuteAsync("INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined, updated_at) VALUES ('p/s/0', 3, 7, 41, 2, CURRENT_TIMESTAMP)");
        await ExecuteAsync(LimitedTable);
        var spec = Spec("limited", Limited, SinkMode.Append, ["id"]) with { Create = false };

        // Whoever may not make tables is told what to run, and kor plan prints it.
        var refused = await Assert.ThrowsAsync<SinkConfigurationException>(() => Factory.PrepareAsync(spec, Cancel));
        Assert.Contains($"run deploy/sql/{Options.Provider.ToText()}/sink.sql again, which keeps what is there, or set create: true", refused.Message);
        var printed = Assert.Single((await Factory.PlanAsync(spec, Cancel)).Statements);
        Assert.Equal(SchemaScripts.Read(Options.Provider, SchemaScripts.Sink), printed);

        // Several silos start at once.
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Factory.PrepareAsync(spec with { Create = true }, Cancel)));
        await Factory.PrepareAsync(spec, Cancel);
        Assert.Empty((await Factory.PlanAsync(spec, Cancel)).Statements);
        await using var lane = await Factory.OpenAsync(spec, "0", Cancel);
        Assert.Equal(new LaneLease(4, 41, 2), lane.Lease);
        await lane.WriteAsync(new SinkWrite(Rows.Block(Limited, [1, "ok", 1]), 42, null, null), Cancel);
        Assert.Equal(new LaneCounts(1, 0, 2), await CountsAsync(spec));

        // A silo of version 0.1 makes lanes as it did.
        await ExecuteAsync("INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined, updated_at) VALUES ('p/s/1', 1, 0, -1, 0, CURRENT_TIMESTAMP)");
        Assert.Equal(new LaneCounts(0, 0, 0), await Factory.CountsAsync(spec, "1", Cancel));
    }

    private async Task<LaneCounts?> CountsAsync(SinkSpec spec, bool prepare = false)
    {
        if (prepare) await Factory.PrepareAsync(spec, Cancel);
        return await Factory.CountsAsync(spec, "0", Cancel);
    }
}
