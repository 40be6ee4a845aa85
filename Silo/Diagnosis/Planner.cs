using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;
using KafkaOracleOrleans.Storage.Verification;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>Says what a pipeline file would need and do, before it is applied.</summary>
internal sealed class Planner(IPipelineCompiler compiler, DatabaseConnections databases)
{
    /// <summary>
    /// Plans a text. <paramref name="running"/> is the plan in force, if somebody knows it; <paramref name="origin"/> says whether the text may use variables;
    /// <paramref name="shared"/> tells why sinks must not write the tables of other pipelines.
    /// </summary>
    public async Task<PipelinePlanReport> PlanAsync(
        string file, string text, DefinitionOrigin origin, Func<string, Task<(PipelinePlan Plan, int Version)?>>? running,
        Func<PipelinePlan, Task<IReadOnlyList<TableRefusal>>> shared, CancellationToken cancellation)
    {
        var compiled = compiler.Compile(text, file, origin);
        if (compiled.Plan is not { } plan) return new PipelinePlanReport { File = file, Diagnostics = compiled.Diagnostics };
        var present = running is null ? null : await running(plan.Name);
        return new PipelinePlanReport
        {
            File = file,
            Pipeline = plan.Name,
            Diagnostics = compiled.Diagnostics,
            Tables = TablePlans.With(await TablePlans.OfAsync(plan, databases, cancellation), (await shared(plan)).ToLookup(r => r.Sink, r => r.Message)),
            RunningVersion = present?.Version,
            State = present is { } now ? TablePlans.Effects(now.Plan, plan) : [],
        };
    }
}

/// <summary>Runs <see cref="OracleVerification"/> and numbers what it found as docs/oracle.md does.</summary>
internal static class OracleReports
{
    /// <summary>Throws <see cref="ConnectionConfigurationException"/> when there is no such connection or no driver.</summary>
    public static async Task<OracleReport> RunAsync(DatabaseConnections databases, string connection, CancellationToken cancellation)
    {
        var database = databases.Get(connection);
        if (database.Provider != DatabaseProvider.Oracle)
        {
            throw new ConnectionConfigurationException(
                $"Connection '{connection}' is {database.Provider.ToText()}, not oracle; give --connection one with Provider: oracle.");
        }

        var driver = DatabaseDrivers.Oracle();
        if (driver.Version is null) throw new ConnectionConfigurationException($"Oracle's driver is {driver.Note}");
        var results = await new OracleVerification(database).RunAsync(cancellation);
        return new OracleReport(
            connection, $"{driver.Driver} {driver.Version}", driver.StandIn ? driver.Note : null,
            [.. results.Select((r, i) => new OracleAssumption(i + 1, r.Name, r.Passed, r.Evidence))]);
    }
}
