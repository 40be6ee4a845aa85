using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>Counts what lies in quarantine, for metrics: of the pipelines whose grain is on this silo, so that a cluster counts each once.</summary>
internal sealed class QuarantineGauge(PipelineQuarantine quarantine, KorOptions options, TimeProvider time) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Metrics.QuarantineInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            var here = EngineMetrics.PipelinesHere;
            foreach (var gone in SiloMetrics.PendingOf.Except(here, StringComparer.Ordinal).ToList()) SiloMetrics.ForgetPending(gone);
            foreach (var pipeline in here) await CountAsync(pipeline, stoppingToken);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        foreach (var pipeline in SiloMetrics.PendingOf.ToList()) SiloMetrics.ForgetPending(pipeline);
    }

    private async Task CountAsync(string pipeline, CancellationToken cancellation)
    {
        try
        {
            var records = 0L;
            foreach (var store in await quarantine.StoresAsync(pipeline, cancellation))
                records += (await store.CountAsync(new QuarantineFilter { Pipeline = pipeline }, cancellation)).Sum(c => c.Records);
            SiloMetrics.SetPending(pipeline, records);
        }
        catch (Exception e) when (e is DatabaseException or StoreUnavailableException or TimeoutException or Orleans.Runtime.OrleansException)
        {
            // Who needs to know hears of it from the pipeline; the number is unknown meanwhile.
            SiloMetrics.ForgetPending(pipeline);
        }
    }
}
