using System.Globalization;
using KafkaOracleOrleans.Processing.Expressions.Binding;
using KafkaOracleOrleans.Processing.Expressions.CodeGen;
using KafkaOracleOrleans.Processing.Expressions.Syntax;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions;

/// <summary>Compiles SQL scalar expressions against a schema. The language is described in docs/expressions.md.</summary>
public static class ExpressionCompiler
{
    /// <summary>
    /// Compiles a text, and returns either the expression or every fault that could be found in one run. Never throws for a text.
    /// Machine code is made at the first evaluation, so that checking alone is cheap.
    /// </summary>
    /// <param name="text">The expression, of at most <see cref="ExpressionLimits.MaxLength"/> characters.</param>
    /// <param name="schema">The fields it may read.</param>
    /// <param name="expected">
    /// The type the result must have: an integer widens to decimal and double, a decimal to double; a decimal is rounded to the
    /// expected scale, and a record that does not fit its precision fails. Any other difference is a fault.
    /// </param>
    public static ExpressionResult Compile(string text, Schema schema, FieldType? expected = null)
    {
        var diagnostics = new FaultList();
        if (text.Length > ExpressionLimits.MaxLength)
        {
            var message = string.Create(
                CultureInfo.InvariantCulture,
                $"The expression has {text.Length} characters, more than {ExpressionLimits.MaxLength}.");
            return new(null, [new ExpressionError(ErrorCode.Limit, 0, text.Length, message, null)]);
        }
        var syntax = Parser.Parse(text, diagnostics);
        var node = new Binder(schema, diagnostics).BindResult(syntax, expected);
        if (diagnostics.HasErrors) return new(null, diagnostics.Ordered);
        return new(new ColumnExpression(text, node), []);
    }
}
