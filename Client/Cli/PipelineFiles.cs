using System.CommandLine;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>Compiles pipeline files as offline verbs do: connections and transforms are the host's affair and not checked.</summary>
internal static class PipelineFiles
{
    /// <summary>The option that sets variables.</summary>
    public static Option<string[]> EnvOption() => new("--env", "-e")
    {
        Description = "A variable for ${NAME} in files; comes before the environment's. May be repeated.",
        HelpName = "NAME=VALUE",
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            var texts = result.Tokens.Select(t => t.Value).ToArray();
            foreach (var text in texts.Where(t => t.IndexOf('=', StringComparison.Ordinal) < 1))
                result.AddError($"'{text}' is not NAME=VALUE.");
            return texts;
        },
    };

    /// <summary>What <c>${NAME}</c> stands for.</summary>
    public static Func<string, string?> Variables(VerbContext context, Option<string[]> option)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in context.Args.GetValue(option) ?? [])
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            given[text[..equals]] = text[(equals + 1)..];
        }

        // As a silo sees them: what passes here must not fail there.
        var visible = PipelineVariables.Visible(context.Host.Variable, []);
        return name => given.GetValueOrDefault(name) ?? visible(name);
    }

    /// <summary>Compiles a text.</summary>
    public static PipelineCompilation Compile(string text, string name, Func<string, string?> variables) =>
        PipelineCompiler.Compile(text, name, new PipelineCompilerOptions
        {
            Variables = variables,
            CreateDecoder = RecordDecoderFactory.CreateForSamples,
        });

    /// <summary>The plan of a file; its faults end the command.</summary>
    public static PipelinePlan Load(VerbContext context, string argument, Func<string, string?> variables)
    {
        var file = new InputFile(argument, context.Host.FullPath(argument));
        var text = FileArguments.Read(file);
        var compilation = Compile(text, file.Name, variables);
        if (compilation.Plan is { } plan) return plan;
        context.Output.Talk(DiagnosticText.Report(compilation.Diagnostics, text).TrimEnd('\n'));
        throw new CliException(ExitCodes.Config, $"'{file.Name}' is not a valid pipeline.");
    }
}
