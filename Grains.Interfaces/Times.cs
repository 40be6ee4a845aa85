namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>
/// Times beside the numbers they are kept as: JSON has each as ISO 8601 with its zone, under the number's name with <c>At</c> at its end. Values outside of the
/// calendar (a watermark of a record with a senseless time) are null.
/// </summary>
public static class Times
{
    private const long First = -62_135_596_800_000;
    private const long Last = 253_402_300_799_999;

    /// <summary>The time, or null when there is none or it lies outside of the years 1 to 9999: Kafka takes any number for a time.</summary>
    /// <param name="ms">ms since the Unix epoch.</param>
    public static DateTimeOffset? Of(long? ms) => ms is { } value and >= First and <= Last ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;
}
