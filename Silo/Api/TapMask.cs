using System.Text.Json.Nodes;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Silo.Security;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What a tap shows to somebody who may not see every field.</summary>
internal sealed class TapMask(PlanMask mask, PipelinePlan plan, TapRequest request)
{
    private readonly (InputRef Output, Schema Schema)? _of = TapPlan.Of(plan, request);

    /// <summary>Why the tap's condition may not be asked for; null: it may, or what is wrong with it is said elsewhere.</summary>
    public string? Refusal() => request.Where is { } where && _of is var (output, schema) ? mask.Refusal(output, schema, where) : null;

    /// <summary>Hides values in place. What a newer version of the pipeline shows and this one does not know is left out.</summary>
    public void Apply(JsonNode? value)
    {
        if (value is not JsonObject fields || _of is not var (output, schema)) return;
        foreach (var name in fields.Select(f => f.Key).Where(n => schema.IndexOf(n) < 0).ToList()) fields[name] = FieldMask.Hidden;
        mask.Apply(output, schema, fields);
    }
}
