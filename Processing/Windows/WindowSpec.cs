using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>How event time is cut into windows. Times and spans in milliseconds; windows are half-open <c>[Start, End)</c>.</summary>
public abstract record WindowSpec;

/// <summary>Windows of one size side by side, starting at multiples of <paramref name="Size"/> plus <paramref name="Offset"/>.</summary>
public sealed record TumblingWindow(long Size, long Offset = 0) : WindowSpec;

/// <summary>Windows of <paramref name="Size"/> starting every <paramref name="Every"/> ms; Size is a multiple of Every.</summary>
public sealed record HoppingWindow(long Size, long Every, long Offset = 0) : WindowSpec;

/// <summary>Windows that grow while records come less than <paramref name="Gap"/> apart, up to <paramref name="MaxLength"/>.</summary>
public sealed record SessionWindow(long Gap, long MaxLength) : WindowSpec;

/// <summary>Windows of a calendar unit in a time zone, right across daylight-saving changes. Weeks start on Monday.</summary>
public sealed record CalendarWindow(CalendarUnit Unit, string Zone) : WindowSpec;

/// <summary>No window: running totals per key, for the <c>aggregate</c> step.</summary>
public sealed record RunningTotals : WindowSpec;

/// <summary>Units of calendar windows.</summary>
public enum CalendarUnit
{
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// <summary>
/// The aggregate functions. All but <see cref="Count"/> take no notice of NULL; without any value the counts are 0 and the others NULL. Unless
/// it is said otherwise, the order of the rows does not show in the result. The numbers are stored and cannot change.
/// </summary>
public enum AggregateKind
{
    /// <summary><c>count()</c>: rows.</summary>
    Count,

    /// <summary><c>count(expr)</c>: values that are not NULL.</summary>
    CountValues,

    /// <summary>
    /// Sum. Exact for integers and decimals; one that does not fit the result's type is NULL and counted
    /// (<see cref="ClosedWindows.Overflows"/>). Doubles are carried with 106 bits.
    /// </summary>
    Sum,

    /// <summary>Mean: the exact sum by the count, rounded half away from zero to the result's scale.</summary>
    Avg,

    /// <summary>Smallest value. Strings are compared by code points; false is less than true.</summary>
    Min,

    /// <summary>Largest value.</summary>
    Max,

    /// <summary>Standard deviation of a sample (n - 1); NULL below two values. Carried with 106 bits.</summary>
    StdDev,

    /// <summary>Variance of a sample (n - 1); NULL below two values. Carried with 106 bits.</summary>
    Variance,

    /// <summary>The value with the smallest event time, then offset, then partition.</summary>
    First,

    /// <summary>The value with the largest event time, then offset, then partition.</summary>
    Last,

    /// <summary>
    /// Distinct values: exact up to the parameter (1 to 100,000; default 1,000), above it by HyperLogLog with 16,384 registers (16 KiB a
    /// window), standard error 0.81 %.
    /// </summary>
    CountDistinct,

    /// <summary>
    /// The value at rank floor(p * (n - 1)) with a relative error of at most 1 % (DDSketch, at most 32 KiB per sign and window). Values below the
    /// largest magnitude divided by 10^35 are told apart no further.
    /// </summary>
    Percentile,

    /// <summary>
    /// The k most frequent values as JSON, <c>[{"value":..,"count":..}]</c> (SpaceSaving with 10 k counters, at least 100): exact up to so many
    /// distinct values. Beyond, every value with more than 1 / counters of the rows is found, counts are too large by at most that
    /// share, and the order of the rows can show.
    /// </summary>
    TopK,

    /// <summary>The first n values by event time, offset and partition as a JSON array.</summary>
    Collect,
}

/// <summary>One aggregate of a window step.</summary>
/// <param name="Name">The output field.</param>
/// <param name="Kind">The function.</param>
/// <param name="Input">The place of the input among the step's input columns, or -1 for <c>count()</c>.</param>
/// <param name="InputType">The input's type.</param>
/// <param name="ResultType">The result's type.</param>
/// <param name="Parameter">percentile: p in (0, 1); top_k and collect: the bound; count_distinct: the exact limit; otherwise 0.</param>
public sealed record AggregateSpec(
    string Name, AggregateKind Kind, int Input, FieldType InputType, FieldType ResultType, double Parameter = 0);

/// <summary>A window (or running aggregate) step, compiled.</summary>
/// <param name="Window">The windows.</param>
/// <param name="AllowedLateness">How long after its end a window still takes records and fires again, ms, at least 0.</param>
/// <param name="Key">The groupBy fields; empty: one global group.</param>
/// <param name="Aggregates">The aggregates in output order.</param>
/// <param name="InputTypes">The types of the input columns the aggregates refer to.</param>
public sealed record WindowStepSpec(
    WindowSpec Window,
    long AllowedLateness,
    Schema Key,
    IReadOnlyList<AggregateSpec> Aggregates,
    IReadOnlyList<FieldType> InputTypes);
