using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>What the liveness probe makes of memory that is short: a restart helps where nothing moves any more, and nowhere else.</summary>
public sealed class MemoryHealthTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_silo_that_moves_nothing_for_want_of_memory_is_not_alive()
    {
        var clock = new Clock();
        using var memory = new MemoryWatch(
            // More than that is always used.
            Options.Create(new EngineOptions { MemoryLimitBytes = 1 }), new LocalPartitions(null!, clock), clock, NullLogger<MemoryWatch>.Instance);
        // What is used is known from the last collection; there may have been none.
        GC.Collect();
        await memory.StartAsync(Cancel);
        for (var i = 0; i < 600 && !memory.IsTight; i++) await Task.Delay(50, Cancel);
        Assert.True(memory.IsTight);
        Assert.Equal(HealthStatus.Healthy, (await LiveAsync(memory)).Status);

        clock.Now += TimeSpan.FromSeconds(10);
        var told = await LiveAsync(memory);
        Assert.Equal(HealthStatus.Degraded, told.Status);
        Assert.StartsWith("Memory is short on this silo", told.Description, StringComparison.Ordinal);

        clock.Now += MemoryWatch.StuckAfter;
        Assert.Equal(HealthStatus.Unhealthy, (await LiveAsync(memory)).Status);
        await memory.StopAsync(Cancel);
    }

    /// <summary>The check as <c>/health/live</c> runs it: found by its tag among those of the host.</summary>
    private static async Task<HealthReportEntry> LiveAsync(MemoryWatch memory)
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(memory);
        Health.Add(services);
        await using var provider = services.BuildServiceProvider();
        var report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(c => c.Tags.Contains("live") && c.Name != "progress", Cancel);
        return Assert.Single(report.Entries).Value;
    }

    /// <summary>Timers run as ever; what they read is set.</summary>
    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
