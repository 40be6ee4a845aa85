namespace KafkaOracleOrleans.Client.Cli.Output;

/// <summary>Breaks text between words, never inside one: places, numbers and names can be copied.</summary>
internal static class Wrapped
{
    /// <summary>The lines of a text, each at most so wide unless a word is wider.</summary>
    public static IEnumerable<string> Lines(string text, int width)
    {
        var line = new System.Text.StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length != 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString().TrimEnd();
                line.Clear();
                // A break stands for the blanks there.
                if (word.Length == 0) continue;
            }
            else if (line.Length != 0 || word.Length == 0)
            {
                line.Append(' ');
            }

            line.Append(word);
        }

        if (line.Length != 0) yield return line.ToString().TrimEnd();
    }
}
