namespace KafkaOracleOrleans.Processing.Records;

/// <summary>
/// Stored or received bytes are not what this program wrote: cut off, damaged, or of a newer version. Nothing was taken
/// from them.
/// </summary>
public sealed class CorruptStateException : Exception
{
    /// <summary>Makes the exception; the message names the format, the byte offset and what is wrong.</summary>
    public CorruptStateException(string message) : base(message)
    {
    }

    /// <summary>Makes the exception with the fault that was met while reading.</summary>
    public CorruptStateException(string message, Exception inner) : base(message, inner)
    {
    }
}
