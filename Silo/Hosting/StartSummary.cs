using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Says once, when the silo is up, what runs where and what to do next.</summary>
internal sealed partial class StartSummary(
    KorOptions options, HostState state, PipelineSupervisor supervisor, PipelineFolder folder, IServiceProvider services, ISiloStatusOracle silos,
    TimeProvider time, ILogger<StartSummary> log) : BackgroundService
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private const int ShownPipelines = 8;
    private readonly long _begun = time.GetTimestamp();

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Look, time);
        while (!state.IsStarted) await timer.WaitForNextTickAsync(stoppingToken);
        var up = time.GetTimestamp();
        // A moment for pipelines to begin, so that the lines say more than that they are about to.
        while (IsBeginning() && time.GetElapsedTime(up) < Patience) await timer.WaitForNextTickAsync(stoppingToken);
        if (log.IsEnabled(LogLevel.Information)) Say(time.GetElapsedTime(_begun, up).TotalSeconds);
    }

    private void Say(double seconds)
    {
        var (build, _) = Telemetry.Version();
        var libRdKafka = Confluent.Kafka.Library.VersionString;
        LogUp(build, seconds, Environment.Version, libRdKafka);
        var cluster = Cluster();
        LogCluster(cluster);
        var databases = string.Join("; ", options.Connections.Select(c => $"{c.Key} = {c.Value}"));
        LogStores(options.State.Connection, databases);
        var kafka = string.Join("; ", options.Kafka.Select(k => $"{k.Key} = {k.Value.BootstrapServers}"));
        LogKafka(kafka);
        var address = Address();
        var whom = Authentication.IsOn(options.Http) ? "keys or tokens" : "this machine only, without keys";
        LogApi(address, whom);
        if (options.Http.Console) LogConsole(address);
        var pipelines = Pipelines();
        LogPipelines(pipelines);
        var next = Next();
        LogNext(next);
    }

    /// <summary>The first line of a start, before anything may fail or take its time.</summary>
    public static void Begin(IServiceProvider services)
    {
        var (build, _) = Telemetry.Version();
        var log = services.GetRequiredService<ILogger<StartSummary>>();
        LogBegin(log, build);
    }

    private bool IsBeginning()
    {
        var seen = supervisor.Seen;
        return !folder.WasRead || seen.Any(e => e.Condition == PipelineCondition.Starting) || folder.InForce.Any(name => seen.All(e => e.Name != name));
    }

    private string Cluster()
    {
        var cluster = options.Cluster;
        var at = string.Create(CultureInfo.InvariantCulture, $"{silos.SiloAddress.Endpoint}, {Gateway(cluster)}");
        if (cluster.Connection.Length == 0) return $"one silo on its own at {at}";
        var active = silos.GetApproximateSiloStatuses(onlyActive: true).Count;
        return string.Create(CultureInfo.InvariantCulture, $"'{cluster.ClusterId}' in connection '{cluster.Connection}', silos: {active}, this one at {at}");
    }

    private static string Gateway(ClusterOptions cluster) => cluster.GatewayPort == 0
        ? "no gateway for clients"
        : string.Create(CultureInfo.InvariantCulture, $"clients at port {cluster.GatewayPort} ({(cluster.Tls.Certificate.Length == 0 ? "with the secret" : "with a certificate")})");

    private string Address() =>
        services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? options.Url;

    private string Pipelines()
    {
        var from = string.IsNullOrEmpty(options.Pipelines) ? "no folder" : Path.GetFullPath(options.Pipelines);
        var seen = supervisor.Seen;
        if (seen.Count == 0) return $"none yet ({from})";
        var shown = seen.Take(ShownPipelines).Select(
            e => string.Create(CultureInfo.InvariantCulture, $"{e.Name} version {e.Version} {e.Condition}"));
        var more = seen.Count > ShownPipelines ? string.Create(CultureInfo.InvariantCulture, $" and {seen.Count - ShownPipelines} more") : "";
        return $"{string.Join(", ", shown)}{more} ({from})";
    }

    private string Next()
    {
        var url = $" --url {Address()}";
        if (supervisor.Seen.Count != 0) return $"kor list{url}";
        return string.IsNullOrEmpty(options.Pipelines)
            ? $"POST a pipeline to {Address()}/api/v1/pipelines"
            : $"kor new --from-topic TOPIC{url}, and save what it drafts in {Path.GetFullPath(options.Pipelines)}";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "KafkaOracleOrleans {Version} starts ...")]
    private static partial void LogBegin(ILogger log, string version);

    [LoggerMessage(Level = LogLevel.Information, Message = "KafkaOracleOrleans {Version} is up after {Seconds:0.0} s (.NET {Runtime}, librdkafka {LibRdKafka}).")]
    private partial void LogUp(string version, double seconds, Version runtime, string libRdKafka);

    [LoggerMessage(Level = LogLevel.Information, Message = "Cluster: {Cluster}.")]
    private partial void LogCluster(string cluster);

    [LoggerMessage(Level = LogLevel.Information, Message = "Databases: state is in '{State}'; {Connections}.")]
    private partial void LogStores(string state, string connections);

    [LoggerMessage(Level = LogLevel.Information, Message = "Kafka: {Clusters}.")]
    private partial void LogKafka(string clusters);

    [LoggerMessage(Level = LogLevel.Information, Message = "API: {Address}, for {Whom}.")]
    private partial void LogApi(string address, string whom);

    [LoggerMessage(Level = LogLevel.Information, Message = "Console: {Address}/ in a browser.")]
    private partial void LogConsole(string address);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pipelines: {Pipelines}.")]
    private partial void LogPipelines(string pipelines);

    [LoggerMessage(Level = LogLevel.Information, Message = "Next: {Command}")]
    private partial void LogNext(string command);
}
