using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using KafkaOracleOrleans.Client.Cli.Output;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>The help of <c>kor</c> itself: its verbs by what they are for. Verbs have the usual help.</summary>
internal sealed class VerbHelp(HelpAction usual, IReadOnlyList<(string Title, string[] Verbs)> groups) : SynchronousCommandLineAction
{
    private const int Width = 80;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        if (parseResult.CommandResult.Command is not RootCommand root) return usual.Invoke(parseResult);
        var writer = parseResult.InvocationConfiguration.Output;
        writer.WriteLine(root.Description);
        writer.WriteLine();
        writer.WriteLine("Usage: kor VERB [arguments] [options]; 'kor VERB --help' shows one.");
        foreach (var (title, verbs) in groups) Write(writer, title, [.. verbs.Select(v => root.Subcommands.First(c => c.Name == v))]);
        var grouped = groups.SelectMany(g => g.Verbs).ToHashSet(StringComparer.Ordinal);
        Write(writer, "Others", [.. root.Subcommands.Where(c => !c.Hidden && !grouped.Contains(c.Name))]);
        writer.WriteLine();
        writer.WriteLine("Options of every verb:");
        foreach (var option in root.Options.Where(o => !o.Hidden))
            Entry(writer, option.Name + (option.HelpName is { } name ? " " + name : ""), option.Description ?? "");
        return ExitCodes.Ok;
    }

    private static void Write(TextWriter writer, string title, List<Command> verbs)
    {
        if (verbs.Count == 0) return;
        writer.WriteLine();
        writer.WriteLine(title + ":");
        foreach (var verb in verbs) Entry(writer, verb.Name, verb.Description ?? "");
    }

    private static void Entry(TextWriter writer, string name, string description)
    {
        const int Indent = 16;
        var first = "  " + name.PadRight(Indent - 2);
        if (name.Length > Indent - 3)
        {
            writer.WriteLine(first.TrimEnd());
            first = new string(' ', Indent);
        }

        foreach (var line in Wrapped.Lines(description, Width - Indent))
        {
            writer.WriteLine(first + line);
            first = new string(' ', Indent);
        }
    }

    /// <summary>Puts it in place of the root's help.</summary>
    public static void AddTo(RootCommand root, IReadOnlyList<(string Title, string[] Verbs)> groups)
    {
        var option = root.Options.OfType<HelpOption>().Single();
        option.Action = new VerbHelp((HelpAction)option.Action!, groups);
    }
}
