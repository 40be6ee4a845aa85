using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Silo.Security;

/// <summary>Deletes entries of the audit trail that are older than <c>Kor:Http:AuditKeepFor</c>. Every silo does it; whoever comes second finds nothing.</summary>
internal sealed partial class AuditSweeper(AuditStore audit, KorOptions options, TimeProvider time, ILogger<AuditSweeper> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                var dropped = await audit.PurgeAsync(time.GetUtcNow() - options.Http.AuditKeepFor, stoppingToken);
                if (dropped > 0) LogPurged(dropped, options.Http.AuditKeepFor.TotalDays);
            }
            catch (Exception e) when (e is DatabaseException && !stoppingToken.IsCancellationRequested)
            {
                LogProblem(e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Entries} entries of the audit trail were older than {Days:0} days (Kor:Http:AuditKeepFor) and are deleted.")]
    private partial void LogPurged(long entries, double days);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Old entries of the audit trail could not be deleted; trying again in an hour. The silos' user needs DELETE on kor_audit.")]
    private partial void LogProblem(Exception reason);
}
