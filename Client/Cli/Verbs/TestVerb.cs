using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor test</c>: runs the tests of pipelines without Kafka, without a database, under a virtual clock.</summary>
internal static class TestVerb
{
    public static void AddTo(KorCommand kor)
    {
        var files = FileArguments.Argument("Test files, folders, patterns such as 'pipelines/*.test.yaml', or ./...");
        var env = PipelineFiles.EnvOption();
        var filter = new Option<string?>("--filter")
        {
            Description = "Only tests whose name contains this.",
            HelpName = "TEXT",
        };
        kor.Add(
            new Command("test", "Runs *.test.yaml files: records in, expected rows out, with virtual time and inline lookup tables.")
            {
                files, env, filter,
            },
            (context, _) => Task.FromResult(Run(
                context, context.Args.GetValue(files)!, PipelineFiles.Variables(context, env), context.Args.GetValue(filter))));
    }

    private static int Run(VerbContext context, string[] arguments, Func<string, string?> variables, string? filter)
    {
        var started = context.Host.Time.GetTimestamp();
        var (passed, failed, broken) = (0, 0, 0);
        var data = new JsonArray();
        var files = FileArguments.Find(context.Host, arguments, tests: true);
        using var bar = context.Output.Progress("files", files.Count);
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i];
            bar.Report(i, file.Name);
            var texts = new Dictionary<string, string>(StringComparer.Ordinal) { [file.Name] = FileArguments.Read(file) };
            var result = PipelineTestRunner.Run(texts[file.Name], file.Name, new TestRunnerOptions
            {
                ReadPipeline = name => ReadBeside(file, name, texts),
                Variables = variables,
                Filter = filter,
            });
            if (!result.Ran) broken++;
            passed += result.Tests.Count(t => t.Passed);
            failed += result.Tests.Count(t => !t.Passed);
            bar.Clear();
            if (context.Output.ForPeople) Show(context.Output, result, texts);
            else data.Add(ToJson(result));
        }

        if (!context.Output.ForPeople) context.Output.Data(data);
        var seconds = context.Host.Time.GetElapsedTime(started).TotalSeconds;
        if (passed + failed == 0 && broken == 0 && filter is not null)
            throw new CliException(ExitCodes.NotFound, $"No test's name contains '{filter}'.");
        context.Output.Talk(string.Create(
            CultureInfo.InvariantCulture,
            $"{passed} passed, {failed} failed{(broken == 0 ? "" : $", {broken} file{(broken == 1 ? "" : "s")} not run")}, {seconds:0.0} s"));
        return broken > 0 ? ExitCodes.Config : failed > 0 ? ExitCodes.Failed : ExitCodes.Ok;
    }

    private static string? ReadBeside(InputFile test, string name, Dictionary<string, string> texts)
    {
        var path = Path.GetFullPath(name, Path.GetDirectoryName(test.Path)!);
        if (!File.Exists(path)) return null;
        return texts[name] = FileArguments.Read(new InputFile(name, path));
    }

    private static void Show(CliOutput output, TestFileResult result, Dictionary<string, string> texts)
    {
        output.Line(result.File);
        foreach (var diagnostic in result.Diagnostics)
        {
            var text = texts.GetValueOrDefault(diagnostic.File) ?? "";
            output.Line("  " + DiagnosticText.WithSource(diagnostic, text).TrimEnd('\n').Replace("\n", "\n  ", StringComparison.Ordinal));
        }

        foreach (var test in result.Tests)
        {
            output.Line($"  {(test.Passed ? "ok  " : "FAIL")} {test.Name}", test.Passed ? Tone.Good : Tone.Bad);
            foreach (var failure in test.Failures) Show(output, result.File, failure);
            foreach (var hint in test.Hints) output.Line("         hint: " + TableModel.OneLine(hint), Tone.Faint);
        }
    }

    private static void Show(CliOutput output, string file, TestFailure failure)
    {
        output.Line(string.Create(CultureInfo.InvariantCulture, $"       {failure.Place}   {file}({failure.Line})"));
        if (failure.Expected.Length == 0) output.Line("         unexpected  " + TableModel.OneLine(failure.Actual));
        else if (failure.Actual.Length == 0) output.Line("         missing     " + TableModel.OneLine(failure.Expected));
        else
        {
            output.Line("         expected    " + TableModel.OneLine(failure.Expected));
            output.Line("         actual      " + TableModel.OneLine(failure.Actual));
        }
    }

    private static JsonObject ToJson(TestFileResult result) => new()
    {
        ["file"] = result.File,
        ["ran"] = result.Ran,
        ["diagnostics"] = DiagnosticJson.Of(result.Diagnostics),
        ["tests"] = new JsonArray([.. result.Tests.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Name,
            ["line"] = t.Line,
            ["passed"] = t.Passed,
            ["records"] = t.Records,
            ["failures"] = new JsonArray([.. t.Failures.Select(f => (JsonNode)new JsonObject
            {
                ["place"] = f.Place,
                ["expected"] = f.Expected,
                ["actual"] = f.Actual,
                ["line"] = f.Line,
            })]),
            ["hints"] = new JsonArray([.. t.Hints.Select(h => (JsonNode)h)]),
        })]),
    };
}
