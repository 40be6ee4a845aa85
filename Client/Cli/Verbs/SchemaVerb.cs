using System.CommandLine;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor schema</c>: the JSON Schema of pipeline files, for editors.</summary>
internal static class SchemaVerb
{
    public static void AddTo(KorCommand kor)
    {
        var tests = new Option<bool>("--tests") { Description = "The schema of test files instead." };
        kor.Add(
            new Command("schema", "Writes the JSON Schema of pipeline files, with which editors complete and check them.") { tests },
            (context, _) =>
            {
                context.Host.Out.Write(context.Args.GetValue(tests) ? PipelineTestRunner.JsonSchema() : PipelineReader.JsonSchema());
                return Task.FromResult(ExitCodes.Ok);
            });
    }
}
