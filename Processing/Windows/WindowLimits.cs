namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>How long, how many and how far ahead windows may be.</summary>
public static class WindowLimits
{
    /// <summary>How often hopping windows may start within their size: in so many of them each record lies. More: the definition is refused with KOR2012.</summary>
    public const long MaxWindowsPerSize = 10_000;

    /// <summary>
    /// How many windows a key may have open by what the definition allows: size, <c>maxOutOfOrder</c>, <c>maxAhead</c> and <c>allowedLateness</c> over the distance of
    /// their starts. More: the definition is refused with KOR2012.
    /// </summary>
    public const long MaxOpenPerKey = 1_000_000;

    /// <summary>The longest session when the step does not say <c>maxLength</c> (and its gap is not longer), ms. A record that would make it longer begins the next one.</summary>
    public const long DefaultMaxSession = 86_400_000;

    /// <summary>The default of <c>maxAhead</c>, ms: how far a single record moves the watermark.</summary>
    public const long DefaultMaxAhead = 300_000;

    /// <summary>
    /// An event time further beyond the record's Kafka timestamp than this, and than <c>maxAhead</c>, is refused with KOR4041, so that no window far ahead is
    /// opened, ms.
    /// </summary>
    public const long LeastAhead = 3_600_000;
}
