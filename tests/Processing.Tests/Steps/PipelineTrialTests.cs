using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>Looking at what steps put out: previews and taps.</summary>
public sealed class PipelineTrialTests
{
    private const string Text = """
        apiVersion: kor/v1
        name: orders
        source:
          kafka: { connection: main, topics: [orders] }
          format: json
          fields: { id: string, customer: string, amount: "decimal(10,2)", at: timestamp }
          eventTime: { field: at, maxOutOfOrder: 0s }
        steps:
          - { id: quality, type: quality, rules: { positive: amount > 0 }, onFail: quarantine }
          - { id: unique, type: dedup, key: [id], within: 1h }
          - { id: enrich, type: lookup, connection: dwh, table: CUSTOMERS, on: { ID: customer }, add: { segment: SEGMENT } }
          - id: hourly
            type: window
            window: { tumbling: 1h }
            groupBy: [customer]
            aggregates: { total: sum(amount) }
        sinks:
          - { id: rows, from: enrich, connection: dwh, table: ROWS, mode: append }
          - { id: hours, from: hourly, connection: dwh, table: HOURS, mode: upsert }
        """;

    private static PipelinePlan Plan() => PipelineCompiler.Compile(Text, "orders.yaml", new PipelineCompilerOptions()).Plan!;

    private static RawBatch Batch() => RawRecords.Batch("orders", 0, 5,
    [
        Record(5, "a", 10, 0),
        Record(6, "b", -1, 1),
        Record(7, "a", 10, 2),
        Record(8, "c", 20, 3),
    ]);

    private static RawRecord Record(long offset, string id, int amount, int minute) => new(
        Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","customer":"k","amount":{{amount}},"at":"2026-01-31T10:0{{minute}}:00Z"}"""), null, 1, offset);

    private static void Answer(LookupRequest request)
    {
        var values = new RowBlock(new Schema(new Field("SEGMENT", FieldType.String)), request.Keys.Count) { Count = request.Keys.Count };
        var found = new bool[request.Keys.Count];
        for (var i = 0; i < found.Length; i++)
        {
            found[i] = true;
            ((BinaryColumn)values.Columns[0]).Set(i, "gold"u8);
        }

        request.Result = new LookupResult(values, found);
    }

    [Fact]
    public void A_trial_shows_what_the_sinks_would_be_given_with_open_windows_closed()
    {
        var trial = new PipelineTrial(Plan(), [("orders", 0)], 1_769_853_900_000);
        foreach (var lookup in trial.Take(Batch())) Answer((LookupRequest)lookup);
        trial.Close();
        Assert.Equal(new BatchCounts(4, 2, 1, 0, 0, 1), trial.Counts);
        Assert.Equal(1, trial.Rules["quality.positive"]);
        Assert.Equal(("orders/0", 6L, "quality.positive"), trial.Refused.Select(r => (r.Partition, r.Offset, r.Place)).Single());
        var tables = trial.Tables(1);
        Assert.Equal(["rows", "hours"], tables.Select(t => t.Sink));
        Assert.Equal(2, tables[0].Total);
        Assert.Equal("gold", tables[0].Rows.Single().First(f => f.Key.Equals("segment", StringComparison.OrdinalIgnoreCase)).Value!.GetValue<string>());
        Assert.Equal(30m, tables[1].Rows.Single().First(f => f.Key.Equals("total", StringComparison.OrdinalIgnoreCase)).Value!.GetValue<decimal>());
    }

    [Fact]
    public void Outputs_of_a_batch_can_be_looked_at_when_it_is_done()
    {
        var pipeline = new PartitionPipeline(Plan(), 1);
        pipeline.Begin(Batch(), 1_769_853_900_000);
        while (pipeline.Next() is { } request)
        {
            switch (request)
            {
                case DedupRequest dedup:
                    dedup.Duplicate[2] = true;
                    break;
                case LookupRequest lookup:
                    Answer(lookup);
                    break;
                case WindowRequest window:
                    window.Late.Add(new LateOffset(8, 0, 1, 2));
                    break;
                default:
                    break;
            }
        }

        // Row 6 is refused further on: it is found among the quarantined.
        Assert.Equal([5L, 7, 8], Offsets(pipeline, new InputRef("")));
        Assert.Equal([5L, 8], Offsets(pipeline, new InputRef("enrich")));
        Assert.Equal([7L], Offsets(pipeline, new InputRef("unique", StepOutput.Duplicates)));
        Assert.Equal([6L], Offsets(pipeline, new InputRef("quality", StepOutput.Quarantined)));
        Assert.Equal([6L], Offsets(pipeline, new InputRef(InputRef.AnyStep, StepOutput.Quarantined)));
        Assert.Equal([8L], Offsets(pipeline, new InputRef("hourly", StepOutput.Late)));
        Assert.Null(pipeline.Output(new InputRef("hourly")));
        Assert.Null(pipeline.Output(new InputRef("quality", StepOutput.Duplicates)));
        Assert.Null(pipeline.Output(new InputRef("nowhere")));
    }

    private static IEnumerable<long> Offsets(PartitionPipeline pipeline, InputRef output)
    {
        var rows = pipeline.Output(output)!;
        return rows.Selected.Span.ToArray().Select(r => pipeline.Raw.Offsets[rows.RecordOf(r)]);
    }
}
