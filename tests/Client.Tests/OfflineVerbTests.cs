using System.Text.Json;
using KafkaOracleOrleans.Client.Cli;

namespace KafkaOracleOrleans.Client.Tests;

public sealed class OfflineVerbTests : IDisposable
{
    private readonly Kor _kor = new();

    public void Dispose() => _kor.Dispose();

    [Theory]
    [InlineData("trigger_interval", "flush: { rows, bytes, interval }")]
    [InlineData("max.poll.records", "Kor:Reading:MaxBatchRecords")]
    [InlineData("failOnDataLoss", "kor reset")]
    public async Task Names_of_the_usual_guide_lead_somewhere(string name, string part)
    {
        var result = await _kor.RunAsync("docs", name);
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.Contains(part, result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void The_migration_page_has_the_names_of_the_usual_guide()
    {
        var page = File.ReadAllText(TestSupport.RepoPaths.Under("docs", "migrating-from-pyspark.md"));
        Assert.All(Client.Cli.Verbs.GuideNames.All, g => Assert.Contains($"| `{g.Name}` | {g.Here} |", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Pipelines_that_read_each_others_quarantine_are_warned_of()
    {
        string With(string name, string topics, string bad) => Samples.Payments.Replace("name: payments", $"name: {name}", StringComparison.Ordinal)
            .Replace("GOOD", "T_" + name, StringComparison.Ordinal)
            .Replace("topics: [payments]", $"topics: [{topics}]", StringComparison.Ordinal) + $"\nquarantine: {{ kafka: {{ connection: main, topic: {bad} }} }}\n";
        _kor.Write("a.yaml", With("a", "orders, '^b-.*'", "a-bad"));
        _kor.Write("b.yaml", With("b", "a-bad", "b-bad"));
        _kor.Write("c.yaml", With("c", "b-bad", "c-bad"));
        var result = await _kor.RunAsync("validate", "a.yaml", "b.yaml", "c.yaml");
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.Contains("warning KOR2062: 'b' reads what 'a' refuses (topic a-bad), and 'a' reads what 'b' refuses (topic b-bad)", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, (await _kor.RunAsync("validate", "a.yaml", "b.yaml", "--deny-warnings")).Code);
        _kor.Write("b.yaml", With("b", "a-bad", "beyond"));
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("validate", "a.yaml", "b.yaml", "c.yaml", "--deny-warnings")).Code);
    }

    [Fact]
    public async Task Pipelines_that_write_one_table_are_refused_by_validate_and_plan_unless_both_declare_keys()
    {
        string Named(string name, string keys) => Samples.Payments.Replace("name: payments", $"name: {name}", StringComparison.Ordinal)
            .Replace("table: GOOD,", $"table: {(name == "a" ? "GOOD" : "good")},{keys}", StringComparison.Ordinal);
        _kor.Write("a.yaml", Named("a", ""));
        _kor.Write("b.yaml", Named("b", ""));
        var result = await _kor.RunAsync("validate", "a.yaml", "b.yaml");
        Assert.Equal(ExitCodes.Config, result.Code);
        Assert.Contains(
            "error KOR2063: sink 'good' of pipeline 'b' writes table good of connection 'dwh', which sink 'good' of pipeline 'a' writes too", result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("validate", "a.yaml")).Code);
        var plan = await _kor.RunAsync("plan", "a.yaml", "b.yaml", "--dialect", "postgresql");
        Assert.Equal(ExitCodes.Failed, plan.Code);
        Assert.Contains("good (sink good): does not fit", plan.Out, StringComparison.Ordinal);
        Assert.Contains("-     - KOR2063: sink 'good' of pipeline 'b'", plan.Out, StringComparison.Ordinal);

        _kor.Write("a.yaml", Named("a", " keys: [id],"));
        var json = await _kor.RunAsync("validate", "a.yaml", "b.yaml", "-o", "json");
        Assert.Equal(ExitCodes.Config, json.Code);
        Assert.Contains("\"code\": \"KOR2063\"", json.Out, StringComparison.Ordinal);
        _kor.Write("b.yaml", Named("b", " keys: [id],"));
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("validate", "a.yaml", "b.yaml")).Code);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("plan", "a.yaml", "b.yaml", "--dialect", "postgresql")).Code);
    }

    [Fact]
    public async Task A_good_file_is_valid()
    {
        _kor.Write("payments.yaml", Samples.Payments);
        var result = await _kor.RunAsync("validate", "payments.yaml");
        Assert.Equal("ok  payments.yaml  payments: 1 step, 1 sink\n", result.Out);
        Assert.Equal("", result.Error);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Fact]
    public async Task A_bad_file_shows_place_line_and_caret()
    {
        _kor.Write("payments.yaml", Samples.Broken);
        var result = await _kor.RunAsync("validate", "payments.yaml");
        Assert.Equal("payments.yaml(10,38): error KOR2003: Unknown field 'amonut'. Did you mean 'amount'?", result.Lines[0]);
        Assert.Contains("where: amonut > 0 }", result.Lines[2], StringComparison.Ordinal);
        Assert.Equal(result.Lines[2].IndexOf("amonut", StringComparison.Ordinal), result.Lines[3].IndexOf('^', StringComparison.Ordinal));
        Assert.Equal("1 error, 0 warnings. 'kor docs KOR2003' explains.\n", result.Error);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Fact]
    public async Task All_files_of_a_folder_are_checked_but_its_tests()
    {
        _kor.Write("a/one.yaml", Samples.Payments);
        _kor.Write("a/b/two.yml", Samples.Broken);
        _kor.Write("a/one.test.yaml", "pipeline: one.yaml");
        var everything = await _kor.RunAsync("validate", "./...", "-o", "jsonl");
        Assert.Equal(["a/b/two.yml", "a/one.yaml"], everything.Lines.Select(FileOf));
        var folder = await _kor.RunAsync("validate", "a", "-o", "jsonl");
        Assert.Equal(everything.Out, folder.Out);
        var pattern = await _kor.RunAsync("validate", "a/**/*.yml", "-o", "jsonl");
        Assert.Equal(["a/b/two.yml"], pattern.Lines.Select(FileOf));
    }

    private static string FileOf(string json) => JsonDocument.Parse(json).RootElement.GetProperty("file").GetString()!;

    [Theory]
    [InlineData("nothing.yaml")]
    [InlineData("*.yaml")]
    [InlineData("folder/...")]
    public async Task Files_that_do_not_exist_are_not_found(string argument)
    {
        var result = await _kor.RunAsync("validate", argument);
        Assert.Equal(ExitCodes.NotFound, result.Code);
        Assert.Contains($"'{argument}'", result.Error, StringComparison.Ordinal);
        Assert.Equal("", result.Out);
    }

    [Fact]
    public async Task Variables_come_from_options_then_from_the_environment()
    {
        _kor.Write("payments.yaml", Samples.WithVariable);
        Assert.Equal(ExitCodes.Config, (await _kor.RunAsync("validate", "payments.yaml")).Code);
        _kor.Set("TABLE", "not a table");
        Assert.Equal(ExitCodes.Config, (await _kor.RunAsync("validate", "payments.yaml")).Code);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("validate", "payments.yaml", "--env", "TABLE=GOOD")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("validate", "payments.yaml", "--env", "TABLE")).Code);
    }

    [Fact]
    public async Task Warnings_fail_only_when_they_are_denied()
    {
        var text = Samples.Payments.Replace("table: GOOD", "table: GOOD, mode: upsert, keys: [amount]", StringComparison.Ordinal);
        _kor.Write("payments.yaml", text);
        var lenient = await _kor.RunAsync("validate", "payments.yaml");
        Assert.Contains("warning KOR", lenient.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, lenient.Code);
        Assert.Equal(ExitCodes.Config, (await _kor.RunAsync("validate", "payments.yaml", "--deny-warnings")).Code);
    }

    [Fact]
    public async Task Findings_come_as_json()
    {
        _kor.Write("payments.yaml", Samples.Broken);
        var result = await _kor.RunAsync("validate", "payments.yaml", "-o", "json");
        var diagnostic = JsonDocument.Parse(result.Out).RootElement[0].GetProperty("diagnostics")[0];
        Assert.Equal("KOR2003", diagnostic.GetProperty("code").GetString());
        Assert.Equal(10, diagnostic.GetProperty("line").GetInt32());
        Assert.Equal("amount", diagnostic.GetProperty("suggestion").GetString());
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Theory]
    [InlineData("1 + 2.5", "3.5")]
    [InlineData("upper('x') || 'y'", "Xy")]
    [InlineData("CAST(NULL AS integer)", "NULL")]
    [InlineData("DATE '2026-01-31'", "2026-01-31")]
    public async Task An_expression_without_fields_needs_no_data(string expression, string value)
    {
        var result = await _kor.RunAsync("eval", expression);
        Assert.Equal(value + "\n", result.Out);
        Assert.StartsWith("type: ", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Fact]
    public async Task Fields_are_guessed_from_the_data()
    {
        _kor.Input = """
            {"amount": 1, "at": "2026-01-31T10:00:00Z", "name": "a"}
            {"amount": 2.50, "at": "2026-01-31T11:00:00Z", "name": null}
            """;
        var result = await _kor.RunAsync("eval", "amount * 2", "--data", "-");
        Assert.Equal(["2.00", "5.00"], result.Lines);
        Assert.Contains("amount:decimal(21,2), at:timestamp, name:string", result.Error, StringComparison.Ordinal);
        var hours = await _kor.RunAsync("eval", "hour(at)", "--data", "-", "-o", "jsonl");
        Assert.Equal(["""{"value":10}""", """{"value":11}"""], hours.Lines);
    }

    [Fact]
    public async Task Fields_can_be_declared()
    {
        _kor.Write("rows.jsonl", "{\"a\": 3, \"b\": \"x\"}\n{\"a\": 4}\n");
        var result = await _kor.RunAsync(
            "eval", "b || CAST(a AS string)", "--data", "rows.jsonl", "--fields", "a:decimal(10,2), b:string", "-o", "yaml");
        Assert.Equal("type: string\nnullable: true\nrows:\n  - value: x3.00\n  - value: null\n", result.Out);
        var wrong = await _kor.RunAsync("eval", "a", "--fields", "a:decimall");
        Assert.Equal(ExitCodes.Usage, wrong.Code);
        Assert.Contains("fields(1,3)", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_can_come_from_a_pipeline()
    {
        _kor.Write("payments.yaml", Samples.Payments);
        _kor.Input = "{\"id\": \"a\", \"amount\": 1.5}\n{\"amount\": 2}\n";
        var result = await _kor.RunAsync("eval", "amount > 1", "-p", "payments.yaml", "-d", "-");
        Assert.Equal(["true", "(failed)"], result.Lines);
        Assert.Contains("record 2: KOR", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
        var both = await _kor.RunAsync("eval", "amount", "-p", "payments.yaml", "--fields", "a:string");
        Assert.Equal(ExitCodes.Usage, both.Code);
    }

    [Fact]
    public async Task A_faulty_expression_is_marked()
    {
        var result = await _kor.RunAsync("eval", "1 + lenght('x')");
        Assert.Equal("", result.Out);
        Assert.Contains("Did you mean 'length'?", result.Error, StringComparison.Ordinal);
        Assert.Contains("\n        ^^^^^^", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Fact]
    public async Task A_record_that_fails_is_named_and_fails_the_command()
    {
        _kor.Input = "{\"a\": 0}\n{\"a\": 2}\n";
        var result = await _kor.RunAsync("eval", "10 / a", "-d", "-", "--fields", "a:integer");
        Assert.Equal("(failed)", result.Lines[0]);
        Assert.Contains("record 1: KOR", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Failed, result.Code);
    }

    [Fact]
    public async Task An_expression_with_fields_needs_data()
    {
        var result = await _kor.RunAsync("eval", "a + 1", "--fields", "a:integer");
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Contains("--data", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_schema_is_json()
    {
        var result = await _kor.RunAsync("schema");
        Assert.Equal("http://json-schema.org/draft-07/schema#", JsonDocument.Parse(result.Out).RootElement.GetProperty("$schema").GetString());
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Fact]
    public async Task A_pipeline_is_explained_as_text_flowchart_and_json()
    {
        _kor.Write("payments.yaml", Samples.Payments);
        var text = await _kor.RunAsync("explain", "payments.yaml");
        Assert.Contains("keep: filter, keeps rows where amount > 0", text.Out, StringComparison.Ordinal);
        var chart = await _kor.RunAsync("explain", "payments.yaml", "--mermaid");
        Assert.StartsWith("flowchart LR\n", chart.Out, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await _kor.RunAsync("explain", "payments.yaml", "-o", "json")).Out).RootElement;
        Assert.Equal("filter", json.GetProperty("steps")[0].GetProperty("type").GetString());
        Assert.Equal("decimal(10,2)", json.GetProperty("sinks")[0].GetProperty("columns")[1].GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_faulty_pipeline_is_not_explained()
    {
        _kor.Write("payments.yaml", Samples.Broken);
        var result = await _kor.RunAsync("explain", "payments.yaml");
        Assert.Equal("", result.Out);
        Assert.Contains("payments.yaml(10,38): error KOR2003", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Config, result.Code);
    }

    [Theory]
    [InlineData("KOR2003", "KOR2003: Unknown field")]
    [InlineData("kor2003", "KOR2003: Unknown field")]
    [InlineData("coalesce", "coalesce(")]
    public async Task Docs_explain_codes_and_functions(string topic, string start)
    {
        var result = await _kor.RunAsync("docs", topic);
        Assert.StartsWith(start, result.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Ok, result.Code);
    }

    [Fact]
    public async Task Docs_list_what_there_is()
    {
        Assert.Contains((await _kor.RunAsync("docs")).Lines, l => l.StartsWith("KOR2003  ", StringComparison.Ordinal));
        Assert.Contains((await _kor.RunAsync("docs", "functions")).Lines, l => l.StartsWith("round(", StringComparison.Ordinal));
        var unknown = await _kor.RunAsync("docs", "nvl");
        Assert.Contains("Did you mean 'coalesce'?", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.NotFound, unknown.Code);
    }

    [Theory]
    [InlineData("Unknown option '--wach'. Did you mean '--watch'?", "status", "--wach")]
    [InlineData("Unknown option '--folow'. Did you mean '--follow'?", "events", "--folow")]
    [InlineData("Unknown option '--deny-warning'. Did you mean '--deny-warnings'?", "validate", "x.yaml", "--deny-warning")]
    [InlineData("A verb is missing.")]
    [InlineData("'xml' is no output format", "schema", "-o", "xml")]
    [InlineData("'5' is not a span of time", "schema", "--timeout", "5")]
    [InlineData("Required argument", "validate")]
    public async Task A_senseless_command_line_is_refused_with_a_hint(string message, params string[] args)
    {
        var result = await _kor.RunAsync(args);
        Assert.Equal("", result.Out);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Contains("--help", result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, result.Code);
    }

    [Theory]
    [InlineData("kor: Unknown verb 'vaildate'. Did you mean 'validate'?", "vaildate", "x.yaml")]
    [InlineData("kor: Unknown verb 'vaildate'. Did you mean 'validate'?", "vaildate", "--help")]
    [InlineData("kor offsets: Unknown verb 'shw'. Did you mean 'show'?", "offsets", "shw", "--help")]
    public async Task A_verb_that_is_none_ends_with_64_also_when_help_is_asked_for(string message, params string[] args)
    {
        var result = await _kor.RunAsync(args);
        Assert.Equal("", result.Out);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.UnknownVerb, result.Code);
    }

    [Fact]
    public async Task Help_names_every_verb_in_a_group_within_80_columns()
    {
        var help = await _kor.RunAsync("--help");
        Assert.All(help.Lines, l => Assert.True(l.Length <= 80, l));
        Assert.Contains("Looking:", help.Lines);
        Assert.DoesNotContain("Others:", help.Lines);
        Assert.Contains("Usage:", (await _kor.RunAsync("status", "--help")).Out, StringComparison.Ordinal);
        // A value that looks like an option goes behind two dashes.
        Assert.DoesNotContain("Unknown option", (await _kor.RunAsync("status", "--", "--wach")).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    [InlineData("pwsh")]
    public async Task Shells_complete(string shell)
    {
        Assert.Contains("[suggest:", (await _kor.RunAsync("completion", shell)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_suggests_verbs_and_values()
    {
        Assert.Contains("validate", (await _kor.RunAsync("[suggest:6]", "kor va")).Lines);
        Assert.Equal(["KOR2003"], (await _kor.RunAsync("[suggest:16]", "kor docs KOR2003")).Lines);
    }
}
