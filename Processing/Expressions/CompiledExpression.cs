using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Expressions;

/// <summary>What an evaluation needs from outside: the processing time and where record errors go.</summary>
/// <param name="ProcessingTimeMicros">What <c>processing_time()</c> returns: microseconds since the Unix epoch, UTC.</param>
/// <param name="Errors">Rows whose evaluation failed (overflow, division by zero, bad cast) are noted here and give NULL.</param>
/// <param name="Place">What is named as the place of a failure, e.g. <c>enrich.total</c>.</param>
/// <param name="Budget">What the evaluation may use up where somebody waits for it; null in pipelines, whose bounds are per record.</param>
public readonly record struct EvaluationContext(long ProcessingTimeMicros, RowErrors Errors, string Place, WorkBudget? Budget = null);

/// <summary>A type-checked expression, compiled to a loop over columns. Immutable and safe for concurrent use.</summary>
public abstract class CompiledExpression
{
    /// <summary>The source text.</summary>
    public abstract string Text { get; }

    /// <summary>The static type of the result.</summary>
    public abstract FieldType Type { get; }

    /// <summary>False when the result can never be NULL.</summary>
    public abstract bool Nullable { get; }

    /// <summary>True when the result is the same for every row.</summary>
    public abstract bool IsConstant { get; }

    /// <summary>The places of the fields it reads.</summary>
    public abstract IReadOnlyList<int> Fields { get; }

    /// <summary>
    /// Evaluates the selected rows of a block (whose schema is, or starts with, the one compiled against) into a column of
    /// <see cref="Type"/> that has room for the block's rows. Never throws for data; a failing row gives NULL and an error.
    /// </summary>
    public abstract void Evaluate(RowBlock rows, Selection selection, Column output, in EvaluationContext context);

    /// <summary>
    /// For a boolean expression: writes the rows for which it is true into <paramref name="matching"/> (cleared first), those that
    /// are false or NULL into <paramref name="rest"/> when given. Failing rows are in neither.
    /// </summary>
    public abstract void Filter(
        RowBlock rows, Selection selection, Selection matching, Selection? rest, in EvaluationContext context);
}

/// <summary>A fault of an expression's text: where (0-based character), how long, what and perhaps what was meant.</summary>
public readonly record struct ExpressionError(string Code, int Position, int Length, string Message, string? Suggestion);

/// <summary>The outcome of compiling: an expression, or the faults.</summary>
public sealed record ExpressionResult(CompiledExpression? Expression, IReadOnlyList<ExpressionError> Errors);
