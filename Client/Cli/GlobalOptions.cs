using System.CommandLine;
using System.CommandLine.Parsing;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>The options every verb has.</summary>
internal sealed class GlobalOptions
{
    /// <summary>Where a silo on this machine answers.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8080";

    public Option<OutputFormat> Output { get; } = new("--output", "-o")
    {
        Description = "How data is written: table, json (exactly the server's), jsonl (one value per line) or yaml.",
        HelpName = "table|json|jsonl|yaml",
        Recursive = true,
        DefaultValueFactory = _ => OutputFormat.Table,
        CustomParser = ParseFormat,
    };

    public Option<string?> Url { get; } = new("--url")
    {
        Description = $"The server. Default: the variable KOR_URL, or {DefaultUrl}.",
        HelpName = "URL",
        Recursive = true,
    };

    /// <summary>Refused, with what to do instead: other users of the machine see command lines, and shells keep them.</summary>
    public Option<string?> ApiKey { get; } = Refused();

    public Option<string?> ApiKeyFile { get; } = new("--api-key-file")
    {
        Description = "A file with the key (or token) to ask the server with. Default: the variable KOR_API_KEY, or the file that KOR_API_KEY_FILE names.",
        HelpName = "FILE",
        Recursive = true,
    };

    private static Option<string?> Refused()
    {
        var option = new Option<string?>("--api-key") { Recursive = true, Hidden = true, Arity = ArgumentArity.ZeroOrOne };
        option.Validators.Add(result => result.AddError(
            "A key on the command line can be read by every user of this machine and stays in the shell's history. Put it into the variable KOR_API_KEY, "
            + "or into a file: --api-key-file FILE."));
        return option;
    }

    public Option<TimeSpan> Timeout { get; } = new("--timeout")
    {
        Description = "How long one request to the server may take, e.g. 500ms or 1m. Default: 30s.",
        HelpName = "SPAN",
        Recursive = true,
        DefaultValueFactory = _ => TimeSpan.FromSeconds(30),
        CustomParser = ParseDuration,
    };

    public Option<bool> NoColor { get; } = new("--no-color")
    {
        Description = "No colours, as the variable NO_COLOR. What is not a terminal gets plain text anyway.",
        Recursive = true,
    };

    public void AddTo(Command command)
    {
        Output.CompletionSources.Add("table", "json", "jsonl", "yaml");
        command.Options.Add(Output);
        command.Options.Add(Url);
        command.Options.Add(ApiKey);
        command.Options.Add(ApiKeyFile);
        command.Options.Add(Timeout);
        command.Options.Add(NoColor);
    }

    /// <summary>Reads a span of time such as <c>500ms</c>, <c>30s</c>, <c>5m</c>.</summary>
    public static TimeSpan ParseDuration(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (Durations.TryParse(text, out var ms) && ms > 0) return TimeSpan.FromMilliseconds(ms);
        result.AddError($"'{text}' is not a span of time such as 500ms, 30s or 5m.");
        return default;
    }

    private static OutputFormat ParseFormat(ArgumentResult result)
    {
        var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        switch (text)
        {
            case "table":
                return OutputFormat.Table;
            case "json":
                return OutputFormat.Json;
            case "jsonl":
                return OutputFormat.Jsonl;
            case "yaml":
                return OutputFormat.Yaml;
            default:
                result.AddError($"'{text}' is no output format; there are table, json, jsonl and yaml.");
                return OutputFormat.Table;
        }
    }
}
