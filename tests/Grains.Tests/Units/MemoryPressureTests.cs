using KafkaOracleOrleans.Grains.Runtime;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>When reading waits for memory, and what is said and done about it.</summary>
public sealed class MemoryPressureTests
{
    private const long Limit = 1000;
    private readonly MemoryPressure _pressure = new();

    [Fact]
    public void It_begins_at_the_upper_mark_and_ends_below_the_lower_one()
    {
        Look(799, 0);
        Assert.False(_pressure.IsTight);
        Look(800, 1);
        Assert.True(_pressure.IsTight);
        Look(700, 2);
        Assert.True(_pressure.IsTight);
        Look(699, 3);
        Assert.False(_pressure.IsTight);
    }

    [Fact]
    public void It_is_told_when_it_lasts()
    {
        Look(900, 10);
        Assert.False(_pressure.IsTold(At(11)));
        Assert.True(_pressure.IsTold(At(12)));
        Look(100, 13);
        Assert.False(_pressure.IsTold(At(20)));
    }

    /// <summary>With reading stopped nothing allocates, and what is garbage would count as used for ever.</summary>
    [Fact]
    public void Garbage_is_collected_at_once_and_then_now_and_then()
    {
        Assert.False(Look(100, 0));
        Assert.Equal([true, false, true, false], new[] { 1, 5, 11, 15 }.Select(at => Look(900, at)));
        Assert.False(Look(100, 30));
    }

    [Fact]
    public void It_is_stuck_when_nothing_moves_for_long()
    {
        Look(900, 100);
        Assert.False(_pressure.IsStuck(At(399), At(0), MemoryWatch.StuckAfter));
        Assert.True(_pressure.IsStuck(At(400), At(0), MemoryWatch.StuckAfter));
        // Slow, and moving.
        Assert.False(_pressure.IsStuck(At(400), At(101), MemoryWatch.StuckAfter));
        Look(100, 401);
        Assert.False(_pressure.IsStuck(At(999), At(0), MemoryWatch.StuckAfter));
    }

    /// <summary>An expression that asks for an impossible array must not end a silo that has memory.</summary>
    [Fact]
    public void Only_memory_that_is_used_up_ends_the_process()
    {
        var words = MemoryWatch.LastWords(new OutOfMemoryException(), 2000L << 20, 2400L << 20);
        Assert.StartsWith("Out of memory: 2000 of 2400 MiB are used.", words, StringComparison.Ordinal);
        Assert.Null(MemoryWatch.LastWords(new OutOfMemoryException(), 1000L << 20, 2400L << 20));
        Assert.Null(MemoryWatch.LastWords(new InvalidOperationException(), 2000L << 20, 2400L << 20));
    }

    private bool Look(long used, int at) => _pressure.Observe(used, Limit, At(at));

    private static TimeSpan At(int seconds) => TimeSpan.FromSeconds(seconds);
}
