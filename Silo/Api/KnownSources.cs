using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Pipelines;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>
/// What the cluster's pipelines read. Whoever may not define pipelines may try a definition of his own only on these topics, tables and columns: with any others
/// a preview would be a way to read every table the server can reach.
/// </summary>
internal sealed class KnownSources(IGrainFactory grains, PlanProvider plans, IKafkaLogs logs)
{
    /// <summary>The plans in force; those that this silo cannot compile are left out.</summary>
    public async Task<IReadOnlyList<PipelinePlan>> PlansAsync()
    {
        var known = new List<PipelinePlan>();
        foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
        {
            try
            {
                known.Add((await plans.GetAsync(entry.Name, entry.Version)).Plan);
            }
            catch (PipelineChangedException)
            {
                // Removed or replaced meanwhile: nothing is allowed because of it.
            }
        }

        return known;
    }

    /// <summary>Why somebody who is no admin may not try a definition on these topics; null: he may.</summary>
    public async Task<string?> RefusalAsync(PipelinePlan plan, IReadOnlyList<string> topics, IReadOnlyList<PipelinePlan> known, CancellationToken cancellation)
    {
        if (Tables(plan, known) is { } tables) return tables;
        var read = new HashSet<string>(StringComparer.Ordinal);
        foreach (var other in known.Where(k => k.Source.Connection == plan.Source.Connection))
        {
            foreach (var partition in await logs.FindPartitionsAsync(other.Source, other.Source.Topics, cancellation)) read.Add(partition[..partition.LastIndexOf('/')]);
        }

        return topics.FirstOrDefault(t => !read.Contains(t)) is { } strange
            ? $"No pipeline here reads topic '{strange}' of Kafka connection '{plan.Source.Connection}'; only admins try definitions on others."
            : null;
    }

    /// <summary>Why somebody who is no admin may not try a definition with these lookups; null: he may.</summary>
    public static string? Tables(PipelinePlan plan, IReadOnlyList<PipelinePlan> known)
    {
        var lookups = known.SelectMany(k => k.Steps).OfType<LookupPlan>().Select(l => l.Lookup).ToList();
        foreach (var asked in plan.Steps.OfType<LookupPlan>().Select(l => l.Lookup))
        {
            var same = lookups.Where(l => l.Connection == asked.Connection && l.Table.Equals(asked.Table, StringComparison.OrdinalIgnoreCase)).ToList();
            if (same.Count == 0) return $"No pipeline here looks up in table {asked.Table} of connection '{asked.Connection}'; only admins try definitions on others.";
            if (!same.Any(l => asked.KeyColumns.ToHashSet(StringComparer.OrdinalIgnoreCase).SetEquals(l.KeyColumns)))
                return $"No pipeline here looks up in table {asked.Table} by {string.Join(", ", asked.KeyColumns)}; only admins try definitions that do.";
            var columns = same.SelectMany(l => l.ValueColumns).ToHashSet(StringComparer.OrdinalIgnoreCase);
            if (asked.ValueColumns.FirstOrDefault(c => !columns.Contains(c)) is { } column)
                return $"No pipeline here reads column {column} of table {asked.Table} of connection '{asked.Connection}'; only admins try definitions on others.";
        }

        return null;
    }

    /// <summary>Why somebody who is no admin may not have the tables of a definition looked at; null: he may.</summary>
    public static string? Targets(PipelinePlan plan, IReadOnlyList<PipelinePlan> known)
    {
        var targets = known.SelectMany(k => k.Sinks).Select(s => (s.Spec.Connection, Table: s.Spec.Table.ToUpperInvariant())).ToHashSet();
        return plan.Sinks.FirstOrDefault(s => !targets.Contains((s.Spec.Connection, s.Spec.Table.ToUpperInvariant()))) is { } strange
            ? $"No pipeline here writes to table {strange.Spec.Table} of connection '{strange.Spec.Connection}'; only admins have other tables looked at. "
                + "'kor plan FILE --dialect oracle|postgresql|sqlite' prints the DDL without looking."
            : Tables(plan, known);
    }

    /// <summary>True when two sources may read the same records.</summary>
    public static bool SharesTopics(SourcePlan one, SourcePlan other) => one.Connection == other.Connection
        && (one.Topics.Intersect(other.Topics, StringComparer.Ordinal).Any() || one.Topics.Concat(other.Topics).Any(t => t.StartsWith('^')));
}
