using System.CommandLine;
using KafkaOracleOrleans.Client.Cli.Output;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>What a verb runs with.</summary>
internal sealed record VerbContext(CliHost Host, CliOutput Output, ParseResult Args, GlobalOptions Globals)
{
    /// <summary>The server's address.</summary>
    public Uri Url
    {
        get
        {
            var text = Args.GetValue(Globals.Url) ?? Host.Variable("KOR_URL");
            if (string.IsNullOrWhiteSpace(text)) text = GlobalOptions.DefaultUrl;
            if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
                throw new CliException(ExitCodes.Usage, $"'{text}' is no address of a server; write http://HOST:PORT.");
            return url;
        }
    }

    /// <summary>What the server is to know this user by; null: nothing.</summary>
    public string? ApiKey
    {
        get
        {
            var text = Args.GetValue(Globals.ApiKeyFile) is { } named ? FromFile(named, "--api-key-file") : Host.Variable("KOR_API_KEY");
            if (string.IsNullOrWhiteSpace(text) && Host.Variable("KOR_API_KEY_FILE") is { Length: > 0 } file) text = FromFile(file, "KOR_API_KEY_FILE");
            return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
        }
    }

    private string FromFile(string file, string what)
    {
        try
        {
            var text = File.ReadAllText(Host.FullPath(file));
            return text.Length == 0 ? throw new CliException(ExitCodes.Usage, $"{what}: '{file}' is empty; put the key into it.") : text;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCodes.NotFound, $"{what}: '{file}' cannot be read ({e.Message}); name a file with the key, or set KOR_API_KEY.");
        }
    }

    /// <summary>How long a request may take.</summary>
    public TimeSpan Timeout => Args.GetValue(Globals.Timeout);

    /// <summary>How long a request may take that is known to take longer, unless the command line says how long.</summary>
    public TimeSpan TimeoutOr(TimeSpan? longer) =>
        longer is { } span && Args.GetResult(Globals.Timeout) is not { Implicit: false } ? span : Timeout;
}

/// <summary>What a verb does.</summary>
internal delegate Task<int> VerbAction(VerbContext context, CancellationToken cancellation);
