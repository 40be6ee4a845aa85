using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>Picks a page out of the windows that shards gave.</summary>
internal static class WindowSearch
{
    /// <summary>The rows that match, in order, behind where the page before ended.</summary>
    public static WindowPage Page(WindowQuery query, IEnumerable<WindowRow> rows, bool complete)
    {
        var matching = rows.Where(r => Matches(query, r)).ToList();
        // Open windows by their end, closed ones the newest first; keys tell those of one end apart.
        matching.Sort((a, b) => Compare(query, a, b));
        var skipped = query.After is { } after ? SkippedBy(query, matching, Parse(after)) : 0;
        var page = matching.Skip(skipped).Take(query.Limit).ToList();
        var more = skipped + page.Count < matching.Count;
        return new WindowPage(page, matching.Count, complete, more ? PlaceOf(matching, skipped + page.Count - 1) : null);
    }

    private static bool Matches(WindowQuery query, WindowRow row) =>
        (query.Key is null || row.Key.Contains(query.Key, StringComparison.OrdinalIgnoreCase))
        && (query.From is not { } from || row.End is not { } end || end > from)
        && (query.To is not { } to || row.Start is not { } start || start < to);

    private static int Compare(WindowQuery query, WindowRow a, WindowRow b)
    {
        var ends = Compare(query, a.End, b.End);
        if (ends != 0) return ends;
        var keys = string.CompareOrdinal(a.Key, b.Key);
        return keys != 0 ? keys : Nullable.Compare(a.Start, b.Start);
    }

    private static int Compare(WindowQuery query, long? a, long? b) => query.Closed ? Nullable.Compare(b, a) : Nullable.Compare(a, b);

    /// <summary>A place is an end and how many windows of that end came before: it holds no key, which not everybody may see.</summary>
    private static string PlaceOf(List<WindowRow> rows, int last)
    {
        var end = rows[last].End;
        var same = rows.Take(last + 1).Count(r => r.End == end);
        return string.Create(CultureInfo.InvariantCulture, $"{end ?? 0}_{same}");
    }

    private static int SkippedBy(WindowQuery query, List<WindowRow> rows, (long End, int Same) place)
    {
        var before = rows.Count(r => Compare(query, r.End ?? 0, place.End) < 0);
        return Math.Min(rows.Count, before + Math.Min(place.Same, rows.Count(r => (r.End ?? 0) == place.End)));
    }

    /// <summary>Throws <see cref="ArgumentException"/> when it is not what a page before gave.</summary>
    private static (long End, int Same) Parse(string after)
    {
        var parts = after.Split('_');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var end)
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var same)
            ? (end, same)
            : throw new ArgumentException($"'{after}' does not lead to a page; give the 'next' of the page before.");
    }
}
