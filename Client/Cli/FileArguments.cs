using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>A file a command was given.</summary>
/// <param name="Name">As messages show it: relative when it was given so.</param>
/// <param name="Path">The absolute path.</param>
internal sealed record InputFile(string Name, string Path);

/// <summary>Finds the files meant by arguments: paths, folders, <c>./...</c>, and patterns with <c>*</c>, <c>?</c> and <c>**</c>.</summary>
internal static class FileArguments
{
    private const string TestSuffix = ".test";
    private static readonly string[] Extensions = [".yaml", ".yml"];

    /// <summary>The argument for one or more files.</summary>
    public static Argument<string[]> Argument(string description)
    {
        var argument = new Argument<string[]>("files") { Description = description, Arity = ArgumentArity.OneOrMore };
        argument.Validators.Add(result =>
        {
            var option = result.Tokens.Select(t => t.Value).FirstOrDefault(t => t.StartsWith('-'));
            if (option is null) return;
            var near = Suggestions.Nearest(option, (result.Parent as CommandResult)?.Command.Options.Select(o => o.Name) ?? []);
            result.AddError($"Unknown option '{option}'.{(near is null ? "" : $" Did you mean '{near}'?")}");
        });
        return argument;
    }

    /// <summary>
    /// The files, each once, in the order given and by name within an argument. A folder means all its pipelines (or tests), at any depth.
    /// Throws <see cref="CliException"/> when an argument means no file.
    /// </summary>
    public static IReadOnlyList<InputFile> Find(CliHost host, IEnumerable<string> arguments, bool tests)
    {
        var found = new List<InputFile>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var argument in arguments)
        {
            var files = Expand(host, argument, tests);
            if (files.Count == 0)
                throw new CliException(ExitCodes.NotFound, $"'{argument}' means no {(tests ? "test" : "pipeline")} file.");
            found.AddRange(files.Where(f => seen.Add(f.Path)));
        }

        return found;
    }

    /// <summary>The text of a file. Throws <see cref="CliException"/>.</summary>
    public static string Read(InputFile file)
    {
        try
        {
            return WithSchemas(file, File.ReadAllText(file.Path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CliException(ExitCodes.NotFound, $"There is no file '{file.Name}'.");
        }
        catch (DecoderFallbackException)
        {
            throw new CliException(ExitCodes.Config, $"'{file.Name}' is not UTF-8 text.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.NotFound, $"'{file.Name}' cannot be read: {e.Message}");
        }
    }

    /// <summary>A pipeline with the schemas that lie beside it.</summary>
    private static string WithSchemas(InputFile file, string text) => System.IO.Path.GetExtension(file.Path) is not (".yaml" or ".yml" or ".json")
        ? text
        : SchemaFiles.Inline(text, file.Path.EndsWith(".json", StringComparison.Ordinal), name =>
        {
            var beside = new FileInfo(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(file.Path)!, name));
            return beside.Exists && beside.Length <= SchemaFiles.MaxBytes ? File.ReadAllText(beside.FullName) : null;
        });

    private static List<InputFile> Expand(CliHost host, string argument, bool tests)
    {
        if (argument.EndsWith("...", StringComparison.Ordinal))
        {
            var above = argument[..^3].TrimEnd('/', '\\');
            return InFolder(host, above.Length == 0 ? "." : above, tests);
        }

        var path = host.FullPath(argument);
        if (Directory.Exists(path)) return InFolder(host, argument, tests);
        if (argument.IndexOfAny(['*', '?']) >= 0) return Matching(host, argument);
        return [new InputFile(argument, path)];
    }

    private static List<InputFile> InFolder(CliHost host, string folder, bool tests)
    {
        var root = host.FullPath(folder);
        if (!Directory.Exists(root)) return [];
        return
        [
            .. Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Where(f => Extensions.Contains(Path.GetExtension(f)) && IsTest(f) == tests)
                .Order(StringComparer.Ordinal)
                .Select(f => new InputFile(NameOf(host, f), f)),
        ];
    }

    private static bool IsTest(string path) =>
        Path.GetFileNameWithoutExtension(path).EndsWith(TestSuffix, StringComparison.Ordinal);

    private static List<InputFile> Matching(CliHost host, string pattern)
    {
        var parts = pattern.Replace('\\', '/').Split('/');
        var fixedParts = parts.TakeWhile(p => p.IndexOfAny(['*', '?']) < 0).ToArray();
        var above = string.Join('/', fixedParts);
        var root = host.FullPath(above.Length == 0 ? (pattern.StartsWith('/') ? "/" : ".") : above);
        if (!Directory.Exists(root)) return [];
        var deep = parts.Length - fixedParts.Length > 1;
        var matcher = ToRegex(string.Join('/', parts[fixedParts.Length..]));
        return
        [
            .. Directory.EnumerateFiles(root, "*", deep ? SearchOption.AllDirectories : SearchOption.TopDirectoryOnly)
                .Where(f => matcher.IsMatch(Path.GetRelativePath(root, f).Replace('\\', '/')))
                .Order(StringComparer.Ordinal)
                .Select(f => new InputFile(NameOf(host, f), f)),
        ];
    }

    private static Regex ToRegex(string pattern)
    {
        var text = Regex.Escape(pattern)
            .Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal)
            .Replace(@"\*\*", ".*", StringComparison.Ordinal)
            .Replace(@"\*", "[^/]*", StringComparison.Ordinal)
            .Replace(@"\?", "[^/]", StringComparison.Ordinal);
        return new Regex($"^{text}$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }

    private static string NameOf(CliHost host, string path)
    {
        var relative = Path.GetRelativePath(host.WorkingDirectory, path).Replace('\\', '/');
        return relative.StartsWith("../", StringComparison.Ordinal) ? path : relative;
    }
}
