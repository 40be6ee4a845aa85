using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>What an expression gave for some records: row i of <see cref="Results"/> belongs to record i.</summary>
/// <param name="Results">A column of the expression's type; NULL where a record failed.</param>
/// <param name="Count">The number of records.</param>
/// <param name="Errors">Records that did not decode, and records for which the expression failed.</param>
public sealed record ExpressionOutcome(Column Results, int Count, RowErrors Errors);

/// <summary>Tries expressions on sample records.</summary>
public static class ExpressionTrial
{
    /// <summary>Decodes records and evaluates an expression, compiled against the decoder's schema, on them.</summary>
    /// <param name="expression">The expression.</param>
    /// <param name="decoder">A decoder that is used for nothing else.</param>
    /// <param name="values">The records' values.</param>
    /// <param name="nowMs">Processing time, ms since the Unix epoch.</param>
    /// <param name="budget">What it may use up; null: anything.</param>
    public static ExpressionOutcome Evaluate(
        CompiledExpression expression, IRecordDecoder decoder, IReadOnlyList<byte[]> values, long nowMs, WorkBudget? budget = null)
    {
        ArgumentNullException.ThrowIfNull(expression);
        ArgumentNullException.ThrowIfNull(decoder);
        var raw = RawRecords.Batch("samples", 0, 0, [.. values.Select((value, i) => new RawRecord(value, Offset: i))]);
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema, raw.Count) };
        batch.Reset(raw);
        decoder.Decode(batch);
        var results = Column.Create(expression.Type, raw.Count);
        for (var row = 0; row < raw.Count; row++) results.SetNull(row);
        var one = new Selection();
        foreach (var row in batch.Alive.Span)
        {
            one.Clear();
            one.Add(row);
            EvaluateOne(expression, batch.Rows, one, results, new EvaluationContext(nowMs * 1000, batch.Errors, "expression", budget));
        }

        return new ExpressionOutcome(results, raw.Count, batch.Errors);
    }

    /// <summary>Evaluates an expression that reads no fields, once.</summary>
    public static ExpressionOutcome EvaluateOnce(CompiledExpression expression, long nowMs, WorkBudget? budget = null)
    {
        ArgumentNullException.ThrowIfNull(expression);
        var rows = new RowBlock(Schema.Empty) { Count = 1 };
        var selection = new Selection();
        selection.SetAll(1);
        var results = Column.Create(expression.Type, 1);
        var errors = new RowErrors();
        EvaluateOne(expression, rows, selection, results, new EvaluationContext(nowMs * 1000, errors, "expression", budget));
        return new ExpressionOutcome(results, 1, errors);
    }

    /// <summary>A row at a time, so that results are counted before there are too many.</summary>
    private static void EvaluateOne(CompiledExpression expression, RowBlock rows, Selection one, Column results, in EvaluationContext context)
    {
        expression.Evaluate(rows, one, results, context);
        context.Budget?.Rows(1);
        var row = one.Rows[0];
        if (results is BinaryColumn text && !text.IsNull[row]) context.Budget?.Bytes(text.Length[row]);
    }
}
