using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>A file in the folder with pipelines: what it says, and what is in force by it.</summary>
internal sealed partial class FolderFile(string path)
{
    public string Path { get; } = path;

    /// <summary>Its name in the folder: what findings, events and status say, for where the folder is on the server is nobody's business.</summary>
    public string Name { get; } = System.IO.Path.GetFileName(path);

    /// <summary>What was read last; null: never could be.</summary>
    public string? Text { get; private set; }

    /// <summary>The name the text gives, as far as it can be told of a text that does not compile.</summary>
    public string? Declared { get; set; }

    /// <summary>The pipeline that is in force by this file; of a refused file by its earlier text.</summary>
    public string? InForce { get; set; }

    /// <summary>True when the text needs no further try: it is in force, or refused for what it says.</summary>
    public bool Done { get; set; }

    /// <summary>The file that has the pipeline's name.</summary>
    public string? Rival { get; set; }

    /// <summary>Why it could not be read or applied for now, as logged.</summary>
    public string? Problem { get; set; }

    /// <summary>Nobody can say which pipeline it is: any might be its.</summary>
    public bool IsNobodys => Declared is null && InForce is null;

    /// <summary>The pipelines that must not end while the file is there: what it says now, and until that is in force what it said before.</summary>
    public IEnumerable<string> Names => new[] { Declared, InForce }.OfType<string>().Distinct(StringComparer.Ordinal);

    /// <summary>Takes a text over, if it is another one.</summary>
    public void Take(string text)
    {
        if (text == Text) return;
        Text = text;
        Declared = NameIn(text);
        Done = false;
    }

    /// <summary>The name in a text that may not be a pipeline at all; null when there is none to be seen, or it depends on variables.</summary>
    internal static string? NameIn(string text)
    {
        var match = NameLine().Match(text);
        return match.Success ? match.Groups["name"].Value : null;
    }

    // YAML at the left edge, JSON anywhere: best effort, for texts the compiler has no plan of.
    [GeneratedRegex(
        """^(name:[ \t]*["']?|[ \t{]*"name"[ \t]*:[ \t]*")(?<name>[A-Za-z0-9][A-Za-z0-9._-]*)["']?[ \t]*(,|\}|#.*)?\r?$""",
        RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex NameLine();
}
