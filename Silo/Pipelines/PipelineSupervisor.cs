using Orleans.Runtime;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Hosting;
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
    RefusedFiles refused,
    LoopWatch loops,
    ILocalSiloDetails silo,
    HostState state,
    TimeProvider time,
    ILogger<PipelineSupervisor> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, int> _versions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _problems = new(StringComparer.Ordinal);
    private string? _problem;
    private bool _reported;
    private long _reportedAt;

    /// <summary>How often the catalog hears again which files this silo refuses.</summary>
    private static readonly TimeSpan Reports = TimeSpan.FromSeconds(5);

    /// <summary>The catalog as it was a second ago.</summary>
    public IReadOnlyList<CatalogEntry> Seen { get; private set; } = [];

    /// <summary>The files that silos refuse, as the catalog had it a second ago.</summary>
    public IReadOnlyList<DefinitionRefusal> Refused { get; private set; } = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await SyncAsync();
                _problem = null;
                state.IsInStep = true;
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
        var entries = Seen = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in entries.Where(e => e.Desired == DesiredState.Running))
        {
            wanted.Add(entry.Name);
            await TrySyncAsync(entry);
        }

        await ReportRefusalsAsync();
        await loops.LookAsync(entries);
        foreach (var source in registry.Sources.Where(s => !wanted.Contains(s.Name)).ToList()) registry.Remove(source.Name);
    }

    /// <summary>So that every silo, whichever is asked, can say which files are not in force.</summary>
    private async Task ReportRefusalsAsync()
    {
        var catalog = grains.GetGrain<IPipelineCatalogGrain>(0);
        var mine = refused.All;
        if (mine.Count != 0 ? refused.TakeChange() || time.GetElapsedTime(_reportedAt) >= Reports : _reported)
        {
            await catalog.ReportRefusalsAsync(silo.SiloAddress.ToString(), mine);
            _reported = mine.Count != 0;
            _reportedAt = time.GetTimestamp();
        }

        Refused = await catalog.ListRefusalsAsync();
    }

    /// <summary>One pipeline that cannot be read here (its host lacks a connection, say) keeps none of the others.</summary>
    private async Task TrySyncAsync(CatalogEntry entry)
    {
        try
        {
            var runtime = await plans.GetAsync(entry.Name, entry.Version);
            if (!registry.TryGet(entry.Name, out _)) registry.Add(SourceOf(runtime.Plan));
            else if (_versions.GetValueOrDefault(entry.Name) != entry.Version) registry.Update(SourceOf(runtime.Plan));
            _versions[entry.Name] = entry.Version;
            // Its clockwork must run somewhere, also after the silo it ran on has gone.
            await grains.GetGrain<IPipelineGrain>(entry.Name).GetSourcesAsync();
            if (_problems.Remove(entry.Name)) await TellAsync(entry.Name, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            if (_problems.GetValueOrDefault(entry.Name) != e.Message) LogPipeline(entry.Name, e);
            _problems[entry.Name] = e.Message;
            // Only the pipeline can show it where an operator looks; a log line is read by nobody.
            await TellAsync(entry.Name, e.Message);
        }
    }

    private async Task TellAsync(string pipeline, string? problem)
    {
        try
        {
            await grains.GetGrain<IPipelineGrain>(pipeline).TellSourceAsync(silo.SiloAddress.ToString(), problem);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            LogPipeline(pipeline, e);
        }
    }

    private static KafkaSource SourceOf(PipelinePlan plan) => new()
    {
        // The checkpoint is the truth; without one a pipeline begins where its file says, whatever an older one of its name has committed.
        IgnoreCommitted = true,
        Name = plan.Name,
        Topics = plan.Source.Topics,
        ConnectionName = plan.Source.Connection,
        GroupId = plan.Source.GroupId,
        IsolationLevel = plan.Source.ReadCommitted ? KafkaIsolationLevel.ReadCommitted : KafkaIsolationLevel.ReadUncommitted,
        // Where partitions begin that were there when the pipeline started is the pipeline's to say; all others came later.
        StartPosition = KafkaStartPosition.Earliest,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pipeline {Pipeline} is not read by this silo for now.")]
    private partial void LogPipeline(string pipeline, Exception reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pipelines of this silo could not be brought in step with the catalog.")]
    private partial void LogProblem(Exception reason);
}
