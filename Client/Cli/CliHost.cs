using System.Text;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>Everything a command touches outside itself, so that tests can run it in their own process.</summary>
internal sealed record CliHost
{
    /// <summary>Where data goes.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Where talk goes: progress, hints, errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>What <c>-</c> reads.</summary>
    public required TextReader In { get; init; }

    /// <summary>True when <see cref="Out"/> is a terminal: tables get lines and colours, watching refreshes in place.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>True when <see cref="Error"/> is a terminal: waiting is shown.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>A key that was pressed, without waiting for one; null when there is none, or no keyboard.</summary>
    public Func<ConsoleKeyInfo?> ReadKey { get; init; } = static () => null;

    /// <summary>Environment variables by name; null when not set.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>What relative paths are relative to.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The clock for ages and refreshing.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The real process.</summary>
    public static CliHost Process()
    {
        // The byte order mark would be the first bytes of piped data.
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return new CliHost
        {
            Out = Console.Out,
            Error = Console.Error,
            In = Console.In,
            OutIsTerminal = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb",
            ErrorIsTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb",
            ReadKey = static () => !Console.IsInputRedirected && Console.KeyAvailable ? Console.ReadKey(intercept: true) : null,
            Variable = Environment.GetEnvironmentVariable,
            WorkingDirectory = Environment.CurrentDirectory,
        };
    }

    /// <summary>The absolute path of a path as given.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, WorkingDirectory);
}
