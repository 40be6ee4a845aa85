using KafkaOracleOrleans.Processing.Expressions.Functions;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Expressions.Syntax;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>
/// Finds what names mean and checks types. A fault makes an <see cref="ErrorNode"/>, which fits everywhere, so that the rest is
/// checked too.
/// </summary>
internal sealed partial class Binder(Schema schema, FaultList diagnostics)
{
    private int _insideTry;
    private long _foldWork = ExpressionLimits.MaxFoldWork;

    /// <summary>Binds the whole expression to the type the result must have.</summary>
    public Node BindResult(Syntax.Syntax syntax, FieldType? expected)
    {
        var node = Bind(syntax);
        if (node.IsError || diagnostics.HasErrors) return node;
        if (expected is { } type) return CoerceResult(node, ExprType.From(type));
        if (node.Type.Kind == ExprKind.Null)
            return Fault(node.Span, ErrorCode.UntypedNull, "The result is always NULL and has no type.", "CAST(NULL AS string)");
        if (node.Type.Kind == ExprKind.Interval)
            return Fault(
                node.Span, ErrorCode.ResultType, "An interval cannot be a result; timestamp_diff(unit, from, to) gives a number.");
        return node;
    }

    /// <summary>Notes a fault.</summary>
    public ErrorNode Fault(TextSpan span, string code, string message, string? suggestion = null)
    {
        diagnostics.Add(span, code, message, suggestion);
        return new ErrorNode(span);
    }

    /// <summary>Binds a part.</summary>
    public Node Bind(Syntax.Syntax syntax) => syntax switch
    {
        ErrorSyntax => new ErrorNode(syntax.Span),
        LiteralSyntax literal => BindLiteral(literal),
        TypedLiteralSyntax literal => BindTypedLiteral(literal),
        FieldSyntax field => BindField(field),
        CallSyntax call => BindCall(call),
        UnarySyntax unary => BindUnary(unary),
        BinarySyntax binary => BindBinary(binary),
        ChainSyntax { Operator: "||" } chain => BindConcat(chain),
        ChainSyntax chain => BindLogic(chain),
        IsSyntax test => BindIs(test),
        BetweenSyntax between => BindBetween(between),
        InSyntax list => BindIn(list),
        LikeSyntax like => BindLike(like),
        CaseSyntax choice => BindCase(choice),
        CastSyntax cast => BindCast(cast),
        ExtractSyntax extract => BindExtract(extract),
        _ => throw new InvalidOperationException($"No meaning for {syntax.GetType().Name}."),
    };

    /// <summary>A call of a runtime method, folded when all its arguments are constant.</summary>
    public Node Call(ExprType type, TextSpan span, Delegate method, IReadOnlyList<Node> arguments, params object[] extras) =>
        Fold(new CallNode(type, span, method, arguments, extras));

    /// <summary>The same for a method that may give NULL.</summary>
    public Node CallOrNull(
        ExprType type, TextSpan span, Delegate method, IReadOnlyList<Node> arguments, params object[] extras) =>
        Fold(new CallNode(type, span, method, arguments, extras, givesNull: true));

    /// <summary>Computes a part now when it is constant.</summary>
    public Node Fold(Node node)
    {
        if (node is ConstantNode or ErrorNode || node.Type.IsOpen || !node.IsConstant) return node;
        if (_insideTry > 0 && node.CanFailAnywhere) return node;
        var constant = ConstantFolder.Evaluate(node, ref _foldWork, out var error);
        if (constant is not null) return constant;
        return error is null
            ? node
            : Fault(node.Span, ErrorCode.ConstantFails, $"This constant part always fails: {error.Value.Message}");
    }

    /// <summary>Uses a value more than once and evaluates it once.</summary>
    public static Node Share(Node value, Func<Node, Node> body)
    {
        if (value is ConstantNode or FieldNode or ErrorNode) return body(value);
        var result = body(new ReferenceNode(value));
        return result.IsError || result is ConstantNode ? result : new LetNode(value, result);
    }

    private static ConstantNode BindLiteral(LiteralSyntax literal) => literal.Value switch
    {
        null => new ConstantNode(null, ExprType.Null, literal.Span),
        bool => new ConstantNode(literal.Value, ExprType.Boolean, literal.Span),
        long => new ConstantNode(literal.Value, ExprType.Integer, literal.Span),
        double => new ConstantNode(literal.Value, ExprType.Double, literal.Span),
        decimal value => new ConstantNode(value, Conversions.DigitsOf(value), literal.Span),
        string text => new ConstantNode(Utf8Slice.Of(text), ExprType.String, literal.Span),
        _ => throw new InvalidOperationException($"No literal of {literal.Value.GetType().Name}."),
    };

    private Node BindField(FieldSyntax field)
    {
        var index = schema.IndexOf(field.Name);
        if (index >= 0)
            return new FieldNode(index, ExprType.From(schema[index].Type), schema[index].Nullable, field.Span);
        var nearest = Suggestions.Nearest(field.Name, schema.Fields.Select(known => known.Name));
        if (nearest is not null && !IsPlainName(nearest)) nearest = $"\"{nearest.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        if (nearest is null && field.Quoted) nearest = $"'{field.Name.Replace("'", "''", StringComparison.Ordinal)}'";
        if (nearest is null && FunctionCatalog.Find(field.Name) is { MinArguments: 0 } function) nearest = function.Name + "()";
        return Fault(field.Span, ErrorCode.UnknownField, $"Unknown field '{field.Name}'.", nearest);
    }

    private static bool IsPlainName(string name) =>
        name.Length > 0 && (char.IsLetter(name[0]) || name[0] == '_') && !Lexer.IsReserved(name)
        && name.All(c => char.IsLetter(c) || char.IsAsciiDigit(c) || c is '_' or '$' or '.');

    private Node BindCall(CallSyntax call)
    {
        var function = FunctionCatalog.Find(call.Name);
        if (function is null)
        {
            foreach (var argument in call.Arguments) Bind(argument);
            return Fault(
                call.NameSpan, ErrorCode.UnknownFunction, $"Unknown function '{call.Name}'.",
                FunctionCatalog.Suggest(call.Name));
        }
        if (function.KeepsFailures) _insideTry++;
        Node[] arguments = [.. call.Arguments.Select(Bind)];
        if (function.KeepsFailures) _insideTry--;
        if (arguments.Length < function.MinArguments || arguments.Length > function.MaxArguments)
        {
            return Fault(
                call.Span, ErrorCode.ArgumentCount,
                $"{function.Name} takes {function.ArgumentCount}, not {arguments.Length}: {function.Signature}.");
        }
        if (arguments.Any(argument => argument.IsError)) return new ErrorNode(call.Span);
        return function.Bind(new FunctionCall(this, function, call, arguments));
    }

    private Node BindUnary(UnarySyntax unary)
    {
        var operand = Bind(unary.Operand);
        if (operand.IsError) return operand;
        if (unary.Operator == "NOT")
        {
            return Condition(operand, "NOT") is { IsError: false } condition
                ? Not(condition, unary.Span)
                : new ErrorNode(unary.Span);
        }
        if (operand.Type.Kind == ExprKind.Null) return operand;
        if (operand.Type.Kind is not (ExprKind.Integer or ExprKind.Decimal or ExprKind.Double or ExprKind.Interval))
            return Fault(unary.Span, ErrorCode.OperandType, $"'{unary.Operator}' needs a number, not {operand.Type}.");
        if (unary.Operator == "+") return operand;
        return operand.Type.Kind switch
        {
            ExprKind.Decimal => Fold(new ScaledNode(ScaledOperation.Negate, operand.Type, false, unary.Span, operand)),
            ExprKind.Double => Fold(new InlineNode(
                operand.Type, unary.Span, values => System.Linq.Expressions.Expression.Negate(values[0]), operand)),
            _ => Call(operand.Type, unary.Span, IntegerMath.Negate, [operand]),
        };
    }
}
