using KafkaOracleOrleans.Simulation.World;

namespace KafkaOracleOrleans.Simulation.Tests;

/// <summary>The protocol under one scheduler, one clock and one seed; and that a run can fail.</summary>
public sealed class SimulationTests
{
    /// <summary>Of so many seeds at most one finds a rule that is broken on purpose.</summary>
    private const ulong Within = 20_000;

    public static TheoryData<string> AllPlanted => [.. Enum.GetNames<Planted>().Where(n => n != nameof(Planted.None))];

    [Fact]
    public void Whatever_goes_wrong_the_sinks_have_what_the_log_says_and_nobody_falls_silent() => Assert.Null(FirstFailing(Planted.None, 500)?.Fault);

    [Theory]
    [MemberData(nameof(AllPlanted))]
    public void A_rule_that_is_broken_on_purpose_is_found(string planted)
    {
        var failing = FirstFailing(Enum.Parse<Planted>(planted), Within);
        Assert.True(failing is not null, $"{planted} was found by none of {Within} seeds.");
        Assert.NotNull(Run.Execute(failing.Seed, Enum.Parse<Planted>(planted)).Fault);
        Assert.Null(Run.Execute(failing.Seed).Fault);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(77)]
    [InlineData(123_456_789)]
    public void A_seed_gives_the_same_run_event_by_event(ulong seed)
    {
        var (one, two) = (Run.Execute(seed, record: true), Run.Execute(seed, record: true));
        Assert.Equal(one.History, two.History);
        Assert.Equal((one.Steps, one.Elapsed), (two.Steps, two.Elapsed));
        Assert.True(one.History.Count > 20, $"{one.History.Count} lines");
        // Whether somebody reads along changes nothing.
        Assert.Equal(one.Steps, Run.Execute(seed).Steps);
        Assert.NotEqual(one.History, Run.Execute(seed + 1, record: true).History);
    }

    [Fact]
    public void A_failing_seed_is_shrunk_to_a_smaller_world_that_fails_too()
    {
        var failing = FirstFailing(Planted.GapIgnored, Within)!;
        var smallest = Shrinker.Shrink(failing, Planted.GapIgnored);
        Assert.NotNull(smallest.Fault);
        Assert.True(Weight(smallest.Size) < Weight(failing.Size), $"{failing.Size} became {smallest.Size}");
        Assert.EndsWith(smallest.Fault, smallest.History[^1], StringComparison.Ordinal);

        static int Weight(WorldSize size) => size.Silos + size.Partitions + size.DedupShards + size.Sinks + size.Records + size.Accidents;
    }

    private static Outcome? FirstFailing(Planted planted, ulong seeds)
    {
        for (ulong seed = 1; seed <= seeds; seed++)
        {
            if (Run.Execute(seed, planted) is { Fault: not null } failing) return failing;
        }

        return null;
    }
}
