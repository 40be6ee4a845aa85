using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Dedup;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>A dedup shard's promise: what it says is durable, and said again when it is asked again.</summary>
public sealed class DedupOwnerTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Store _store = new();
    private readonly Pipeline _pipeline = new();

    [Fact]
    public void Nothing_is_told_before_it_is_durable() => OneThread.Run(async () =>
    {
        var owner = Make();
        _store.Hold = new TaskCompletionSource();
        var claim = owner.ClaimAsync(Claim("t/0", 1, 0, 7));
        await SettleAsync();
        Assert.Equal((1, false), (_store.Commits.Count, claim.IsCompleted));
        _store.Hold.SetResult();
        var reply = await claim;
        Assert.Equal((DedupAnswer.Ok, 0), (reply.Answer, reply.Duplicates.Length));
        reply = await owner.ClaimAsync(Claim("t/1", 1, 0, 7));
        Assert.Equal([0], reply.Duplicates);
        owner.Assert();
    });

    [Fact]
    public void What_was_decided_while_a_commit_is_under_way_goes_into_the_next_one() => OneThread.Run(async () =>
    {
        var owner = Make();
        _store.Hold = new TaskCompletionSource();
        var first = owner.ClaimAsync(Claim("t/0", 1, 0, 7));
        await SettleAsync();
        Task<DedupReply>[] others = [owner.ClaimAsync(Claim("t/1", 1, 0, 8)), owner.ClaimAsync(Claim("t/2", 1, 0, 9))];
        await SettleAsync();
        Assert.Single(_store.Commits);
        _store.Hold.SetResult();
        _store.Hold = null;
        await first;
        await Task.WhenAll(others);
        Assert.Equal(2, _store.Commits.Count);
    });

    [Fact]
    public void A_store_that_does_not_answer_makes_it_busy_and_the_same_write_is_repeated() => OneThread.Run(async () =>
    {
        var owner = Make();
        _store.Faults.Enqueue(new StoreUnavailableException("away", new IOException()));
        var reply = await owner.ClaimAsync(Claim("t/0", 1, 0, 7));
        Assert.Equal((DedupAnswer.Busy, "away", Condition.Blocked), (reply.Answer, reply.Reason, owner.Condition));
        await AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Same(_store.Commits[0], _store.Commits[1]);
        Assert.Equal(Condition.Running, owner.Condition);
        // Asked again, it answers as it had decided.
        Assert.Equal((DedupAnswer.Ok, 0), ((reply = await owner.ClaimAsync(Claim("t/0", 1, 0, 7))).Answer, reply.Duplicates.Length));
    });

    [Fact]
    public void A_commit_that_is_fenced_ends_the_term_and_leaves_the_shard_to_the_newer_owner() => OneThread.Run(async () =>
    {
        var owner = Make();
        _store.Faults.Enqueue(new EpochFencedException("o", 1));
        Assert.Equal(DedupAnswer.Busy, (await owner.ClaimAsync(Claim("t/0", 1, 0, 7))).Answer);
        Assert.Null(owner.Term);
        Assert.Equal(["began 1", "superseded", "starts over 1 Fenced", "ended 1"], _pipeline.Log);
    });

    [Fact]
    public void A_partition_whose_epoch_is_over_is_refused() => OneThread.Run(async () =>
    {
        var owner = Make();
        await owner.ClaimAsync(Claim("t/0", 2, 0, 7));
        Assert.Equal(DedupAnswer.Fenced, (await owner.ClaimAsync(Claim("t/0", 1, 0, 7))).Answer);
    });

    [Fact]
    public void A_shard_that_is_stopped_while_it_begins_does_not_own_afterwards() => OneThread.Run(async () =>
    {
        var owner = Make();
        _store.HoldAcquire = new TaskCompletionSource();
        var claim = owner.ClaimAsync(Claim("t/0", 1, 0, 7));
        await SettleAsync();
        var stop = owner.StopAsync();
        _store.HoldAcquire.SetResult();
        await stop;
        Assert.Equal(DedupAnswer.Busy, (await claim).Answer);
        await SettleAsync();
        Assert.Equal((null, Condition.Stopped), (owner.Term, owner.Condition));
    });

    private DedupOwner Make() => new(new DedupIdentity("o", "unique"), _pipeline, _store, _pipeline, TestSink.Context(_time));

    private static DedupClaim Claim(string source, long epoch, long offset, ulong id) => new(
        new Epoch(epoch), new DedupSpan(source, null, offset + 1, 0, 0), new DedupRows(1, [id], [0], [1000], [offset]));

    private async Task AdvanceAsync(TimeSpan step)
    {
        _time.Advance(step);
        await SettleAsync();
    }

    private static async Task SettleAsync()
    {
        for (var turn = 0; turn < 50; turn++) await Task.Yield();
    }

    private sealed class Pipeline : IDedupPorts, IOwnerEvents
    {
        public List<string> Log { get; } = [];

        public Task<long> WithinAsync(CancellationToken stopping) => Task.FromResult(60_000L);

        public Task<IReadOnlyList<string>> SourcesAsync(CancellationToken stopping) => Task.FromResult<IReadOnlyList<string>>([]);

        public void Became(Condition condition, string? reason)
        {
        }

        public void Began(Epoch epoch, int cells) => Log.Add($"began {epoch}");

        public void Ended(Epoch epoch) => Log.Add($"ended {epoch}");

        public void StartsOver(Epoch epoch, FaultKind kind, Exception reason) => Log.Add($"starts over {epoch} {kind}");

        public void Checkpointed(TimeSpan took)
        {
        }

        public void CheckpointFailed()
        {
        }

        public void Superseded() => Log.Add("superseded");
    }

    private sealed class Store : IStateStore
    {
        private long _epoch;

        public List<CheckpointWrite> Commits { get; } = [];

        public Queue<Exception> Faults { get; } = [];

        public TaskCompletionSource? Hold { get; set; }

        public TaskCompletionSource? HoldAcquire { get; set; }

        public async Task<OwnerLease> AcquireAsync(string owner, CancellationToken cancellation)
        {
            if (HoldAcquire is { } hold) await hold.Task;
            return new OwnerLease(owner, ++_epoch, null);
        }

        public async Task CommitAsync(CheckpointWrite checkpoint, CancellationToken cancellation)
        {
            Commits.Add(checkpoint);
            if (Hold is { } hold) await hold.Task;
            if (Faults.TryDequeue(out var fault)) throw fault;
        }

        public Task<IReadOnlyList<(CellId Id, long? DueAt)>> ListCellsAsync(string owner, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<(CellId, long?)>>([]);

        public Task<IReadOnlyList<CellState>> ReadCellsAsync(string owner, IReadOnlyCollection<CellId> cells, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<CellState>>([]);

        public Task ListCellsAsync(string owner, Action<CellId, long?> take, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<IReadOnlyList<OutboxEntry>> ReadOutboxAsync(string owner, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<OwnerLease?> PeekAsync(string owner, CancellationToken cancellation) => throw new NotSupportedException();

        public Task ResetAsync(string ownerPrefix, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
