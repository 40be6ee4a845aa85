using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>The topics of the host's Kafka connections.</summary>
internal static class TopicEndpoints
{
    internal static void Map(IEndpointRouteBuilder api) => api.MapGet("/topics", ListAsync).RequireAuthorization(KorPolicies.Operator)
        .WithSummary("The topics of a Kafka connection (all: of each), with their partitions and how many records they hold")
        .WithDescription("Topics of Kafka's own are left out. Records are counted by offsets: what compaction or a transaction took is in the number.");

    private static async Task<Results<Ok<IReadOnlyList<TopicSummary>>, ProblemHttpResult>> ListAsync(
        KorOptions options, TopicReader reader, CancellationToken cancellation, string? connection = null)
    {
        if (connection is not null && !options.Kafka.ContainsKey(connection)) return LookEndpoints.NoConnection(connection, options);
        try
        {
            var topics = new List<TopicSummary>();
            IEnumerable<string> names = connection is null ? options.Kafka.Keys.Order(StringComparer.Ordinal) : [connection];
            foreach (var name in names)
                topics.AddRange(await reader.ListAsync(name, cancellation));
            return TypedResults.Ok<IReadOnlyList<TopicSummary>>(topics);
        }
        catch (KafkaException e)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "Kafka does not answer", e.Error.Reason);
        }
    }
}
