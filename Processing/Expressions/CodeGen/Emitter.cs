using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.CodeGen;

/// <summary>
/// The value of a part in the code being made, and whether it is NULL (never when null). Both are variables or constants, so that
/// using them twice costs nothing. The value has no meaning where it is NULL.
/// </summary>
internal readonly record struct Operand(Expression Value, Expression? IsNull);

/// <summary>
/// Makes the code of one row: statements that leave the value of every part in variables. A part that fails says so in the
/// evaluation state and leaves any value; the row is failed at its end, so that no jumps are needed in between.
/// </summary>
internal sealed partial class Emitter(Expression columns, ParameterExpression row, ParameterExpression state)
{
    private static readonly ConstantExpression True = Expression.Constant(true);
    private static readonly ConstantExpression False = Expression.Constant(false);

    private readonly Dictionary<Node, Operand> _shared = [];
    private readonly Dictionary<int, FieldArrays> _fields = [];
    private readonly List<Expression> _prologue = [];
    private readonly List<ParameterExpression> _variables = [];
    private List<Expression> _statements = [];

    /// <summary>What runs once, before the rows.</summary>
    public IReadOnlyList<Expression> Prologue => _prologue;

    /// <summary>All variables.</summary>
    public IReadOnlyList<ParameterExpression> Variables => _variables;

    /// <summary>What runs for a row, up to now.</summary>
    public IReadOnlyList<Expression> Statements => _statements;

    /// <summary>Adds the code of a part.</summary>
    public Operand Emit(Node node) => node switch
    {
        ConstantNode constant => EmitConstant(constant),
        FieldNode field => EmitField(field),
        ProcessingTimeNode => new(Expression.Field(state, nameof(EvaluationState.ProcessingTime)), null),
        ScaledNode scaled => EmitAsDecimal(scaled),
        ScaledCompareNode compare => EmitCompare(compare),
        InlineNode inline => EmitInline(inline),
        CallNode call => EmitCall(call),
        LogicNode logic => EmitLogic(logic),
        IsNode test => EmitIs(test),
        DistinctNode distinct => EmitDistinct(distinct),
        CaseNode choice => EmitCase(choice),
        CoalesceNode coalesce => EmitCoalesce(coalesce),
        LetNode let => EmitLet(let),
        TryNode attempt => EmitTry(attempt),
        ReferenceNode reference => _shared.TryGetValue(reference.Target, out var known) ? known : Emit(reference.Target),
        _ => throw new InvalidOperationException($"No code for {node.GetType().Name}."),
    };

    private Operand EmitConstant(ConstantNode constant)
    {
        if (constant.Value is null) return new(Expression.Default(constant.Type.ClrType), True);
        if (constant.Value is long or bool or double) return new(Expression.Constant(constant.Value), null);
        return new(Hoist(constant.Value), null);
    }

    /// <summary>A variable that holds an object of compile time.</summary>
    private ParameterExpression Hoist(object value)
    {
        var variable = Variable(value.GetType());
        _prologue.Add(Expression.Assign(variable, Expression.Constant(value, value.GetType())));
        return variable;
    }

    private Operand EmitField(FieldNode field)
    {
        if (!_fields.TryGetValue(field.Index, out var arrays))
            _fields.Add(field.Index, arrays = FieldArrays.Emit(field, columns, Variable, _prologue));
        var value = Variable(field.Type.ClrType);
        Assign(value, arrays.Value(row));
        if (!field.Nullable) return new(value, null);
        var isNull = Variable(typeof(bool));
        Assign(isNull, Expression.ArrayIndex(arrays.IsNull, row));
        return new(value, isNull);
    }

    private Operand EmitInline(InlineNode node)
    {
        var (values, isNull) = EmitArguments(node.Children);
        var value = Variable(node.Type.ClrType);
        Assign(value, node.Build(values));
        return new(value, isNull);
    }

    private Operand EmitCall(CallNode node)
    {
        var (values, isNull) = EmitArguments(node.Children);
        List<Expression> arguments = [.. values];
        foreach (var extra in node.Extras)
            arguments.Add(extra is long or int or bool or Enum ? Expression.Constant(extra) : Hoist(extra));
        if (node.TakesState) arguments.Add(state);
        var value = Variable(node.Type.ClrType);
        Expression call = Expression.Assign(value, Expression.Call(node.Method, arguments));
        var mayRun = Affordable(node, values);
        if (!node.GivesNull)
        {
            if (mayRun is not null) call = Expression.IfThen(mayRun, call);
            _statements.Add(isNull is null ? call : Expression.IfThen(Expression.Not(isNull), call));
            return new(value, isNull);
        }
        var ownNull = Variable(typeof(bool));
        Expression setNull = Expression.Assign(ownNull, True);
        Expression take = Expression.Block(
            typeof(void), call, Expression.Assign(ownNull, Expression.Call(state, nameof(EvaluationState.TakeNull), null)));
        if (mayRun is not null) take = Expression.IfThenElse(mayRun, take, setNull);
        _statements.Add(isNull is null ? take : Expression.IfThenElse(isNull, setNull, take));
        return new(value, ownNull);
    }

    /// <summary>
    /// Counts the texts that a call reads as work, except short ones, which cost no more than a comparison. False when the row has done too much: the call
    /// is left out then.
    /// </summary>
    private BinaryExpression? Affordable(CallNode node, Expression[] values)
    {
        if (!node.ReadsText) return null;
        var length = Variable(typeof(int));
        Expression? sum = null;
        for (var i = 0; i < values.Length; i++)
        {
            if (!node.Children[i].Type.IsBinary) continue;
            Expression bytes = Expression.Field(values[i], nameof(Utf8Slice.Length));
            sum = sum is null ? bytes : Expression.Add(sum, bytes);
        }
        Assign(length, sum!);
        return Expression.OrElse(
            Expression.LessThanOrEqual(length, Expression.Constant(ExpressionLimits.FreeBytes)),
            Expression.Call(state, nameof(EvaluationState.Charge), null, Expression.Convert(length, typeof(long))));
    }

    private (Expression[] Values, Expression? IsNull) EmitArguments(IReadOnlyList<Node> nodes)
    {
        var values = new Expression[nodes.Count];
        Expression? isNull = null;
        var several = false;
        for (var i = 0; i < values.Length; i++)
        {
            var operand = Emit(nodes[i]);
            values[i] = operand.Value;
            if (operand.IsNull is null) continue;
            several = isNull is not null;
            isNull = isNull is null ? operand.IsNull : Expression.Or(isNull, operand.IsNull);
        }
        if (!several) return (values, isNull);
        var variable = Variable(typeof(bool));
        Assign(variable, isNull!);
        return (values, variable);
    }

    /// <summary>The deciding value (FALSE for AND, TRUE for OR) ends it; a NULL is remembered until then.</summary>
    private Operand EmitLogic(LogicNode node)
    {
        var deciding = node.IsAnd ? False : True;
        var value = Variable(typeof(bool));
        var isNull = node.Nullable ? Variable(typeof(bool)) : null;
        var end = Expression.Label();
        Assign(value, node.IsAnd ? True : False);
        if (isNull is not null) Assign(isNull, False);
        foreach (var child in node.Children)
        {
            var operand = Emit(child);
            List<Expression> decided = [Expression.Assign(value, deciding)];
            if (isNull is not null) decided.Add(Expression.Assign(isNull, False));
            decided.Add(Expression.Goto(end));
            Expression test = Expression.IfThen(
                node.IsAnd ? Expression.Not(operand.Value) : operand.Value, Expression.Block(typeof(void), decided));
            _statements.Add(operand.IsNull is null
                ? test
                : Expression.IfThenElse(operand.IsNull, Expression.Assign(isNull!, True), test));
        }
        _statements.Add(Expression.Label(end));
        return new(value, isNull);
    }

    private Operand EmitIs(IsNode node)
    {
        var operand = Emit(node.Children[0]);
        var isNull = operand.IsNull ?? False;
        Expression test = node.What switch
        {
            null => isNull,
            true => Expression.And(Expression.Not(isNull), operand.Value),
            false => Expression.And(Expression.Not(isNull), Expression.Not(operand.Value)),
        };
        var value = Variable(typeof(bool));
        Assign(value, node.Negated ? Expression.Not(test) : test);
        return new(value, null);
    }

    private Operand EmitDistinct(DistinctNode node)
    {
        var left = Emit(node.Children[0]);
        var right = Emit(node.Children[1]);
        var leftNull = left.IsNull ?? False;
        var rightNull = right.IsNull ?? False;
        var distinct = Expression.Condition(
            Expression.Or(leftNull, rightNull), Expression.ExclusiveOr(leftNull, rightNull),
            Expression.Not(node.Equal(left.Value, right.Value)));
        var value = Variable(typeof(bool));
        Assign(value, node.Negated ? Expression.Not(distinct) : distinct);
        return new(value, null);
    }

    private Operand EmitCase(CaseNode node)
    {
        var (value, isNull) = Result(node);
        var end = Expression.Label();
        var parts = node.Children;
        for (var i = 0; i + 1 < parts.Count; i += 2)
        {
            var condition = Emit(parts[i]);
            var holds = condition.IsNull is null
                ? condition.Value
                : Expression.And(Expression.Not(condition.IsNull), condition.Value);
            var result = parts[i + 1];
            _statements.Add(Expression.IfThen(holds, Nested(() => Take(Emit(result), value, isNull, end))));
        }
        Take(Emit(parts[^1]), value, isNull, null);
        _statements.Add(Expression.Label(end));
        return new(value, isNull);
    }

    private Operand EmitCoalesce(CoalesceNode node)
    {
        var (value, isNull) = Result(node);
        var end = Expression.Label();
        for (var i = 0; i < node.Children.Count; i++)
        {
            var operand = Emit(node.Children[i]);
            if (operand.IsNull is null || i == node.Children.Count - 1)
            {
                Take(operand, value, isNull, null);
                break;
            }
            _statements.Add(Expression.IfThen(
                Expression.Not(operand.IsNull), Nested(() => Take(operand with { IsNull = null }, value, isNull, end))));
        }
        _statements.Add(Expression.Label(end));
        return new(value, isNull);
    }

    private Operand EmitLet(LetNode node)
    {
        _shared[node.Value] = Emit(node.Value);
        var result = Emit(node.Body);
        _shared.Remove(node.Value);
        return result;
    }

    /// <summary>A failure of the operand alone is taken back; one from before it stays.</summary>
    private Operand EmitTry(TryNode node)
    {
        var before = Variable(typeof(bool));
        var isNull = Variable(typeof(bool));
        var failed = Expression.Field(state, nameof(EvaluationState.Failed));
        Assign(before, failed);
        var operand = Emit(node.Operand);
        Assign(isNull, operand.IsNull ?? False);
        _statements.Add(Expression.IfThen(
            Expression.And(failed, Expression.Not(before)),
            Expression.Block(typeof(void), Expression.Assign(failed, False), Expression.Assign(isNull, True))));
        return new(operand.Value, isNull);
    }

    private (ParameterExpression Value, ParameterExpression? IsNull) Result(Node node) =>
        (Variable(node.Type.ClrType), node.Nullable ? Variable(typeof(bool)) : null);

    private void Take(Operand operand, ParameterExpression value, ParameterExpression? isNull, LabelTarget? end)
    {
        Assign(value, operand.Value);
        if (isNull is not null) Assign(isNull, operand.IsNull ?? False);
        if (end is not null) _statements.Add(Expression.Goto(end));
    }

    private BlockExpression Nested(Action emit)
    {
        var outer = _statements;
        _statements = [];
        emit();
        var block = Expression.Block(typeof(void), _statements);
        _statements = outer;
        return block;
    }

    private void Assign(ParameterExpression variable, Expression value) =>
        _statements.Add(Expression.Assign(variable, value));

    private ParameterExpression Variable(Type type)
    {
        var variable = Expression.Variable(type);
        _variables.Add(variable);
        return variable;
    }
}

/// <summary>The arrays of a field's column, read once before the rows.</summary>
internal sealed record FieldArrays(Expression IsNull, Func<Expression, Expression> Value)
{
    public static FieldArrays Emit(
        FieldNode field, Expression columns, Func<Type, ParameterExpression> variable, List<Expression> prologue)
    {
        var column = Expression.ArrayIndex(columns, Expression.Constant(field.Index));
        var isNull = Load(Expression.Property(column, nameof(Column.IsNull)));
        switch (field.Type.Kind)
        {
            case ExprKind.Boolean:
                return Simple<BooleanColumn>(nameof(BooleanColumn.Values));
            case ExprKind.Decimal:
                return Simple<DecimalColumn>(nameof(DecimalColumn.Values));
            case ExprKind.Double:
                return Simple<DoubleColumn>(nameof(DoubleColumn.Values));
            case ExprKind.String or ExprKind.Bytes or ExprKind.Json:
                var binary = Expression.Convert(column, typeof(BinaryColumn));
                var data = Load(Expression.Property(binary, nameof(BinaryColumn.Data)));
                var start = Load(Expression.Property(binary, nameof(BinaryColumn.Start)));
                var length = Load(Expression.Property(binary, nameof(BinaryColumn.Length)));
                var create = typeof(Utf8Slice).GetConstructor([typeof(byte[]), typeof(int), typeof(int)])!;
                return new(isNull, row =>
                    Expression.New(create, data, Expression.ArrayIndex(start, row), Expression.ArrayIndex(length, row)));
            default:
                return Simple<LongColumn>(nameof(LongColumn.Values));
        }

        FieldArrays Simple<TColumn>(string property)
        {
            var values = Load(Expression.Property(Expression.Convert(column, typeof(TColumn)), property));
            return new(isNull, row => Expression.ArrayIndex(values, row));
        }

        ParameterExpression Load(Expression source)
        {
            var local = variable(source.Type);
            prologue.Add(Expression.Assign(local, source));
            return local;
        }
    }
}
