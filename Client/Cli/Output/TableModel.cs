namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>A column of a table.</summary>
/// <param name="Title">The heading, in capitals.</param>
/// <param name="Right">True for numbers.</param>
internal sealed record TableColumn(string Title, bool Right = false);

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
    public IReadOnlyList<TableColumn> Columns => columns;

    public List<Cell[]> Rows { get; } = [];

    public void Add(params Cell[] cells)
    {
        if (cells.Length != columns.Length) throw new ArgumentException("A row has one cell per column.", nameof(cells));
        Rows.Add(cells);
    }

    /// <summary>How many characters the widest line has when columns are <paramref name="gap"/> apart.</summary>
    public int Width(int gap) => Widths().Sum() + (gap * columns.Length);

    /// <summary>Columns two blanks apart, no lines: what scripts and eyes can both read.</summary>
    public void WritePlain(TextWriter writer)
    {
        var widths = Widths();
        WriteRow(writer, widths, c => columns[c].Title);
        foreach (var row in Rows) WriteRow(writer, widths, c => OneLine(row[c].Text));
    }

    private int[] Widths() =>
        [.. columns.Select((column, c) => Rows.Select(r => OneLine(r[c].Text).Length).Append(column.Title.Length).Max())];

    private void WriteRow(TextWriter writer, int[] widths, Func<int, string> text)
    {
        var line = new System.Text.StringBuilder();
        for (var c = 0; c < columns.Length; c++)
        {
            if (c != 0) line.Append("  ");
            line.Append(columns[c].Right ? text(c).PadLeft(widths[c]) : text(c).PadRight(widths[c]));
        }

        writer.WriteLine(line.ToString().TrimEnd());
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
