using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>What a sink would have been given.</summary>
/// <param name="Sink">The sink's id.</param>
/// <param name="Connection">Its connection.</param>
/// <param name="Table">Its table.</param>
/// <param name="Total">How many rows the table would hold.</param>
/// <param name="Rows">The first of them, as JSON objects by column.</param>
public sealed record TrialTable(string Sink, string Connection, string Table, int Total, IReadOnlyList<JsonObject> Rows);

/// <summary>A record that would have gone to quarantine.</summary>
public sealed record TrialRefusal(string Place, string Code, string Reason, string Partition, long Offset);

/// <summary>
/// A pipeline tried on records of its real topics: the engine's own steps, dedup, windows and watermarks, in memory. Nothing is written anywhere.
/// Not thread-safe; time is passed in.
/// </summary>
public sealed class PipelineTrial
{
    private readonly PipelineSession _session;
    private readonly PipelinePlan _plan;

    /// <summary>Makes a trial.</summary>
    /// <param name="plan">The pipeline.</param>
    /// <param name="partitions">The partitions that batches will come from.</param>
    /// <param name="nowMs">Processing time, ms since the Unix epoch.</param>
    /// <param name="budget">What it may use up; null: anything.</param>
    public PipelineTrial(PipelinePlan plan, IEnumerable<(string Topic, int Partition)> partitions, long nowMs, WorkBudget? budget = null)
    {
        ArgumentNullException.ThrowIfNull(plan);
        _plan = plan;
        _session = new PipelineSession(plan, new Dictionary<string, LookupRows>(), partitions, nowMs, budget);
    }

    /// <summary>What became of the records.</summary>
    public BatchCounts Counts => _session.Counts;

    /// <summary>Failed records by <c>step.rule</c>.</summary>
    public IReadOnlyDictionary<string, long> Rules => _session.Rules;

    /// <summary>Why a stop rule ended the trial, or null.</summary>
    public string? Stopped => _session.Stopped;

    /// <summary>The refused records.</summary>
    public IEnumerable<TrialRefusal> Refused => _session.Quarantined.Select(q => new TrialRefusal(
        q.Place, q.Code, q.Reason, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{q.Topic}/{q.Partition}"), q.Offset));

    /// <summary>
    /// Takes a batch. Gives the lookups and C# transforms to be answered; each must have its answer before the next one is asked for, and all
    /// must be asked for.
    /// </summary>
    public IEnumerable<PartitionRequest> Take(RawBatch batch) => _session.Take(batch);

    /// <summary>Lets time pass until every open window has closed, and hands out running totals.</summary>
    public void Close()
    {
        _session.Close();
        _session.Flush();
    }

    /// <summary>What the sinks would have been given.</summary>
    /// <param name="rows">The most rows to show of each.</param>
    public IReadOnlyList<TrialTable> Tables(int rows) =>
    [
        .. _plan.Sinks.Select(sink =>
        {
            var table = _session.Tables[sink.Id];
            var all = table.Rows.ToList();
            return new TrialTable(
                sink.Id, sink.Spec.Connection, sink.Spec.Table, all.Count, [.. all.Take(rows).Select(r => Json(table.Schema, r))]);
        }),
    ];

    private static JsonObject Json(Schema schema, object?[] values)
    {
        var row = new JsonObject();
        for (var i = 0; i < values.Length; i++) row[schema[i].Name] = Json(schema[i].Type, values[i]);
        return row;
    }

    private static JsonNode? Json(FieldType type, object? value) => value switch
    {
        null => null,
        bool b => JsonValue.Create(b),
        long n => JsonValue.Create(n),
        decimal n => JsonValue.Create(n),
        double n => JsonValue.Create(n),
        string s when type.Kind == FieldKind.Json => ForeignJson.Parse(s),
        _ => JsonValue.Create(ColumnText.Text(value)),
    };
}
