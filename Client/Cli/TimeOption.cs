using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Client.Cli;

/// <summary>
/// Times on the command line: ISO 8601 (UTC where no zone is given), <c>now</c>, <c>today</c> and <c>yesterday</c> (their beginning, UTC), or a span ago such as
/// <c>-1d</c> or <c>10m</c>.
/// </summary>
internal static class TimeOption
{
    /// <summary>How times are written, for descriptions.</summary>
    public const string Forms = "2026-01-31T00:00:00Z (UTC where no zone is given), today, yesterday (UTC), or so long ago: -1d, 10m";

    public static Option<string?> Create(string name, string description)
    {
        var option = new Option<string?>(name) { Description = $"{description} {Forms}.", HelpName = "TIME" };
        option.Validators.Add(result =>
        {
            var text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (TryParse(text, DateTimeOffset.UnixEpoch.AddYears(50)) is null) result.AddError(Fault(text));
        });
        return option;
    }

    /// <summary>The time that was given, seen from now; null when none was.</summary>
    public static DateTimeOffset? Get(VerbContext context, Option<string?> option) =>
        context.Args.GetValue(option) is { } text ? TryParse(text, context.Host.Time.GetUtcNow()) : null;

    /// <summary>A time for a query.</summary>
    public static string Query(DateTimeOffset time) => Uri.EscapeDataString(time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));

    /// <summary>What is wrong with a text that is no time.</summary>
    public static string Fault(string text) => $"'{text}' is not a time. Write {Forms}.";

    /// <summary>The time a text means, or null.</summary>
    public static DateTimeOffset? TryParse(string text, DateTimeOffset now)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        switch (text.ToLowerInvariant())
        {
            case "now":
                return now;
            case "today":
                return today;
            case "yesterday":
                return today.AddDays(-1);
        }

        if (Durations.TryParse(text.StartsWith('-') ? text[1..] : text, out var ms) && ms >= 0 && ms < (now - DateTimeOffset.MinValue).TotalMilliseconds)
            return now.AddMilliseconds(-ms);
        // Other texts the runtime takes for times too, 1.2 for the second of January.
        if (text.Length < 10 || !text[..4].All(char.IsAsciiDigit) || text[4] != '-' || text[7] != '-') return null;
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
    }
}
