using System.Globalization;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Expressions.Syntax;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Functions;

/// <summary>A call whose arguments are bound and of the right number, on its way to become a node.</summary>
internal sealed class FunctionCall(Binder binder, FunctionDefinition function, CallSyntax syntax, Node[] arguments)
{
    private bool _faulty;

    public Binder Binder => binder;

    public TextSpan Span => syntax.Span;

    public int Count => arguments.Length;

    public IReadOnlyList<Node> Arguments => arguments;

    public Node this[int index] => arguments[index];

    /// <summary>An argument of one of some kinds; untyped NULL becomes the first of them. A fault when it is of another.</summary>
    public Node Of(int index, params ReadOnlySpan<ExprKind> kinds)
    {
        var argument = arguments[index];
        if (argument.Type.Kind == ExprKind.Null)
            return Conversions.Widen(argument, kinds[0] == ExprKind.Decimal ? ExprType.Decimal(1, 0) : new ExprType(kinds[0]));
        if (kinds.Contains(argument.Type.Kind)) return argument;
        if (kinds.Contains(ExprKind.Double) && argument.Type.IsNumeric) return Conversions.Widen(argument, ExprType.Double);
        _faulty = true;
        var wanted = string.Join(" or ", kinds.ToArray().Select(NameOf));
        return binder.Fault(
            argument.Span, ErrorCode.ArgumentType,
            string.Create(CultureInfo.InvariantCulture, $"Argument {index + 1} of {function.Name} must be {wanted}, not {argument.Type}."),
            wanted == "string" && !argument.Type.IsBinary ? "CAST(... AS string)" : null);
    }

    /// <summary>A text argument.</summary>
    public Node Text(int index) => Of(index, ExprKind.String);

    /// <summary>An integer argument.</summary>
    public Node Integer(int index) => Of(index, ExprKind.Integer);

    /// <summary>An integer argument, or a value when it is left out.</summary>
    public Node Integer(int index, long otherwise) =>
        index < Count ? Integer(index) : new ConstantNode(otherwise, ExprType.Integer, Span);

    /// <summary>A text argument, or a value when it is left out.</summary>
    public Node Text(int index, string otherwise) =>
        index < Count ? Text(index) : new ConstantNode(Utf8Slice.Of(otherwise), ExprType.String, Span);

    /// <summary>A timestamp argument; a date is taken as its midnight.</summary>
    public Node Timestamp(int index)
    {
        var argument = Of(index, ExprKind.Timestamp, ExprKind.Date);
        return argument.Type.Kind == ExprKind.Date ? binder.DateAsTimestamp(argument) : argument;
    }

    /// <summary>A text that is known now; a fault, and null, when it is not.</summary>
    public string? ConstantText(int index)
    {
        if (arguments[index] is ConstantNode { Type.Kind: ExprKind.String, Value: Utf8Slice text }) return text.ToString();
        _faulty = true;
        binder.Fault(
            arguments[index].Span, ErrorCode.ConstantRequired,
            string.Create(CultureInfo.InvariantCulture, $"Argument {index + 1} of {function.Name} must be constant text."));
        return null;
    }

    /// <summary>A unit of time that is known now; a fault when it is not.</summary>
    public TimeUnit? Unit(int index, bool toExtract = false)
    {
        if (ConstantText(index) is not { } name) return null;
        if (Units.TryParse(name, out var unit) && (toExtract || unit <= TimeUnit.Year)) return unit;
        Invalid(index, $"'{name}' is no unit of time.", Suggestions.Nearest(name, toExtract ? Units.All : Units.Lengths));
        return null;
    }

    /// <summary>A fault of a constant argument.</summary>
    public Node Invalid(int index, string message, string? suggestion = null)
    {
        _faulty = true;
        return binder.Fault(arguments[index].Span, ErrorCode.BadPattern, message, suggestion);
    }

    /// <summary>The call of a runtime method.</summary>
    public Node Call(ExprType type, Delegate method, IReadOnlyList<Node> values, params object[] extras) =>
        _faulty ? new ErrorNode(Span) : binder.Call(type, Span, method, values, extras);

    /// <summary>The call of a runtime method that may give NULL.</summary>
    public Node CallOrNull(ExprType type, Delegate method, IReadOnlyList<Node> values, params object[] extras) =>
        _faulty ? new ErrorNode(Span) : binder.CallOrNull(type, Span, method, values, extras);

    private static string NameOf(ExprKind kind) => kind switch
    {
        ExprKind.Decimal => "decimal",
        ExprKind.Interval => "interval",
        _ => new ExprType(kind).ToString(),
    };
}
