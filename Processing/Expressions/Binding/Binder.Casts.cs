using System.Globalization;
using System.Linq.Expressions;
using KafkaOracleOrleans.Processing.Expressions.Runtime;
using KafkaOracleOrleans.Processing.Expressions.Syntax;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Expressions.Binding;

/// <summary>CAST and TRY_CAST.</summary>
internal sealed partial class Binder
{
    private static readonly Dictionary<string, ExprKind> TypeNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["boolean"] = ExprKind.Boolean, ["bool"] = ExprKind.Boolean,
        ["integer"] = ExprKind.Integer, ["int"] = ExprKind.Integer, ["bigint"] = ExprKind.Integer, ["long"] = ExprKind.Integer,
        ["decimal"] = ExprKind.Decimal, ["numeric"] = ExprKind.Decimal, ["number"] = ExprKind.Decimal,
        ["double"] = ExprKind.Double, ["float"] = ExprKind.Double,
        ["string"] = ExprKind.String, ["varchar"] = ExprKind.String, ["text"] = ExprKind.String,
        ["timestamp"] = ExprKind.Timestamp, ["date"] = ExprKind.Date,
        ["bytes"] = ExprKind.Bytes, ["json"] = ExprKind.Json,
    };

    private Node BindCast(CastSyntax cast)
    {
        if (cast.Try) _insideTry++;
        var operand = Bind(cast.Operand);
        var type = ReadType(cast);
        var result = operand.IsError || type is null ? new ErrorNode(cast.Span) : Cast(operand, type.Value, cast.Span);
        if (!cast.Try) return result;
        _insideTry--;
        return result.IsError || result is ConstantNode || !result.CanFailAnywhere ? result : Fold(new TryNode(result));
    }

    private ExprType? ReadType(CastSyntax cast)
    {
        if (cast.TypeName.Length == 0) return null;
        if (!TypeNames.TryGetValue(cast.TypeName, out var kind))
        {
            Fault(
                cast.TypeSpan, ErrorCode.UnknownType, $"'{cast.TypeName}' is no type.",
                Suggestions.Nearest(cast.TypeName, TypeNames.Keys));
            return null;
        }
        if (kind != ExprKind.Decimal)
        {
            if (cast.Precision < 0) return new ExprType(kind);
            Fault(cast.TypeSpan, ErrorCode.UnknownType, $"The type {cast.TypeName} takes no number of digits.", cast.TypeName);
            return null;
        }
        var scale = Math.Max(cast.Scale, 0);
        if (cast.Precision is >= 1 and <= FieldType.MaxPrecision && scale <= cast.Precision)
            return ExprType.Decimal(cast.Precision, scale);
        var message = cast.Precision < 0
            ? "A decimal needs its digits."
            : "A decimal has 1 to 28 digits, and not more of them behind the point.";
        Fault(cast.TypeSpan, ErrorCode.UnknownType, message, cast.Precision < 0 ? "decimal(18,2)" : null);
        return null;
    }

    /// <summary>An explicit conversion.</summary>
    public Node Cast(Node node, ExprType type, TextSpan span)
    {
        if (node.Type.Kind == ExprKind.Null) return new ConstantNode(null, type, span);
        if (node.Type == type) return node;
        var scale = (int)node.Type.Scale;
        switch (node.Type.Kind, type.Kind)
        {
            case (ExprKind.Boolean, ExprKind.String):
                return Call(type, span, Casts.BooleanToText, [node]);
            case (ExprKind.Boolean, ExprKind.Integer):
                return Call(type, span, Casts.BooleanToInteger, [node]);
            case (ExprKind.Integer, ExprKind.String):
                return Call(type, span, Casts.IntegerToText, [node]);
            case (ExprKind.Integer or ExprKind.Decimal, ExprKind.Decimal):
                var source = Conversions.AsDecimal(node.Type, node);
                return FitDecimal(Conversions.Widen(node, source), source, type);
            case (ExprKind.Integer or ExprKind.Decimal, ExprKind.Double):
                return Conversions.Widen(node, type);
            case (ExprKind.Decimal, ExprKind.String):
                return Call(type, span, Casts.DecimalToText, [node], scale);
            case (ExprKind.Decimal, ExprKind.Integer):
                return Call(type, span, Casts.DecimalToInteger, [node]);
            case (ExprKind.Double, ExprKind.String):
                return Call(type, span, Casts.DoubleToText, [node]);
            case (ExprKind.Double, ExprKind.Integer):
                return Call(type, span, Casts.DoubleToInteger, [node]);
            case (ExprKind.Double, ExprKind.Decimal):
                return Call(type, span, Casts.DoubleToDecimal, [node], Digits(type));
            case (ExprKind.Timestamp, ExprKind.String):
                return Call(type, span, Casts.TimestampToText, [node]);
            case (ExprKind.Timestamp, ExprKind.Date):
                return Call(type, span, TimeMath.TimestampToDate, [node]);
            case (ExprKind.Date, ExprKind.String):
                return Call(type, span, Casts.DateToText, [node]);
            case (ExprKind.Date, ExprKind.Timestamp):
                return DateAsTimestamp(node);
            case (ExprKind.Bytes, ExprKind.String):
                return Call(type, span, Casts.BytesToText, [node]);
            case (ExprKind.Json, ExprKind.String) or (ExprKind.String or ExprKind.Json, ExprKind.Bytes):
                return Fold(new InlineNode(type, span, values => values[0], node));
            case (ExprKind.String, _):
                return CastText(node, type, span);
            default:
                return Fault(span, ErrorCode.NoSuchCast, $"{node.Type} cannot be converted to {type}.");
        }
    }

    private Node CastText(Node node, ExprType type, TextSpan span) => type.Kind switch
    {
        ExprKind.Boolean => Call(type, span, Casts.TextToBoolean, [node]),
        ExprKind.Integer => Call(type, span, Casts.TextToInteger, [node]),
        ExprKind.Decimal => Call(type, span, Casts.TextToDecimal, [node], Digits(type)),
        ExprKind.Double => Call(type, span, Casts.TextToDouble, [node]),
        ExprKind.Timestamp => Call(type, span, Casts.TextToTimestamp, [node]),
        ExprKind.Date => Call(type, span, Casts.TextToDate, [node]),
        ExprKind.Json => Call(type, span, Casts.TextToJson, [node]),
        _ => node,
    };
}
