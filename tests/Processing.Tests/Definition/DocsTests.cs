using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>Generated files are current. Run with KOR_UPDATE_DOCS=1 to rewrite them.</summary>
public sealed class DocsTests
{
    [Fact]
    public void The_documentation_of_errors_is_current() => AssertCurrent("docs/errors.md", ErrorDocs.Markdown());

    [Fact]
    public void The_schema_for_editors_is_current() =>
        AssertCurrent("pipelines/pipeline.schema.json", PipelineReader.JsonSchema());

    [Fact]
    public void The_reference_of_pipeline_files_is_current() => AssertCurrent("docs/pipelines.md", PipelineDocs.Markdown());

    [Fact]
    public void Every_code_is_explained()
    {
        Assert.All(ErrorCatalog.All, info =>
        {
            Assert.Matches("^KOR[0-9]{4}$", info.Code);
            Assert.NotEmpty(info.Title);
            Assert.NotEmpty(info.Explanation);
            Assert.NotEmpty(info.Remedy);
        });
        Assert.Equal("Unknown field", ErrorCatalog.Find("kor2003")!.Title);
        Assert.Null(ErrorCatalog.Find("KOR0000"));
    }

    [Fact]
    public void Every_code_in_the_sources_is_documented()
    {
        var files = Directory.EnumerateFiles(Path.Combine(Root, "Processing"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("ErrorCatalog", StringComparison.Ordinal)
                && !f.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

        var unknown = files
            .SelectMany(f => Regex.Matches(File.ReadAllText(f), "\"(KOR[0-9]{4})\"").Select(m => m.Groups[1].Value))
            .Distinct().Where(code => ErrorCatalog.Find(code) is null);

        Assert.Empty(unknown);
    }

    [Fact]
    public void The_schema_lists_every_step_type_and_refers_to_parts_that_exist()
    {
        using var schema = JsonDocument.Parse(PipelineReader.JsonSchema());

        Assert.Equal("http://json-schema.org/draft-07/schema#", schema.RootElement.GetProperty("$schema").GetString());
        var parts = schema.RootElement.GetProperty("definitions").EnumerateObject().Select(p => p.Name).ToHashSet();
        Assert.Superset(
            (HashSet<string>)
            [
                "mapStep", "filterStep", "qualityStep", "dedupStep", "lookupStep", "windowStep", "aggregateStep", "customStep",
            ],
            parts);
        var text = schema.RootElement.GetRawText();
        foreach (var reference in text.Split("\"#/definitions/").Skip(1))
            Assert.Contains(reference[..reference.IndexOf('"')], parts);
    }

    [Fact]
    public void Diagnostics_show_the_line_and_marks()
    {
        var text = Base.Replace("where: total > 0", "where: totl > 0", StringComparison.Ordinal);
        var result = Compile(text);

        var report = DiagnosticText.Report(result.Diagnostics, text);

        var diagnostic = Assert.Single(result.Diagnostics);
        Assert.Equal(
            $$"""
            {{diagnostic}}
               15 |   - { id: shape, type: map, set: { total: amount * 2 }, drop: [weight] }
               16 |   - { id: big, type: filter, where: totl > 0 }
                  |                                     ^^^^
            1 error, 0 warnings. 'kor docs KOR2003' explains.

            """,
            report);
    }

    [Fact]
    public void A_plan_can_be_explained()
    {
        var plan = PlanOf(File.ReadAllText(Path.Combine(Root, "pipelines", "orders.yaml")), "orders.yaml");

        var text = PlanDescription.Text(plan);

        string[] parts =
        [
            "source: orders of connection main, JSON, group kor-orders; event time is created_at",
            "+total decimal(",
            "tumbling windows of 5m by customer_id: orders, revenue, average, largest; 8 shards, 2m lateness",
            "upsert by customer_id, window_start into REVENUE_5M of dwh, guarded by revision",
        ];
        Assert.All(parts, part => Assert.Contains(part, text, StringComparison.Ordinal));
        var chart = PlanDescription.Mermaid(plan);
        Assert.StartsWith("flowchart LR\n", chart, StringComparison.Ordinal);
        Assert.Contains("  source --> n_enrich\n", chart, StringComparison.Ordinal);
        Assert.Contains("  n_revenue__5m --> n_revenue\n", chart, StringComparison.Ordinal);
    }

    private static void AssertCurrent(string path, string content)
    {
        var file = Path.Combine(Root, path);
        if (Environment.GetEnvironmentVariable("KOR_UPDATE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, content);
        }

        Assert.True(
            File.Exists(file) && File.ReadAllText(file) == content,
            $"{path} is not current: run the tests of Processing once with KOR_UPDATE_DOCS=1 and commit the file.");
    }
}
