using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>Looks up what a lookup step asks for.</summary>
public static class LookupAnswers
{
    /// <summary>Answers a request: with the rows of its keys, or with the whole table where that is preloaded. Throws what <see cref="ILookupSource"/> throws.</summary>
    public static async Task AnswerAsync(LookupRequest request, ILookupSource lookups, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(lookups);
        var step = request.Step;
        if (!request.Preload)
        {
            request.Result = await lookups.LookupAsync(step.Lookup, request.Keys, cancellation);
            return;
        }

        var types = step.Key.Select(k => step.InputSchema[k].Type).ToList();
        request.Table = await lookups.ReadAllAsync(step.Lookup, types, step.CacheRows, cancellation);
    }
}
