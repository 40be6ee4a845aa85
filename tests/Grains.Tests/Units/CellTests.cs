using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Cells;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>What a cell admits, and what its owner remembers of it.</summary>
public sealed class CellTests
{
    private static readonly IReadOnlyList<StoredCell> State = [];

    [Fact]
    public void Numbers_ascend_by_one_within_an_epoch()
    {
        var guard = Restored(epoch: 3, number: 1);
        Assert.Equal(CellAnswer.Ok, Call(guard, 3, 2));
        Assert.Equal(CellAnswer.Ok, Call(guard, 3, 3));
        Assert.Equal(CellAnswer.Lost, Call(guard, 3, 5));
    }

    [Fact]
    public void A_repeated_number_is_lost_since_the_call_may_have_been_taken_in()
    {
        var guard = Restored(epoch: 3, number: 4);
        Assert.Equal(CellAnswer.Lost, Call(guard, 3, 4));
    }

    [Fact]
    public void A_cell_that_holds_nothing_is_lost_until_it_is_given_its_state()
    {
        var guard = new CellGuard();
        Assert.Equal(CellAnswer.Lost, Call(guard, 1, 7));
        Assert.Equal(CellAnswer.Ok, guard.Admit(new CellCall(1, 8, State, 7), out var restore));
        Assert.True(restore);
        Assert.Equal(CellAnswer.Ok, Call(guard, 1, 9));
    }

    [Fact]
    public void A_new_epoch_begins_with_the_stored_state()
    {
        var guard = Restored(epoch: 3, number: 1);
        Assert.Equal(CellAnswer.Lost, Call(guard, 4, 2));
        Assert.Equal(CellAnswer.Ok, guard.Admit(new CellCall(4, 1, State, 7), out var restore));
        Assert.True(restore);
        Assert.Equal(CellAnswer.Ok, Call(guard, 4, 2));
    }

    [Fact]
    public void An_older_epoch_is_fenced_even_when_it_brings_state()
    {
        var guard = Restored(epoch: 3, number: 1);
        Assert.Equal(CellAnswer.Fenced, Call(guard, 2, 2));
        Assert.Equal(CellAnswer.Fenced, guard.Admit(new CellCall(2, 1, State, 7), out var restore));
        Assert.False(restore);
        Assert.Equal(CellAnswer.Ok, Call(guard, 3, 2));
    }

    [Fact]
    public void A_distrusted_cell_is_lost_until_it_is_given_its_state()
    {
        var guard = Restored(epoch: 3, number: 1);
        guard.Distrust();
        Assert.Equal(CellAnswer.Lost, Call(guard, 3, 2));
        Assert.Equal(CellAnswer.Ok, guard.Admit(new CellCall(3, 3, State, 7), out _));
        Assert.Equal(CellAnswer.Ok, Call(guard, 3, 4));
    }

    [Fact]
    public void Calls_of_an_owner_are_numbered_from_one()
    {
        var cell = new CellEntry("a");
        Assert.False(cell.Held);
        Assert.Equal(new CellCall(9, 1, State, 7), cell.NextCall(9, State, 7));
        Assert.True(cell.Held);
        Assert.Equal(new CellCall(9, 2, null, 7), cell.NextCall(9, null, 7));
    }

    [Fact]
    public void Sort_writes_what_has_a_payload_and_deletes_what_was_stored()
    {
        var cell = new CellEntry("a") { Changed = true };
        var (upserts, deletes) = Sort(cell, new ChangedPart(0, [1], 50), new ChangedPart(1, [2], null), new ChangedPart(2, null, null));
        Assert.Equal([new CellId("s", "a", 0), new CellId("s", "a", 1)], upserts.Select(u => u.Id));
        Assert.Equal([50L, null], upserts.Select(u => u.DueAt));
        // Part 2 never was in the store.
        Assert.Empty(deletes);
        Assert.True(cell.Stored);
        Assert.True(cell.Saving);
        Assert.False(cell.Changed);
        Assert.False(cell.IsDurable);

        cell.Saving = false;
        Assert.True(cell.IsDurable);
        (upserts, deletes) = Sort(cell, new ChangedPart(0, null, null));
        Assert.Empty(upserts);
        Assert.Equal([new CellId("s", "a", 0)], deletes);
        Assert.True(cell.Stored);

        (_, deletes) = Sort(cell, new ChangedPart(1, null, null));
        Assert.Equal([new CellId("s", "a", 1)], deletes);
        Assert.False(cell.Stored);
    }

    [Fact]
    public void A_cell_retires_by_its_latest_part_and_never_when_a_part_has_no_end()
    {
        var cell = new CellEntry("a");
        Sort(cell, new ChangedPart(0, [1], 70), new ChangedPart(1, [1], 50));
        Assert.Equal(70, cell.LastDue);
        Sort(cell, new ChangedPart(2, [1], null));
        Assert.Equal(long.MaxValue, cell.LastDue);
    }

    private static (List<CellState> Upserts, List<CellId> Deletes) Sort(CellEntry cell, params ChangedPart[] parts)
    {
        var upserts = new List<CellState>();
        var deletes = new List<CellId>();
        cell.Sort("s", parts, upserts, deletes);
        return (upserts, deletes);
    }

    private static CellGuard Restored(long epoch, long number)
    {
        var guard = new CellGuard();
        Assert.Equal(CellAnswer.Ok, guard.Admit(new CellCall(epoch, number, State, 7), out var restore));
        Assert.True(restore);
        return guard;
    }

    private static CellAnswer Call(CellGuard guard, long epoch, long number)
    {
        var answer = guard.Admit(new CellCall(epoch, number, null, 7), out var restore);
        Assert.False(restore);
        return answer;
    }
}
