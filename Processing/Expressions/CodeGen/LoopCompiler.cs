using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions.CodeGen;

/// <summary>Evaluates rows into a column.</summary>
internal delegate void EvaluateLoop(
    Column[] columns, int[] selected, int count, Column output, EvaluationState state, RowErrors errors, string place);

/// <summary>Writes the rows for which a condition holds, and the others, and says how many of each there are.</summary>
internal delegate void FilterLoop(
    Column[] columns, int[] selected, int count, Selection matching, Selection rest, EvaluationState state, RowErrors errors,
    string place);

/// <summary>Makes one loop over the selected rows out of an expression.</summary>
internal static class LoopCompiler
{
    private static readonly ParameterExpression Columns = Expression.Parameter(typeof(Column[]), "columns");
    private static readonly ParameterExpression Selected = Expression.Parameter(typeof(int[]), "selected");
    private static readonly ParameterExpression Count = Expression.Parameter(typeof(int), "count");
    private static readonly ParameterExpression State = Expression.Parameter(typeof(EvaluationState), "state");
    private static readonly ParameterExpression Errors = Expression.Parameter(typeof(RowErrors), "errors");
    private static readonly ParameterExpression Place = Expression.Parameter(typeof(string), "place");
    private static readonly ParameterExpression Row = Expression.Variable(typeof(int), "row");
    private static readonly ParameterExpression Index = Expression.Variable(typeof(int), "index");

    /// <summary>A loop that writes values.</summary>
    public static EvaluateLoop Evaluate(Node node, bool interpreted = false)
    {
        var output = Expression.Parameter(typeof(Column), "output");
        var emitter = new Emitter(Columns, Row, State);
        var operand = emitter.Emit(node);
        var prologue = new List<Expression>(emitter.Prologue);
        var variables = new List<ParameterExpression>(emitter.Variables);
        var nulls = Variable(typeof(bool[]), Expression.Property(output, nameof(Column.IsNull)));
        var store = Store(node.Type, output, operand, Variable);
        Expression setNull = Expression.Assign(Expression.ArrayAccess(nulls, Row), Expression.Constant(true));
        var write = operand.IsNull switch
        {
            null when node.Type.IsBinary => store,
            null => Block(store, Expression.Assign(Expression.ArrayAccess(nulls, Row), Expression.Constant(false))),
            _ when node.Type.IsBinary => Expression.IfThenElse(operand.IsNull, setNull, store),
            _ => Block(store, Expression.Assign(Expression.ArrayAccess(nulls, Row), operand.IsNull)),
        };
        List<Expression> body = [.. emitter.Statements, FailOr(node, setNull, write)];
        var loop = Block([.. prologue, Loop(node, body)]);
        return Expression.Lambda<EvaluateLoop>(
            Expression.Block(typeof(void), [.. variables, Row, Index], loop),
            Columns, Selected, Count, output, State, Errors, Place).Compile(interpreted);

        ParameterExpression Variable(Type type, Expression value)
        {
            var variable = Expression.Variable(type);
            variables.Add(variable);
            prologue.Add(Expression.Assign(variable, value));
            return variable;
        }
    }

    /// <summary>A loop that sorts rows by whether a condition holds.</summary>
    public static FilterLoop Filter(Node node)
    {
        var matching = Expression.Parameter(typeof(Selection), "matching");
        var rest = Expression.Parameter(typeof(Selection), "rest");
        var hits = Expression.Variable(typeof(int[]), "hits");
        var misses = Expression.Variable(typeof(int[]), "misses");
        var hitCount = Expression.Variable(typeof(int), "hitCount");
        var missCount = Expression.Variable(typeof(int), "missCount");
        var emitter = new Emitter(Columns, Row, State);
        var operand = emitter.Emit(node);
        var holds = operand.IsNull is null
            ? operand.Value
            : Expression.And(Expression.Not(operand.IsNull), operand.Value);
        var sort = Expression.IfThenElse(holds, Append(hits, hitCount), Append(misses, missCount));
        List<Expression> body = [.. emitter.Statements, FailOr(node, Expression.Empty(), sort)];
        var loop = Block(
        [
            .. emitter.Prologue,
            Expression.Assign(hits, Expression.Property(matching, nameof(Selection.Rows))),
            Expression.Assign(misses, Expression.Property(rest, nameof(Selection.Rows))),
            Expression.Assign(hitCount, Expression.Constant(0)),
            Expression.Assign(missCount, Expression.Constant(0)),
            Loop(node, body),
            Expression.Call(matching, nameof(Selection.SetCount), null, hitCount),
            Expression.Call(rest, nameof(Selection.SetCount), null, missCount),
        ]);
        return Expression.Lambda<FilterLoop>(
            Expression.Block(
                typeof(void), [.. emitter.Variables, Row, Index, hits, misses, hitCount, missCount], loop),
            Columns, Selected, Count, matching, rest, State, Errors, Place).Compile();
    }

    private static BlockExpression Append(ParameterExpression rows, ParameterExpression count) => Block(
        Expression.Assign(Expression.ArrayAccess(rows, count), Row),
        Expression.Assign(count, Expression.Increment(count)));

    private static Expression Store(
        ExprType type, Expression output, Operand operand, Func<Type, Expression, ParameterExpression> variable)
    {
        if (type.IsBinary)
        {
            var target = variable(typeof(BinaryColumn), Expression.Convert(output, typeof(BinaryColumn)));
            return Expression.Call(((Action<BinaryColumn, int, Utf8Slice>)WriteBinary).Method, target, Row, operand.Value);
        }
        var column = type.Kind switch
        {
            ExprKind.Boolean => typeof(BooleanColumn),
            ExprKind.Decimal => typeof(DecimalColumn),
            ExprKind.Double => typeof(DoubleColumn),
            _ => typeof(LongColumn),
        };
        var values = Expression.Property(Expression.Convert(output, column), "Values");
        var array = variable(values.Type, values);
        return Expression.Assign(Expression.ArrayAccess(array, Row), operand.Value);
    }

    private static void WriteBinary(BinaryColumn output, int row, Utf8Slice value) => output.Set(row, value.Span);

    /// <summary>A row that failed is reported and handled as such; scratch memory is freed.</summary>
    private static Expression FailOr(Node node, Expression failed, Expression done)
    {
        if (!node.CanFailAnywhere) return done;
        var report = Expression.Call(State, nameof(EvaluationState.Report), null, Row, Errors, Place);
        return Expression.IfThenElse(
            Expression.Field(State, nameof(EvaluationState.Failed)), Block(report, failed), done);
    }

    private static LoopExpression Loop(Node node, List<Expression> body)
    {
        var end = Expression.Label();
        List<Expression> statements =
        [
            Expression.IfThen(Expression.GreaterThanOrEqual(Index, Count), Expression.Break(end)),
            Expression.Assign(Row, Expression.ArrayIndex(Selected, Index)),
            .. body,
            Expression.Assign(Index, Expression.Increment(Index)),
        ];
        if (UsesState(node)) statements.Add(Expression.Call(State, nameof(EvaluationState.EndRow), null));
        return Expression.Loop(Block([.. statements]), end);
    }

    /// <summary>True when scratch memory or work is counted row by row.</summary>
    private static bool UsesState(Node node) =>
        (node is CallNode call && (call.ReadsText || (call.TakesState && node.Type.IsBinary))) || node.Children.Any(UsesState);

    private static BlockExpression Block(params Expression[] statements) => Expression.Block(typeof(void), statements);
}
