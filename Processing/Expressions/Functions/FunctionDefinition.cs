using System.Globalization;
using KafkaOracleOrleans.Processing.Expressions.Binding;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>A call with and without its result, as the documentation shows it and a test evaluates it.</summary>
/// <param name="Expression">The expression.</param>
/// <param name="Result">Its value cast to string; null for NULL.</param>
public sealed record FunctionExample(string Expression, string? Result);

/// <summary>A function of the expression language.</summary>
public sealed class FunctionDefinition
{
    internal FunctionDefinition(
        string category, string signature, string description, int minArguments, int maxArguments,
        Func<FunctionCall, Node> bind, params FunctionExample[] examples)
    {
        Category = category;
        Signature = signature;
        Name = signature[..signature.IndexOf('(', StringComparison.Ordinal)];
        Description = description;
        MinArguments = minArguments;
        MaxArguments = maxArguments;
        Bind = bind;
        Examples = examples;
    }

    /// <summary>The name in small letters; calls may write it in any case.</summary>
    public string Name { get; }

    /// <summary>Under which heading it is documented.</summary>
    public string Category { get; }

    /// <summary>Arguments and result, e.g. <c>length(text) -> integer</c>.</summary>
    public string Signature { get; }

    /// <summary>What it does, and what it does with odd arguments.</summary>
    public string Description { get; }

    /// <summary>The fewest arguments.</summary>
    public int MinArguments { get; }

    /// <summary>The most arguments.</summary>
    public int MaxArguments { get; }

    /// <summary>Examples with their results.</summary>
    public IReadOnlyList<FunctionExample> Examples { get; }

    internal Func<FunctionCall, Node> Bind { get; }

    /// <summary>True when a failing argument is not yet a fault, because the function handles it.</summary>
    internal bool KeepsFailures { get; init; }

    internal string ArgumentCount
    {
        get
        {
            if (MaxArguments == 0) return "no arguments";
            var most = MaxArguments.ToString(CultureInfo.InvariantCulture);
            if (MinArguments == MaxArguments) return most == "1" ? "1 argument" : most + " arguments";
            var least = MinArguments.ToString(CultureInfo.InvariantCulture);
            return MaxArguments == int.MaxValue ? least + " or more arguments" : least + " to " + most + " arguments";
        }
    }
}
