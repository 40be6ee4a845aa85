using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>A file of tests as written.</summary>
internal sealed record TestFile(
    Located<string>? Pipeline,
    IReadOnlyList<Named<Located<string>>> Variables,
    Located<long>? Now,
    IReadOnlyList<Named<IReadOnlyList<TextNode>>> Lookups,
    IReadOnlyList<TestCase> Tests);

/// <summary>A test. What it says itself comes before what the file says for all.</summary>
internal sealed record TestCase(
    Located<string> Name,
    Located<string>? Pipeline,
    Located<long>? Now,
    IReadOnlyList<Named<IReadOnlyList<TextNode>>> Lookups,
    IReadOnlyList<TestAction> Given,
    Expectation Expect,
    TextNode Node);

/// <summary>What happens, in order.</summary>
internal abstract record TestAction;

/// <summary>Records come; several are one poll batch.</summary>
internal sealed record SendAction(IReadOnlyList<TestRecord> Records) : TestAction;

/// <summary>Wall-clock time passes without records, by a span (ms) or up to a time (ms since the Unix epoch).</summary>
internal sealed record AdvanceAction(long? By, long? To, TextNode Node) : TestAction;

/// <summary>Running totals that changed go to their sinks, as at a checkpoint.</summary>
internal sealed record FlushAction : TestAction;

/// <summary>Time passes until every open window has closed.</summary>
internal sealed record CloseAction : TestAction;

/// <summary>A record.</summary>
internal sealed record TestRecord(
    byte[]? Value, byte[]? Key, long? Timestamp, string? Topic, int Partition, long? Offset, TextNode Node)
{
    /// <summary>The headers in order; null: none.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]?>>? Headers { get; init; }
}

/// <summary>What is expected.</summary>
internal sealed record Expectation(
    IReadOnlyList<Named<ExpectedRows>> Rows,
    IReadOnlyList<Named<Located<long>>> Counts,
    IReadOnlyList<Named<Located<long>>> Rules,
    Located<string>? Stops,
    IReadOnlyList<Located<string>>? Errors,
    TextNode Node);

/// <summary>The rows of an output: each of them, or how many there are.</summary>
internal sealed record ExpectedRows(IReadOnlyList<TextNode>? Rows, long Count, TextNode Node);
