using KafkaOracleOrleans.Processing.Expressions.Runtime;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>The names of units of time.</summary>
internal static class Units
{
    private static readonly Dictionary<string, TimeUnit> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["microsecond"] = TimeUnit.Microsecond, ["millisecond"] = TimeUnit.Millisecond, ["second"] = TimeUnit.Second,
        ["minute"] = TimeUnit.Minute, ["hour"] = TimeUnit.Hour, ["day"] = TimeUnit.Day, ["week"] = TimeUnit.Week,
        ["month"] = TimeUnit.Month, ["quarter"] = TimeUnit.Quarter, ["year"] = TimeUnit.Year,
        ["dow"] = TimeUnit.DayOfWeek, ["doy"] = TimeUnit.DayOfYear, ["epoch"] = TimeUnit.Epoch,
    };

    /// <summary>Units that have a length, and those only to extract.</summary>
    public static IEnumerable<string> All => ByName.Keys;

    /// <summary>Units that have a length.</summary>
    public static IEnumerable<string> Lengths => ByName.Where(pair => pair.Value <= TimeUnit.Year).Select(pair => pair.Key);

    /// <summary>Reads a name; the plural means the same.</summary>
    public static bool TryParse(string name, out TimeUnit unit) =>
        ByName.TryGetValue(name, out unit)
        || (name.EndsWith('s') && ByName.TryGetValue(name[..^1], out unit) && unit <= TimeUnit.Year);
}
