using System.Text.Json.Nodes;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Definition.Shapes;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>What the runner needs from outside.</summary>
public sealed record TestRunnerOptions
{
    /// <summary>The text of a pipeline file by the name the test file gives it, or null when there is none.</summary>
    public required Func<string, string?> ReadPipeline { get; init; }

    /// <summary>What <c>${NAME}</c> stands for where the test file does not say; null for a name that is not set.</summary>
    public Func<string, string?> Variables { get; init; } = static _ => null;

    /// <summary>
    /// What the run may use up; null: anything. Met, <see cref="PipelineTestRunner.Run"/> throws <see cref="WorkBudgetException"/> or, when time is up,
    /// <see cref="OperationCanceledException"/>.
    /// </summary>
    public WorkBudget? Budget { get; init; }

    /// <summary>Runs only tests whose name contains this, in any case; null: all.</summary>
    public string? Filter { get; init; }
}

/// <summary>
/// Runs test files: records in with virtual time, expected rows and side outputs out. Pure; the steps, dedup, windows and watermarks
/// are the engine's own.
/// </summary>
public static class PipelineTestRunner
{
    /// <summary>Runs a test file. Never throws for a text, but for one that exceeds the budget.</summary>
    /// <param name="text">The test file, YAML or JSON.</param>
    /// <param name="fileName">The name diagnostics show.</param>
    /// <param name="options">What is outside.</param>
    public static TestFileResult Run(string text, string fileName, TestRunnerOptions options)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(fileName);
        ArgumentNullException.ThrowIfNull(options);
        var diagnostics = new DiagnosticBag(fileName, text);
        // A test gives the pipeline's variables; the file itself has none, so that samples may contain '${'.
        var root = fileName.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? JsonComposer.Compose(diagnostics)
            : YamlComposer.Compose(diagnostics);
        if (root is null or ScalarNode { IsNull: true })
        {
            if (!diagnostics.HasErrors) diagnostics.ErrorAt("KOR1010", new TextPosition(1, 1, 0), 1, "$", "the file is empty");
            return new TestFileResult(fileName, diagnostics.ToList(), []);
        }

        var file = TestFormat.File.Read(root, diagnostics);
        if (diagnostics.HasErrors) return new TestFileResult(fileName, diagnostics.ToList(), []);
        var run = new FileRun(file, root, options, diagnostics);
        return run.Run();
    }

    /// <summary>The format of test files in JSON Schema, draft-07, for editors. Ends with a line break.</summary>
    public static string JsonSchema()
    {
        var parts = new SchemaParts();
        var root = new JsonObject
        {
            ["$schema"] = "http://json-schema.org/draft-07/schema#",
            ["title"] = "KafkaOracleOrleans pipeline tests",
            ["description"] = "Records that come in, and what must come out.",
        };
        root["$ref"] = ((JsonObject)TestFormat.File.ToSchema(parts))["$ref"]!.DeepClone();
        root["definitions"] = parts.ToJson();
        var options = new System.Text.Json.JsonSerializerOptions
        {
            WriteIndented = true,
            NewLine = "\n",
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        return root.ToJsonString(options) + "\n";
    }

    /// <summary>One file: its pipelines are compiled once each.</summary>
    private sealed class FileRun(TestFile file, TextNode root, TestRunnerOptions options, DiagnosticBag diagnostics)
    {
        private readonly Dictionary<string, PipelineCompilation?> _pipelines = new(StringComparer.Ordinal);
        private readonly Dictionary<string, string> _variables = file.Variables
            .GroupBy(v => v.Name.Value).ToDictionary(g => g.Key, g => g.Last().Value.Value, StringComparer.Ordinal);

        private readonly List<Diagnostic> _pipelineFaults = [];

        public TestFileResult Run()
        {
            var prepared = new List<(TestCase Test, PipelineCompilation Compilation, TestExpectations? Expected)>();
            foreach (var test in file.Tests)
            {
                if (options.Filter is { } filter && !test.Name.Value.Contains(filter, StringComparison.OrdinalIgnoreCase)) continue;
                if (Prepare(test) is { } ready) prepared.Add(ready);
            }

            var faults = diagnostics.ToList().Concat(_pipelineFaults.Distinct()).ToList();
            if (faults.Exists(f => f.Severity == Severity.Error)) return new TestFileResult(diagnostics.File, faults, []);
            return new TestFileResult(diagnostics.File, faults, [.. prepared.Select(p => TestRun.Run(p.Test, p.Compilation, p.Expected, options.Budget))]);
        }

        private (TestCase Test, PipelineCompilation Compilation, TestExpectations? Expected)? Prepare(TestCase test)
        {
            var name = test.Pipeline ?? file.Pipeline;
            if (name is null)
            {
                diagnostics.Error("KOR6001", root, "the key 'pipeline' is missing; it names the pipeline file to test");
                return null;
            }

            if (Compile(name) is not { } compilation) return null;
            if (test.Expect.Errors is not null) return (test, compilation, null);
            if (compilation.Plan is null)
            {
                _pipelineFaults.AddRange(compilation.Diagnostics);
                return null;
            }

            test = test with
            {
                Now = test.Now ?? file.Now,
                Lookups = [.. test.Lookups, .. file.Lookups.Where(l => test.Lookups.All(own => own.Name.Value != l.Name.Value))],
            };
            return (test, compilation, new TestExpectations(test, compilation.Plan, diagnostics));
        }

        private PipelineCompilation? Compile(Located<string> name)
        {
            if (_pipelines.TryGetValue(name.Value, out var known)) return known;
            PipelineCompilation? compilation = null;
            if (options.ReadPipeline(name.Value) is { } text)
            {
                compilation = PipelineCompiler.Compile(text, name.Value, new PipelineCompilerOptions
                {
                    Variables = variable => _variables.GetValueOrDefault(variable) ?? options.Variables(variable),
                    CreateDecoder = RecordDecoderFactory.CreateForSamples,
                });
            }
            else
            {
                diagnostics.Error("KOR6001", name.Node, $"there is no pipeline file '{name.Value}'");
            }

            _pipelines.Add(name.Value, compilation);
            return compilation;
        }
    }
}

/// <summary>A test's tables and expectations, checked against its pipeline.</summary>
internal sealed class TestExpectations
{
    private static readonly string[] CountNames = ["consumed", "absorbed", "duplicate", "late", "filtered", "quarantined"];
    private readonly DiagnosticBag _diagnostics;

    public TestExpectations(TestCase test, PipelinePlan plan, DiagnosticBag diagnostics)
    {
        _diagnostics = diagnostics;
        var outputs = OutputCatalog.Of(plan);
        foreach (var expected in test.Expect.Rows)
        {
            if (Find(expected.Name, outputs.Keys, "output") is not { } name) continue;
            var output = outputs[name];
            Outputs.Add((output, expected.Value));
            foreach (var row in expected.Value.Rows ?? []) CheckRow(row, output);
        }

        foreach (var count in test.Expect.Counts) Find(count.Name, CountNames, "count");
        var rules = plan.Steps.OfType<QualityPlan>().SelectMany(s => s.Rules.Select(r => $"{s.Id}.{r.Name}")).ToArray();
        foreach (var rule in test.Expect.Rules) Find(rule.Name, rules, "rule");
        var steps = plan.Steps.OfType<LookupPlan>().ToDictionary(s => s.Id);
        foreach (var lookup in test.Lookups)
        {
            if (Find(lookup.Name, steps.Keys, "lookup step") is { } step)
                Lookups[step] = LookupRows.Read(steps[step], lookup.Value, diagnostics);
        }

        CheckOffsets(test, plan);
    }

    /// <summary>The outputs that are compared, with what is expected of them.</summary>
    public List<(TestOutput Output, ExpectedRows Rows)> Outputs { get; } = [];

    /// <summary>The tables of lookup steps.</summary>
    public Dictionary<string, LookupRows> Lookups { get; } = new(StringComparer.Ordinal);

    private string? Find(Located<string> name, IEnumerable<string> known, string what)
    {
        if (known.Contains(name.Value)) return name.Value;
        var near = Suggestions.Nearest(name.Value, known);
        var list = near is null ? $"; there {(known.Any() ? "are " + string.Join(", ", known.Take(30)) : "is none")}" : "";
        _diagnostics.Error("KOR6003", name.Node, $"the pipeline has no {what} '{name.Value}'{list}", near);
        return null;
    }

    private void CheckRow(TextNode row, TestOutput output)
    {
        if (row is not MapNode map)
        {
            _diagnostics.Error("KOR6004", row, "an expected row is a mapping, COLUMN: value");
            return;
        }

        foreach (var entry in map.Entries)
        {
            var place = output.ColumnOf(entry.Key.Raw);
            if (place < 0)
            {
                var names = output.Schema.Fields.Select(f => f.Name).ToArray();
                var near = Suggestions.Nearest(entry.Key.Raw, names);
                var known = near is null ? $"; there are {string.Join(", ", names)}" : "";
                _diagnostics.Error("KOR6004", entry.Key, $"'{output.Name}' has no column '{entry.Key.Raw}'{known}", near);
            }
            else if (!ExpectedValue.Fits(output.Schema[place].Type, entry.Value))
            {
                _diagnostics.Error(
                    "KOR6005", entry.Value, $"{entry.Value.Kind} is no {output.Schema[place].Type} of column '{entry.Key.Raw}'");
            }
        }
    }

    private void CheckOffsets(TestCase test, PipelinePlan plan)
    {
        var next = new Dictionary<(string, int), long>();
        foreach (var send in test.Given.OfType<SendAction>())
        {
            var first = TestRun.SourceOf(send.Records[0], plan);
            foreach (var record in send.Records)
            {
                var source = TestRun.SourceOf(record, plan);
                if (source != first) _diagnostics.Error("KOR6002", record.Node, "the records of a batch are of one partition");
                var offset = record.Offset ?? next.GetValueOrDefault(source);
                if (offset < next.GetValueOrDefault(source))
                    _diagnostics.Error("KOR6002", record.Node, $"offsets of a partition ascend; the next one is {next[source]}");
                next[source] = Math.Max(offset + 1, next.GetValueOrDefault(source));
            }
        }
    }
}
