using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>Results of decimals have the digits of their type: rounded once to its scale, or the record fails.</summary>
public sealed class DecimalTypeTests
{
    private static readonly Schema Wide = new(
        new Field("whole", FieldType.Decimal(28, 0)), new Field("fine", FieldType.Decimal(28, 10)),
        new Field("share", FieldType.Decimal(28, 28)), new Field("rate", FieldType.Decimal(12, 10)),
        new Field("near", FieldType.Decimal(9, 6)), new Field("qty", FieldType.Integer), new Field("ratio", FieldType.Double));

    private const decimal Most = 9_999_999_999_999_999_999_999_999_999m;

    private static readonly object?[] Row = [Most, 1.0123456789m, 0.1234567890123456789012345678m, 0.0123456789m, 1.000001m, 3L, 0.29];
    private static readonly object?[] NoWhole = [null, 1.0123456789m, 0.1234567890123456789012345678m, 0.0123456789m, 1.000001m, null, 0.29];

    [Theory]
    [InlineData("coalesce(whole, fine)", "decimal(28,6)", "1.012346")]
    [InlineData("coalesce(qty, rate)", "decimal(28,9)", "0.012345679")]
    [InlineData("CASE WHEN whole IS NULL THEN fine ELSE whole END", "decimal(28,6)", "1.012346")]
    [InlineData("if(whole IS NULL, 0.12345678, whole)", "decimal(28,6)", "0.123457")]
    [InlineData("least(fine, coalesce(whole, 5))", "decimal(28,6)", "1.012346")]
    [InlineData("coalesce(share, 0)", "decimal(28,27)", "0.123456789012345678901234568")]
    [InlineData("nullif(share, 0.5)", "decimal(28,28)", "0.1234567890123456789012345678")]
    [InlineData("near * CAST(1.5 AS decimal(28,6))", "decimal(28,6)", "1.500002")]
    [InlineData("coalesce(whole, fine) * 1000000", "decimal(28,6)", "1012346.000000")]
    public void Values_are_rounded_to_the_common_type(string text, string type, string expected)
    {
        var expression = Run.Compile(text, Wide);
        var (values, errors) = Run.Evaluate(expression, Run.Rows(Wide, NoWhole));
        Assert.Equal(type, expression.Type.ToString());
        Assert.Empty(errors.Items);
        Assert.Equal(decimal.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), values[0]);
        Assert.True(((decimal)values[0]!).Scale <= expression.Type.Scale, $"{values[0]} has more digits than {type}");
    }

    [Theory]
    [InlineData("coalesce(whole, fine)")]
    [InlineData("CASE WHEN qty = 3 THEN whole ELSE fine END")]
    [InlineData("greatest(fine, whole)")]
    [InlineData("coalesce(whole, fine) * 1000000")]
    [InlineData("coalesce(whole, fine) * 1000000 - whole * 1000000")]
    public void A_value_that_the_common_type_cannot_hold_fails_the_record(string text) =>
        Assert.Equal((null, "KOR3101"), Run.One(text, Wide, Row));

    [Theory]
    [InlineData("whole > fine", true)]
    [InlineData("whole + 0 = whole", true)]
    [InlineData("fine = 1.0123456789000000001", false)]
    [InlineData("least(fine, whole) < 1.0124", true)]
    [InlineData("fine IN (1, 2, 3, 4, 1.012346)", false)]
    [InlineData("nullif(fine, whole) = fine", true)]
    public void Comparisons_are_exact_whatever_the_digits(string text, bool expected) =>
        Assert.Equal((expected, null), Run.One(text, Wide, Row));

    [Theory]
    [InlineData("CAST('0.4999999999999999999999999999999' AS decimal(10,0))", "0")]
    [InlineData("CAST('-0.5000000000000000000000000000000' AS decimal(10,0))", "-1")]
    [InlineData("CAST('1.00499999999999999999999999999999999' AS decimal(10,2))", "1.00")]
    [InlineData("CAST(' 12345678901234567890123456.785 ' AS decimal(28,2))", "12345678901234567890123456.79")]
    [InlineData("CAST('0.0000000000000000000000000000000000012345e37' AS decimal(10,3))", "12.345")]
    [InlineData("CAST('0.00000000000000000000000000000000000012345e-99999999999' AS decimal(10,3))", "0")]
    public void A_text_with_many_digits_is_rounded_once(string text, string expected)
    {
        var (value, error) = Run.One(text);
        Assert.Null(error);
        Assert.Equal(decimal.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), value);
    }

    [Theory]
    [InlineData("trunc(ratio, 2)", 0.29)]
    [InlineData("trunc(4.35e0, 2)", 4.35)]
    [InlineData("trunc(-1.1e0, 1)", -1.1)]
    [InlineData("trunc(0.299e0, 2)", 0.29)]
    [InlineData("trunc(-0.299e0, 2)", -0.29)]
    public void Cutting_a_double_keeps_the_digits_it_shows(string text, double expected) =>
        Assert.Equal((expected, null), Run.One(text, Wide, Row));
}
