using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Diagnosis;

namespace KafkaOracleOrleans.Silo.Diagnosis;

/// <summary>Checks what a host is configured with, in the light of what its pipelines need.</summary>
internal sealed class HostDoctor(KorOptions options, DatabaseConnections databases, TimeProvider time)
{
    /// <summary>The connections' names: databases, Kafka clusters, schema registries.</summary>
    public IEnumerable<string> Names => options.Connections.Keys.Concat(options.Kafka.Keys).Concat(options.Registries.Keys).Distinct(StringComparer.Ordinal);

    /// <summary>Checks a connection by name, as a database, a Kafka cluster, a schema registry, or as all of them.</summary>
    public async Task<IReadOnlyList<Finding>> CheckAsync(string name, IReadOnlyList<PipelinePlan> plans, CancellationToken cancellation)
    {
        var findings = new List<Finding>();
        if (databases.Find(name) is not null)
            findings.AddRange(await new DatabaseDoctor(databases, name).CheckAsync(DatabaseUseOf(name, plans), cancellation));
        if (options.Kafka.TryGetValue(name, out var kafka))
            findings.AddRange(await new KafkaDoctor(name, kafka, time).CheckAsync(KafkaUseOf(name, plans), cancellation));
        if (options.Registries.TryGetValue(name, out var registry)) findings.AddRange(await RegistryDoctor.CheckAsync(name, registry, cancellation));
        return findings;
    }

    private DatabaseUse DatabaseUseOf(string name, IReadOnlyList<PipelinePlan> plans) => new()
    {
        State = options.State.Connection.Equals(name, StringComparison.OrdinalIgnoreCase),
        CreateState = options.State.Create,
        Sinks = [.. plans.SelectMany(p => p.Sinks).Select(s => s.Spec).Where(s => Is(s.Connection, name))],
        Lookups = [.. plans.SelectMany(p => p.Steps).OfType<LookupPlan>().Where(s => Is(s.Lookup.Connection, name)).Select(s => (s.Id, s.Lookup))],
        QuarantineTables =
        [
            .. plans.Select(p => p.Quarantine).Where(q => q?.Table is not null && Is(q.Connection ?? options.State.Connection, name)).Select(q => q!.Table!),
        ],
    };

    private static KafkaUse KafkaUseOf(string name, IReadOnlyList<PipelinePlan> plans) => new(
        [.. plans.Where(p => p.Source.Connection == name).SelectMany(p => p.Source.Topics.Select(t => (t, p.Source.GroupId)))],
        [.. plans.Select(p => p.Quarantine?.Topic).Where(t => t?.Connection == name).Select(t => t!.Topic)]);

    private static bool Is(string connection, string name) => connection.Equals(name, StringComparison.OrdinalIgnoreCase);
}
