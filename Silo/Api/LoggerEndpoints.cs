using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>A category of the log.</summary>
/// <param name="Category">The category; a level holds for those below it too. <c>*</c>: all without one of their own.</param>
/// <param name="Level">Trace, Debug, Information, Warning, Error, Critical or None.</param>
/// <param name="Until">When a level that was set over the API ends; null: it is the configuration's.</param>
public sealed record LoggerReport(string Category, string Level, DateTimeOffset? Until);

/// <summary>A level to be set.</summary>
/// <param name="Level">Trace, Debug, Information, Warning, Error, Critical or None; null: as the configuration has it.</param>
/// <param name="Minutes">For so long, 1 to 1440. Default: 30.</param>
public sealed record LoggerRequest(string? Level, int Minutes = 30);

/// <summary>What the silo that is asked writes into its log.</summary>
internal static class LoggerEndpoints
{
    // Other libraries' details may hold what requests and statements hold.
    private static readonly string[] Open = ["KafkaOracleOrleans", "Orleans", "Microsoft.Orleans"];

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/admin/loggers", List).RequireAuthorization(KorPolicies.Admin).WithSummary("Levels of the log of the silo that is asked");
        api.MapPut("/admin/loggers/{category}", Set).RequireAuthorization(KorPolicies.Admin).WithSummary("Sets a level of the log of the silo that is asked, for a while")
            .WithDescription("Categories of this product and of Orleans only. After 'minutes' (1 to 1440, default 30), or with level null, it is as the configuration has it. At most 50 at a time.");
    }

    private static Ok<IReadOnlyList<LoggerReport>> List(IOptionsMonitor<LoggerFilterOptions> filters, LogLevels levels)
    {
        var set = levels.Current.ToDictionary(s => s.Category, StringComparer.Ordinal);
        var rules = filters.CurrentValue.Rules.Where(r => r is { ProviderName: null, LogLevel: not null, Filter: null })
            // Of several rules for a category the last one holds.
            .GroupBy(r => r.CategoryName ?? "*", StringComparer.Ordinal).Select(g => g.Last())
            .Select(r => new LoggerReport(r.CategoryName ?? "*", r.LogLevel!.Value.ToString(), set.TryGetValue(r.CategoryName ?? "", out var s) ? s.Until : null)).ToList();
        if (rules.TrueForAll(r => r.Category != "*")) rules.Add(new LoggerReport("*", filters.CurrentValue.MinLevel.ToString(), null));
        return TypedResults.Ok<IReadOnlyList<LoggerReport>>([.. rules.OrderBy(r => r.Category, StringComparer.Ordinal)]);
    }

    private static Results<Ok<LoggerReport>, NoContent, ProblemHttpResult> Set(string category, LoggerRequest request, LogLevels levels)
    {
        if (!Array.Exists(Open, o => category == o || category.StartsWith(o + ".", StringComparison.Ordinal)) || category.Length > 200)
            return Bad("Bad category", $"'{category}' is not a category of {string.Join(", ", Open)}, or of something below these.");
        if (request.Minutes is < 1 or > LogLevels.MaxMinutes) return Bad("Bad minutes", "minutes must be from 1 to 1440.");
        LogLevel? level = null;
        if (request.Level is { } word)
        {
            if (!Enum.TryParse<LogLevel>(word, true, out var known) || !Enum.IsDefined(known) || char.IsDigit(word[0]))
                return Bad("Bad level", $"'{word}' is not one of {string.Join(", ", Enum.GetNames<LogLevel>())}.");
            level = known;
        }

        if (!levels.Set(category, level, TimeSpan.FromMinutes(request.Minutes), out var until))
            return Conflict($"{LogLevels.Max} levels are set already; GET /api/v1/admin/loggers lists them, and level null takes one back.");
        return level is null ? TypedResults.NoContent() : TypedResults.Ok(new LoggerReport(category, level.Value.ToString(), until));
    }
}
