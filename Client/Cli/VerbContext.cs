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

    /// <summary>How long a request may take.</summary>
    public TimeSpan Timeout => Args.GetValue(Globals.Timeout);
}

/// <summary>What a verb does.</summary>
internal delegate Task<int> VerbAction(VerbContext context, CancellationToken cancellation);
