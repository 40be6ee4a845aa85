using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Pipelines;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What a check of a pipeline found.</summary>
/// <param name="Valid">It would be accepted.</param>
/// <param name="Pipeline">Its name, when it could be read.</param>
/// <param name="Diagnostics">Errors and warnings of the text.</param>
/// <param name="Environment">With <c>environment=true</c>: what of the surroundings was checked; else null.</param>
public sealed record ValidationReport(
    bool Valid, string? Pipeline, IReadOnlyList<DiagnosticItem> Diagnostics, IReadOnlyList<EnvironmentCheck>? Environment);

/// <summary>A check of the surroundings.</summary>
public sealed record EnvironmentCheck(string What, bool Ok, string Text);

/// <summary>An expression to be tried.</summary>
/// <param name="Expression">The text.</param>
/// <param name="Records">Records as JSON objects, at most 1,000; without them the expression may read no fields.</param>
/// <param name="Fields">Their fields, as <c>a:decimal(10,2),b:string</c>; without them they are guessed.</param>
/// <param name="Pipeline">A pipeline of the server whose fields count instead.</param>
/// <param name="Step">Of that pipeline the step whose output fields count; without it the source's.</param>
public sealed record EvalRequest(
    string Expression, IReadOnlyList<JsonElement>? Records = null, string? Fields = null, string? Pipeline = null, string? Step = null);

/// <summary>What an expression gave.</summary>
public sealed record EvalReport(string Type, bool Nullable, IReadOnlyList<EvalRow> Rows);

/// <summary>What it gave for one record.</summary>
public sealed record EvalRow(JsonNode? Value, string? Error);

/// <summary>A test file to be run.</summary>
/// <param name="Test">Its text.</param>
/// <param name="File">Its name, for messages. Default: <c>pipeline.test.yaml</c>.</param>
/// <param name="Pipelines">Pipeline texts by the names the test gives them; what is not there is looked for among the server's pipelines.</param>
public sealed record TestRequest(string Test, string? File = null, IReadOnlyDictionary<string, string>? Pipelines = null);

/// <summary>How the tests of a file went.</summary>
/// <param name="Ran">False when the file cannot be run as it is.</param>
public sealed record TestReport(string File, bool Ran, IReadOnlyList<DiagnosticItem> Diagnostics, IReadOnlyList<TestCaseReport> Tests);

/// <summary>How a test went.</summary>
public sealed record TestCaseReport(
    string Name, int Line, bool Passed, int Records, IReadOnlyList<TestFailure> Failures, IReadOnlyList<string> Hints);

/// <summary>Trying things out before they run.</summary>
public static class AuthoringEndpoints
{
    private const int MaxText = 1 << 20;
    private const int MaxRecords = 1000;

    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/pipelines/validate", ValidateAsync).ChangesNothing().WithSummary("Check a pipeline without saving it")
            .Accepts<string>("application/yaml", "application/json");
        api.MapPost("/eval", EvalAsync).ChangesNothing().WithSummary("Try an expression on sample records");
        api.MapPost("/test", TestAsync).ChangesNothing().WithSummary("Run a test file");
    }

    /// <summary>The body as text; null when it is too long or not UTF-8. Throws <see cref="BadHttpRequestException"/> for control characters.</summary>
    internal static async Task<string?> TextAsync(HttpRequest request, CancellationToken cancellation)
    {
        using var body = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await request.Body.ReadAsync(buffer, cancellation) is var read and > 0)
        {
            if (body.Length + read > MaxText) return null;
            body.Write(buffer, 0, read);
        }

        try
        {
            var text = new UTF8Encoding(false, true).GetString(body.GetBuffer(), 0, (int)body.Length);
            CleanText.CheckText(text, "The body");
            return text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    internal static ProblemHttpResult NoText() =>
        Problem(StatusCodes.Status413PayloadTooLarge, "No text", "The body must be UTF-8 text of at most 1 MiB.");

    /// <summary>The file name findings show: as given, or by the kind of the body.</summary>
    internal static string FileName(HttpRequest request, string? file) =>
        file ?? (request.ContentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true ? "pipeline.json" : "pipeline.yaml");

    private static async Task<Results<Ok<ValidationReport>, ProblemHttpResult>> ValidateAsync(
        HttpRequest request, HostPipelineCompiler compiler, IKafkaLogs logs, IGrainFactory grains, CancellationToken cancellation, string? file = null, bool environment = false)
    {
        if (await TextAsync(request, cancellation) is not { } text) return NoText();
        var name = FileName(request, file);
        var compilation = compiler.Check(text, name, DefinitionOrigin.Api);
        List<DiagnosticItem> diagnostics = [.. compilation.Diagnostics.Select(DiagnosticItem.Of)];
        if (compilation.Plan is not { } plan) return TypedResults.Ok(new ValidationReport(false, null, diagnostics, null));
        var refusal = compiler.Refusal(plan);
        if (refusal is not null) diagnostics.Add(new DiagnosticItem("", "error", name, 0, 0, 0, "", refusal, null));
        foreach (var shared in await grains.GetGrain<IPipelineCatalogGrain>(0).CheckTablesAsync(plan.Name, TableClaims.Of(plan)))
        {
            refusal ??= shared.Message;
            diagnostics.Add(new DiagnosticItem(SharedTables.Code, "error", name, 0, 0, 0, "", shared.Message[(SharedTables.Code.Length + 2)..], null));
        }

        var checks = environment ? await CheckAsync(plan, logs, cancellation) : null;
        return TypedResults.Ok(new ValidationReport(refusal is null && checks?.All(c => c.Ok) != false, plan.Name, diagnostics, checks));
    }

    private static async Task<IReadOnlyList<EnvironmentCheck>> CheckAsync(PipelinePlan plan, IKafkaLogs logs, CancellationToken cancellation)
    {
        var what = $"Kafka {plan.Source.Connection}";
        try
        {
            var partitions = await logs.ListPartitionsAsync(plan.Source, cancellation);
            var text = partitions.Count == 0 ? "no topic matches yet" : $"{partitions.Count} partitions of {string.Join(", ", plan.Source.Topics)}";
            return [new EnvironmentCheck(what, true, text)];
        }
        catch (KafkaSourceException e)
        {
            return [new EnvironmentCheck(what, false, e.Message)];
        }
    }

    private static async Task<Results<Ok<EvalReport>, ProblemHttpResult>> EvalAsync(
        EvalRequest request, IGrainFactory grains, PlanProvider plans, TimeProvider time, TrialGate gate, HttpContext http)
    {
        if (string.IsNullOrWhiteSpace(request.Expression)) return Bad("No expression", "'expression' is empty.");
        if (request.Records?.Count > MaxRecords) return Bad("Too many records", "At most 1,000 records are tried at a time.");
        var values = request.Records?.Select(r => Encoding.UTF8.GetBytes(r.GetRawText())).ToList();
        var (decoder, problem) = await DecoderAsync(request, values, grains, plans);
        if (problem is not null) return problem;
        var (report, refused) = await gate.ComputeAsync<object>(
            http, "eval", budget => Evaluate(request, decoder, values, time.GetUtcNow().ToUnixTimeMilliseconds(), budget));
        if ((refused ?? report as ProblemHttpResult) is { } fault) return fault;
        return TypedResults.Ok((EvalReport)report!);
    }

    /// <summary>The report, or what is wrong with the expression.</summary>
    private static object Evaluate(EvalRequest request, IRecordDecoder? decoder, List<byte[]>? values, long now, WorkBudget budget)
    {
        var compiled = ExpressionCompiler.Compile(request.Expression, decoder?.Schema ?? Schema.Empty);
        if (compiled.Expression is not { } expression || compiled.Errors.Count != 0)
            return Invalid("Not an expression", compiled.Errors[0].Message, [.. compiled.Errors.Select(DiagnosticItem.Of)]);
        if (values is null && expression.Fields.Count != 0)
            return Bad("No records", "The expression reads fields; give 'records' to read them from.");
        var outcome = values is null
            ? ExpressionTrial.EvaluateOnce(expression, now, budget)
            : ExpressionTrial.Evaluate(expression, decoder!, values, now, budget);
        var errors = outcome.Errors.Items.ToDictionary(e => e.Row);
        return new EvalReport(
            expression.Type.ToString(), expression.Nullable,
            [
                .. Enumerable.Range(0, outcome.Count).Select(row => new EvalRow(
                    ColumnText.Json(outcome.Results, row), errors.TryGetValue(row, out var e) ? $"{e.Code}: {e.Message}" : null)),
            ]);
    }

    private static async Task<(IRecordDecoder? Decoder, ProblemHttpResult? Problem)> DecoderAsync(
        EvalRequest request, List<byte[]>? values, IGrainFactory grains, PlanProvider plans)
    {
        if (request.Pipeline is { } name)
        {
            if (await FindAsync(grains, name) is null) return (null, NoPipeline(name));
            var plan = (await plans.GetAsync(name)).Plan;
            if (request.Step is null) return (plan.Source.Format is { } format ? RecordDecoderFactory.CreateForSamples(format) : plan.Source.CreateDecoder(), null);
            return plan.Steps.FirstOrDefault(s => s.Id == request.Step) is { } step
                ? (RecordDecoderFactory.Create(FieldList.JsonFormat(step.Schema)), null)
                : (null, Problem(StatusCodes.Status404NotFound, "No such step", $"Pipeline '{name}' has no step '{request.Step}'."));
        }

        if (request.Fields is { } fields)
        {
            return FieldList.Parse(fields, out var faults) is { } declared
                ? (RecordDecoderFactory.Create(FieldList.JsonFormat(declared)), null)
                : (null, Invalid("Not fields", "'fields' is written NAME:TYPE,NAME:TYPE.", [.. faults.Select(DiagnosticItem.Of)]));
        }

        return (values is null ? null : RecordDecoderFactory.Create(FieldList.JsonFormat(FieldList.Infer(values))), null);
    }

    private static async Task<Results<Ok<TestReport>, ProblemHttpResult>> TestAsync(
        TestRequest request, IGrainFactory grains, TrialGate gate, HttpContext http)
    {
        if (string.IsNullOrWhiteSpace(request.Test)) return Bad("No test", "'test' is empty.");
        var texts = new Dictionary<string, string>(request.Pipelines ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
        {
            if (await grains.GetGrain<IPipelineGrain>(entry.Name).GetDefinitionAsync() is not { } known) continue;
            texts.TryAdd(Path.GetFileName(known.FileName), known.Text);
            texts.TryAdd(entry.Name, known.Text);
        }

        var (result, refused) = await gate.ComputeAsync(http, "test", budget => PipelineTestRunner.Run(
            request.Test, request.File ?? "pipeline.test.yaml", new TestRunnerOptions
        {
            Budget = budget,
            ReadPipeline = name => texts.GetValueOrDefault(name) ?? texts.GetValueOrDefault(Path.GetFileName(name)),
            // A test run by whoever may look must not read the host's environment.
            Variables = static _ => null,
        }));
        if (result is null) return refused!;
        return TypedResults.Ok(new TestReport(
            result.File, result.Ran, [.. result.Diagnostics.Select(DiagnosticItem.Of)],
            [.. result.Tests.Select(t => new TestCaseReport(t.Name, t.Line, t.Passed, t.Records, t.Failures, t.Hints))]));
    }
}
