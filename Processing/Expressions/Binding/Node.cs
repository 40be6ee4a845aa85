using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.CodeGen;
using KafkaOracleOrleans.Processing.Expressions.Syntax;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>A part of an expression whose names and types are known.</summary>
internal abstract class Node(ExprType type, bool nullable, TextSpan span, params IReadOnlyList<Node> children)
{
    public ExprType Type { get; } = type;

    /// <summary>False when it never gives NULL.</summary>
    public bool Nullable { get; } = nullable;

    public TextSpan Span { get; } = span;

    public IReadOnlyList<Node> Children { get; } = children;

    /// <summary>True when every row and every batch gives the same.</summary>
    public virtual bool IsConstant => Children.All(child => child.IsConstant);

    /// <summary>True when it can fail a row by itself.</summary>
    public virtual bool CanFail => false;

    public bool IsError => Type.Kind == ExprKind.Error;

    /// <summary>True when it or a part of it can fail a row.</summary>
    public bool CanFailAnywhere => CanFail || Children.Any(child => child.CanFailAnywhere);
}

/// <summary>Stands for what is already reported as a fault.</summary>
internal sealed class ErrorNode(TextSpan span) : Node(ExprType.Error, true, span)
{
    public override bool IsConstant => false;
}

/// <summary>A value known now: null, or what the type's CLR type is.</summary>
internal sealed class ConstantNode(object? value, ExprType type, TextSpan span) : Node(type, value is null, span)
{
    public object? Value { get; } = value;

    public override bool IsConstant => true;
}

/// <summary>A field of the row.</summary>
internal sealed class FieldNode(int index, ExprType type, bool nullable, TextSpan span) : Node(type, nullable, span)
{
    public int Index { get; } = index;

    public override bool IsConstant => false;
}

/// <summary>The processing time of the batch.</summary>
internal sealed class ProcessingTimeNode(TextSpan span) : Node(ExprType.Timestamp, false, span)
{
    public override bool IsConstant => false;
}

/// <summary>An operation in one expression that cannot fail and does no harm on meaningless operands.</summary>
internal class InlineNode(
    ExprType type, TextSpan span, Func<Expression[], Expression> build, params IReadOnlyList<Node> arguments)
    : Node(type, arguments.Any(argument => argument.Nullable), span, arguments)
{
    public Expression Build(Expression[] arguments) => build(arguments);
}

/// <summary>An integer widened to a decimal.</summary>
internal sealed class IntegerAsDecimalNode(Node integer, ExprType type) : InlineNode(
    type, integer.Span, values => Expression.Convert(values[0], typeof(decimal)), integer);

/// <summary>What <see cref="ScaledNode"/> does.</summary>
internal enum ScaledOperation
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Negate,
    Round,
}

/// <summary>Decimal arithmetic on whole numbers of a known scale.</summary>
internal sealed class ScaledNode(
    ScaledOperation operation, ExprType type, bool capped, TextSpan span, params IReadOnlyList<Node> operands)
    : Node(type, operands.Any(operand => operand.Nullable), span, operands)
{
    public ScaledOperation Operation { get; } = operation;

    /// <summary>True when the exact result may have more digits than the type.</summary>
    public bool IsCapped { get; } = capped;

    public override bool CanFail => IsCapped || Operation == ScaledOperation.Divide;
}

/// <summary>A comparison of decimals as whole numbers of one scale.</summary>
internal sealed class ScaledCompareNode(
    Func<Expression, Expression, Expression> compare, TextSpan span, Node left, Node right)
    : Node(ExprType.Boolean, left.Nullable || right.Nullable, span, left, right)
{
    public Expression Compare(Expression left, Expression right) => compare(left, right);
}

/// <summary>
/// A call of a static method with the values of the arguments, then <see cref="Extras"/>, then the evaluation state when the method
/// takes it. NULL when an argument is.
/// </summary>
internal sealed class CallNode : Node
{
    public CallNode(
        ExprType type, TextSpan span, Delegate method, IReadOnlyList<Node> arguments, object[] extras, bool givesNull = false)
        : base(type, givesNull || arguments.Any(argument => argument.Nullable), span, arguments)
    {
        Method = method.Method;
        Extras = extras;
        GivesNull = givesNull;
        var parameters = Method.GetParameters();
        TakesState = parameters.Length > 0 && parameters[^1].ParameterType == typeof(Runtime.EvaluationState);
    }

    public System.Reflection.MethodInfo Method { get; }

    /// <summary>Constant arguments: patterns, limits, units.</summary>
    public object[] Extras { get; }

    /// <summary>True when the method may give NULL by itself.</summary>
    public bool GivesNull { get; }

    public bool TakesState { get; }

    /// <summary>True when its work grows with a text, which is counted.</summary>
    public bool ReadsText => Children.Any(argument => argument.Type.IsBinary && argument is not ConstantNode);

    public override bool CanFail => TakesState || ReadsText;
}

/// <summary>AND or OR of any number of operands, from left to right until decided.</summary>
internal sealed class LogicNode(bool isAnd, TextSpan span, IReadOnlyList<Node> operands)
    : Node(ExprType.Boolean, operands.Any(operand => operand.Nullable), span, operands)
{
    public bool IsAnd { get; } = isAnd;
}

/// <summary>IS NULL, IS TRUE, IS FALSE.</summary>
internal sealed class IsNode(Node operand, bool? what, bool negated, TextSpan span)
    : Node(ExprType.Boolean, false, span, operand)
{
    /// <summary>Null: IS NULL.</summary>
    public bool? What { get; } = what;

    public bool Negated { get; } = negated;
}

/// <summary>IS [NOT] DISTINCT FROM; the test is that of the values when neither is NULL.</summary>
internal sealed class DistinctNode(Node left, Node right, bool negated, Func<Expression[], Expression> equal, TextSpan span)
    : Node(ExprType.Boolean, false, span, left, right)
{
    public bool Negated { get; } = negated;

    public Expression Equal(Expression left, Expression right) => equal([left, right]);
}

/// <summary>CASE: children are condition, result, condition, result, ..., else.</summary>
internal sealed class CaseNode(ExprType type, TextSpan span, IReadOnlyList<Node> parts)
    : Node(type, parts.Where((_, i) => i % 2 == 1 || i == parts.Count - 1).Any(part => part.Nullable), span, parts);

/// <summary>COALESCE.</summary>
internal sealed class CoalesceNode(ExprType type, TextSpan span, IReadOnlyList<Node> operands)
    : Node(type, operands.All(operand => operand.Nullable), span, operands);

/// <summary>Evaluates a part once for a body that refers to it more than once.</summary>
internal sealed class LetNode(Node value, Node body) : Node(body.Type, body.Nullable, body.Span, value, body)
{
    public Node Value => Children[0];

    public Node Body => Children[1];
}

/// <summary>Refers to the value of an enclosing <see cref="LetNode"/>.</summary>
internal sealed class ReferenceNode(Node target) : Node(target.Type, target.Nullable, target.Span)
{
    public Node Target { get; } = target;

    public override bool IsConstant => Target.IsConstant;
}

/// <summary>NULL where the operand fails.</summary>
internal sealed class TryNode(Node operand) : Node(operand.Type, true, operand.Span, operand)
{
    public Node Operand => Children[0];
}
