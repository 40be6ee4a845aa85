using KafkaOracleOrleans.Processing;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>Chooses JSON records by an expression over the fields they have.</summary>
internal static class RecordFilter
{
    /// <summary>The places of the records for which it is true; or, as a problem, what is wrong with the expression.</summary>
    public static object Where(string expression, IReadOnlyList<byte[]> values, long nowMs, WorkBudget budget)
    {
        var schema = FieldList.Infer(values);
        var compiled = ExpressionCompiler.Compile(expression, schema);
        if (compiled.Expression is not { } where || compiled.Errors.Count != 0)
            return Invalid("Not an expression", compiled.Errors[0].Message, [.. compiled.Errors.Select(DiagnosticItem.Of)]);
        if (where.Type != FieldType.Boolean) return Bad("Not a condition", $"'where' is {where.Type}, not true or false.");
        var outcome = ExpressionTrial.Evaluate(where, RecordDecoderFactory.Create(FieldList.JsonFormat(schema)), values, nowMs, budget);
        var results = (BooleanColumn)outcome.Results;
        return (IReadOnlyList<int>)[.. Enumerable.Range(0, outcome.Count).Where(i => !results.IsNull[i] && results.Values[i])];
    }
}
