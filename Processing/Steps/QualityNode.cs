using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// Checks rows against rules. Every rule sees every row that comes in, so that its count does not depend on other
/// rules; what happens to a row is what its first failed rule says that removes rows. Rules of severity warn only count
/// and tag.
/// </summary>
internal sealed class QualityNode : RowNode
{
    private readonly QualityPlan _plan;
    private readonly BooleanColumn?[] _tags;
    private readonly string[] _places;
    private readonly string[] _messages;
    private readonly Selection _passed = new();
    private readonly Selection _failed = new();
    private readonly StopRule? _stop;
    private short[] _firstFailed = [];

    // Only where rows are routed: per row a bit for each rule it failed, in so many words, and their names.
    private readonly BinaryColumn? _failedRules;
    private readonly int _words;
    private ulong[] _failedBits = [];

    private QualityNode(QualityPlan plan, RowNode input, RowBlock block, BooleanColumn?[] tags)
        : base(plan.Id, input, block)
    {
        _plan = plan;
        _tags = tags;
        _places = [.. plan.Rules.Select(r => $"{plan.Id}.{r.Name}")];
        _messages = [.. plan.Rules.Select(r => $"The record fails the rule '{r.Name}': {r.Condition.Text}")];
        Failures = new long[plan.Rules.Count];
        if (plan.StopIf is not null) _stop = new StopRule(plan.Id, plan.StopIf);
        foreach (var rule in plan.Rules)
        {
            if (rule is { Action: QualityAction.Route, RouteTo: { } sink }) Routed.TryAdd(sink, new Selection());
        }

        RoutedColumns = input.Block.Columns;
        if (Routed.Count == 0 || SideOutputs.Routed(plan.InputSchema).Count == plan.InputSchema.Count) return;
        _words = (plan.Rules.Count + 63) / 64;
        _failedRules = new BinaryColumn(FieldType.String);
        RoutedColumns = [.. input.Block.Columns, _failedRules];
    }

    /// <summary>The names of the rules as counters have them: step and rule.</summary>
    public IReadOnlyList<string> Names => _places;

    /// <summary>How many rows of the batch failed each rule.</summary>
    public long[] Failures { get; }

    /// <summary>The columns of routed rows: <see cref="SideOutputs.Routed"/>.</summary>
    public Column[] RoutedColumns { get; }

    /// <summary>The rows routed to each sink.</summary>
    public Dictionary<string, Selection> Routed { get; } = new(StringComparer.Ordinal);

    public static QualityNode Create(QualityPlan plan, RowNode input)
    {
        var columns = new List<Column>(input.Block.Columns);
        var tags = new BooleanColumn?[plan.Rules.Count];
        for (var i = 0; i < tags.Length; i++)
        {
            if (plan.Rules[i].Action != QualityAction.Tag) continue;
            columns.Add(tags[i] = new BooleanColumn());
        }

        return new QualityNode(plan, input, new RowBlock(plan.Schema, [.. columns], 0), tags);
    }

    public override void Reset(int rows)
    {
        base.Reset(rows);
        foreach (var tag in _tags)
        {
            if (tag is not null) Reset(tag, rows);
        }

        foreach (var routed in Routed.Values) routed.Clear();
        Array.Clear(Failures);
        if (_firstFailed.Length < rows) _firstFailed = new short[rows];
        if (_failedRules is null) return;
        Reset(_failedRules, rows);
        if (_failedBits.Length < rows * _words) _failedBits = new ulong[rows * _words];
        Array.Clear(_failedBits);
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        var rows = Input.Selected;
        foreach (var row in rows.Span) _firstFailed[row] = -1;
        for (short i = 0; i < _plan.Rules.Count; i++) Check(i, rows, scope);
        Selected.Clear();
        Selected.EnsureCapacity(rows.Count);
        foreach (var row in rows.Span)
        {
            var first = _firstFailed[row];
            if (first >= 0) Remove(row, first, scope);
            else if (scope.Errors.Count == 0 || !scope.Errors.Contains(row)) Selected.Add(row);
        }

        _stop?.Observe(rows, _firstFailed, scope);
        return null;
    }

    public override void Note(StepTally tally)
    {
        base.Note(tally);
        tally.RuleFailures = Failures;
    }

    private void Check(short index, Selection rows, BatchScope scope)
    {
        var rule = _plan.Rules[index];
        rule.Condition.Filter(Input.Block, rows, _passed, _failed, scope.Context(_places[index]));
        Failures[index] += _failed.Count;
        if (_failedRules is not null)
        {
            foreach (var row in _failed.Span) _failedBits[(row * _words) + (index / 64)] |= 1UL << (index % 64);
        }

        if (_tags[index] is { } tag)
        {
            foreach (var row in _passed.Span) tag.Set(row, true);
            foreach (var row in _failed.Span) tag.Set(row, false);
            return;
        }

        if (rule.Warn || rule.Action == QualityAction.Count) return;
        foreach (var row in _failed.Span)
        {
            if (_firstFailed[row] < 0) _firstFailed[row] = index;
        }
    }

    private void Remove(int row, short index, BatchScope scope)
    {
        var rule = _plan.Rules[index];
        switch (rule.Action)
        {
            case QualityAction.Quarantine:
                scope.Errors.Add(row, "KOR4042", _places[index], _messages[index]);
                break;
            case QualityAction.Route:
                Routed[rule.RouteTo!].Add(row);
                _failedRules?.Set(row, Encoding.UTF8.GetBytes(FailedOf(row)));
                break;
        }
    }

    private string FailedOf(int row) => string.Join(
        ',', Enumerable.Range(0, _plan.Rules.Count).Where(i => (_failedBits[(row * _words) + (i / 64)] & (1UL << (i % 64))) != 0).Select(i => _plan.Rules[i].Name));
}
