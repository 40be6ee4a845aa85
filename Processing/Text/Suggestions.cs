namespace KafkaOracleOrleans.Processing.Text;

/// <summary>Finds what was probably meant by a misspelt name.</summary>
public static class Suggestions
{
    private const int MaxLength = 64;

    /// <summary>
    /// The candidate nearest to a name, or null when none is near: equal but for case, or at most a third of its letters
    /// (at most three) inserted, dropped, replaced or swapped with their neighbour.
    /// </summary>
    public static string? Nearest(string name, IEnumerable<string> candidates)
    {
        string? best = null;
        var bestDistance = Math.Min(name.Length / 3, 3) + 1;
        foreach (var candidate in candidates)
        {
            if (string.Equals(candidate, name, StringComparison.Ordinal)) continue;
            if (string.Equals(candidate, name, StringComparison.OrdinalIgnoreCase)) return candidate;
            var distance = Distance(name, candidate, bestDistance);
            if (distance >= bestDistance) continue;
            best = candidate;
            bestDistance = distance;
        }
        return best;
    }

    /// <summary>
    /// How many letters must be inserted, dropped, replaced or swapped with their neighbour to make one word the other, letter case
    /// ignored; <paramref name="limit"/> when it is that many or more (or when a word is longer than 64 characters).
    /// </summary>
    public static int Distance(string left, string right, int limit)
    {
        if (Math.Abs(left.Length - right.Length) >= limit) return limit;
        if (left.Length > MaxLength || right.Length > MaxLength) return limit;
        Span<int> beforeLast = stackalloc int[right.Length + 1];
        Span<int> last = stackalloc int[right.Length + 1];
        Span<int> current = stackalloc int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++) last[j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = Same(left[i - 1], right[j - 1]);
                var distance = Math.Min(Math.Min(last[j], current[j - 1]) + 1, last[j - 1] + (same ? 0 : 1));
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                    distance = Math.Min(distance, beforeLast[j - 2] + 1);
                current[j] = distance;
            }
            last.CopyTo(beforeLast);
            current.CopyTo(last);
        }
        return Math.Min(last[right.Length], limit);
    }

    private static bool Same(char left, char right) =>
        left == right || char.ToUpperInvariant(left) == char.ToUpperInvariant(right);
}
