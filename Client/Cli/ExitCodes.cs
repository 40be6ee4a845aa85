namespace KafkaOracleOrleans.Client.Cli;

/// <summary>What <c>kor</c> returns to its caller. Stable: scripts depend on them.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>A check or a test failed.</summary>
    public const int Failed = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Usage = 2;

    /// <summary>A file, pipeline, step or key does not exist.</summary>
    public const int NotFound = 3;

    /// <summary>What was compared is not equal: <c>reconcile</c>.</summary>
    public const int Different = 3;

    /// <summary>The pipeline is in a state that does not allow it.</summary>
    public const int Conflict = 4;

    /// <summary>The server refuses the caller.</summary>
    public const int Denied = 5;

    /// <summary>There is no such verb (EX_USAGE).</summary>
    public const int UnknownVerb = 64;

    /// <summary>The server cannot be reached, or is not ready (EX_UNAVAILABLE).</summary>
    public const int Unavailable = 69;

    /// <summary>A pipeline file or an expression is invalid (EX_CONFIG).</summary>
    public const int Config = 78;

    /// <summary>Ended by Ctrl-C.</summary>
    public const int Interrupted = 130;
}

/// <summary>An expected end of a command: the text goes to stderr, the code to the caller.</summary>
internal sealed class CliException(int exitCode, string message) : Exception(message)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;
}
