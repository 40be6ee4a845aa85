using System.Text;

namespace KafkaOracleOrleans.Processing.Definition;

/// <summary>
/// Replaces <c>${NAME}</c> and <c>${NAME:default}</c> in scalar values, after parsing: a value can never add structure.
/// <c>$${</c> stands for a literal <c>${</c>. What is put in is not looked at again.
/// </summary>
internal static class Interpolation
{
    /// <summary>The longest value after replacement, characters.</summary>
    public const int MaxLength = 64 * 1024;

    /// <summary>Replaces in a node. Keys are left alone by the caller.</summary>
    public static void Apply(ScalarNode node, Func<string, string?> variables, DiagnosticBag diagnostics)
    {
        var raw = node.Raw;
        var next = raw.IndexOf("${", StringComparison.Ordinal);
        if (next < 0) return;
        var text = new StringBuilder();
        var substitutions = new List<Substitution>();
        var at = 0;
        for (; next >= 0; next = raw.IndexOf("${", at, StringComparison.Ordinal))
        {
            if (next > at && raw[next - 1] == '$')
            {
                text.Append(raw, at, next - 1 - at).Append("${");
                substitutions.Add(new Substitution(next - 1, 3, text.Length - 2, 2));
                at = next + 2;
                continue;
            }

            text.Append(raw, at, next - at);
            var end = raw.IndexOf('}', next);
            if (end < 0)
            {
                Fault(node, next, raw.Length - next, "'${' has no '}'; write '$${' for a literal '${'", diagnostics);
                return;
            }

            var start = text.Length;
            if (!Append(node, next, end, text, variables, diagnostics)) return;
            substitutions.Add(new Substitution(next, end + 1 - next, start, text.Length - start));
            at = end + 1;
        }

        text.Append(raw, at, raw.Length - at);
        if (text.Length > MaxLength)
        {
            node.IsFaulty = true;
            diagnostics.Error("KOR1004", node, $"the value is longer than {MaxLength} characters after replacement");
            return;
        }

        node.Text = text.ToString();
        node.Substitutions = substitutions;
    }

    private static bool Append(
        ScalarNode node, int start, int end, StringBuilder text, Func<string, string?> variables,
        DiagnosticBag diagnostics)
    {
        var inner = node.Raw.AsSpan(start + 2, end - start - 2);
        var colon = inner.IndexOf(':');
        var name = (colon < 0 ? inner : inner[..colon]).ToString();
        if (!IsName(name))
        {
            Fault(node, start, end + 1 - start, $"'{name}' is not the name of a variable (letters, digits, '_')",
                diagnostics);
            return false;
        }

        var value = variables(name);
        if (value is null && colon >= 0) value = inner[(colon + 1)..].ToString();
        if (value is null)
        {
            var message = $"the variable '{name}' is not set and has no default; set it, or write ${{{name}:default}} "
                + $"(a silo shows its files only variables named {Plan.PipelineVariables.Prefix}... and those of Kor:PipelineVariables, and texts of the HTTP API none)";
            Fault(node, start, end + 1 - start, message, diagnostics);
            return false;
        }

        text.Append(value);
        return true;
    }

    private static bool IsName(string name)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) return false;
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_') return false;
        }

        return true;
    }

    private static void Fault(ScalarNode node, int index, int length, string message, DiagnosticBag diagnostics)
    {
        node.IsFaulty = true;
        var at = ScalarPositions.Locate(diagnostics.Text, node, index, ofRaw: true);
        diagnostics.ErrorAt("KOR1008", at, length, node.Path, message);
    }
}
