using System.Text.RegularExpressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// Which fields cannot be NULL in rows for which a condition is true. Knows conditions of the form
/// <c>a IS NOT NULL AND b IS NOT NULL</c>; of others it says nothing, which is always right.
/// </summary>
internal static partial class NullRejection
{
    public static HashSet<string> Of(string condition, Schema schema)
    {
        var fields = new HashSet<string>(StringComparer.Ordinal);
        if (!Whole().IsMatch(condition)) return fields;
        foreach (Match match in Part().Matches(condition))
        {
            if (schema.IndexOf(match.Groups[1].Value) >= 0) fields.Add(match.Groups[1].Value);
        }

        return fields;
    }

    [GeneratedRegex(@"^\s*\w+\s+IS\s+NOT\s+NULL(\s+AND\s+\w+\s+IS\s+NOT\s+NULL)*\s*$", RegexOptions.IgnoreCase)]
    private static partial Regex Whole();

    [GeneratedRegex(@"(\w+)\s+IS\s+NOT\s+NULL", RegexOptions.IgnoreCase)]
    private static partial Regex Part();
}
