using System.Text.Json;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// Probes. <c>/health/live</c> looks at this process only: a restart must not be the answer to a database that is down. <c>/health/startup</c> is done when
/// the silo has joined and reads what it should. <c>/health/ready</c> ends when the process is told to stop; a failed pipeline shows there and does not turn
/// readiness off, for that would take the API away that says why. <c>/health</c> has the details, for viewers.
/// </summary>
internal static class Health
{
    private const string Live = "live";
    private const string Startup = "startup";
    private const string Ready = "ready";
    private static readonly TimeSpan LiveWithin = TimeSpan.FromSeconds(30);

    public static void Add(IServiceCollection services)
    {
        services.AddHealthChecks()
            .AddCheck<ProgressCheck>("progress", tags: [Live])
            .AddCheck<MemoryCheck>("memory", tags: [Live])
            .AddCheck<StartedCheck>("started", tags: [Startup, Ready])
            .AddCheck<PipelinesCheck>("pipelines", tags: [Ready]);
    }

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        Map(Live);
        Map(Startup);
        Map(Ready);
        endpoints.MapHealthChecks("/health", Options(_ => true, withDetails: true)).RequireAuthorization(KorPolicies.Viewer);

        void Map(string tag) =>
            endpoints.MapHealthChecks("/health/" + tag, Options(c => c.Tags.Contains(tag), withDetails: false)).AllowAnonymous();
    }

    private static HealthCheckOptions Options(Func<HealthCheckRegistration, bool> predicate, bool withDetails) => new()
    {
        Predicate = predicate,
        AllowCachingResponses = false,
        ResponseWriter = (context, report) => WriteAsync(context, report, withDetails),
    };

    private static Task WriteAsync(HttpContext context, HealthReport report, bool withDetails)
    {
        context.Response.ContentType = "application/json";
        var body = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["status"] = report.Status.ToString(),
            ["checks"] = report.Entries.ToDictionary(
                e => e.Key,
                e => withDetails
                    ? (object)new { status = e.Value.Status.ToString(), description = e.Value.Description, data = e.Value.Data }
                    : e.Value.Status.ToString(),
                StringComparer.Ordinal),
        };
        return context.Response.WriteAsync(JsonSerializer.Serialize(body, JsonSerializerOptions.Web), context.RequestAborted);
    }

    /// <summary>The process gets threads.</summary>
    private sealed class ProgressCheck(HostState state) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            Task.FromResult(state.SinceTick < LiveWithin
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"No thread was free for {state.SinceTick.TotalSeconds:0} s."));
    }

    /// <summary>Memory that is short for long, while nothing moves, does not mend itself.</summary>
    private sealed class MemoryCheck(MemoryWatch memory) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
            memory.IsStuck ? HealthCheckResult.Unhealthy(memory.Reason)
            : memory.Reason is { } reason ? HealthCheckResult.Degraded(reason)
            : HealthCheckResult.Healthy());
    }

    private sealed class StartedCheck(HostState state) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (state.IsStopping && context.Registration.Tags.Contains(Ready)) return Task.FromResult(HealthCheckResult.Unhealthy("Stopping."));
            return Task.FromResult(state.IsStarted ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("Starting."));
        }
    }

    /// <summary>What the supervisor saw in the catalog a second ago; nothing is asked here.</summary>
    private sealed class PipelinesCheck(PipelineSupervisor supervisor) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            var seen = supervisor.Seen;
            var bad = seen.Count(e => e.Condition is PipelineCondition.Failed or PipelineCondition.Degraded);
            var data = seen.ToDictionary(e => e.Name, e => (object)e.Condition.ToString(), StringComparer.Ordinal);
            var refused = supervisor.Refused;
            foreach (var file in refused) data[$"file {file.File}"] = $"Refused: {string.Join("; ", file.Diagnostics)}";
            if (bad == 0 && refused.Count == 0) return Task.FromResult(HealthCheckResult.Healthy($"{seen.Count} pipelines.", data));
            var files = refused.Count == 0 ? "" : $" {refused.Count} pipeline files refused.";
            var why = string.Concat(seen.Where(e => e.Reason is not null).Select(e => $" {e.Name}: {e.Reason}"));
            return Task.FromResult(HealthCheckResult.Degraded($"{bad} of {seen.Count} pipelines failed or degraded.{files}{why}", null, data));
        }
    }
}
