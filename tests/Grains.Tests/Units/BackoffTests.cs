using KafkaOracleOrleans.Grains.Runtime;

namespace KafkaOracleOrleans.Grains.Tests.Units;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_double_up_to_a_minute_for_what_somebody_must_repair_and_begin_anew_after_success()
    {
        var options = new EngineOptions();
        var repairs = options.NewBackoff(TimeProvider.System, options.MaxRepairDelay);
        for (var bound = options.RetryDelay; bound < options.MaxRepairDelay; bound *= 2) AssertWithin(bound, repairs.Next());
        for (var i = 0; i < 1000; i++) AssertWithin(TimeSpan.FromMinutes(1), repairs.Next());
        repairs.Reset();
        AssertWithin(options.RetryDelay, repairs.Next());
    }

    private static void AssertWithin(TimeSpan bound, TimeSpan wait) => Assert.InRange(wait, bound / 2, bound);
}
