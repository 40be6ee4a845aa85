using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.CodeGen;

/// <summary>An expression whose loops are made when they are first used.</summary>
internal sealed class ColumnExpression : CompiledExpression
{
    private readonly Lazy<EvaluateLoop> _evaluate;
    private readonly Lazy<FilterLoop> _filter;
    private EvaluationState? _spare;

    public ColumnExpression(string text, Node node)
    {
        Text = text;
        Type = node.Type.ToFieldType();
        Nullable = node.Nullable;
        IsConstant = node is ConstantNode;
        var fields = new SortedSet<int>();
        CollectFields(node, fields);
        Fields = [.. fields];
        _evaluate = new(() => LoopCompiler.Evaluate(node));
        _filter = new(() => LoopCompiler.Filter(node));
    }

    public override string Text { get; }

    public override FieldType Type { get; }

    public override bool Nullable { get; }

    public override bool IsConstant { get; }

    public override IReadOnlyList<int> Fields { get; }

    public override void Evaluate(RowBlock rows, Selection selection, Column output, in EvaluationContext context)
    {
        if (output.Type.Kind != Type.Kind)
            throw new ArgumentException($"The column holds {output.Type}, the expression gives {Type}.", nameof(output));
        var state = Borrow(context);
        _evaluate.Value(rows.Columns, selection.Rows, selection.Count, output, state, context.Errors, context.Place);
        Return(state);
    }

    public override void Filter(
        RowBlock rows, Selection selection, Selection matching, Selection? rest, in EvaluationContext context)
    {
        if (Type.Kind != FieldKind.Boolean) throw new InvalidOperationException($"'{Text}' is no condition but {Type}.");
        var state = Borrow(context);
        rest ??= state.Discard;
        // Rows are written behind where they are read, so that a selection may be narrowed in place.
        var selected = selection.Rows;
        var count = selection.Count;
        matching.EnsureCapacity(count);
        rest.EnsureCapacity(count);
        _filter.Value(rows.Columns, selected, count, matching, rest, state, context.Errors, context.Place);
        Return(state);
    }

    private EvaluationState Borrow(in EvaluationContext context)
    {
        var state = Interlocked.Exchange(ref _spare, null) ?? new EvaluationState();
        state.ProcessingTime = context.ProcessingTimeMicros;
        state.Budget = context.Budget;
        return state;
    }

    private void Return(EvaluationState state)
    {
        state.Budget = null;
        // One huge record must not leave its memory with every expression for good.
        if (state.ScratchBytes <= ExpressionLimits.MaxKeptScratchBytes) _spare = state;
    }

    private static void CollectFields(Node node, SortedSet<int> fields)
    {
        if (node is FieldNode field) fields.Add(field.Index);
        foreach (var child in node.Children) CollectFields(child, fields);
    }
}
