using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Diagnosis;

/// <summary>The DDL pipelines need: against databases as they are, or for a kind of database without any.</summary>
public static class TablePlans
{
    /// <summary>What the tables of a pipeline need, asked of its databases. Changes nothing.</summary>
    public static async Task<IReadOnlyList<TablePlan>> OfAsync(
        PipelinePlan plan, DatabaseConnections connections, CancellationToken cancellation)
    {
        var factory = new AdoSinkFactory(connections);
        var plans = new List<TablePlan>();
        var around = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sink in plan.Sinks)
        {
            var spec = sink.Spec;
            try
            {
                // Asked as if silos were allowed to, so that what they may not do is printed for whoever may.
                var table = await factory.PlanAsync(spec with { Create = true, AddColumns = true }, cancellation).ConfigureAwait(false);
                // The tables around the sinks are one set per database.
                var besides = table.Statements.Where(IsAround).ToList();
                if (besides.Count > 0 && around.Add(spec.Connection))
                    plans.Add(new TablePlan(plan.Name, "all sinks", spec.Connection, "KOR_LANE, KOR_QUARANTINE", besides, [], spec.Create));
                IReadOnlyList<string> statements = [.. table.Statements.Where(s => !IsAround(s))];
                var alters = table.Statements.Any(s => s.StartsWith("ALTER", StringComparison.Ordinal));
                plans.Add(new TablePlan(
                    plan.Name, spec.Sink, spec.Connection, spec.Table, statements, table.Differences, alters ? spec.AddColumns : spec.Create));
            }
            catch (Exception fault) when (fault is SinkConfigurationException or SinkUnavailableException)
            {
                plans.Add(new TablePlan(plan.Name, spec.Sink, spec.Connection, spec.Table, [], [fault.Message], false) { Unknown = fault is SinkUnavailableException });
            }
        }

        if (plan.Quarantine is { Connection: { } connection, Table: { } name } && connections.Find(connection) is { } database)
        {
            try
            {
                var there = await new AdoQuarantine(database, name).ExistsAsync(cancellation).ConfigureAwait(false);
                var statements = there ? [] : QuarantineTable.Of(database.Dialect, name).CreateStatements();
                plans.Add(new TablePlan(plan.Name, "quarantine", connection, name, statements, [], false));
            }
            catch (StoreUnavailableException fault)
            {
                plans.Add(new TablePlan(plan.Name, "quarantine", connection, name, [], [fault.Message], false) { Unknown = true });
            }
        }

        return plans;
    }

    /// <summary>The plans with what else stands in the way of sinks, by sink.</summary>
    public static IReadOnlyList<TablePlan> With(IReadOnlyList<TablePlan> plans, ILookup<string, string> differences) =>
        [.. plans.Select(p => differences[p.Sink].Any() ? p with { Differences = [.. p.Differences, .. differences[p.Sink]] } : p)];

    private static string Changed(PipelinePlan running, PipelinePlan next, string step) =>
        StateChanges.Between(running, next, step) is { Count: > 0 } changes ? string.Join("; ", changes) : "what its state depends on changed";

    private static bool IsAround(string statement) => statement.Contains("kor_lane", StringComparison.OrdinalIgnoreCase);

    /// <summary>The whole DDL of a pipeline's tables for a kind of database, as if it were empty.</summary>
    public static IReadOnlyList<TablePlan> For(PipelinePlan plan, DatabaseProvider provider)
    {
        var dialect = Dialect.For(provider);
        var plans = new List<TablePlan>();
        foreach (var sink in plan.Sinks)
        {
            var spec = sink.Spec;
            try
            {
                plans.Add(new TablePlan(
                    plan.Name, spec.Sink, spec.Connection, spec.Table, [SinkDdl.CreateTable(SinkTable.From(spec, dialect), dialect)], [], spec.Create));
            }
            catch (SinkConfigurationException fault)
            {
                plans.Add(new TablePlan(plan.Name, spec.Sink, spec.Connection, spec.Table, [], [fault.Message], false));
            }
        }

        if (plan.Quarantine is { Connection: { } connection, Table: { } name })
            plans.Add(new TablePlan(plan.Name, "quarantine", connection, name, QuarantineTable.Of(dialect, name).CreateStatements(), [], false));
        return plans;
    }

    /// <summary>The script with the tables around sinks (lanes, quarantine), which every database that sinks write to needs once.</summary>
    public static string SinkScript(DatabaseProvider provider) => SchemaScripts.Read(provider, SchemaScripts.Sink);

    /// <summary>What a new version does to the durable state of the one in force.</summary>
    public static IReadOnlyList<StateEffect> Effects(PipelinePlan running, PipelinePlan next)
    {
        var effects = new List<StateEffect>();
        foreach (var (step, fingerprint) in next.StateFingerprints)
        {
            effects.Add(!running.StateFingerprints.TryGetValue(step, out var old)
                ? new StateEffect(step, "new", "starts empty: records read before are not in it")
                : old == fingerprint
                    ? new StateEffect(step, "kept", step == StateFingerprint.Source ? "goes on from its positions" : "goes on with its state")
                    : StateFingerprint.CanTakeOver(next, step, old)
                    ? new StateEffect(step, "kept", "goes on with its state, which is sorted by id when its partitions start")
                    : new StateEffect(step, "refused",
                        step == StateFingerprint.Source
                            ? $"{Changed(running, next, step)}, and positions belong to them: give the pipeline a new name, or 'kor reset {next.Name} --to-earliest' it"
                            : $"{Changed(running, next, step)}: give the step a new name to start it empty, or 'kor reset {next.Name} --to-earliest' the pipeline"));
        }

        foreach (var step in running.StateFingerprints.Keys.Except(next.StateFingerprints.Keys, StringComparer.Ordinal))
            effects.Add(new StateEffect(step, "dropped", "its state is no longer used"));
        return effects;
    }
}
