using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>The life that all owners share: a term is there whole or not at all.</summary>
public sealed class OwnerTests
{
    private readonly List<FakeTerm> _made = [];
    private TaskCompletionSource _load = NewGate();
    private Exception? _fault;

    [Fact]
    public void A_life_knows_its_legal_moves_and_refuses_all_others()
    {
        var states = Enum.GetValues<OwnerState>();
        var legal = (from a in states from b in states where OwnerLife.IsLegal(a, b) select $"{a}>{b}").ToArray();
        Assert.Equal(
            [
                "Idle>Acquiring", "Idle>GaveUp", "Acquiring>Loading", "Acquiring>Ending", "Loading>Seeking", "Loading>Running", "Loading>Ending",
                "Seeking>Running", "Seeking>Ending", "Running>Ending", "Ending>Idle", "GaveUp>Idle",
            ],
            legal);
        var life = new OwnerLife();
        Assert.Contains("from Idle to Running", Assert.Throws<InvalidOperationException>(() => life.Move(OwnerState.Running)).Message);
        Assert.Equal(OwnerState.Idle, life.State);
    }

    [Fact]
    public void All_who_ask_while_it_begins_get_the_one_term() => OneThread.Run(async () =>
    {
        var owner = Make();
        var (one, two) = (OwnAsync(owner), OwnAsync(owner));
        await UntilAsync(() => owner.State == OwnerState.Loading);
        Assert.Null(owner.Term);
        owner.Assert();
        _load.SetResult();
        Assert.Same(await one, await two);
        Assert.Same(_made.Single(), owner.Term);
        Assert.Equal(OwnerState.Running, owner.State);
        owner.Assert();
    });

    /// <summary>The hang of before: a flag that said "owned" before the last wait of the beginning, and a beginning that failed there.</summary>
    [Fact]
    public void A_beginning_that_fails_leaves_nothing_and_the_next_call_begins_anew() => OneThread.Run(async () =>
    {
        var owner = Make();
        _fault = new TimeoutException("The seek got lost.");
        var beginning = OwnAsync(owner);
        _load.SetResult();
        await Assert.ThrowsAsync<TimeoutException>(() => beginning);
        Assert.Equal((null, OwnerState.Idle), (owner.Term, owner.State));
        owner.Assert();
        _fault = null;
        Assert.Same(await OwnAsync(owner), owner.Term);
    });

    [Fact]
    public void An_owner_that_is_stopped_while_it_begins_has_no_term_afterwards() => OneThread.Run(async () =>
    {
        var owner = Make();
        var beginning = OwnAsync(owner);
        await UntilAsync(() => owner.State == OwnerState.Loading);
        var ending = owner.EndAsync();
        // What it waits for answers all the same, in whichever order.
        _load.SetResult();
        await ending;
        await Assert.ThrowsAsync<OwnerStoppedException>(() => beginning);
        Assert.Equal((null, OwnerState.Idle), (owner.Term, owner.State));
        Assert.All(_made, t => Assert.True(t.Disposed));
        Assert.NotNull(await OwnAsync(owner));
    });

    [Fact]
    public void A_stop_before_the_first_turn_of_a_beginning_is_not_overtaken_by_it() => OneThread.Run(async () =>
    {
        var owner = Make();
        var beginning = OwnAsync(owner);
        await owner.EndAsync();
        await Assert.ThrowsAsync<OwnerStoppedException>(() => beginning);
        Assert.Null(owner.Term);
        Assert.Empty(_made);
    });

    [Fact]
    public void A_term_ends_before_the_next_begins_and_what_the_earlier_one_says_late_changes_nothing() => OneThread.Run(async () =>
    {
        var owner = Make();
        _load.SetResult();
        var first = await OwnAsync(owner);
        first.Leaves = NewGate();
        var ending = owner.EndAsync(first);
        Assert.Equal((null, OwnerState.Ending), (owner.Term, owner.State));
        var next = OwnAsync(owner);
        for (var turn = 0; turn < 100; turn++) await Task.Yield();
        Assert.Single(_made);
        first.Leaves.SetResult();
        await ending;
        var second = await next;
        Assert.NotSame(first, second);
        await owner.EndAsync(first);
        Assert.Same(second, owner.Term);
    });

    [Fact]
    public void An_owner_that_gave_up_begins_no_term_until_an_operator_has_seen_to_it() => OneThread.Run(async () =>
    {
        var owner = Make();
        _load.SetResult();
        await OwnAsync(owner);
        await owner.GiveUpAsync();
        Assert.True(_made.Single().Disposed);
        await Assert.ThrowsAsync<OwnerStoppedException>(() => OwnAsync(owner));
        owner.Revive();
        Assert.NotNull(await OwnAsync(owner));
    });

    private Owner<FakeTerm> Make() => new(async birth =>
    {
        birth.Enter(OwnerState.Loading);
        await _load.Task;
        if (_fault is not null) throw _fault;
        _made.Add(new FakeTerm());
        return _made[^1];
    });

    private static Task<FakeTerm> OwnAsync(Owner<FakeTerm> owner) => owner.OwnAsync(TestContext.Current.CancellationToken).AsTask();

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var turn = 0; !condition(); turn++)
        {
            Assert.True(turn < 1000, "Waited in vain.");
            await Task.Yield();
        }
    }

    private static TaskCompletionSource NewGate() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class FakeTerm : ITerm
    {
        public bool Disposed { get; private set; }

        public TaskCompletionSource? Leaves { get; set; }

        public void Assert()
        {
            if (Disposed) throw new InvariantException("An owner has a term that is over.");
        }

        public async ValueTask DisposeAsync()
        {
            Disposed = true;
            if (Leaves is not null) await Leaves.Task;
        }
    }
}
