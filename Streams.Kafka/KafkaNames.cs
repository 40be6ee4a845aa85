namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>The alphabets of names. Kafka's own rule for topics serves for sources and connections too.</summary>
public static class KafkaNames
{
    /// <summary>Kafka's limit for a topic name, in characters.</summary>
    public const int MaxLength = 249;

    /// <summary>Refuses a source or connection name outside <c>[A-Za-z0-9._-]</c>, 1 to 249 characters.</summary>
    /// <exception cref="ArgumentException">The name breaks the rule.</exception>
    public static void CheckName(string? name, string what)
    {
        if (!IsValid(name))
        {
            throw new ArgumentException(
                $"The {what} '{name}' is not valid: use 1 to {MaxLength} of the characters A-Z a-z 0-9 . _ -");
        }
    }

    /// <summary>Refuses a topic name Kafka would refuse.</summary>
    /// <exception cref="ArgumentException">The name breaks Kafka's rule.</exception>
    public static void CheckTopic(string? topic)
    {
        CheckName(topic, "topic name");
        if (topic is "." or "..")
            throw new ArgumentException($"The topic name '{topic}' is not valid: Kafka reserves it.");
    }

    private static bool IsValid(string? name)
    {
        if (name is null || name.Length is 0 or > MaxLength)
            return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-'))
                return false;
        }

        return true;
    }
}
