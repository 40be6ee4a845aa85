using System.Globalization;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Steps;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>Runs one test.</summary>
internal static class TestRun
{
    private const int MaxHints = 8;

    /// <summary>Runs a test; <paramref name="expected"/> is null when the pipeline is expected to be refused.</summary>
    public static TestCaseResult Run(TestCase test, PipelineCompilation compilation, TestExpectations? expected, WorkBudget? budget)
    {
        var failures = new List<TestFailure>();
        var hints = new List<string>();
        var records = test.Given.OfType<SendAction>().Sum(s => s.Records.Count);
        try
        {
            if (expected is null) CompareErrors(test, compilation, failures);
            else Compare(test, compilation.Plan!, expected, failures, hints, budget);
        }
        catch (Exception fault) when (fault is TestSetupException || (fault is WorkBudgetException && budget is null))
        {
            failures.Add(new TestFailure("setup", "", fault.Message, test.Node.Start.Line));
        }

        return new TestCaseResult(test.Name.Value, test.Node.Start.Line, failures, failures.Count == 0 ? [] : hints, records);
    }

    /// <summary>The partition a record belongs to.</summary>
    public static (string Topic, int Partition) SourceOf(TestRecord record, PipelinePlan plan) =>
        (record.Topic ?? plan.Source.Topics.FirstOrDefault(t => !t.StartsWith('^')) ?? "topic", record.Partition);

    private static void CompareErrors(TestCase test, PipelineCompilation compilation, List<TestFailure> failures)
    {
        string[] wanted = [.. test.Expect.Errors!.Select(e => e.Value.ToUpperInvariant()).Distinct().Order(StringComparer.Ordinal)];
        string[] found = [.. compilation.Diagnostics.Where(d => d.Severity == Severity.Error).Select(d => d.Code).Distinct()
            .Order(StringComparer.Ordinal)];
        if (wanted.SequenceEqual(found)) return;
        failures.Add(new TestFailure(
            "errors", string.Join(", ", wanted), found.Length == 0 ? "none" : string.Join(", ", found), test.Expect.Node.Start.Line));
    }

    private static void Compare(
        TestCase test, PipelinePlan plan, TestExpectations expected, List<TestFailure> failures, List<string> hints, WorkBudget? budget)
    {
        var session = Play(test, plan, expected, budget);
        // Rows of steps are collected by sinks of their own, which count as places records reach: hence another run.
        var taps = expected.Outputs.Where(o => o.Output is { Input: not null, IsWindow: false }).Select(o => o.Output).Distinct().ToList();
        var tapped = taps.Count == 0 ? null : Play(test, OutputCatalog.WithTaps(plan, taps), expected, budget);
        foreach (var (output, rows) in expected.Outputs)
            failures.AddRange(RowComparison.Compare(output, rows, RowsOf(output, session, tapped), budget));
        CompareCounts(test, session.Counts, failures);
        foreach (var rule in test.Expect.Rules) CompareNumber("rules." + rule.Name.Value, rule.Value, session.Rules.GetValueOrDefault(rule.Name.Value), failures);
        CompareStop(test, session, failures);
        AddHints(plan, session, hints);
    }

    private static List<object?[]> RowsOf(TestOutput output, PipelineSession session, PipelineSession? tapped)
    {
        if (output.Input is null) return [.. session.Tables[output.Name].Rows];
        if (output.IsWindow) return session.WindowRows[output.Name];
        return [.. tapped!.Tables[OutputCatalog.TapOf(output)].Rows];
    }

    private static PipelineSession Play(TestCase test, PipelinePlan plan, TestExpectations expected, WorkBudget? budget)
    {
        var partitions = test.Given.OfType<SendAction>().SelectMany(s => s.Records).Select(r => SourceOf(r, plan)).Distinct();
        var session = new PipelineSession(plan, expected.Lookups, partitions, test.Now?.Value, budget);
        foreach (var action in test.Given)
        {
            budget?.Look();
            switch (action)
            {
                case SendAction send:
                    var (topic, partition) = SourceOf(send.Records[0], plan);
                    session.Send(topic, partition, send.Records);
                    break;
                case AdvanceAction { By: { } span }:
                    session.Advance(span);
                    break;
                case AdvanceAction { To: { } time }:
                    session.AdvanceTo(time);
                    break;
                case FlushAction:
                    session.Flush();
                    break;
                case CloseAction:
                    session.Close();
                    break;
            }
        }

        session.Settle();
        session.Flush();
        return session;
    }

    private static void CompareCounts(TestCase test, BatchCounts counts, List<TestFailure> failures)
    {
        foreach (var count in test.Expect.Counts)
        {
            var actual = count.Name.Value switch
            {
                "consumed" => counts.Consumed,
                "absorbed" => counts.Absorbed,
                "duplicate" => counts.Duplicate,
                "late" => counts.Late,
                "filtered" => counts.Filtered,
                _ => counts.Quarantined,
            };
            CompareNumber("counts." + count.Name.Value, count.Value, actual, failures);
        }
    }

    private static void CompareNumber(string place, Located<long> expected, long actual, List<TestFailure> failures)
    {
        if (expected.Value == actual) return;
        failures.Add(new TestFailure(place, Number(expected.Value), Number(actual), expected.Node.Start.Line));
    }

    private static void CompareStop(TestCase test, PipelineSession session, List<TestFailure> failures)
    {
        var wanted = test.Expect.Stops;
        if (wanted is null && session.Stopped is not null)
            failures.Add(new TestFailure("stops", "", session.Stopped, test.Node.Start.Line));
        else if (wanted is not null && session.Stopped?.Contains(wanted.Value, StringComparison.OrdinalIgnoreCase) != true)
            failures.Add(new TestFailure("stops", wanted.Value, session.Stopped ?? "it ran on", wanted.Node.Start.Line));
    }

    private static void AddHints(PipelinePlan plan, PipelineSession session, List<string> hints)
    {
        foreach (var (step, late) in session.Late.Take(MaxHints))
        {
            var lateness = plan.Steps.OfType<WindowPlan>().First(s => s.Id == step).Window.AllowedLateness;
            hints.Add(
                $"the record at offset {Number(late.Offset)} came {Durations.Format(late.LateBy)} too late for its window of '{step}' "
                + $"(allowedLateness is {Durations.Format(lateness)}"
                + (late.Reason == Windows.LateReason.Idle ? "; the window closed because the partition was idle)" : ")"));
        }

        foreach (var refused in session.Quarantined.Take(MaxHints))
            hints.Add($"the record at offset {Number(refused.Offset)} was quarantined by {refused.Place}: {refused.Code}: {refused.Reason}");
        foreach (var step in plan.Steps.OfType<WindowPlan>())
        {
            var (open, watermark) = session.OpenWindows(step.Id);
            if (open == 0) continue;
            var at = watermark == long.MinValue ? "no watermark yet" : "watermark " + ColumnText.Text(ColumnText.Time(watermark));
            hints.Add($"{Number(open)} windows of '{step.Id}' are open ({at}); '- close: true' lets time pass until they close");
        }

        foreach (var (sink, table) in session.Tables)
        {
            if (table.Refused > 0) hints.Add($"sink '{sink}' refused {Number(table.Refused)} rows with NULL in a key column");
            if (table.Taken > 0)
                hints.Add($"sink '{sink}' refused {Number(table.Taken)} rows (KOR5113): its table, which several sinks write, holds rows of their keys with other values");
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
