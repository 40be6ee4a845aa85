using System.Text;

namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>Writes what is documented about codes.</summary>
public static class ErrorDocs
{
    private static readonly (string Prefix, string Title)[] Sections =
    [
        ("KOR1", "KOR1xxx: the text of a pipeline file"),
        ("KOR2", "KOR2xxx: what a pipeline file means"),
        ("KOR3", "KOR3xxx: expressions"),
        ("KOR4", "KOR4xxx: single records"),
        ("KOR5", "KOR5xxx: running pipelines"),
        ("KOR6", "KOR6xxx: test files of pipelines"),
    ];

    /// <summary>docs/errors.md.</summary>
    public static string Markdown()
    {
        var text = new StringBuilder();
        text.Append("# Errors and warnings\n\n");
        text.Append("Generated from `Processing/Diagnostics/ErrorCatalog.*.cs`; `kor docs CODE` shows the same. ");
        text.Append("A code is never used again for something else.\n");
        var section = -1;
        foreach (var info in ErrorCatalog.All)
        {
            var next = Array.FindLastIndex(Sections, s => string.CompareOrdinal(s.Prefix, info.Code[..4]) <= 0);
            if (next != section) text.Append("\n## ").Append(Sections[section = next].Title).Append('\n');
            text.Append("\n### ").Append(info.Code).Append(": ").Append(info.Title).Append("\n\n");
            text.Append(info.Explanation).Append('\n');
            var isYaml = info.Code[3] is '1' or '2' or '6';
            if (info.Example.Length > 0)
                text.Append(isYaml ? "\n```yaml\n" : "\n```\n").Append(info.Example).Append("\n```\n");
            text.Append("\n**Do this:** ").Append(info.Remedy).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What <c>kor docs CODE</c> shows.</summary>
    public static string Plain(ErrorInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        var text = new StringBuilder($"{info.Code}: {info.Title}\n\n{info.Explanation}\n");
        if (info.Example.Length > 0)
        {
            var example = info.Example.Replace("\n", "\n    ", StringComparison.Ordinal);
            text.Append("\nExample:\n    ").Append(example).Append('\n');
        }

        return text.Append("\nDo this: ").Append(info.Remedy).Append('\n').ToString();
    }
}
