using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>
/// The aggregates: names, arguments and result types. NULL inputs are left out by all of them; of no inputs, counts are
/// 0 and everything else is NULL.
/// </summary>
public static class AggregateTyping
{
    /// <summary>
    /// The exact limit of <c>count_distinct(expr)</c> when none is given; above it the count is an estimate.
    /// </summary>
    public const int DefaultExactDistinct = 1_000;

    /// <summary>Digits an average has after the point at least.</summary>
    public const int AverageScale = 6;

    private static readonly AggregateInfo[] Known =
    [
        new(AggregateKind.Count, "count", ParameterRule.None, "rows; count(expr) counts those that are not NULL"),
        new(AggregateKind.Sum, "sum", ParameterRule.None, "sum, exact: decimal(28,s). Of doubles a double, carried with 106 bits. A sum beyond its type is NULL and counted"),
        new(AggregateKind.Avg, "avg", ParameterRule.None, "mean: decimal(28, 6 or more), the exact sum by the count, rounded half away from zero. Double for doubles"),
        new(AggregateKind.Min, "min", ParameterRule.None, "smallest value"),
        new(AggregateKind.Max, "max", ParameterRule.None, "largest value"),
        new(AggregateKind.StdDev, "stddev", ParameterRule.None, "standard deviation of a sample (n - 1), double; NULL below two values"),
        new(AggregateKind.Variance, "variance", ParameterRule.None, "variance of a sample (n - 1), double; NULL below two values"),
        new(AggregateKind.First, "first", ParameterRule.None, "value of the earliest row by event time, then offset"),
        new(AggregateKind.Last, "last", ParameterRule.None, "value of the latest row by event time, then offset"),
        new(AggregateKind.CountDistinct, "count_distinct", ParameterRule.Bound(1, 100_000, DefaultExactDistinct),
            "distinct values: exact up to n (1 to 100000, default 1000). Above n an estimate by HyperLogLog with 16384 registers (at most "
            + "16 KiB a window): standard error 0.81 %, so 95 of 100 results are within 1.6 %"),
        new(AggregateKind.Percentile, "percentile", ParameterRule.Fraction,
            "the value at rank floor(p * (rows - 1)), double, within 1 % of it (DDSketch, at most 32 KiB per sign and window). Values "
            + "smaller than the largest by a factor of 10^35 are told apart no further"),
        new(AggregateKind.TopK, "top_k", ParameterRule.Bound(1, 1_000, null),
            "the n (to 1000) most frequent values, json: [{\"value\":..,\"count\":..}]. Exact up to 10 n (at least 100) distinct values. Beyond, "
            + "with c = 10 n counters: every value with more than 1/c of the rows is found, no count is too large by more than 1/c of them (SpaceSaving). Strings of more than "
            + "1024 bytes are shown as their first 900, \"…#\" and a hash"),
        new(AggregateKind.Collect, "collect", ParameterRule.Bound(1, 10_000, null), "the first n (to 10000) values by event time, then offset, as a json array; the rest is not kept. Up to "
            + "1 MiB of JSON: a window whose values are more ends with the element \"…\" in place of the first that does not fit and all after it"),
    ];

    /// <summary>All aggregates with a name of their own.</summary>
    public static IReadOnlyList<AggregateInfo> All => Known;

    /// <summary>The aggregate of a name (case does not matter), or null.</summary>
    public static AggregateInfo? Find(string name) =>
        Array.Find(Known, k => string.Equals(k.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The result's type, or null when the aggregate does not take that input.</summary>
    public static FieldType? ResultType(AggregateKind kind, FieldType input) => kind switch
    {
        AggregateKind.Count or AggregateKind.CountValues => FieldType.Integer,
        AggregateKind.CountDistinct when input.Kind != FieldKind.Json => FieldType.Integer,
        AggregateKind.Sum => Sum(input, 0),
        AggregateKind.Avg => Sum(input, AverageScale),
        AggregateKind.StdDev or AggregateKind.Variance or AggregateKind.Percentile when input.IsNumeric =>
            FieldType.Double,
        AggregateKind.Min or AggregateKind.Max when IsOrdered(input) => input,
        AggregateKind.First or AggregateKind.Last => input,
        AggregateKind.TopK when input.Kind is not (FieldKind.Json or FieldKind.Bytes) => FieldType.Json,
        AggregateKind.Collect => FieldType.Json,
        _ => null,
    };

    /// <summary>False when the result is never NULL.</summary>
    public static bool IsNullable(AggregateKind kind) =>
        kind is not (AggregateKind.Count or AggregateKind.CountValues or AggregateKind.CountDistinct);

    /// <summary>What inputs an aggregate takes, for messages.</summary>
    public static string Takes(AggregateKind kind) => kind switch
    {
        AggregateKind.Sum or AggregateKind.Avg => "integer, decimal or double",
        AggregateKind.StdDev or AggregateKind.Variance or AggregateKind.Percentile =>
            "integer, decimal or double",
        AggregateKind.Min or AggregateKind.Max => "a number, string, timestamp, date or boolean",
        AggregateKind.CountDistinct => "anything but json",
        AggregateKind.TopK => "anything but json and bytes",
        _ => "any type",
    };

    private static FieldType? Sum(FieldType input, int minScale) => input.Kind switch
    {
        FieldKind.Integer => FieldType.Decimal(FieldType.MaxPrecision, minScale),
        FieldKind.Decimal => FieldType.Decimal(FieldType.MaxPrecision, Math.Max(input.Scale, minScale)),
        FieldKind.Double => FieldType.Double,
        _ => null,
    };

    private static bool IsOrdered(FieldType type) => type.Kind is not (FieldKind.Json or FieldKind.Bytes);
}

/// <summary>An aggregate as pipelines call it.</summary>
/// <param name="Kind">The function; <c>count(expr)</c> is <see cref="AggregateKind.CountValues"/>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Parameter">What its second argument may be.</param>
/// <param name="Description">What it gives.</param>
public sealed record AggregateInfo(AggregateKind Kind, string Name, ParameterRule Parameter, string Description);

/// <summary>
/// What an aggregate's second argument may be: nothing, a share strictly between 0 and 1, or a whole number.
/// </summary>
/// <param name="Min">The least value.</param>
/// <param name="Max">The largest value; 0: there is no second argument.</param>
/// <param name="Default">What stands in when it is left out; null: it must be given.</param>
public sealed record ParameterRule(double Min, double Max, double? Default)
{
    /// <summary>No second argument.</summary>
    public static ParameterRule None { get; } = new(0, 0, 0);

    /// <summary>A share strictly between 0 and 1, which must be given.</summary>
    public static ParameterRule Fraction { get; } = new(0, 1, null);

    /// <summary>True when there is a second argument.</summary>
    public bool IsTaken => Max > 0;

    /// <summary>True for a share.</summary>
    public bool IsFraction => IsTaken && Max <= 1;

    /// <summary>A whole number within bounds.</summary>
    public static ParameterRule Bound(int min, int max, int? byDefault) => new(min, max, byDefault);
}
