namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Takes a connection's secrets out of texts that come from drivers.</summary>
internal sealed class SecretScrubber(Func<IReadOnlyList<string>> secrets)
{
    private const string Mask = "***";

    public string Scrub(string text) =>
        secrets().Aggregate(text, static (t, secret) => t.Replace(secret, Mask, StringComparison.Ordinal));

    /// <summary>
    /// The exception itself when nothing in it or below it tells a secret; otherwise its scrubbed text alone.
    /// </summary>
    public Exception Scrub(Exception exception)
    {
        var known = secrets();
        if (known.Count == 0) return exception;
        var text = exception.ToString();
        return known.Any(secret => text.Contains(secret, StringComparison.Ordinal))
            ? new InvalidOperationException(Scrub(exception.Message))
            : exception;
    }
}
