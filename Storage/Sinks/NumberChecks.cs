using System.Globalization;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// What a number must be for its column to hold exactly that number: databases round what is too fine without a word.
/// The exception is a single precision column, which holds the nearest number it has.
/// </summary>
internal static class NumberChecks
{
    /// <summary>The checks of a column's values; none where it holds every number of the field's type.</summary>
    public static IEnumerable<Func<Column, int, (string Code, string Text)?>> Of(SinkColumn column, ColumnInfo found)
    {
        var single = found.Type == "float4";
        switch (column.Type.Kind)
        {
            case FieldKind.Double when found.Type is "number" or "float":
                yield return (values, row) => OracleNumberFault(column, ((DoubleColumn)values).Values[row]);
                break;
            case FieldKind.Double when single:
                yield return (values, row) => SingleFault(column, ((DoubleColumn)values).Values[row]);
                break;
            case FieldKind.Integer when single || found.Type == "float8":
                var most = single ? 1L << 24 : 1L << 53;
                yield return (values, row) => ExactFault(column, ((LongColumn)values).Values[row], most);
                break;
            case FieldKind.Integer when found.Range is { Most: long.MaxValue }:
                break;
            case FieldKind.Integer or FieldKind.Decimal when found.Range is { } range:
                yield return (values, row) => RangeFault(column, ValueOf(values, row), range.Least, range.Most);
                break;
            case FieldKind.Integer or FieldKind.Decimal when found.Precision is { } precision:
                var scale = found.Scale ?? 0;
                if (precision - scale < 28)
                {
                    var limit = precision > scale ? Pow10(precision - scale) - 1 : 0;
                    yield return (values, row) => RangeFault(column, decimal.Truncate(ValueOf(values, row)), -limit, limit);
                }

                if (scale < 0)
                {
                    var unit = Pow10(Math.Min(28, -scale));
                    yield return (values, row) => UnitFault(column, ValueOf(values, row), unit);
                }

                break;
        }
    }

    /// <summary>10 to the power of 0 to 28.</summary>
    public static decimal Pow10(int exponent)
    {
        var result = 1m;
        for (var i = 0; i < exponent; i++) result *= 10;
        return result;
    }

    private static decimal ValueOf(Column values, int row) =>
        values is LongColumn integers ? integers.Values[row] : ((DecimalColumn)values).Values[row];

    private static (string, string)? RangeFault(SinkColumn column, decimal value, decimal least, decimal most)
    {
        if (value >= least && value <= most) return null;
        var range = least == -most ? $"up to {Text(most)}" : $"of {Text(least)} to {Text(most)}";
        return (SinkRowCodes.OutOfRange, $"{column.Name} holds numbers {range}, the value is {Text(value)}; widen the column.");
    }

    private static (string, string)? UnitFault(SinkColumn column, decimal value, decimal unit) =>
        value % unit == 0
            ? null
            : (SinkRowCodes.NumberTooFine,
                $"{column.Name} holds multiples of {Text(unit)}, the value is {Text(value)}; widen the column, or round the field in a map step.");

    private static (string, string)? ExactFault(SinkColumn column, long value, long most) =>
        value >= -most && value <= most
            ? null
            : (SinkRowCodes.NumberTooFine,
                $"{column.Name} holds integers exactly up to {Text(most)}, the value is {Text(value)}; make it an integer column.");

    private static (string, string)? SingleFault(SinkColumn column, double value) =>
        float.IsFinite((float)value) && ((float)value != 0 || value == 0)
            ? null
            : (SinkRowCodes.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"{column.Name} is a single precision column, which does not hold {value}; make it double precision."));

    /// <summary>NUMBER knows no NaN and no infinity and ends below 1E126.</summary>
    private static (string, string)? OracleNumberFault(SinkColumn column, double value) =>
        double.IsFinite(value) && Math.Abs(value) < 1e125
            ? null
            : (SinkRowCodes.OutOfRange, string.Create(CultureInfo.InvariantCulture,
                $"{column.Name} is a NUMBER, which does not hold {value}; make it BINARY_DOUBLE."));

    private static string Text(decimal value) => value.ToString(CultureInfo.InvariantCulture);
}
