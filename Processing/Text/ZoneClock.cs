using NodaTime;
using NodaTime.TimeZones;

namespace KafkaOracleOrleans.Processing.Text;

/// <summary>
/// The clock of a time zone, by the rules that come with NodaTime: silos with different system tables tell the same time. Safe for any number of
/// threads. Beyond the years 1 to 9999 the offset of the nearest such time holds.
/// <para>
/// A clock time that the zone skips (02:30 when 02:00 becomes 03:00) counts on from before the change: it is 03:30. Of a clock time that comes twice
/// the first is meant.
/// </para>
/// </summary>
internal sealed class ZoneClock
{
    private const long Day = 86_400_000_000;
    private static readonly long Least = Micros(new DateTime(1, 1, 3, 0, 0, 0, DateTimeKind.Utc));
    private static readonly long Most = Micros(new DateTime(9999, 12, 29, 0, 0, 0, DateTimeKind.Utc));

    private readonly DateTimeZone _zone;
    private Span _last = new(0, 0, 0);

    private ZoneClock(DateTimeZone zone) => _zone = zone;

    /// <summary>The version of the rules, such as 2026a.</summary>
    public static string RulesVersion { get; } = TzdbDateTimeZoneSource.Default.TzdbVersion;

    /// <summary>True for a zone's IANA name, or the name Windows has for one.</summary>
    public static bool IsKnown(string zone) => Find(zone) is not null;

    /// <summary>The clock of a zone. Throws <see cref="ArgumentException"/> when the rules do not know it.</summary>
    public static ZoneClock Of(string zone) => new(Find(zone)
        ?? throw new ArgumentException($"The time zone '{zone}' is not known. Use an IANA name such as Europe/Vienna.", nameof(zone)));

    /// <summary>The name that may have been meant.</summary>
    public static string? Nearest(string zone) => Suggestions.Nearest(zone, DateTimeZoneProviders.Tzdb.Ids)
        ?? DateTimeZoneProviders.Tzdb.Ids.FirstOrDefault(k => k.EndsWith("/" + zone, StringComparison.OrdinalIgnoreCase))
        ?? DateTimeZoneProviders.Tzdb.Ids.FirstOrDefault(k => string.Equals(k, zone, StringComparison.OrdinalIgnoreCase));

    /// <summary>How far the clocks are ahead of UTC at a time, in microseconds; the time is microseconds since 1970, UTC.</summary>
    public long Offset(long utc)
    {
        var last = Volatile.Read(ref _last);
        return utc >= last.Start && utc < last.End ? last.Offset : SpanOf(utc).Offset;
    }

    /// <summary>What the clocks show at a time.</summary>
    public long ToLocal(long utc) => utc + Offset(utc);

    /// <summary>The time at which the clocks show what is given.</summary>
    public long ToUtc(long local)
    {
        var last = Volatile.Read(ref _last);
        var utc = local - last.Offset;
        // A day from the changes nothing is skipped and nothing comes twice.
        return utc - Day >= last.Start && utc + Day < last.End ? utc : Resolve(local);
    }

    private long Resolve(long local)
    {
        var near = Math.Clamp(local, Least, Most);
        // The offset before a gap, and of the first of two times, is that which held a day before.
        var clock = LocalDateTime.FromDateTime(DateTime.UnixEpoch.AddTicks(near * 10));
        var utc = local - _zone.MapLocal(clock).EarlyInterval.WallOffset.Ticks / 10;
        _ = SpanOf(utc);
        return utc;
    }

    private Span SpanOf(long utc)
    {
        var interval = _zone.GetZoneInterval(Instant.FromUnixTimeTicks(Math.Clamp(utc, Least, Most) * 10));
        var start = interval.HasStart ? interval.Start.ToUnixTimeTicks() / 10 : long.MinValue / 2;
        var end = interval.HasEnd ? interval.End.ToUnixTimeTicks() / 10 : long.MaxValue / 2;
        if (start <= Least) start = long.MinValue / 2;
        if (end >= Most) end = long.MaxValue / 2;
        var span = new Span(start, end, interval.WallOffset.Ticks / 10);
        Volatile.Write(ref _last, span);
        return span;
    }

    private static DateTimeZone? Find(string zone)
    {
        var found = DateTimeZoneProviders.Tzdb.GetZoneOrNull(zone);
        if (found is not null) return found;
        return TzdbDateTimeZoneSource.Default.WindowsMapping.PrimaryMapping.TryGetValue(zone, out var name) ? DateTimeZoneProviders.Tzdb.GetZoneOrNull(name) : null;
    }

    private static long Micros(DateTime time) => (time - DateTime.UnixEpoch).Ticks / 10;

    /// <summary>A span of time without a change, in microseconds since 1970, UTC.</summary>
    private sealed record Span(long Start, long End, long Offset);
}
