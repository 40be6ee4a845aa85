using System.CommandLine;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Expressions.Functions;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor docs</c>: what an error code or a function of the expression language means.</summary>
internal static class DocsVerb
{
    public static void AddTo(KorCommand kor)
    {
        var topic = new Argument<string?>("topic")
        {
            Description = "An error code such as KOR2003, a function such as coalesce, a name of a PySpark job such as trigger_interval, 'codes' or 'functions'.",
            Arity = ArgumentArity.ZeroOrOne,
            HelpName = "CODE|FUNCTION",
        };
        topic.CompletionSources.Add(_ =>
            ErrorCatalog.All.Select(e => e.Code).Concat(FunctionCatalog.All.Select(f => f.Name))
                .Select(name => new System.CommandLine.Completions.CompletionItem(name)));
        kor.Add(
            new Command("docs", "Explains an error code or a function of expressions; without a topic, lists the codes.") { topic },
            (context, _) => Task.FromResult(Run(context.Output, context.Args.GetValue(topic))));
    }

    private static int Run(CliOutput output, string? topic)
    {
        if (topic is null or "codes") return ListCodes(output);
        if (topic == "functions") return ListFunctions(output);
        if (ErrorCatalog.Find(topic) is { } info) return Show(output, info);
        if (FunctionCatalog.Find(topic) is { } function) return Show(output, function);
        if (GuideNames.Find(topic) is { } guide) return Show(output, guide);
        var known = ErrorCatalog.All.Select(e => e.Code).Concat(FunctionCatalog.All.Select(f => f.Name)).Concat(GuideNames.All.Select(g => g.Name)).Append("codes").Append("functions");
        var near = Suggestions.Nearest(topic, known) ?? FunctionCatalog.Suggest(topic);
        var hint = near is null ? "'kor docs' lists the codes, 'kor docs functions' the functions." : $"Did you mean '{near}'?";
        throw new CliException(ExitCodes.NotFound, $"There is no code or function '{topic}'. {hint}");
    }

    private static int ListCodes(CliOutput output)
    {
        if (!output.ForPeople)
        {
            output.Data(new JsonArray([.. ErrorCatalog.All.Select(e => (JsonNode)ToJson(e))]));
            return ExitCodes.Ok;
        }

        var table = new TableModel(new("CODE"), new("TITLE"));
        foreach (var info in ErrorCatalog.All) table.Add(info.Code, info.Title);
        output.Table(table);
        return ExitCodes.Ok;
    }

    private static int ListFunctions(CliOutput output)
    {
        if (!output.ForPeople)
        {
            output.Data(new JsonArray([.. FunctionCatalog.All.Select(f => (JsonNode)ToJson(f))]));
            return ExitCodes.Ok;
        }

        var table = new TableModel(new("FUNCTION"), new("WHAT IT DOES", Text: true));
        foreach (var function in FunctionCatalog.All) table.Add(function.Signature, function.Description);
        output.Table(table);
        return ExitCodes.Ok;
    }

    private static int Show(CliOutput output, ErrorInfo info)
    {
        if (!output.ForPeople)
        {
            output.Data(ToJson(info));
            return ExitCodes.Ok;
        }

        output.Line(ErrorDocs.Plain(info).TrimEnd('\n'));
        return ExitCodes.Ok;
    }

    private static int Show(CliOutput output, (string Name, string Here) guide)
    {
        if (output.ForPeople) output.Line($"{guide.Name} (of PySpark jobs): {guide.Here}");
        else output.Data(new JsonObject { ["name"] = guide.Name, ["here"] = guide.Here });
        return ExitCodes.Ok;
    }

    private static int Show(CliOutput output, FunctionDefinition function)
    {
        if (!output.ForPeople)
        {
            output.Data(ToJson(function));
            return ExitCodes.Ok;
        }

        output.Line(function.Signature);
        output.Line();
        output.Line(function.Description);
        if (function.Examples.Count == 0) return ExitCodes.Ok;
        output.Line();
        foreach (var example in function.Examples) output.Line($"    {example.Expression}  ->  {example.Result ?? "NULL"}");
        return ExitCodes.Ok;
    }

    private static JsonObject ToJson(ErrorInfo info) => new()
    {
        ["code"] = info.Code,
        ["title"] = info.Title,
        ["explanation"] = info.Explanation,
        ["example"] = info.Example,
        ["remedy"] = info.Remedy,
    };

    private static JsonObject ToJson(FunctionDefinition function) => new()
    {
        ["name"] = function.Name,
        ["category"] = function.Category,
        ["signature"] = function.Signature,
        ["description"] = function.Description,
        ["examples"] = new JsonArray([.. function.Examples.Select(e =>
            (JsonNode)new JsonObject { ["expression"] = e.Expression, ["result"] = e.Result })]),
    };
}
