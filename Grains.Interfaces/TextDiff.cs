namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>The difference of two texts, line by line: what is the same in both comes with a blank in front, what is gone with '-', what is new with '+'.</summary>
public static class TextDiff
{
    private const int Around = 2;

    // The work grows with the product of the lengths; a definition has 1 MiB at most.
    private const int MaxCells = 25_000_000;

    /// <summary>The lines that differ with some around them, runs apart by a line of dots; empty when nothing differs.</summary>
    public static IReadOnlyList<(char Mark, string Text)> Of(string before, string after)
    {
        var (a, b) = (Lines(before), Lines(after));
        var all = (long)a.Length * b.Length > MaxCells ? Whole(a, b) : Compare(a, b);
        var shown = new bool[all.Count];
        for (var i = 0; i < all.Count; i++)
        {
            if (all[i].Mark == ' ') continue;
            for (var near = Math.Max(0, i - Around); near <= Math.Min(all.Count - 1, i + Around); near++) shown[near] = true;
        }

        var result = new List<(char, string)>();
        for (var i = 0; i < all.Count; i++)
        {
            if (!shown[i]) continue;
            if (i > 0 && !shown[i - 1] && result.Count != 0) result.Add(('.', "..."));
            result.Add(all[i]);
        }

        return result;
    }

    private static List<(char Mark, string Text)> Whole(string[] a, string[] b) => [.. a.Select(l => ('-', l)), .. b.Select(l => ('+', l))];

    private static List<(char Mark, string Text)> Compare(string[] a, string[] b)
    {
        // How many lines the rests have in common, from behind.
        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
        {
            for (var j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var lines = new List<(char, string)>();
        var (x, y) = (0, 0);
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y])
            {
                lines.Add((' ', a[x]));
                x++;
                y++;
            }
            else if (x < a.Length && (y == b.Length || common[x + 1, y] >= common[x, y + 1]))
            {
                lines.Add(('-', a[x++]));
            }
            else
            {
                lines.Add(('+', b[y++]));
            }
        }

        return lines;
    }

    private static string[] Lines(string text) => text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
}
