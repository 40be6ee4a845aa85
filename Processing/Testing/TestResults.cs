using KafkaOracleOrleans.Processing.Diagnostics;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>What a test file gave.</summary>
/// <param name="File">The file's name as it was given.</param>
/// <param name="Diagnostics">Faults of the test file, or of its pipeline when no test expects them. With errors no test was run.</param>
/// <param name="Tests">The tests in the order of the file.</param>
public sealed record TestFileResult(string File, IReadOnlyList<Diagnostic> Diagnostics, IReadOnlyList<TestCaseResult> Tests)
{
    /// <summary>True when the file could be run: there may be warnings and failed tests.</summary>
    public bool Ran => Diagnostics.All(d => d.Severity != Severity.Error);
}

/// <summary>What a test gave.</summary>
/// <param name="Name">The test's name.</param>
/// <param name="Line">Where it begins, 1-based.</param>
/// <param name="Failures">What was expected and did not come; empty when it passed.</param>
/// <param name="Hints">What happened besides and may explain failures: late records, refused records, windows still open.</param>
/// <param name="Records">How many records were sent in.</param>
public sealed record TestCaseResult(
    string Name, int Line, IReadOnlyList<TestFailure> Failures, IReadOnlyList<string> Hints, int Records)
{
    /// <summary>True when everything came as expected.</summary>
    public bool Passed => Failures.Count == 0;
}

/// <summary>A difference.</summary>
/// <param name="Place">What differs, e.g. <c>revenue[0].REVENUE</c> or <c>counts.late</c>.</param>
/// <param name="Expected">What was expected; empty when nothing was.</param>
/// <param name="Actual">What came; empty when nothing did.</param>
/// <param name="Line">Where it is expected, 1-based.</param>
public sealed record TestFailure(string Place, string Expected, string Actual, int Line);
