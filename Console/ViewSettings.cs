using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace KafkaOracleOrleans.WebConsole;

/// <summary>How a browser wants to see things; kept in cookies of the page's own, which hold nothing else.</summary>
public sealed record ViewSettings
{
    /// <summary>The cookie of the theme: <c>dark</c> or <c>light</c>.</summary>
    public const string ThemeCookie = "kor-theme";

    /// <summary>The cookie of the time zone: <c>utc</c> or <c>local</c>.</summary>
    public const string ZoneCookie = "kor-zone";

    /// <summary>Dark or light; null: as the system has it.</summary>
    public bool? Dark { get; init; }

    /// <summary>Show times in the browser's zone instead of UTC.</summary>
    public bool Local { get; init; }

    /// <summary>The browser's distance to UTC, minutes.</summary>
    public int OffsetMinutes { get; init; }

    /// <summary>The settings in a request's cookies.</summary>
    public static ViewSettings Of(IRequestCookieCollection cookies)
    {
        ArgumentNullException.ThrowIfNull(cookies);
        return new ViewSettings
        {
            Dark = cookies[ThemeCookie] switch { "dark" => true, "light" => false, _ => null },
            Local = cookies[ZoneCookie] == "local",
        };
    }

    /// <summary>A time of day with its zone's name where that is not plain.</summary>
    public string Time(DateTimeOffset? at) => at is { } time ? In(time).ToString("HH:mm:ss", CultureInfo.InvariantCulture) : Format.None;

    /// <summary>A date and time.</summary>
    public string DateTime(DateTimeOffset? at) => at is { } time ? In(time).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) : Format.None;

    /// <summary>The zone times are shown in.</summary>
    public string Zone => Local
        ? string.Create(CultureInfo.InvariantCulture, $"UTC{(OffsetMinutes < 0 ? "-" : "+")}{Math.Abs(OffsetMinutes) / 60:00}:{Math.Abs(OffsetMinutes) % 60:00}")
        : "UTC";

    private DateTimeOffset In(DateTimeOffset time) => time.ToOffset(Local ? TimeSpan.FromMinutes(Math.Clamp(OffsetMinutes, -14 * 60, 14 * 60)) : TimeSpan.Zero);
}
