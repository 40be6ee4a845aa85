namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>A column of a table.</summary>
/// <param name="Title">The heading, in capitals.</param>
/// <param name="Right">True for numbers.</param>
/// <param name="Spare">Where a terminal is too narrow, columns are left out, the ones with the highest number first; 0: never.</param>
/// <param name="Text">A sentence: where a terminal is too narrow it goes below its row, broken between words.</param>
internal sealed record TableColumn(string Title, bool Right = false, int Spare = 0, bool Text = false);

/// <summary>What a cell says beyond its text.</summary>
internal enum Tone
{
    Plain,
    Good,
    Warning,
    Bad,
    Faint,
}

/// <summary>A cell.</summary>
internal readonly record struct Cell(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Cell(string? text) => new(text ?? "-");
}

/// <summary>A table, however it is drawn.</summary>
internal sealed class TableModel(params TableColumn[] columns)
{
    private const int Gap = 2;

    public IReadOnlyList<TableColumn> Columns => columns;

    public List<Cell[]> Rows { get; } = [];

    public void Add(params Cell[] cells)
    {
        if (cells.Length != columns.Length) throw new ArgumentException("A row has one cell per column.", nameof(cells));
        Rows.Add(cells);
    }

    /// <summary>Columns two blanks apart, no lines: what scripts and eyes can both read. Everything is there, however wide.</summary>
    public void WritePlain(TextWriter writer)
    {
        var all = Enumerable.Range(0, columns.Length).ToList();
        var widths = Widths();
        writer.WriteLine(Line(all, widths, c => columns[c].Title));
        foreach (var row in Rows) writer.WriteLine(Line(all, widths, c => OneLine(row[c].Text)));
    }

    /// <summary>
    /// For a terminal: the same columns with a line below the headings, never wider than the terminal as long as its values let it. Sentences go below their
    /// row, then columns that can be spared are left out, which is said; a value is never broken.
    /// </summary>
    /// <param name="writer">The terminal.</param>
    /// <param name="width">Its width in characters.</param>
    /// <param name="paint">Gives a text a tone; null for a heading.</param>
    /// <returns>The titles of the columns that were left out.</returns>
    public IReadOnlyList<string> WriteTerminal(TextWriter writer, int width, Func<string, Tone?, string> paint)
    {
        var widths = Widths();
        var (shown, below, spared) = Fit(widths, width);
        writer.WriteLine(Line(shown, widths, c => columns[c].Title, (_, text) => paint(text, null)));
        writer.WriteLine(string.Join(new string(' ', Gap), shown.Select(c => new string('─', widths[c]))));
        foreach (var row in Rows)
        {
            writer.WriteLine(Line(shown, widths, c => OneLine(row[c].Text), (c, text) => paint(text, row[c].Tone)));
            foreach (var c in below.Where(c => row[c].Text.Length != 0))
            {
                foreach (var line in Wrapped.Lines(OneLine(row[c].Text), width - 4)) writer.WriteLine("    " + paint(line, row[c].Tone == Tone.Plain ? Tone.Faint : row[c].Tone));
            }
        }

        return spared;
    }

    private (List<int> Shown, List<int> Below, List<string> Spared) Fit(int[] widths, int width)
    {
        // A column without anything in it says nothing, and the note is often such a one.
        var shown = Enumerable.Range(0, columns.Length).Where(c => !columns[c].Text || Rows.Exists(r => r[c].Text.Length != 0)).ToList();
        var below = new List<int>();
        var spared = new List<string>();
        while (shown.Sum(c => widths[c]) + (Gap * (shown.Count - 1)) > width)
        {
            if (shown.FindLastIndex(c => columns[c].Text) is >= 0 and var text && shown.Count > 1)
            {
                below.Insert(0, shown[text]);
                shown.RemoveAt(text);
                continue;
            }

            var most = shown.Max(c => columns[c].Spare);
            if (most == 0) break;
            var least = shown.FindLastIndex(c => columns[c].Spare == most);
            spared.Insert(0, columns[shown[least]].Title);
            shown.RemoveAt(least);
        }

        return (shown, below, spared);
    }

    private int[] Widths() =>
        [.. columns.Select((column, c) => Rows.Select(r => OneLine(r[c].Text).Length).Append(column.Title.Length).Max())];

    private string Line(List<int> shown, int[] widths, Func<int, string> text, Func<int, string, string>? paint = null)
    {
        var line = new System.Text.StringBuilder();
        for (var i = 0; i < shown.Count; i++)
        {
            var c = shown[i];
            if (i != 0) line.Append(' ', Gap);
            var (value, fill) = (text(c), widths[c] - text(c).Length);
            if (columns[c].Right) line.Append(' ', fill);
            line.Append(paint is null ? value : paint(c, value));
            if (!columns[c].Right && i != shown.Count - 1) line.Append(' ', fill);
        }

        return line.ToString().TrimEnd();
    }

    /// <summary>Control characters in data must neither break the table nor reach the terminal.</summary>
    internal static string OneLine(string text)
    {
        if (!text.Any(char.IsControl)) return text;
        return string.Concat(text.Select(c => c switch
        {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ when char.IsControl(c) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
            _ => c.ToString(),
        }));
    }
}
