using System.Globalization;
using System.Text;

namespace KafkaOracleOrleans.Processing.Text;

/// <summary>What is wrong with a date and time pattern, and the pattern that was meant, when that can be told.</summary>
internal sealed record PatternFault(string Message, string? Suggestion);

/// <summary>
/// Finds patterns that .NET takes and that mean something else than whoever wrote them meant: the letters of Java, Oracle, Python, PHP or
/// JavaScript, minutes where the month belongs, hours up to 12 without am or pm. Literal text is quoted ('at'); T between date and time and a
/// Z at the end need no quotes.
/// </summary>
internal static class TimePattern
{
    private const string Legend =
        "year yyyy, month MM, day dd, hour HH (or hh with tt), minute mm, second ss, fraction fff, offset zzz; other letters go in quotes";

    /// <summary>A part of a pattern: a run of one letter, or text that stands for itself (<see cref="Letter"/> is then '\0').</summary>
    internal readonly record struct Part(char Letter, string Text)
    {
        public bool IsDay => Letter == 'd' && Text.Length <= 2;
        public bool IsHour => Letter is 'h' or 'H';
    }

    /// <summary>The fault of a pattern; null when there is none.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="parses">True: texts are read by it; false: they are written.</param>
    public static PatternFault? Check(string pattern, bool parses)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (FaultOf(pattern, parses) is not { } message) return null;
        foreach (var meant in TimePatternDialects.Readings(pattern))
        {
            var mended = Mend(meant);
            if (mended != pattern && FaultOf(mended, parses) is null) return new PatternFault(message, mended);
        }

        return new PatternFault(message, null);
    }

    /// <summary>True when every time read by the pattern says its offset itself: by z, K or a Z at the end.</summary>
    public static bool HasOffset(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        var parts = Split(pattern);
        return parts.Exists(p => p.Letter is 'z' or 'K') || (parts.Count != 0 && parts[^1].Text.Trim('\'', '"') == "Z");
    }

    private static string? FaultOf(string pattern, bool parses)
    {
        if (pattern.Length > 2 && TimePatternDialects.IsPercent(pattern)) return $"'%' and a letter is how Python and C write times; here it is {Legend}.";
        var parts = Split(pattern);
        for (var i = 0; i < parts.Count; i++)
        {
            if (Foreign(parts, i)) return $"'{parts[i].Text}' is no part of a .NET date and time pattern ({Legend}).";
        }

        var letters = parts.Where(p => p.Letter != '\0').ToList();
        for (var i = 0; i < letters.Count; i++)
        {
            if (IsMonthInMinutes(letters, i)) return $"'{letters[i].Text}' are minutes; the month is MM.";
            if (IsMinuteInMonths(letters, i)) return $"'{letters[i].Text}' after the hour is the month; minutes are mm.";
            if (i > 0 && letters[i].Letter == 's' && letters[i - 1].Letter == 's') return "Seconds stand twice; a fraction of a second is fff.";
            if (letters[i].Letter is 'f' or 'F' && letters[i].Text.Length > 7) return "A fraction of a second has at most 7 digits.";
        }

        if (letters.Exists(l => l.Letter == 'h') && !letters.Exists(l => l.Letter == 't'))
            return "'hh' is the hour up to 12, and nothing says whether before or after noon (tt): 12:30 would be 00:30. The hour up to 23 is HH.";
        return LengthFault(letters) ?? ClockFault(letters) ?? (parses ? ReadingFault(letters) : null);
    }

    /// <summary>A run longer than any that stands for something: .NET takes it for the longest one without a word.</summary>
    private static string? LengthFault(List<Part> letters)
    {
        foreach (var part in letters)
        {
            if (part.Text.Length > MostLetters(part.Letter)) return $"'{part.Text}' has more letters than stand for anything ({Legend}).";
            if (part is { Letter: 'y', Text.Length: 3 }) return "'yyy' is no year; four digits are yyyy, two are yy.";
        }

        return null;
    }

    private static int MostLetters(char letter) => letter switch
    {
        'd' or 'M' or 'y' => 4,
        'z' => 3,
        'f' or 'F' => 7,
        _ => 2,
    };

    /// <summary>A time of day in which a part contradicts another or lacks the one before it.</summary>
    private static string? ClockFault(List<Part> letters)
    {
        var half = letters.Exists(l => l.Letter == 't');
        if (half && letters.Exists(l => l.Letter == 'H'))
            return "'HH' is the hour up to 23, and tt says before or after noon, which goes with the hour up to 12 (hh).";
        var hour = letters.Exists(l => l.IsHour);
        if (half && !hour) return "'tt' says before or after noon, and the hour (hh) is missing.";
        if (!hour) return null;
        if (letters.Exists(l => l.Letter == 's') && !letters.Exists(l => l.Letter == 'm')) return "There are hours and seconds (ss), and the minutes (mm) are missing.";
        return letters.Exists(l => l.Letter is 'f' or 'F') && !letters.Exists(l => l.Letter == 's')
            ? "There are hours and a fraction (fff), and the seconds (ss) are missing." : null;
    }

    private static string? ReadingFault(List<Part> letters)
    {
        foreach (var kind in letters.Where(l => l.Letter is not ('t' or 'g')).GroupBy(l => l.Letter == 'd' ? (l.IsDay ? 'd' : 'w') : char.ToLowerInvariant(l.Letter) is 'h' or 'f'
            ? char.ToLowerInvariant(l.Letter) : l.Letter))
        {
            if (kind.Count() > 1) return $"'{kind.ElementAt(1).Text}' stands for the same as '{kind.First().Text}' before it.";
        }

        if (!letters.Exists(l => l.Letter == 'y')) return "The pattern has no year (yyyy): the times read would lie in the year 1.";
        if (letters.Exists(l => l.IsDay) && !letters.Exists(l => l.Letter == 'M')) return "The pattern has a day and no month (MM): all times read would lie in January.";
        if (letters.Exists(l => l.IsHour)) return null;
        if (letters.Exists(l => l.Letter is 'm' or 's' or 'f' or 'F')) return "The pattern has minutes, seconds or a fraction and no hour (HH).";
        return letters.Exists(l => l is { Letter: 'd', Text.Length: > 2 }) && !letters.Exists(l => l.IsDay)
            ? "The pattern has the name of a weekday and no day of the month (dd)." : null;
    }

    /// <summary>A letter that .NET would print or want as it stands.</summary>
    private static bool Foreign(List<Part> parts, int i)
    {
        var part = parts[i];
        if (part.Letter == '\0') return false;
        if ("dfFghHKmMstyz".Contains(part.Letter, StringComparison.Ordinal)) return part.Letter == 'K' && part.Text.Length > 1;
        if (part.Text.Length > 1) return true;
        return part.Letter switch
        {
            'T' => !(i > 0 && i + 1 < parts.Count && parts[i - 1].Letter is 'd' or 'M' or 'y' && parts[i + 1].IsHour),
            'Z' => i + 1 != parts.Count || i == 0 || parts[i - 1].Letter is not ('s' or 'f' or 'F' or 'm'),
            _ => true,
        };
    }

    // Where a month stands, while no month is there but what stands where minutes do.
    private static bool IsMonthInMinutes(List<Part> letters, int i) =>
        StandsAsMonth(letters, i) && !letters.Where((l, at) => l.Letter == 'M' && !StandsAsMinutes(letters, at)).Any();

    private static bool IsMinuteInMonths(List<Part> letters, int i) =>
        StandsAsMinutes(letters, i) && !letters.Where((l, at) => l.Letter == 'm' && !StandsAsMonth(letters, at)).Any();

    /// <summary>An m beside year or day, not behind the hour and not before seconds.</summary>
    private static bool StandsAsMonth(List<Part> letters, int i)
    {
        if (letters[i].Letter != 'm' || (i > 0 && letters[i - 1].IsHour) || (i + 1 < letters.Count && letters[i + 1].Letter == 's')) return false;
        return (i > 0 && IsDate(letters[i - 1])) || (i + 1 < letters.Count && IsDate(letters[i + 1]));
    }

    /// <summary>An M behind the hour or before seconds.</summary>
    private static bool StandsAsMinutes(List<Part> letters, int i) => letters[i] is { Letter: 'M', Text.Length: <= 2 }
        && ((i > 0 && letters[i - 1].IsHour) || (i + 1 < letters.Count && letters[i + 1].Letter == 's'));

    private static bool IsDate(Part part) => part.Letter == 'y' || part.IsDay;

    /// <summary>The pattern with months, minutes, hours and fractions put right.</summary>
    private static string Mend(string pattern)
    {
        var parts = Split(pattern);
        var places = Enumerable.Range(0, parts.Count).Where(i => parts[i].Letter != '\0').ToList();
        var letters = places.ConvertAll(i => parts[i]);
        var half = letters.Exists(l => l.Letter == 't');
        for (var i = 0; i < letters.Count; i++)
        {
            var (letter, text) = (letters[i].Letter, letters[i].Text);
            if (IsMonthInMinutes(letters, i)) text = text.ToUpperInvariant();
            else if (IsMinuteInMonths(letters, i)) text = text.ToLowerInvariant();
            else if (letter == 'h' && !half) text = text.ToUpperInvariant();
            else if (letter == 's' && i > 0 && letters[i - 1].Letter == 's') text = new string('f', text.Length);
            else if (letter == 'H' && half) text = text.ToLowerInvariant();
            if (text.Length > MostLetters(text[0])) text = text[..MostLetters(text[0])];
            if (text == "yyy") text = "yyyy";
            parts[places[i]] = new Part(text[0], text);
        }

        return AddMissing(parts);
    }

    /// <summary>The pattern with the month between year and day, the minutes between hour and seconds, when only they are missing.</summary>
    private static string AddMissing(List<Part> parts)
    {
        var letters = parts.Where(p => p.Letter != '\0').ToList();
        var (seconds, day) = (parts.FindIndex(p => p.Letter == 's'), parts.FindIndex(p => p.IsDay));
        if (seconds >= 0 && letters.Exists(l => l.IsHour) && !letters.Exists(l => l.Letter == 'm')) parts.Insert(seconds, new Part('m', "mm" + Separator(parts, seconds)));
        if (day >= 0 && !letters.Exists(l => l.Letter is 'M' or 'm'))
        {
            // Behind the day where the year comes last.
            if (parts.FindIndex(p => p.Letter == 'y') < day) parts.Insert(day, new Part('M', "MM" + Separator(parts, day)));
            else parts.Insert(day + 1, new Part('M', (day + 1 < parts.Count && parts[day + 1].Letter == '\0' ? parts[day + 1].Text : "") + "MM"));
        }

        return string.Concat(parts.Select(p => p.Text));
    }

    private static string Separator(List<Part> parts, int before) => before > 0 && parts[before - 1].Letter == '\0' ? parts[before - 1].Text : "";

    /// <summary>Cuts a pattern as .NET does.</summary>
    internal static List<Part> Split(string pattern)
    {
        var parts = new List<Part>();
        for (var i = 0; i < pattern.Length;)
        {
            var c = pattern[i];
            var end = i + 1;
            if (c is '\'' or '"')
            {
                end = pattern.IndexOf(c, i + 1) is var close and >= 0 ? close + 1 : pattern.Length;
                parts.Add(new Part('\0', pattern[i..end]));
            }
            else if (c == '\\')
            {
                end = Math.Min(pattern.Length, i + 2);
                parts.Add(new Part('\0', pattern[i..end]));
            }
            else
            {
                while (end < pattern.Length && pattern[end] == c) end++;
                parts.Add(new Part(char.IsAsciiLetter(c) ? c : '\0', pattern[i..end]));
            }

            i = end;
        }

        return parts;
    }
}
