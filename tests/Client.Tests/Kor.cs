using KafkaOracleOrleans.Client.Cli;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>What a command line gave.</summary>
internal sealed record KorResult(int Code, string Out, string Error)
{
    public string[] Lines => Out.TrimEnd('\n').Split('\n');
}

/// <summary>Runs command lines in this process, in a folder of their own.</summary>
internal sealed class Kor : IDisposable
{
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal);

    public Kor() => Directory.CreateDirectory(Folder);

    public string Folder { get; } = Path.Combine(Path.GetTempPath(), "kor-cli-" + Guid.NewGuid().ToString("N"));

    public string Input { get; set; } = "";

    public bool Terminal { get; set; }

    /// <summary>True when stderr is a terminal.</summary>
    public bool ErrorTerminal { get; set; }

    public void Set(string variable, string value) => _variables[variable] = value;

    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public async Task<KorResult> RunAsync(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var host = new CliHost
        {
            Out = output,
            Error = error,
            In = new StringReader(Input),
            OutIsTerminal = Terminal,
            ErrorIsTerminal = ErrorTerminal,
            Variable = name => _variables.GetValueOrDefault(name),
            WorkingDirectory = Folder,
        };
        var code = await KorCommand.RunAsync(args, host, TestContext.Current.CancellationToken);
        return new KorResult(code, output.ToString(), error.ToString());
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
