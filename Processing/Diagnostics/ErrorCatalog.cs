using System.Collections.Frozen;

namespace KafkaOracleOrleans.Processing.Diagnostics;

/// <summary>What is documented about a code.</summary>
/// <param name="Code">KOR and four digits; never used again for something else.</param>
/// <param name="Title">The rule in a few words.</param>
/// <param name="Explanation">When it appears and why it is so.</param>
/// <param name="Example">Something that brings it about; may be empty.</param>
/// <param name="Remedy">What to do.</param>
public sealed record ErrorInfo(string Code, string Title, string Explanation, string Example, string Remedy);

/// <summary>
/// Every code the product can show. KOR1xxx: the text of a pipeline file; KOR2xxx: its meaning; KOR3xxx: expressions;
/// KOR4xxx: single records; KOR5xxx: running pipelines; KOR6xxx: test files. docs/errors.md and <c>kor docs CODE</c>
/// are made from this. A new code goes into the part it belongs to; the test that keeps docs/errors.md current
/// rewrites it with KOR_UPDATE_DOCS=1.
/// </summary>
public static partial class ErrorCatalog
{
    private static readonly FrozenDictionary<string, ErrorInfo> ByCode = Build();

    /// <summary>All codes in ascending order.</summary>
    public static IReadOnlyList<ErrorInfo> All { get; } =
        [.. ByCode.Values.OrderBy(e => e.Code, StringComparer.Ordinal)];

    /// <summary>What is documented about a code, or null when there is no such code.</summary>
    public static ErrorInfo? Find(string code) => ByCode.GetValueOrDefault(code.ToUpperInvariant());

    private static FrozenDictionary<string, ErrorInfo> Build()
    {
        var all = new Dictionary<string, ErrorInfo>(StringComparer.Ordinal);
        foreach (var info in (ErrorInfo[])
            [.. DefinitionErrors(), .. MeaningErrors(), .. ExpressionErrors(), .. RecordErrors(), .. RuntimeErrors(), .. SinkErrors(),
                .. TestingErrors()])
        {
            if (!all.TryAdd(info.Code, info)) throw new InvalidOperationException($"{info.Code} is documented twice.");
        }

        return all.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
