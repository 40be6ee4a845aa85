using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Protocol.Cells;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Which cells go when they take more memory than they may.</summary>
public sealed class HeldCellsTests
{
    private long _budget = 3 * HeldCells.Cost;
    private bool _tight;

    [Fact]
    public void The_coldest_goes_first_and_only_while_there_is_too_little_room()
    {
        var held = Owner(Memory());
        var (a, b, c, d) = (Touched(held, "a"), Touched(held, "b"), Touched(held, "c"), Touched(held, "d"));
        held.Touch(a);
        Assert.Equal([b], Go(held));
        Assert.False(held.IsOver);
        Assert.Equal(3, held.Count);
        _budget = HeldCells.Cost;
        Assert.Equal([c, d], Go(held));
        _budget = 0;
        Assert.Equal([a], Go(held));
        Assert.Equal(0, held.Count);
    }

    [Fact]
    public void What_is_not_durable_stays()
    {
        var held = Owner(Memory());
        var (a, b) = (Touched(held, "a"), Touched(held, "b"));
        _budget = 0;
        (a.Changed, b.Saving) = (true, true);
        Assert.Empty(Go(held));
        Assert.True(held.IsOver);
        a.Changed = false;
        Assert.Equal([a], Go(held));
        b.Saving = false;
        Assert.Equal([b], Go(held));
    }

    [Fact]
    public void State_counts_and_what_goes_gives_all_of_it_back()
    {
        var memory = Memory();
        var held = Owner(memory);
        var a = Touched(held, "a");
        held.Grew(a, a.Grown(100_000));
        Assert.Equal(HeldCells.Cost + 100_000, memory.Bytes);
        Assert.Equal([a], Go(held));
        Assert.Equal(0, memory.Bytes);
        // It comes back with what it held.
        held.Touch(a);
        Assert.Equal(HeldCells.Cost + 100_000, memory.Bytes);
        held.Clear();
        Assert.Equal(0, memory.Bytes);
    }

    /// <summary>A busy owner may have what idle ones leave; when there is no more, each has its share.</summary>
    [Fact]
    public void Owners_share_what_there_is()
    {
        var memory = Memory();
        var (busy, idle) = (Owner(memory), Owner(memory));
        for (var i = 0; i < 3; i++) Touched(busy, $"b{i}");
        Assert.Empty(Go(busy));
        Touched(idle, "i");
        // Four do not fit. Half of the room of three is one and a half: who has more gives until all fit.
        Assert.Empty(Go(idle));
        Assert.Single(Go(busy));
    }

    [Fact]
    public void A_term_that_is_over_leaves_its_share_to_others()
    {
        var memory = Memory();
        var account = memory.Open();
        var held = new HeldCells(account, grouped: false);
        Touched(held, "a");
        account.Dispose();
        account.Dispose();
        Assert.Equal(0, memory.Bytes);
        // Late news of it counts no more.
        Touched(held, "b");
        Assert.Equal(0, memory.Bytes);
    }

    [Fact]
    public void Cells_of_many_keys_go_only_while_memory_is_tight()
    {
        var memory = Memory();
        var held = new HeldCells(memory.Open(), grouped: true);
        for (var i = 0; i < 10; i++) Touched(held, $"g{i}");
        Assert.Empty(Go(held));
        _tight = true;
        // Half of the room of three.
        Assert.Equal(9, Go(held).Count);
    }

    private CellMemory Memory() => new(() => _budget, () => _tight);

    private static HeldCells Owner(CellMemory memory) => new(memory.Open(), grouped: false);

    private static CellEntry Touched(HeldCells held, string name)
    {
        var cell = new CellEntry(name);
        held.Touch(cell);
        return cell;
    }

    private static List<CellEntry> Go(HeldCells held)
    {
        var gone = new List<CellEntry>();
        while (held.NextToGo() is { } cell)
        {
            held.Remove(cell);
            gone.Add(cell);
        }

        return gone;
    }
}
