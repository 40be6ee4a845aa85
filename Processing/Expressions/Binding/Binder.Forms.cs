using System.Globalization;
using System.Linq.Expressions;
using System.Text;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Expressions.Functions;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Expressions.Syntax;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>SQL's forms: typed literals, BETWEEN, IN, LIKE, CASE, EXTRACT, and arithmetic with times.</summary>
internal sealed partial class Binder
{
    /// <summary>Longer lists of constants are looked up in a set.</summary>
    private const int SetThreshold = 4;

    private Node BindTypedLiteral(TypedLiteralSyntax literal)
    {
        var text = Encoding.UTF8.GetBytes(literal.Text.Trim());
        switch (literal.Type)
        {
            case "TIMESTAMP" when TimeParsing.TryTimestamp(text, out var timestamp):
                return new ConstantNode(timestamp, ExprType.Timestamp, literal.Span);
            case "TIMESTAMP":
                return Fault(
                    literal.TextSpan, ErrorCode.BadLiteral,
                    "This is no timestamp; write 'yyyy-MM-dd HH:mm:ss', with Z or an offset if it is not UTC.");
            case "DATE" when TimeParsing.TryDate(text, out var date):
                return new ConstantNode(date, ExprType.Date, literal.Span);
            case "DATE":
                return Fault(literal.TextSpan, ErrorCode.BadLiteral, "This is no date; write 'yyyy-MM-dd'.");
            default:
                return BindInterval(literal);
        }
    }

    private Node BindInterval(TypedLiteralSyntax literal)
    {
        if (literal.Unit is null)
        {
            return Durations.TryParse(literal.Text.Trim(), out var milliseconds)
                ? new ConstantNode(milliseconds * 1_000, ExprType.Interval, literal.Span)
                : Fault(literal.TextSpan, ErrorCode.BadLiteral, "This is no interval; write INTERVAL '5' MINUTE or INTERVAL '1h30m'.");
        }
        if (!Units.TryParse(literal.Unit, out var unit) || unit > TimeUnit.Year)
        {
            return Fault(
                literal.Span, ErrorCode.BadLiteral, $"'{literal.Unit}' is no unit of an interval.",
                Suggestions.Nearest(literal.Unit, Units.Lengths)?.ToUpperInvariant());
        }
        if (unit > TimeUnit.Week)
        {
            return Fault(
                literal.Span, ErrorCode.BadLiteral, $"A {literal.Unit.ToLowerInvariant()} has no fixed length.",
                $"timestamp_add('{literal.Unit.ToLowerInvariant()}', {literal.Text.Trim()}, ...)");
        }
        var valid = long.TryParse(
            literal.Text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var count);
        var high = Math.BigMul(count, TimeMath.MicrosOf(unit), out long micros);
        if (valid && high == micros >> 63) return new ConstantNode(micros, ExprType.Interval, literal.Span);
        return Fault(literal.TextSpan, ErrorCode.BadLiteral, "Before the unit stands a whole number, e.g. INTERVAL '5' MINUTE.");
    }

    private Node? TimeArithmetic(string op, Node left, Node right, TextSpan span)
    {
        var interval = ExprType.Interval;
        switch (op, left.Type.Kind, right.Type.Kind)
        {
            case ("+", ExprKind.Timestamp, ExprKind.Interval):
                return Call(ExprType.Timestamp, span, TimeMath.AddMicros, [left, right]);
            case ("+", ExprKind.Interval, ExprKind.Timestamp):
                return Call(ExprType.Timestamp, span, TimeMath.AddMicros, [right, left]);
            case ("-", ExprKind.Timestamp, ExprKind.Interval):
                return Call(ExprType.Timestamp, span, TimeMath.SubtractMicros, [left, right]);
            case ("-", ExprKind.Timestamp, ExprKind.Timestamp):
                return Call(interval, span, IntegerMath.Subtract, [left, right]);
            case ("+", ExprKind.Date, ExprKind.Interval):
                return Call(ExprType.Timestamp, span, TimeMath.AddMicros, [DateAsTimestamp(left), right]);
            case ("-", ExprKind.Date, ExprKind.Interval):
                return Call(ExprType.Timestamp, span, TimeMath.SubtractMicros, [DateAsTimestamp(left), right]);
            case ("+", ExprKind.Date, ExprKind.Integer):
                return Call(ExprType.Date, span, TimeMath.AddDays, [left, right]);
            case ("-", ExprKind.Date, ExprKind.Integer):
                return Call(ExprType.Date, span, TimeMath.SubtractDays, [left, right]);
            case ("-", ExprKind.Date, ExprKind.Date):
                return Call(ExprType.Integer, span, IntegerMath.Subtract, [left, right]);
            case ("+", ExprKind.Interval, ExprKind.Interval):
                return Call(interval, span, IntegerMath.Add, [left, right]);
            case ("-", ExprKind.Interval, ExprKind.Interval):
                return Call(interval, span, IntegerMath.Subtract, [left, right]);
            case ("*", ExprKind.Interval, ExprKind.Integer) or ("*", ExprKind.Integer, ExprKind.Interval):
                return Call(interval, span, IntegerMath.Multiply, [left, right]);
            default:
                return null;
        }
    }

    /// <summary>Midnight of a date.</summary>
    public Node DateAsTimestamp(Node date) =>
        Fold(new CallNode(ExprType.Timestamp, date.Span, TimeMath.DateToTimestamp, [date], []));

    private Node BindBetween(BetweenSyntax between)
    {
        var operand = Bind(between.Operand);
        var low = Bind(between.Low);
        var high = Bind(between.High);
        if (operand.IsError || low.IsError || high.IsError) return new ErrorNode(between.Span);
        var result = Share(operand, value =>
        {
            var above = Compare(">=", value, low, between.Span);
            var below = above.IsError ? above : Compare("<=", value, high, between.Span);
            return below.IsError ? below : Fold(new LogicNode(true, between.Span, [above, below]));
        });
        return result.IsError || !between.Negated ? result : Not(result, between.Span);
    }

    private Node BindIn(InSyntax list)
    {
        var operand = Bind(list.Operand);
        Node[] items = [.. list.Items.Select(Bind)];
        if (operand.IsError || items.Any(item => item.IsError)) return new ErrorNode(list.Span);
        var fault = false;
        foreach (var item in items)
        {
            if (Conversions.Common(operand, item) is not null) continue;
            Fault(
                item.Span, ErrorCode.OperandType, $"The list holds {item.Type}, and is searched for {operand.Type}.",
                SuggestLiteral(item, operand));
            fault = true;
        }
        if (fault) return new ErrorNode(list.Span);
        var result = InSet(operand, items, list.Span) ?? Share(operand, value =>
        {
            Node[] tests = [.. items.Select(item => Compare("=", value, item, item.Span))];
            return tests.Any(test => test.IsError)
                ? new ErrorNode(list.Span)
                : Fold(tests.Length == 1 ? tests[0] : new LogicNode(false, list.Span, tests));
        });
        return result.IsError || !list.Negated ? result : Not(result, list.Span);
    }

    private Node? InSet(Node operand, Node[] items, TextSpan span)
    {
        if (items.Length <= SetThreshold || items.Any(item => item is not ConstantNode)) return null;
        if (Conversions.Common([operand, .. items]) is not { } type || type.IsOpen) return null;
        var value = Conversions.Widen(operand, type);
        object?[] constants = [.. items.Select(item => ((ConstantNode)Conversions.Widen(item, type)).Value)];
        var hasNull = constants.Contains(null);
        return type.Kind switch
        {
            ExprKind.Integer or ExprKind.Timestamp or ExprKind.Date =>
                Set(InOps.Integer, new ValueSet<long>(constants.OfType<long>(), hasNull)),
            ExprKind.Decimal => Set(InOps.Decimal, new ValueSet<decimal>(constants.OfType<decimal>(), hasNull)),
            ExprKind.Double => Set(InOps.Double, new ValueSet<double>(constants.OfType<double>(), hasNull)),
            ExprKind.String => Set(
                InOps.Text, new TextSet([.. constants.OfType<Utf8Slice>().Select(text => text.Span.ToArray())], hasNull)),
            _ => null,
        };

        Node Set(Delegate method, object set) => hasNull
            ? CallOrNull(ExprType.Boolean, span, method, [value], set)
            : Call(ExprType.Boolean, span, method, [value], set);
    }

    private Node BindLike(LikeSyntax like)
    {
        var operand = Bind(like.Operand);
        var pattern = Bind(like.Pattern);
        var escape = like.Escape is null ? null : Bind(like.Escape);
        if (operand.IsError || pattern.IsError || escape is { IsError: true }) return new ErrorNode(like.Span);
        if (operand.Type.Kind is not (ExprKind.String or ExprKind.Null))
            return Fault(operand.Span, ErrorCode.OperandType, $"LIKE needs text, not {operand.Type}; use CAST(... AS string).");
        if (pattern.Type.Kind == ExprKind.Null) return new ConstantNode(null, ExprType.Boolean, like.Span);
        if (pattern is not ConstantNode { Type.Kind: ExprKind.String, Value: Utf8Slice text })
            return Fault(pattern.Span, ErrorCode.ConstantRequired, "The pattern of LIKE must be constant text.");
        Rune? escapeRune = null;
        if (escape is not null)
        {
            if (escape is not ConstantNode { Value: Utf8Slice character } || StringOps.CountCharacters(character.Span) != 1)
                return Fault(escape.Span, ErrorCode.BadPattern, "ESCAPE takes one character.");
            escapeRune = character.ToString().EnumerateRunes().First();
        }
        if (LikePattern.Create(text.ToString(), escapeRune, out var error) is not { } compiled)
            return Fault(pattern.Span, ErrorCode.BadPattern, error!);
        var result = Call(
            ExprType.Boolean, like.Span, LikePattern.Match, [Conversions.Widen(operand, ExprType.String)], compiled);
        return like.Negated ? Not(result, like.Span) : result;
    }

    private Node BindCase(CaseSyntax choice)
    {
        var subject = choice.Subject is null ? null : Bind(choice.Subject);
        Node[] whens = [.. choice.Branches.Select(branch => Bind(branch.When))];
        List<Node> results = [.. choice.Branches.Select(branch => Bind(branch.Then))];
        results.Add(choice.Else is null ? new ConstantNode(null, ExprType.Null, choice.Span) : Bind(choice.Else));
        if (subject is { IsError: true }) return new ErrorNode(choice.Span);
        if (subject is null) return Choose(Conditions(whens, null), results, choice.Span);
        return Share(subject, value => Choose(Conditions(whens, value), results, choice.Span));
    }

    private Node[] Conditions(Node[] whens, Node? subject) =>
        [.. whens.Select(when => subject is null ? Condition(when, "WHEN") : Compare("=", subject, when, when.Span))];

    /// <summary>CASE with a result for every condition and one more.</summary>
    public Node Choose(IReadOnlyList<Node> conditions, IReadOnlyList<Node> results, TextSpan span)
    {
        if (conditions.Any(condition => condition.IsError) || CommonType(results, "CASE", span) is not { } type)
            return new ErrorNode(span);
        if (type.Kind == ExprKind.Null) return new ConstantNode(null, type, span);
        var parts = new List<Node>();
        for (var i = 0; i < conditions.Count; i++)
        {
            parts.Add(conditions[i]);
            parts.Add(Result(results[i], type));
        }
        parts.Add(Result(results[^1], type));
        return Fold(new CaseNode(type, span, parts));
    }

    /// <summary>The type all have in common; a fault, and null, when there is none.</summary>
    public ExprType? CommonType(IReadOnlyList<Node> nodes, string where, TextSpan span)
    {
        if (nodes.Any(node => node.IsError)) return null;
        if (Conversions.Common(nodes) is { } type) return type;
        var first = nodes.First(node => !node.Type.IsOpen);
        var other = nodes.First(node => !node.Type.IsOpen && Conversions.Common(first, node) is null);
        Fault(
            other.Span.Length > 0 ? other.Span : span, ErrorCode.NoCommonType,
            $"{where} gives {first.Type} in one place and {other.Type} in another.");
        return null;
    }

    private Node BindExtract(ExtractSyntax extract)
    {
        var operand = Bind(extract.Operand);
        if (!Units.TryParse(extract.Unit, out var unit))
        {
            return Fault(
                extract.UnitSpan, ErrorCode.BadPattern, $"'{extract.Unit}' is no unit of time.",
                Suggestions.Nearest(extract.Unit, Units.All)?.ToUpperInvariant());
        }
        return operand.IsError ? operand : Extract(operand, unit, extract.Span);
    }

    /// <summary>A part of a timestamp or date.</summary>
    public Node Extract(Node operand, TimeUnit unit, TextSpan span)
    {
        if (operand.Type.Kind == ExprKind.Null) return new ConstantNode(null, ExprType.Integer, span);
        if (operand.Type.Kind == ExprKind.Date) operand = DateAsTimestamp(operand);
        if (operand.Type.Kind != ExprKind.Timestamp)
            return Fault(operand.Span, ErrorCode.ArgumentType, $"A timestamp or date is needed here, not {operand.Type}.");
        return Call(ExprType.Integer, span, TimeMath.Extract, [operand], (int)unit);
    }
}
