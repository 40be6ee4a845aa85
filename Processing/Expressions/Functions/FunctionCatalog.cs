using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>The functions of the expression language.</summary>
public static class FunctionCatalog
{
    /// <summary>What other systems call some functions.</summary>
    private static readonly Dictionary<string, string> Elsewhere = new(StringComparer.OrdinalIgnoreCase)
    {
        ["substr"] = "substring", ["len"] = "length", ["char_length"] = "length", ["nvl"] = "coalesce", ["ifnull"] = "coalesce",
        ["isnull"] = "coalesce", ["iif"] = "if", ["decode"] = "case", ["ceiling"] = "ceil", ["pow"] = "power", ["log"] = "ln",
        ["instr"] = "position", ["strpos"] = "position", ["charindex"] = "position", ["now"] = "processing_time",
        ["current_timestamp"] = "processing_time", ["sysdate"] = "processing_time", ["getdate"] = "processing_time",
        ["datediff"] = "timestamp_diff", ["dateadd"] = "timestamp_add", ["date_add"] = "timestamp_add", ["to_char"] = "format_timestamp",
        ["date_format"] = "format_timestamp", ["to_number"] = "cast", ["regexp_substr"] = "regexp_extract", ["rlike"] = "regexp_like",
        ["ucase"] = "upper", ["lcase"] = "lower", ["truncate"] = "trunc", ["json_extract"] = "json_value", ["concat_ws"] = "concat",
        ["unix_timestamp"] = "epoch_ms", ["trunc_date"] = "date_trunc", ["max"] = "greatest", ["min"] = "least",
    };

    /// <summary>All functions, by heading, as the documentation lists them.</summary>
    public static IReadOnlyList<FunctionDefinition> All { get; } =
    [
        .. ConditionalFunctions.All(), .. StringFunctions.All(), .. NumericFunctions.All(), .. TimeFunctions.All(),
        .. JsonFunctions.All(),
    ];

    private static readonly Dictionary<string, FunctionDefinition> ByName =
        All.ToDictionary(function => function.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The function of a name in any case, or null.</summary>
    public static FunctionDefinition? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>What was probably meant by a name that is no function's, or null.</summary>
    public static string? Suggest(string name) =>
        Elsewhere.TryGetValue(name, out var known) ? known : Suggestions.Nearest(name, ByName.Keys.Append("cast").Append("extract"));
}
