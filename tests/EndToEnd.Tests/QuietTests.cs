using System.Globalization;
using Confluent.Kafka;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.EndToEnd.Tests.Model;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>What happens when nothing happens, and when an operator is at work.</summary>
public sealed class QuietTests
{
    private const long Window = 3000;
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Fact]
    public async Task Windows_close_after_the_traffic_stops_also_across_a_kill_and_a_restart_in_order()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var stage = await OrdersStage.SetUpAsync(t => t
            .Replace("tumbling: 5m", "tumbling: 3s", StringComparison.Ordinal)
            .Replace("maxOutOfOrder: 30s, idleAfter: 5s", "maxOutOfOrder: 1s, idleAfter: 2s", StringComparison.Ordinal));
        await using var silo = stage.Silo("quiet");
        silo.Start();

        // Partition 3 gets no record at all: an empty partition must not hold the windows back.
        await ProduceAsync(stage, 0, 100);
        await WaitForWindowsAsync(stage, silo, Expected(0, 100));

        await ProduceAsync(stage, 100, 200);
        await Eventually.GetAsync(
            () => silo.TryGetStatusAsync("orders"), s => s?.Counts.Consumed == 200, TimeSpan.FromSeconds(60), s => $"{s}");
        await silo.KillAsync();
        silo.Start();
        await WaitForWindowsAsync(stage, silo, Expected(0, 200));

        Assert.Equal(0, await silo.TerminateAsync(TimeSpan.FromSeconds(60)));
        await ProduceAsync(stage, 200, 300);
        silo.Start();
        await WaitForWindowsAsync(stage, silo, Expected(0, 300));
    }

    [Fact]
    public async Task Pause_stop_reset_and_start_keep_the_table_right()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Assert.SkipWhen(PostgresCluster.SkipReason is not null, PostgresCluster.SkipReason ?? "");
        await using var stage = await OrdersStage.SetUpAsync(t => t
            .Replace("tumbling: 5m", "tumbling: 3s", StringComparison.Ordinal)
            .Replace("maxOutOfOrder: 30s, idleAfter: 5s", "maxOutOfOrder: 1s, idleAfter: 2s", StringComparison.Ordinal));
        await using var silo = stage.Silo("operated");
        silo.Start();
        await ProduceAsync(stage, 0, 100);
        await WaitForWindowsAsync(stage, silo, Expected(0, 100));

        await PutAsync(silo, "pause");
        await WaitForStateAsync(silo, PartState.Paused);
        await ProduceAsync(stage, 100, 200);
        await PutAsync(silo, "resume");
        await WaitForWindowsAsync(stage, silo, Expected(0, 200));

        await PutAsync(silo, "stop");
        await WaitForStateAsync(silo, PartState.Stopped);
        await ProduceAsync(stage, 200, 300);
        await PutAsync(silo, "start");
        await WaitForWindowsAsync(stage, silo, Expected(0, 300));

        var refused = await silo.ResetAsync(execute: true);
        Assert.Equal(System.Net.HttpStatusCode.Conflict, refused.StatusCode);
        await PutAsync(silo, "stop");
        (await silo.ResetAsync(execute: true)).EnsureSuccessStatusCode();
        await PutAsync(silo, "start");
        var status = await Eventually.GetAsync(
            () => silo.TryGetStatusAsync("orders"), s => s?.Counts.Consumed == 300, TimeSpan.FromSeconds(60), s => $"{s}\n{silo.LogText}");
        Assert.True(status!.Counts.AddsUp);
        await WaitForWindowsAsync(stage, silo, Expected(0, 300));
    }

    private static async Task PutAsync(SiloProcess silo, string verb) =>
        (await silo.PutAsync($"/api/v1/pipelines/orders/{verb}")).EnsureSuccessStatusCode();

    private static Task<PipelineStatus?> WaitForStateAsync(SiloProcess silo, PartState state) => Eventually.GetAsync(
        () => silo.TryGetStatusAsync("orders"), s => s?.State == state, TimeSpan.FromSeconds(60), s => $"{s?.State} {s?.Reason}");

    private static async Task ProduceAsync(OrdersStage stage, int from, int to)
    {
        using var producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = stage.Kafka.BootstrapServers })
            .Build();
        for (var i = from; i < to; i++)
        {
            var value = string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"order_id\":\"q{i}\",\"customer_id\":\"k{i % 3}\",\"amount\":{i + 1}.50,\"created_at\":{At(i)}}}");
            await producer.ProduceAsync(
                new TopicPartition(OrdersStage.Topic, i % 3), new Message<string, string> { Key = $"k{i % 3}", Value = value });
        }
    }

    /// <summary>Every hundred records begin ten minutes after the last: while all is idle, the watermark goes on with the wall clock.</summary>
    private static long At(int i) => Start + (i * 200L) + (i / 100 * 600_000L);

    private static List<WindowTotals> Expected(int from, int to) =>
    [
        .. Enumerable.Range(from, to - from)
            .GroupBy(i => (Key: $"k{i % 3}", Start: At(i) - (At(i) % Window)))
            .Select(g => new WindowTotals(g.Key.Key, g.Key.Start, g.Count(), g.Sum(i => i + 1.50m), g.Max(i => i + 1.50m)))
            .OrderBy(w => w.StartMs).ThenBy(w => w.Customer, StringComparer.Ordinal),
    ];

    private static async Task WaitForWindowsAsync(OrdersStage stage, SiloProcess silo, List<WindowTotals> expected)
    {
        var found = await Eventually.GetAsync(
            () => stage.TryReadWindowsAsync(),
            rows => rows.Count >= expected.Count,
            TimeSpan.FromSeconds(90),
            rows => $"{rows?.Count} windows of {expected.Count}\n{silo.LogText}");
        Assert.Equal(expected, found.OrderBy(w => w.StartMs).ThenBy(w => w.Customer, StringComparer.Ordinal));
    }
}
