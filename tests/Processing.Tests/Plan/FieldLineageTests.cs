using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Tests.Plan;

/// <summary>A field that may not be seen is followed through everything a pipeline does with it.</summary>
public sealed class FieldLineageTests
{
    private const string Yaml = """
        apiVersion: kor/v1
        name: people
        source:
          kafka: { connection: main, topics: [people], start: earliest }
          format: json
          fields:
            id: string
            email: string
            contact: { type: string, path: private.email }
            doc: json
            whole: { type: string, from: key }
            city: string
            pay: integer
          eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - id: named
            type: map
            set: { e2: email, e3: upper(e2), mixed: "coalesce(city, e3)", d2: doc, town: "json_value(doc, '$.town')", mail: "json_value(doc, '$.email')", all: "CAST(doc AS string)", sneaky: "json_value(doc, '$.em' || 'ail')", k2: "whole || 'x'", plain: upper(city) }
          - { id: checked, type: quality, rules: { has_mail: e2 IS NOT NULL, has_city: city IS NOT NULL }, onFail: tag }
          - id: sums
            type: window
            window: { tumbling: 1m }
            groupBy: [e2, city]
            shards: 1
            aggregates: { n: count(), mails: count(e3), kinds: count_distinct(e3), one: first(e3), some: "collect(email, 5)", top: "top_k(e2, 3)", docs: first(doc), best: max(city) }
        sinks:
          - { id: out, from: checked, connection: dwh, table: OUT, mode: append, create: true }
          - { id: win, from: sums, connection: dwh, table: WIN, mode: upsert, create: true }
          - { id: bad, from: quality.quarantined, connection: dwh, table: BAD, mode: append, create: true }
        """;

    [Fact]
    public void Renamed_computed_grouped_and_aggregated_it_stays_hidden()
    {
        var plan = Compile(Yaml.Replace("from: quality.quarantined", "from: checked.quarantined", StringComparison.Ordinal));
        var lineage = FieldLineage.Of(plan, n => n.Equals("email", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(
            "email contact e2 e3 mixed mail all sneaky k2 quality_has_mail",
            string.Join(' ', Names(plan, lineage, "checked", FieldSecrecy.Hidden)));
        Assert.Equal("doc whole d2", string.Join(' ', Names(plan, lineage, "checked", FieldSecrecy.Mixed)));
        Assert.Equal("e2 one some top", string.Join(' ', Names(plan, lineage, "sums", FieldSecrecy.Hidden)));
        Assert.Equal("docs", string.Join(' ', Names(plan, lineage, "sums", FieldSecrecy.Mixed)));
        Assert.Contains("E3", lineage.HiddenColumns("out"), StringComparer.OrdinalIgnoreCase);
        Assert.Equal(["reason", "record_key", "record_value"], lineage.HiddenColumns("bad").Select(c => c.ToLowerInvariant()));
    }

    /// <summary>The ways the pipeline above does not have: rows that were looked up, made by a program, filtered, set aside, and taken as extremes.</summary>
    [Fact]
    public void No_step_opens_what_was_hidden_before_it()
    {
        var plan = Compile("""
            apiVersion: kor/v1
            name: people
            source:
              kafka: { connection: main, topics: [people], start: earliest }
              format: json
              fields: { id: string, email: string, whole: { type: string, from: key }, city: string, secret_place: { type: string, path: private.place } }
              eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
            steps:
              - { id: some, type: filter, where: id IS NOT NULL }
              - { id: once, type: dedup, key: [id], within: 1h }
              - { id: found, type: lookup, connection: dwh, table: T, on: { ID: id }, add: { hired: EMAIL, level: LEVEL } }
              - { id: scored, type: custom, name: Score, add: { score: integer } }
              - { id: named, type: map, set: { email: city, copy: email } }
              - id: sums
                type: window
                window: { tumbling: 1m }
                groupBy: [city]
                shards: 1
                aggregates: { low: min(hired), keys: "collect(whole, 5)", email: count(), n: count() }
            sinks:
              - { id: win, from: sums, connection: dwh, table: WIN, mode: upsert, create: true }
              - { id: twice, from: once.duplicates, connection: dwh, table: TWICE, mode: append, create: true }
              - { id: renamed, from: some, connection: dwh, table: R, columns: { ID: id, EMAIL: city, E: whole }, mode: append, create: true }
            """);
        var lineage = FieldLineage.Of(plan, n => n.Equals("email", StringComparison.OrdinalIgnoreCase), spec => spec.Path.SequenceEqual(["private", "place"]));
        string Hidden(string step) => string.Join(' ', Names(plan, lineage, step, FieldSecrecy.Hidden));

        Assert.Equal("email secret_place", Hidden("some"));
        Assert.Equal("email secret_place", Hidden("once"));
        Assert.Equal("email secret_place hired", Hidden("found"));
        Assert.Equal("email secret_place hired score", Hidden("scored"));
        // A name that hides keeps hiding what is called by it, also in what is computed from it.
        Assert.Equal("email secret_place hired score copy", Hidden("named"));
        Assert.Equal("low keys email", Hidden("sums"));
        Assert.Equal(["email", "secret_place"], lineage.HiddenColumns("twice").Select(c => c.ToLowerInvariant()));
        Assert.Equal(["EMAIL"], lineage.HiddenColumns("renamed"));
    }

    [Theory]
    [InlineData("named.e3", true)]
    [InlineData("named.plain", false)]
    [InlineData("source.email", true)]
    [InlineData("source.contact", true)]
    [InlineData("source.city", false)]
    [InlineData("checked.has_city", true)]
    [InlineData("sink:out", true)]
    [InlineData("sink:none-such", true)]
    public void A_reason_may_quote_what_its_place_reads(string place, bool hidden)
    {
        var plan = Compile(Yaml.Replace("from: quality.quarantined", "from: checked.quarantined", StringComparison.Ordinal));
        Assert.Equal(hidden, FieldLineage.Of(plan, n => n == "email").MayQuoteHidden(place));
    }

    [Fact]
    public void Without_anything_to_hide_nothing_is_hidden_and_every_sample_has_a_lineage()
    {
        foreach (var file in Directory.EnumerateFiles(Samples(), "*.yaml", SearchOption.AllDirectories).Where(f => !f.Contains(".test.", StringComparison.Ordinal)))
        {
            if (PipelineCompiler.Compile(File.ReadAllText(file), file, Options(file)).Plan is not { } plan) continue;
            var lineage = FieldLineage.Of(plan, _ => false);
            foreach (var step in plan.Steps) Assert.DoesNotContain(FieldSecrecy.Hidden, lineage.Of(new InputRef(step.Id), step.Schema).Where((_, i) => !IsPartOfDocument(plan, step.Schema[i].Name)));
            foreach (var sink in plan.Sinks) Assert.Equal(sink.Spec.Schema.Count, lineage.OfSink(sink.Id).Count);
            // And with everything hidden, only counts, times of windows and metadata are open.
            var all = FieldLineage.Of(plan, n => plan.Source.Schema.IndexOf(n) >= 0);
            foreach (var sink in plan.Sinks.Where(s => !s.FromWindow)) Assert.Contains(FieldSecrecy.Hidden, all.OfSink(sink.Id));
        }
    }

    /// <summary>What is made from a whole document by other ways than a path that is written down is hidden in doubt.</summary>
    private static bool IsPartOfDocument(PipelinePlan plan, string name) => plan.Source.Schema.IndexOf(name) < 0;

    private static IEnumerable<string> Names(PipelinePlan plan, FieldLineage lineage, string step, FieldSecrecy secrecy)
    {
        var schema = plan.Steps.Single(s => s.Id == step).Schema;
        return lineage.Of(new InputRef(step), schema).Select((f, i) => (Secrecy: f, schema[i].Name)).Where(f => f.Secrecy == secrecy).Select(f => f.Name);
    }

    private static string Samples()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "KafkaOracleOrleans.sln"))) folder = folder.Parent;
        return Path.Combine(folder!.FullName, "pipelines");
    }

    private static PipelineCompilerOptions Options(string file) => new() { Transforms = ["normalise"], Variables = static _ => null };

    private static PipelinePlan Compile(string text)
    {
        var compilation = PipelineCompiler.Compile(text, "people.yaml", new PipelineCompilerOptions { Transforms = ["Score"] });
        Assert.True(compilation.Plan is not null, string.Join('\n', compilation.Diagnostics));
        return compilation.Plan;
    }
}
