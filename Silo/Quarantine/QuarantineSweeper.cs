using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>
/// Drops quarantined records that are older than their pipeline's <c>keepFor</c>, or <see cref="QuarantineOptions.KeepFor"/>. Every silo does it; whoever comes second finds nothing.
/// </summary>
internal sealed partial class QuarantineSweeper(
    IGrainFactory grains, PlanProvider plans, PipelineQuarantine quarantine, KorOptions options, TimeProvider time, ILogger<QuarantineSweeper> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
                    await SweepAsync(entry, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogProblem(e);
            }
        }
    }

    private async Task SweepAsync(CatalogEntry entry, CancellationToken cancellation)
    {
        // What keeps one pipeline from being cleared keeps no other.
        try
        {
            var plan = (await plans.GetAsync(entry.Name, entry.Version)).Plan;
            var keep = plan.Quarantine is { KeepFor: > 0 } kept ? TimeSpan.FromMilliseconds(kept.KeepFor) : options.Quarantine.KeepFor;
            if (keep == TimeSpan.Zero) return;
            var dropped = await quarantine.ExpireAsync(entry.Name, time.GetUtcNow() - keep, cancellation);
            if (dropped > 0) LogExpired(entry.Name, dropped);
        }
        catch (Exception e) when (e is DatabaseException or StoreUnavailableException or PipelineChangedException)
        {
            LogProblem(e);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Pipeline {Pipeline}: {Records} quarantined records were older than keepFor and are dropped.")]
    private partial void LogExpired(string pipeline, int records);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The quarantine could not be cleared of old records; trying again in a minute.")]
    private partial void LogProblem(Exception reason);
}
