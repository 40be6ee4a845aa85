using System.Reflection;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.AspNetCore.Http.HttpResults;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The cluster, versions, formats.</summary>
public static class ClusterEndpoints
{
    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/cluster", ClusterAsync).WithSummary("The silos");
        api.MapGet("/version", Version).WithSummary("Versions");
        api.MapGet("/schema/pipeline.json", () => Results.Text(PipelineReader.JsonSchema(), "application/schema+json"))
            .WithSummary("The JSON Schema of pipeline files").Produces<string>(StatusCodes.Status200OK, "application/schema+json");
    }

    private static async Task<Ok<ClusterReport>> ClusterAsync(
        IGrainFactory grains, Microsoft.Extensions.Options.IOptions<Orleans.Configuration.ClusterOptions> options)
    {
        var hosts = await grains.GetGrain<IManagementGrain>(0).GetDetailedHosts(onlyActive: false);
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        var statuses = await Task.WhenAll(entries.Select(e => grains.GetGrain<IPipelineGrain>(e.Name).GetStatusAsync()));
        var partitions = statuses.SelectMany(s => s.Partitions).CountBy(p => p.Silo ?? "").ToDictionary(c => c.Key, c => c.Value, StringComparer.Ordinal);
        List<SiloReport> silos =
        [
            .. hosts.OrderBy(h => h.Status).ThenBy(h => h.StartTime).Select(h => new SiloReport(
                h.SiloAddress.ToString(), h.SiloName ?? "", h.HostName ?? "", h.Status.ToString(), Utc(h.StartTime),
                h.IAmAliveTime == default ? null : Utc(h.IAmAliveTime),
                h.Status == SiloStatus.Active ? partitions.GetValueOrDefault(h.SiloAddress.ToString()) : null)),
        ];
        return TypedResults.Ok(new ClusterReport(
            options.Value.ClusterId, options.Value.ServiceId, hosts.Count(h => h.Status == SiloStatus.Active), silos));
    }

    private static Ok<VersionReport> Version() => TypedResults.Ok(new VersionReport(
        "KafkaOracleOrleans", InformationalOf(typeof(ClusterEndpoints)), System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription,
        InformationalOf(typeof(Grain)), System.Runtime.InteropServices.RuntimeInformation.OSDescription, "v1",
        $"{KafkaLibrary.Version.ToString(3)} from {KafkaLibrary.Path}"));

    private static string InformationalOf(Type type) =>
        type.Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private static DateTimeOffset Utc(DateTime time) => new(DateTime.SpecifyKind(time, DateTimeKind.Utc));
}
