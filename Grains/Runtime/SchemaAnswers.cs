using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>Gets the schemas that records of a batch name.</summary>
public static class SchemaAnswers
{
    /// <summary>
    /// Answers a request. Throws <see cref="SchemaRegistryException"/> while the registry does not answer, and while it lacks a schema, unless the pipeline
    /// says that records of such go to quarantine.
    /// </summary>
    public static async Task AnswerAsync(SchemaRequest request, PipelinePlan plan, ISchemaRegistries registries, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(plan);
        ArgumentNullException.ThrowIfNull(registries);
        foreach (var id in request.Ids)
        {
            if (request.Schemas.ContainsKey(id)) continue;
            if (await registries.FindAsync(request.Registry, id, cancellation) is { } schema) request.Schemas[id] = schema;
            else if (plan.Source.Format is not { RefuseUnknownSchemas: true }) throw Unknown(request.Registry, id.ToString());
        }
    }

    private static SchemaRegistryException Unknown(string registry, string id) => new(
        $"The schema registry '{registry}' has no schema {id}, which a record names. Register it there, see that the registry is the producer's, or set "
        + "unknownSchema: quarantine in the source, so that such records are put aside.");
}
