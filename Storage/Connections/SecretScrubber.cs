namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>Takes a connection's password out of texts that come from drivers.</summary>
internal sealed class SecretScrubber(Func<string?> secret)
{
    private const string Mask = "***";

    public string Scrub(string text)
    {
        var value = secret();
        return string.IsNullOrEmpty(value) ? text : text.Replace(value, Mask, StringComparison.Ordinal);
    }

    /// <summary>
    /// The exception itself when nothing in it or below it tells the secret; otherwise its scrubbed text alone.
    /// </summary>
    public Exception Scrub(Exception exception)
    {
        var value = secret();
        if (string.IsNullOrEmpty(value)) return exception;
        var text = exception.ToString();
        return text.Contains(value, StringComparison.Ordinal)
            ? new InvalidOperationException(Scrub(exception.Message))
            : exception;
    }
}
