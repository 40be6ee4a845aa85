using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor eval</c>: tries an expression on sample records.</summary>
internal static class EvalVerb
{
    // More samples than this are not read: this is for trying, not for processing.
    private const int MaxRecords = 100_000;
    private const int InferFrom = 1000;

    public static void AddTo(KorCommand kor)
    {
        var expression = new Argument<string>("expression") { Description = "The expression, e.g. \"round(amount * 0.1, 2)\"." };
        var data = new Option<string?>("--data", "-d")
        {
            Description = "Records, one per line; '-' reads stdin. Without it the expression may read no fields.",
            HelpName = "FILE|-",
        };
        var fields = new Option<string?>("--fields")
        {
            Description = "The records' fields. Default: guessed from the data.",
            HelpName = "\"a:decimal(10,2),b:string\"",
        };
        var pipeline = new Option<string?>("--pipeline", "-p")
        {
            Description = "A pipeline whose source declares format and fields.",
            HelpName = "FILE",
        };
        var env = PipelineFiles.EnvOption();
        var verb = new Command("eval", "Evaluates an expression on sample records and shows its type.") { expression, data, fields, pipeline, env };
        verb.Validators.Add(result =>
        {
            if (result.GetValue(fields) is not null && result.GetValue(pipeline) is not null)
                result.AddError("--fields and --pipeline both declare fields; give one of them.");
        });
        kor.Add(verb, (context, _) =>
        {
            var values = ReadRecords(context, context.Args.GetValue(data));
            var decoder = Decoder(context, values, context.Args.GetValue(fields), context.Args.GetValue(pipeline), env);
            return Task.FromResult(Run(context, context.Args.GetValue(expression)!, values, decoder));
        });
    }

    private static int Run(VerbContext context, string text, List<byte[]>? values, IRecordDecoder? decoder)
    {
        var compiled = ExpressionCompiler.Compile(text, decoder?.Schema ?? Schema.Empty);
        if (compiled.Expression is not { } expression || compiled.Errors.Count > 0) return Refuse(context.Output, text, compiled.Errors);
        var now = context.Host.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var outcome = values is not null
            ? ExpressionTrial.Evaluate(expression, decoder!, values, now)
            : expression.Fields.Count == 0 ? ExpressionTrial.EvaluateOnce(expression, now)
            : throw new CliException(ExitCodes.Usage, "The expression reads fields; give records with --data FILE.");
        Show(context.Output, expression, outcome);
        foreach (var error in outcome.Errors.Items.OrderBy(e => e.Row).Take(20))
        {
            var place = values is null ? "" : string.Create(CultureInfo.InvariantCulture, $"record {error.Row + 1}: ");
            context.Output.Talk($"{place}{error.Code}: {error.Message}");
        }

        if (outcome.Errors.Count > 20)
            context.Output.Talk(string.Create(CultureInfo.InvariantCulture, $"... and {outcome.Errors.Count - 20} more records that failed."));
        return outcome.Errors.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static void Show(CliOutput output, CompiledExpression expression, ExpressionOutcome outcome)
    {
        if (output.ForPeople)
        {
            output.Talk($"type: {expression.Type}{(expression.Nullable ? "" : ", never NULL")}");
            for (var row = 0; row < outcome.Count; row++)
            {
                var failed = outcome.Errors.Contains(row);
                output.Line(failed ? "(failed)" : TableModel.OneLine(ColumnText.Text(outcome.Results, row)), failed ? Tone.Bad : Tone.Plain);
            }

            return;
        }

        var errors = outcome.Errors.Items.ToDictionary(e => e.Row);
        var rows = new JsonArray();
        for (var row = 0; row < outcome.Count; row++)
        {
            var item = new JsonObject { ["value"] = ColumnText.Json(outcome.Results, row) };
            if (errors.TryGetValue(row, out var error)) item["error"] = $"{error.Code}: {error.Message}";
            rows.Add(item);
        }

        if (output.Format == OutputFormat.Jsonl) output.Data(rows);
        else output.Data(new JsonObject { ["type"] = expression.Type.ToString(), ["nullable"] = expression.Nullable, ["rows"] = rows });
    }

    private static int Refuse(CliOutput output, string text, IReadOnlyList<ExpressionError> errors)
    {
        var line = text.ReplaceLineEndings(" ");
        foreach (var error in errors)
        {
            var suggestion = error.Suggestion is null ? "" : $" Did you mean '{error.Suggestion}'?";
            output.Talk(string.Create(
                CultureInfo.InvariantCulture, $"expression(1,{error.Position + 1}): error {error.Code}: {error.Message}{suggestion}"));
            output.Talk("    " + line);
            output.Talk("    " + new string(' ', Math.Min(error.Position, line.Length)) + new string('^', Math.Max(1, error.Length)));
        }

        return ExitCodes.Config;
    }

    private static IRecordDecoder? Decoder(
        VerbContext context, List<byte[]>? values, string? fields, string? pipeline, Option<string[]> env)
    {
        if (pipeline is not null)
            return PipelineFiles.Load(context, pipeline, PipelineFiles.Variables(context, env)).Source.CreateDecoder();
        if (fields is not null)
        {
            if (FieldList.Parse(fields, out var faults) is { } declared) return RecordDecoderFactory.Create(FieldList.JsonFormat(declared));
            foreach (var fault in faults) context.Output.Talk(fault.ToString());
            throw new CliException(ExitCodes.Usage, "--fields is written NAME:TYPE,NAME:TYPE.");
        }

        if (values is null) return null;
        var guessed = FieldList.Infer(values.Take(InferFrom));
        if (context.Output.ForPeople && guessed.Count > 0)
            context.Output.Talk("fields: " + string.Join(", ", guessed.Fields.Select(f => $"{f.Name}:{f.Type}")));
        return RecordDecoderFactory.Create(FieldList.JsonFormat(guessed));
    }

    private static List<byte[]>? ReadRecords(VerbContext context, string? data)
    {
        if (data is null) return null;
        using var file = data == "-"
            ? null
            : new StringReader(FileArguments.Read(new InputFile(data, context.Host.FullPath(data))));
        var reader = file ?? context.Host.In;
        var values = new List<byte[]>();
        while (reader.ReadLine() is { } line)
        {
            if (string.IsNullOrWhiteSpace(line)) continue;
            if (values.Count == MaxRecords)
            {
                context.Output.Talk(string.Create(CultureInfo.InvariantCulture, $"Only the first {MaxRecords} records are read."));
                break;
            }

            values.Add(Encoding.UTF8.GetBytes(line));
        }

        return values;
    }
}
