using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Client.Cli.Verbs;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>The command <c>kor</c>.</summary>
internal sealed class KorCommand
{
    private readonly CliHost _host;
    private readonly GlobalOptions _globals = new();
    private readonly RootCommand _root = new(
        "Checks, tests and explains pipelines offline; shows and steers running ones.");

    private KorCommand(CliHost host)
    {
        _host = host;
        _globals.AddTo(_root);
        ValidateVerb.AddTo(this);
        TestVerb.AddTo(this);
        EvalVerb.AddTo(this);
        ExplainVerb.AddTo(this);
        SchemaVerb.AddTo(this);
        DocsVerb.AddTo(this);
        StatusVerbs.AddTo(this);
        StateVerbs.AddTo(this);
        StateStoreVerbs.AddTo(this);
        LifecycleVerbs.AddTo(this);
        ApplyVerb.AddTo(this);
        WaitVerb.AddTo(this);
        HistoryVerbs.AddTo(this);
        TapVerb.AddTo(this);
        QualityVerb.AddTo(this);
        PreviewVerb.AddTo(this);
        ReconcileVerb.AddTo(this);
        TopicsVerb.AddTo(this);
        RunVerb.AddTo(this);
        ConfigVerb.AddTo(this);
        NewVerb.AddTo(this);
        ClusterVerbs.AddTo(this);
        QuarantineVerbs.AddTo(this);
        DiagnosisVerbs.AddTo(this);
        CompletionVerb.AddTo(this);
        VerbHelp.AddTo(_root, Groups);
        new Completions(host, _globals).AddTo(_root);
    }

    private static readonly (string Title, string[] Verbs)[] Groups =
    [
        ("Writing pipelines, offline", ["new", "validate", "test", "eval", "explain", "docs", "schema"]),
        ("Trying them", ["topics", "preview", "plan", "run"]),
        ("Looking", ["list", "status", "top", "wait", "windows", "key", "tap", "quality", "events", "history", "offsets", "quarantine", "reconcile"]),
        ("Steering", ["apply", "delete", "rollback", "start", "stop", "pause", "resume", "restart", "reset"]),
        ("The server", ["cluster", "state", "audit", "config", "doctor", "verify-oracle", "drivers", "version", "completion"]),
    ];

    /// <summary>All verbs with their arguments and options, for whoever checks what is written about them.</summary>
    internal static RootCommand Verbs(CliHost host) => new KorCommand(host)._root;

    /// <summary>Runs a command line and returns its exit code. Never throws.</summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> args, CliHost host, CancellationToken cancellation = default)
    {
        var kor = new KorCommand(host);
        var parsed = kor._root.Parse(args);
        // Help about a verb that is none would look like an answer.
        if (parsed.Action is ParseErrorAction || (parsed is { Action: HelpAction or VerbHelp, UnmatchedTokens.Count: > 0 } && parsed.CommandResult.Command.Subcommands.Count != 0)) return kor.Refuse(parsed);
        if (MisspeltOption(parsed) is { } misspelt) return kor.RefuseOption(parsed, misspelt);
        var configuration = new InvocationConfiguration
        {
            Output = host.Out,
            Error = host.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(5),
        };
        try
        {
            return await parsed.InvokeAsync(configuration, cancellation);
        }
        catch (CliException expected)
        {
            host.Error.WriteLine("kor: " + expected.Message);
            return expected.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    /// <summary>What is wrong with a command line, without running it; null when it would run. A line of verbs alone, as a text names them, lacks nothing.</summary>
    internal static string? FaultOf(IReadOnlyList<string> args, CliHost host)
    {
        var parsed = new KorCommand(host)._root.Parse(args);
        if (parsed.Action is not ParseErrorAction) return null;
        if (args.Count != 0 && parsed.Tokens.All(t => t.Type == TokenType.Command)) return null;
        return string.Join(' ', parsed.UnmatchedTokens.Select(t => $"'{t}' is not known.").Concat(parsed.Errors.Select(e => e.Message)));
    }

    /// <summary>Adds a verb, or a verb of a group of verbs.</summary>
    public void Add(Command verb, VerbAction action, Command? group = null)
    {
        verb.SetAction((args, cancellation) =>
        {
            var output = new CliOutput(_host, args.GetValue(_globals.Output), args.GetValue(_globals.NoColor));
            return action(new VerbContext(_host, output, args, _globals), cancellation);
        });
        (group ?? _root).Subcommands.Add(verb);
    }

    /// <summary>Adds a group of verbs, such as <c>kor offsets ...</c>.</summary>
    public Command AddGroup(string name, string description)
    {
        var group = new Command(name, description);
        _root.Subcommands.Add(group);
        return group;
    }

    private int Refuse(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var verb = PathOf(parsed.CommandResult);
        if (parsed.Tokens.Count == 0)
        {
            _host.Error.WriteLine("kor: A verb is missing. 'kor --help' lists them.");
            return ExitCodes.Usage;
        }

        var unmatched = parsed.UnmatchedTokens.Count == 0 ? null : parsed.UnmatchedTokens[0];
        if (unmatched is not null)
        {
            var known = command.Subcommands.Select(c => c.Name).Concat(OptionNames(command)).ToArray();
            var near = Suggestions.Nearest(unmatched, known);
            var what = unmatched.StartsWith('-') ? "option" : command.Subcommands.Count != 0 ? "verb" : "argument";
            var hint = near is null ? "" : $" Did you mean '{near}'?";
            _host.Error.WriteLine($"kor{verb}: Unknown {what} '{unmatched}'.{hint}");
            if (what == "verb")
            {
                _host.Error.WriteLine($"'kor{verb} --help' shows what there is.");
                return ExitCodes.UnknownVerb;
            }
        }
        else
        {
            foreach (var error in parsed.Errors) _host.Error.WriteLine($"kor{verb}: {error.Message}");
        }

        _host.Error.WriteLine($"'kor{verb} --help' shows what there is.");
        return ExitCodes.Usage;
    }

    /// <summary>
    /// An option that is none, taken by the parser for the value of an argument: <c>kor status --wach</c> must not look for a pipeline of that name. Behind
    /// <c>--</c> everything is a value.
    /// </summary>
    private static string? MisspeltOption(ParseResult parsed)
    {
        if (parsed.Action is HelpAction or VerbHelp || parsed.Tokens.Any(t => t.Type == TokenType.DoubleDash)) return null;
        return parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens).Select(t => t.Value).FirstOrDefault(IsOption);
    }

    private static bool IsOption(string text) =>
        text.Length > 2 && text.StartsWith("--", StringComparison.Ordinal) && char.IsAsciiLetter(text[2]) && text.Split('=')[0].All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private int RefuseOption(ParseResult parsed, string option)
    {
        var verb = PathOf(parsed.CommandResult);
        var near = Suggestions.Nearest(option.Split('=')[0], OptionNames(parsed.CommandResult.Command));
        _host.Error.WriteLine($"kor{verb}: Unknown option '{option}'.{(near is null ? "" : $" Did you mean '{near}'?")}");
        _host.Error.WriteLine($"'kor{verb} --help' shows what there is.");
        return ExitCodes.Usage;
    }

    /// <summary>The verb as typed, groups included: <c> quarantine drop</c>, with a blank in front; empty for <c>kor</c> itself.</summary>
    private static string PathOf(CommandResult result)
    {
        var path = "";
        for (SymbolResult? at = result; at is CommandResult { Parent: not null } command; at = at.Parent) path = " " + command.Command.Name + path;
        return path;
    }

    private IEnumerable<string> OptionNames(Command command) => command.Options.Concat(_root.Options).Select(o => o.Name);
}
