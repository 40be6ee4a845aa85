using System.Text;
using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Processing.Plan;

/// <summary>
/// Which variables <c>${NAME}</c> in a pipeline may stand for. An environment is full of passwords, and whoever writes a pipeline sees what it makes of a
/// value; so a pipeline sees only what was put there for pipelines.
/// </summary>
public static class PipelineVariables
{
    /// <summary>Names that begin with this are for pipelines.</summary>
    public const string Prefix = "KOR_VAR_";

    /// <summary>No variable at all: what texts from outside see.</summary>
    public static Func<string, string?> None { get; } = static _ => null;

    /// <summary>The variables of an environment that are for pipelines.</summary>
    /// <param name="environment">Gives a variable's value, or null.</param>
    /// <param name="allowed">Further names, as the host's configuration lists them.</param>
    public static Func<string, string?> Visible(Func<string, string?> environment, IReadOnlyCollection<string> allowed)
    {
        ArgumentNullException.ThrowIfNull(environment);
        var names = allowed.ToHashSet(StringComparer.Ordinal);
        return name => name.StartsWith(Prefix, StringComparison.Ordinal) || names.Contains(name) ? environment(name) : null;
    }
}

/// <summary>Notes what was put in for variables, so that findings name the variable instead of quoting its value.</summary>
internal sealed class SubstitutedValues(Func<string, string?> variables)
{
    private readonly SortedDictionary<string, string> _names = new(
        Comparer<string>.Create(static (a, b) => a.Length != b.Length ? b.Length.CompareTo(a.Length) : string.CompareOrdinal(a, b)));

    /// <summary>The value of a variable; null when it is not set.</summary>
    public string? Get(string name)
    {
        var value = variables(name);
        if (!string.IsNullOrEmpty(value)) _names.TryAdd(value, name);
        return value;
    }

    /// <summary>The findings without values of variables.</summary>
    public IReadOnlyList<Diagnostic> Hide(IReadOnlyList<Diagnostic> diagnostics) => _names.Count == 0
        ? diagnostics
        : [.. diagnostics.Select(d => d with { Message = Hide(d.Message), Suggestion = d.Suggestion is null ? null : Hide(d.Suggestion), Path = Hide(d.Path) })];

    private string Hide(string text)
    {
        foreach (var (value, name) in _names) text = Replace(text, value, $"${{{name}}}");
        return text;
    }

    /// <summary>Replaces whole words: a value of one letter must not tear every word apart that has it.</summary>
    private static string Replace(string text, string value, string by)
    {
        var at = text.IndexOf(value, StringComparison.Ordinal);
        if (at < 0) return text;
        var result = new StringBuilder();
        var done = 0;
        for (; at >= 0; at = text.IndexOf(value, at + 1, StringComparison.Ordinal))
        {
            if (at < done || JoinsWord(text, at, at - 1) || JoinsWord(text, at + value.Length - 1, at + value.Length)) continue;
            result.Append(text, done, at - done).Append(by);
            done = at + value.Length;
        }

        return result.Append(text, done, text.Length - done).ToString();
    }

    private static bool JoinsWord(string text, int inside, int outside) =>
        outside >= 0 && outside < text.Length && char.IsLetterOrDigit(text[inside]) && char.IsLetterOrDigit(text[outside]);
}
