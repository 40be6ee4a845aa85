using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>C# transforms: what they see, what they may do with a record, and what becomes of those that fail.</summary>
public sealed class TransformTests
{
    private const string Yaml = """
        apiVersion: kor/v1
        name: transforms
        source:
          kafka: { connection: main, topics: [events] }
          format: json
          fields: { id: string, amount: 'decimal(8,2)', at: timestamp, day: date, vip: boolean, n: integer, f: double, doc: json }
        steps:
          - { id: some, type: filter, where: "id <> 'filtered'" }
          - id: score
            type: custom
            name: Score
            options: { factor: 3 }
            add: { score: 'decimal(6,3)', label: string, next: timestamp, note: json }
        sinks:
          - { id: out, from: score, connection: dwh, table: OUT_T, columns: [id, amount, score, label, next, note, n] }
        """;

    private sealed class Score : IRecordTransform
    {
        public string Name => "Score";

        public RecordTransformer Prepare(TransformStep step)
        {
            var factor = decimal.Parse(
                step.Options.TryGetValue("factor", out var text) ? text : throw new ArgumentException("Score needs the option 'factor'."),
                System.Globalization.CultureInfo.InvariantCulture);
            var (id, amount, at) = (step.Field("id", FieldKind.String), step.Field("amount", FieldKind.Decimal), step.Field("at", FieldKind.Timestamp));
            var (n, score, label) = (step.Field("n", FieldKind.Integer), step.Field("score", FieldKind.Decimal), step.Field("label", FieldKind.String));
            var (next, note) = (step.Field("next", FieldKind.Timestamp), step.Field("note", FieldKind.Json));
            return row =>
            {
                switch (row.GetString(id))
                {
                    case "drop": row.Drop(); return;
                    case "refuse": row.Refuse("No score for this one."); return;
                    case "throw": throw new InvalidOperationException("broken");
                    case "json": row.Set(note, "{not json"); return;
                    case "kind": row.Set(score, 1L); return;
                    case "surrogate": row.Set(label, "\ud800"); return;
                }

                if (row.IsNull(amount)) return;
                row.Set(score, row.GetDecimal(amount) * factor);
                row.Set(label, $"{row.GetString(id)}!");
                row.Set(next, row.GetTimestamp(at).AddDays(1));
                row.Set(note, "[1]");
                row.Set(n, row.GetInteger(n) + 1);
            };
        }
    }

    [Fact]
    public void A_transform_adds_fields_and_may_drop_or_refuse_a_record()
    {
        var run = new PipelineRun(Yaml) { Transforms = new TransformRunner([new Score()]) };

        var counts = run.Send(
            """{"id":"a","amount":1.25,"at":"2026-01-31T10:00:00Z","n":4}""", """{"id":"filtered"}""", """{"id":"drop"}""", """{"id":"refuse"}""",
            """{"id":"throw"}""", """{"id":"json"}""", """{"id":"kind"}""", """{"id":"surrogate"}""",
            """{"id":"big","amount":999999.99,"at":"2026-01-31T10:00:00Z","n":4}""", """{"id":"null","n":7}""");

        Assert.Equal(
            ["0: a|1.25|3.75|a!|2026-02-01T10:00:00|[1]|5", "9: null|NULL|NULL|NULL|NULL|NULL|7"],
            run.Sinks["out"].Select(r => r.Split("|t|")[0]));
        Assert.Equal(
            [
                "KOR4044 No score for this one.", "KOR4045 The transform 'Score' threw InvalidOperationException: broken",
                "KOR4045 ArgumentException", "KOR4045 InvalidOperationException", "KOR4045 EncoderFallbackException", "KOR4045 ArgumentException",
            ],
            run.Quarantine.Select(q => q.Reason.Contains("broken", StringComparison.Ordinal) || q.Code == "KOR4044"
                ? $"{q.Code} {q.Reason}" : $"{q.Code} {q.Reason.Split(" threw ")[1].Split(':')[0]}"));
        Assert.Equal((10, 2, 2, 6), (counts.Consumed, counts.Absorbed, counts.Filtered, counts.Quarantined));
        Assert.All(run.Quarantine, q => Assert.Equal("score", q.Place));
    }

    [Fact]
    public void What_a_transform_lacks_is_known_before_the_first_record()
    {
        var plan = new PipelineRun(Yaml).Plan;
        Assert.Contains("not registered", Assert.Throws<ArgumentException>(() => new TransformRunner([]).Prepare(plan)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TransformRunner([new Score(), new Score()]));
        var without = new PipelineRun(Yaml.Replace("options: { factor: 3 }", "options: {}", StringComparison.Ordinal)).Plan;
        Assert.Contains("'factor'", Assert.Throws<ArgumentException>(() => new TransformRunner([new Score()]).Prepare(without)).Message, StringComparison.Ordinal);
        var other = new PipelineRun(Yaml.Replace("label: string", "label: integer", StringComparison.Ordinal)).Plan;
        Assert.Contains(
            "The field 'label' of step 'score' is integer; the transform needs string.",
            Assert.Throws<ArgumentException>(() => new TransformRunner([new Score()]).Prepare(other)).Message, StringComparison.Ordinal);
    }
}
