using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Tests;

/// <summary>What every database's state store must do.</summary>
public abstract class StateStoreConformance : IAsyncLifetime
{
    private Database _database = null!;
    private AdoStateStore _store = null!;

    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract Task<Database> CreateAsync();

    public async ValueTask InitializeAsync()
    {
        _database = await CreateAsync();
        await StateSchema.EnsureAsync(_database, create: true, Cancel);
        _store = new AdoStateStore(_database);
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_first_owner_has_epoch_1_and_no_header_and_each_reign_is_higher()
    {
        var first = await _store.AcquireAsync("p/partition/t/0", Cancel);
        var second = await _store.AcquireAsync("p/partition/t/0", Cancel);

        Assert.Equal(new OwnerLease("p/partition/t/0", 1, null), first);
        Assert.Equal(2, second.Epoch);
        Assert.Null(await _store.PeekAsync("p/partition/t/1", Cancel));
        Assert.Equal(2, (await _store.PeekAsync("p/partition/t/0", Cancel))!.Epoch);
    }

    [Fact]
    public async Task Sessions_that_raise_one_epoch_at_once_get_an_epoch_each()
    {
        // Of a row that none of them has seen, then of one that all of them wait for.
        for (var round = 0; round < 2; round++)
        {
            var leases = await Task.WhenAll(Enumerable.Range(0, 8).Select(
                _ => Task.Run(() => _store.AcquireAsync("p/partition/t/0", Cancel), Cancel)));
            Assert.Equal(Enumerable.Range((8 * round) + 1, 8).Select(i => (long)i), leases.Select(l => l.Epoch).Order());
        }
    }

    [Fact]
    public async Task A_checkpoint_is_read_back_as_it_was_written()
    {
        var lease = await _store.AcquireAsync("o", Cancel);
        var big = new byte[300_000];
        new Random(1).NextBytes(big);
        await _store.CommitAsync(
            new CheckpointWrite
            {
                Owner = "o",
                Epoch = lease.Epoch,
                Header = [1, 0, 255],
                Upserts =
                [
                    Cell("s", "a", 0, [1], 100), Cell("s", "a", 1, big, null), Cell("s", "b", 0, [2], -5),
                    Cell("s", "", 0, [3], 0), Cell("s2", "a", 0, [], long.MaxValue),
                        Cell("s", "ключ 🔑'\"%_", 0, [4], 1),
                ],
                OutboxAdds = [new(2, "sink", [9]), new(1, "sink", big)],
            },
            Cancel);

        Assert.Equal([1, 0, 255], (await _store.PeekAsync("o", Cancel))!.Header!);
        var asked = await _store.ReadCellsAsync(
            "o",
            [new("s", "a", -1), new("s", "b", 0), new("s", "", 0), new("s", "missing", 0), new("s", "b", 7),
                new("s2", "a", 0), new("s", "ключ 🔑'\"%_", 0)],
            Cancel);
        Assert.Equal(
            ["s//0:0:03", "s/a/0:100:01", $"s/a/1::{Convert.ToHexString(big)}", "s/b/0:-5:02",
                "s/ключ 🔑'\"%_/0:1:04", $"s2/a/0:{long.MaxValue}:"],
            asked.Select(Text).Order(StringComparer.Ordinal));

        var all = await _store.ListCellsAsync("o", Cancel);
        Assert.Equal(6, all.Count);
        Assert.Equal(100, all.Single(c => c.Id == new CellId("s", "a", 0)).DueAt);
        Assert.Null(all.Single(c => c.Id == new CellId("s", "a", 1)).DueAt);

        var outbox = await _store.ReadOutboxAsync("o", Cancel);
        Assert.Equal([1, 2], outbox.Select(e => e.Sequence));
        Assert.Equal(big, outbox[0].Payload);
        Assert.Equal("sink", outbox[1].Sink);
    }

    [Fact]
    public async Task Cells_are_replaced_and_deleted_and_absent_deletes_are_no_error()
    {
        var lease = await _store.AcquireAsync("o", Cancel);
        await CommitAsync(lease.Epoch, [Cell("s", "a", 0, [1], 1), Cell("s", "b", 0, [1], 1)], []);
        await CommitAsync(lease.Epoch, [Cell("s", "a", 0, [2], null)], [new("s", "b", 0), new("s", "never", 3)]);

        var cells = await _store.ReadCellsAsync("o", [new("s", "a", 0), new("s", "b", 0)], Cancel);
        Assert.Equal("s/a/0::02", Text(Assert.Single(cells)));
        Assert.Single(await _store.ListCellsAsync("o", Cancel));
    }

    [Fact]
    public async Task The_same_checkpoint_twice_is_the_same_as_once()
    {
        var lease = await _store.AcquireAsync("o", Cancel);
        await _store.CommitAsync(Outbox(lease.Epoch, adds: [new(1, "x", [1]), new(2, "x", [2])]), Cancel);
        var again = new CheckpointWrite
        {
            Owner = "o", Epoch = lease.Epoch, Header = [7],
            Upserts = [Cell("s", "a", 0, [1], 1)], Deletes = [new("s", "b", 0)],
            OutboxAdds = [new(3, "x", [3])], OutboxDrops = [1, 2],
        };
        await _store.CommitAsync(again, Cancel);
        await _store.CommitAsync(again, Cancel);

        Assert.Equal([3], (await _store.ReadOutboxAsync("o", Cancel)).Select(e => e.Sequence));
        Assert.Single(await _store.ListCellsAsync("o", Cancel));
    }

    [Fact]
    public async Task A_zombies_checkpoint_is_fenced_and_leaves_nothing()
    {
        var zombie = await _store.AcquireAsync("o", Cancel);
        await CommitAsync(zombie.Epoch, [Cell("s", "a", 0, [1], 1)], []);
        var heir = await _store.AcquireAsync("o", Cancel);

        var fenced = await Assert.ThrowsAsync<EpochFencedException>(
            () => CommitAsync(zombie.Epoch, [Cell("s", "a", 0, [66], 1), Cell("s", "z", 0, [66], 1)], []));
        Assert.Equal(zombie.Epoch, fenced.Epoch);
        await CommitAsync(heir.Epoch, [Cell("s", "c", 0, [2], 1)], []);

        var cells = await _store.ReadCellsAsync("o", [new("s", "a", 0), new("s", "z", 0), new("s", "c", 0)], Cancel);
        Assert.Equal(["s/a/0:1:01", "s/c/0:1:02"], cells.Select(Text).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Sixteen_racing_first_owners_get_sixteen_epochs()
    {
        for (var round = 0; round < 5; round++)
        {
            var owner = $"race/{round}";
            using var gate = new ManualResetEventSlim();
            var racers = Enumerable.Range(0, 16)
                .Select(_ => Task.Run(
                    () =>
                    {
                        gate.Wait(Cancel);
                        return _store.AcquireAsync(owner, Cancel);
                    }, Cancel))
                .ToArray();
            gate.Set();
            var leases = await Task.WhenAll(racers);

            Assert.Equal(Enumerable.Range(1, 16).Select(e => (long)e), leases.Select(l => l.Epoch).Order());
        }
    }

    [Fact]
    public async Task Of_two_owners_that_fight_only_the_reigning_ones_checkpoints_count()
    {
        // Each task takes over and commits until it is fenced; what is stored must be one reign's whole checkpoint.
        var committed = new System.Collections.Concurrent.ConcurrentDictionary<long, int>();
        await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            for (var reign = 0; reign < 20; reign++)
            {
                var lease = await _store.AcquireAsync("fight", Cancel);
                try
                {
                    for (var n = 1; n <= 5; n++)
                    {
                        var mark = BitConverter.GetBytes((lease.Epoch * 1000) + n);
                        await _store.CommitAsync(
                            new CheckpointWrite
                            {
                                Owner = "fight", Epoch = lease.Epoch, Header = mark,
                                Upserts = [.. Enumerable.Range(0, 20).Select(c => Cell("s", $"c{c}", 0, mark, null))],
                            },
                            Cancel);
                        committed[lease.Epoch] = n;
                    }
                }
                catch (EpochFencedException)
                {
                    // The other one reigns now.
                }
            }
        })));

        var end = (await _store.PeekAsync("fight", Cancel))!;
        var cells = await _store.ReadCellsAsync(
            "fight", [.. Enumerable.Range(0, 20).Select(c => new CellId("s", $"c{c}", 0))], Cancel);
        Assert.Equal(20, cells.Count);
        Assert.All(cells, c => Assert.Equal(end.Header, c.Payload));
        Assert.Equal((committed.Keys.Max() * 1000) + committed[committed.Keys.Max()], BitConverter.ToInt64(end.Header));
    }

    [Fact]
    public async Task Reset_drops_the_state_of_a_prefix_and_fences_who_still_acts()
    {
        foreach (var owner in (string[])["orders/a", "orders/b", "orders2/a", "orders%/x"])
        {
            var lease = await _store.AcquireAsync(owner, Cancel);
            await _store.CommitAsync(
                new CheckpointWrite
                {
                    Owner = owner, Epoch = lease.Epoch, Header = [1],
                    Upserts = [Cell("s", "c", 0, [1], 1)], OutboxAdds = [new(1, "x", [1])],
                },
                Cancel);
        }

        await _store.ResetAsync("orders/", Cancel);

        Assert.Equal(new OwnerLease("orders/a", 2, null), await _store.PeekAsync("orders/a", Cancel));
        Assert.Empty(await _store.ListCellsAsync("orders/b", Cancel));
        Assert.Empty(await _store.ReadOutboxAsync("orders/b", Cancel));
        Assert.Single(await _store.ListCellsAsync("orders2/a", Cancel));
        Assert.Single(await _store.ReadOutboxAsync("orders%/x", Cancel));
        await Assert.ThrowsAsync<EpochFencedException>(
            () => _store.CommitAsync(new CheckpointWrite { Owner = "orders/a", Epoch = 1, Header = [1] }, Cancel));
    }

    [Fact]
    public async Task Thousands_of_cells_of_mixed_sizes_go_through_one_checkpoint()
    {
        var lease = await _store.AcquireAsync("big", Cancel);
        var random = new Random(7);
        var cells = Enumerable.Range(0, 6000)
            .Select(i =>
            {
                var payload = new byte[i % 500 == 0 ? 200_000 : random.Next(1, 400)];
                random.NextBytes(payload);
                return Cell("s", $"key-{i}", i % 3, payload, i % 2 == 0 ? i : null);
            })
            .ToList();
        await _store.CommitAsync(
            new CheckpointWrite { Owner = "big", Epoch = lease.Epoch, Header = [1], Upserts = cells }, Cancel);

        var read = await _store.ReadCellsAsync("big", [.. cells.Select(c => c.Id)], Cancel);
        Assert.Equal(
            cells.Select(Text).Order(StringComparer.Ordinal), read.Select(Text).Order(StringComparer.Ordinal));
        await _store.CommitAsync(
            new CheckpointWrite { Owner = "big", Epoch = lease.Epoch, Header = [1], Deletes = [.. cells.Select(c => c.Id)] },
            Cancel);
        Assert.Empty(await _store.ListCellsAsync("big", Cancel));
    }

    [Fact]
    public async Task What_occupies_the_database_is_told_by_pipeline_and_kind()
    {
        foreach (var owner in (string[])["p/shard/s/0", "p/shard/s/1", "pp/partition/t/0", "@control/catalog/kor.catalog/0"])
        {
            var lease = await _store.AcquireAsync(owner, Cancel);
            await _store.CommitAsync(
                new CheckpointWrite
                {
                    Owner = owner, Epoch = lease.Epoch, Header = [1, 2], Upserts = owner[0] == '@' ? [] : [Cell("s", "a", 0, [1, 2, 3], 1), Cell("s", "b", 0, [4], 1)],
                    OutboxAdds = owner == "p/shard/s/1" ? [new(1, "sink", [1, 2, 3, 4])] : [],
                },
                Cancel);
        }

        var found = await new StateInventory(_database).ListAsync(Cancel);
        var sized = found.Any(f => f.Bytes is not null);
        Assert.Equal(
            [
                new StateShare("", StateKind.Control, null, 1, Of(2)), new StateShare("p", StateKind.Owner, null, 2, Of(4)),
                new StateShare("p", StateKind.Cell, "s", 4, Of(8)), new StateShare("p", StateKind.Outbox, null, 1, Of(4)),
                new StateShare("pp", StateKind.Owner, null, 1, Of(2)), new StateShare("pp", StateKind.Cell, "s", 2, Of(4)),
            ],
            found);

        long? Of(long bytes) => sized ? bytes : null;
    }

    [Fact]
    public async Task The_schema_is_checked_and_a_wrong_version_names_the_script()
    {
        await StateSchema.EnsureAsync(_database, create: false, Cancel);
        await _database.WriteAsync(
            (session, token) => session.ExecuteAsync("UPDATE kor_schema SET version = 0", token), Cancel);

        var old = await Assert.ThrowsAsync<ConnectionConfigurationException>(
            () => StateSchema.EnsureAsync(_database, create: true, Cancel));
        Assert.Contains("schema version 0 found, 1 needed: run deploy/sql/", old.Message);
    }

    [Fact]
    public async Task A_cell_written_twice_in_one_checkpoint_is_the_callers_error()
    {
        var lease = await _store.AcquireAsync("o", Cancel);
        await Assert.ThrowsAsync<ArgumentException>(
            () => CommitAsync(lease.Epoch, [Cell("s", "a", 0, [1], 1), Cell("s", "a", 0, [2], 1)], []));
        await Assert.ThrowsAsync<ArgumentException>(
            () => CommitAsync(lease.Epoch, [Cell("s", new string('x', 201), 0, [1], 1)], []));
    }

    protected static CellState Cell(string step, string cell, long part, byte[] payload, long? due) =>
        new(new CellId(step, cell, part), payload, due);

    private static string Text(CellState c) =>
        new StringBuilder().Append(c.Id.Step).Append('/').Append(c.Id.Cell).Append('/').Append(c.Id.Part)
            .Append(':').Append(c.DueAt).Append(':').Append(Convert.ToHexString(c.Payload)).ToString();

    private static CheckpointWrite Outbox(long epoch, IReadOnlyList<OutboxEntry> adds) =>
        new() { Owner = "o", Epoch = epoch, Header = [1], OutboxAdds = adds };

    private Task CommitAsync(long epoch, IReadOnlyList<CellState> upserts, IReadOnlyList<CellId> deletes) =>
        _store.CommitAsync(
            new CheckpointWrite { Owner = "o", Epoch = epoch, Header = [1], Upserts = upserts, Deletes = deletes }, Cancel);
}

public sealed class PostgresStateStoreTests(PostgresFixture postgres) : StateStoreConformance
{
    protected override Task<Database> CreateAsync() => postgres.CreateAsync();
}

public sealed class SqliteStateStoreTests : StateStoreConformance
{
    protected override Task<Database> CreateAsync() => Task.FromResult(SqliteFile.Create());
}
