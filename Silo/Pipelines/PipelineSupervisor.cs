using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>
/// Keeps this silo's Kafka sources in step with the catalog: what should run is read, everything else is not. Asking the catalog once a second
/// is what makes silos agree without telling each other.
/// </summary>
internal sealed partial class PipelineSupervisor(
    IGrainFactory grains,
    PlanProvider plans,
    IKafkaSourceRegistry registry,
    TimeProvider time,
    ILogger<PipelineSupervisor> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private string? _problem;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await SyncAsync();
                _problem = null;
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (_problem != e.Message) LogProblem(e);
                _problem = e.Message;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SyncAsync()
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.Where(e => e.Desired == DesiredState.Running))
        {
            wanted.Add(entry.Name);
            var runtime = await plans.GetAsync(entry.Name, entry.Version);
            var source = SourceOf(runtime.Plan);
            if (!registry.TryGet(entry.Name, out _)) registry.Add(source);
            else if (_versions.GetValueOrDefault(entry.Name) != entry.Version) registry.Update(source);
            _versions[entry.Name] = entry.Version;
        }

        foreach (var source in registry.Sources.Where(s => !wanted.Contains(s.Name)).ToList()) registry.Remove(source.Name);
    }

    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);

    private static KafkaSource SourceOf(PipelinePlan plan) => new()
    {
        Name = plan.Name,
        Topics = plan.Source.Topics,
        ConnectionName = plan.Source.Connection,
        GroupId = plan.Source.GroupId,
        IsolationLevel = plan.Source.ReadCommitted ? KafkaIsolationLevel.ReadCommitted : KafkaIsolationLevel.ReadUncommitted,
        StartPosition = plan.Source.Start.Kind switch
        {
            StartKind.Latest => KafkaStartPosition.Latest,
            StartKind.Timestamp => KafkaStartPosition.At(DateTimeOffset.FromUnixTimeMilliseconds(plan.Source.Start.TimestampMs)),
            _ => KafkaStartPosition.Earliest,
        },
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pipelines of this silo could not be brought in step with the catalog.")]
    private partial void LogProblem(Exception reason);
}
