using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>Why a column cannot take a field's values, each with a remedy that works.</summary>
internal static class ColumnDifferences
{
    public static IEnumerable<string> Of(SinkTable table, SinkColumn column, ColumnInfo present, Dialect dialect)
    {
        if (present.Generation != ColumnGeneration.None)
        {
            yield return Generated(table, column, present, dialect);
            yield break;
        }

        if (!dialect.Accepts(column.Type, present))
        {
            yield return Unfit(column, present, dialect);
            yield break;
        }

        if (column.Type.Kind == FieldKind.Decimal && present.Scale is { } scale && scale < column.Type.Scale)
        {
            yield return $"The column {column.Name} keeps {scale} digits after the point, the field has {column.Type.Scale}: "
                + $"values would be rounded silently. Make it {dialect.TypeText(column.Type, false)}{Convert(column, present, dialect)}";
        }

        if (table.Revision >= 0 && table.Columns[table.Revision].Name == column.Name && present.Type == "float4")
        {
            yield return $"The column {column.Name} is the revision and of single precision, where two revisions can be one: "
                + $"make it {dialect.TypeText(column.Type, false)}.";
        }
    }

    private static string Generated(SinkTable table, SinkColumn column, ColumnInfo present, Dialect dialect)
    {
        var how = present.Generation == ColumnGeneration.Identity ? "an identity that is GENERATED ALWAYS" : "computed by the database";
        string[] ways =
        [
            .. column.IsKey ? Array.Empty<string>() : ["leave it out of the sink's 'columns'"],
            .. dialect.MakeWritableText(table, column, present.Generation) is { } statement ? [$"run {statement}"] : Array.Empty<string>(),
        ];
        var remedy = ways.Length > 0 ? string.Join(", or ", ways) : "name a column as the key that takes values, with a unique constraint of its own";
        return $"The column {column.Name} is {how} and takes no values: {remedy}";
    }

    private static string Unfit(SinkColumn column, ColumnInfo present, Dialect dialect)
    {
        var type = dialect.TypeText(column.Type, column.IsKey);
        return present.Type.Contains("time zone", StringComparison.Ordinal)
            ? $"The column {column.Name} is {present.Type}: what is stored would depend on the session's time zone. "
                + $"Make it {type}, which holds UTC, and show zones in a view."
            : $"The column {column.Name} is {present.TypeText ?? present.Type}, the field is {column.Type}: make the column {type}{Convert(column, present, dialect)}";
    }

    /// <summary>The conversion of the field that makes it fit, or what else can be done.</summary>
    private static string Convert(SinkColumn column, ColumnInfo present, Dialect dialect)
    {
        var field = new Schema(new Field("field", column.Type));
        foreach (var target in Targets(column, present))
        {
            if (!dialect.Accepts(target, present) || (target.Kind == FieldKind.Decimal && present.Scale < target.Scale)) continue;
            if (ExpressionCompiler.Compile($"CAST(field AS {target})", field).Errors.Count == 0)
                return $", or convert the field in a map step with CAST(... AS {target}).";
        }

        return column.IsKey ? "." : ", or leave it out of the sink's 'columns'.";
    }

    private static IEnumerable<FieldType> Targets(SinkColumn column, ColumnInfo present)
    {
        // Not to cut what is behind the point where the column could hold it.
        var hasFraction = column.Type.Kind is FieldKind.Decimal or FieldKind.Double;
        yield return hasFraction ? FieldType.Double : FieldType.Integer;
        var scale = Math.Clamp(present.Scale ?? (column.Type.Kind == FieldKind.Decimal ? column.Type.Scale : 8), 0, 28);
        var precision = Math.Clamp(present.Precision ?? 28, Math.Max(1, scale), 28);
        yield return FieldType.Decimal(precision, scale);
        if (hasFraction) yield return FieldType.Integer;
        FieldType[] others = [FieldType.Double, FieldType.Timestamp, FieldType.Date, FieldType.String, FieldType.Boolean, FieldType.Json, FieldType.Bytes];
        foreach (var type in others) yield return type;
    }
}
