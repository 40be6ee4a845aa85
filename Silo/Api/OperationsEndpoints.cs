using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Diagnosis;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;
using Microsoft.AspNetCore.Http.HttpResults;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Connections and their health, drivers, and what a file would need.</summary>
internal static class OperationsEndpoints
{
    /// <summary>Maps the endpoints.</summary>
    public static void MapOperations(this RouteGroupBuilder api)
    {
        api.MapGet("/connections", Connections).WithSummary("The connections of the host, without secrets.");
        api.MapPost("/connections/{name}/check", CheckAsync).RequireAuthorization(KorPolicies.Operator).ChangesNothing().WithSummary("Tries a connection and what pipelines need of it.");
        api.MapPost("/connections/{name}/verify", VerifyAsync).RequireAuthorization(KorPolicies.Admin).WithSummary("Tries every assumption about Oracle in a scratch schema.");
        api.MapGet("/drivers", () => TypedResults.Ok(DatabaseDrivers.All())).WithSummary("The database drivers that are present.");
        api.MapPost("/plan", PlanAsync).RequireAuthorization(KorPolicies.Operator).ChangesNothing().Audited().WithSummary("The DDL a pipeline needs, and what becomes of its state.");
    }

    private static Ok<ConnectionSummary[]> Connections(KorOptions options, DatabaseConnections databases) => TypedResults.Ok<ConnectionSummary[]>(
    [
        .. options.Connections.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c =>
        {
            var circuit = databases.Get(c.Key).Circuit;
            return new ConnectionSummary(c.Key, c.Value.Provider.ToText(), c.Value.ToString(), circuit.State, circuit.LastError);
        }),
        .. options.Kafka.OrderBy(c => c.Key, StringComparer.Ordinal)
            .Select(c => new ConnectionSummary(c.Key, "kafka", c.Value.BootstrapServers, null, null)),
    ]);

    private static async Task<Results<Ok<IReadOnlyList<Finding>>, ProblemHttpResult>> CheckAsync(
        string name, HostDoctor doctor, PlanProvider plans, IGrainFactory grains, CancellationToken cancellation)
    {
        if (!doctor.Names.Contains(name)) return NoConnection(name);
        var known = new List<PipelinePlan>();
        foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
            known.Add((await plans.GetAsync(entry.Name, entry.Version)).Plan);
        return TypedResults.Ok(await doctor.CheckAsync(name, known, cancellation));
    }

    private static async Task<Results<Ok<OracleReport>, ProblemHttpResult>> VerifyAsync(
        string name, KorOptions options, DatabaseConnections databases, CancellationToken cancellation)
    {
        if (!options.Connections.ContainsKey(name)) return NoConnection(name);
        try
        {
            return TypedResults.Ok(await OracleReports.RunAsync(databases, name, cancellation));
        }
        catch (ConnectionConfigurationException e)
        {
            return TypedResults.Problem(e.Message, null, StatusCodes.Status409Conflict, "Not to be verified");
        }
        catch (DatabaseException e)
        {
            return TypedResults.Problem(e.Message, null, StatusCodes.Status503ServiceUnavailable, "The database cannot be reached");
        }
    }

    private static async Task<Results<Ok<PipelinePlanReport>, ProblemHttpResult>> PlanAsync(
        PlanRequest request, Planner planner, PlanProvider plans, IGrainFactory grains, HostPipelineCompiler compiler, KnownSources sources, HttpContext http,
        CancellationToken cancellation)
    {
        // A body without these members is JSON all the same.
        if ((string?)request.Text is null || (string?)request.File is null)
            return Problems.BadRequest("No text", "The body needs 'file', the pipeline file's name, and 'text', what is in it.");
        var plan = compiler.Check(request.Text, request.File, DefinitionOrigin.Api).Plan;
        http.Features.Get<AuditTrail>()?.Tried(request.Text, plan);
        if (plan is not null && !http.User.IsInRole(KorRoles.Admin) && KnownSources.Targets(plan, await sources.PlansAsync()) is { } foreign)
            return Problems.Create(StatusCodes.Status403Forbidden, "Not allowed", foreign);
        return TypedResults.Ok(await planner.PlanAsync(
            request.File, request.Text, DefinitionOrigin.Api, name => RunningAsync(name, plans, grains),
            plan => grains.GetGrain<IPipelineCatalogGrain>(0).CheckTablesAsync(plan.Name, TableClaims.Of(plan)), cancellation));
    }

    private static async Task<(PipelinePlan Plan, int Version)?> RunningAsync(string name, PlanProvider plans, IGrainFactory grains)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        if (entries.FirstOrDefault(e => e.Name == name) is not { } entry) return null;
        return ((await plans.GetAsync(name, entry.Version)).Plan, entry.Version);
    }

    private static ProblemHttpResult NoConnection(string name) => TypedResults.Problem(
        $"The host's configuration has no connection '{name}'; GET /api/v1/connections lists them.", null, StatusCodes.Status404NotFound,
        "No such connection");
}
