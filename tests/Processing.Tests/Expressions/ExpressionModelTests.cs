using CsCheck;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>Random expressions over random rows give what a naive interpreter gives.</summary>
public sealed class ExpressionModelTests
{
    private static readonly Schema Fields = new(
        new Field("i1", FieldType.Integer), new Field("i2", FieldType.Integer), new Field("b1", FieldType.Boolean),
        new Field("b2", FieldType.Boolean), new Field("s1", FieldType.String), new Field("s2", FieldType.String),
        new Field("d1", FieldType.Decimal(12, 2)), new Field("d2", FieldType.Decimal(18, 4)), new Field("d3", FieldType.Decimal(28, 10)));

    private static readonly Gen<object?[]> Row = Gen.Select(
        Nullable(Integers()), Nullable(Integers()), Nullable(Gen.Bool), Nullable(Gen.Bool), Nullable(Texts()), Nullable(Texts()),
        Gen.Select(Nullable(Decimals(12, 2)), Nullable(Decimals(18, 4)), Nullable(Decimals(28, 10))),
        (i1, i2, b1, b2, s1, s2, d) => new[] { i1, i2, b1, b2, s1, s2, d.Item1, d.Item2, d.Item3 });

    [Fact]
    public void Conditions() => Check(builder => builder.Boolean(4));

    [Fact]
    public void Integer_arithmetic() => Check(builder => builder.Integer(4));

    [Fact]
    public void Decimal_arithmetic() => Check(builder => builder.Decimal(3));

    [Fact]
    public void Filters_choose_the_rows_that_hold() => Gen.Select(Gen.Byte.Array[1, 40], Row.Array[1, 8]).Sample(
        (tape, rows) =>
        {
            var tree = new TreeBuilder(tape).Boolean(3);
            if (Compile(tree) is not { } expression) return;
            var (matching, rest, errors, all) = (new Selection(), new Selection(), new RowErrors(), new Selection());
            all.SetAll(rows.Length);
            expression.Filter(Run.Rows(Fields, rows), all, matching, rest, new EvaluationContext(0, errors, "f"));
            for (var row = 0; row < rows.Length; row++)
            {
                var (value, code) = Expected(tree, rows[row]);
                Assert.Equal(value is true && code is null, matching.Span.Contains(row));
                Assert.Equal(value is not true && code is null, rest.Span.Contains(row));
                Assert.Equal(code is not null, errors.Contains(row));
            }
        },
        iter: 400);

    private static void Check(Func<TreeBuilder, Tree> build) => Gen.Select(Gen.Byte.Array[1, 40], Row.Array[1, 8]).Sample(
        (tape, rows) =>
        {
            var tree = build(new TreeBuilder(tape));
            if (Compile(tree) is not { } expression) return;
            var (values, errors) = Run.Evaluate(expression, Run.Rows(Fields, rows));
            if (tree.Digits.Precision > 0)
                Assert.Equal(FieldType.Decimal(tree.Digits.Precision, tree.Digits.Scale), expression.Type);
            for (var row = 0; row < rows.Length; row++)
            {
                var (value, code) = Expected(tree, rows[row]);
                var actualCode = errors.Items.Where(error => error.Row == row).Select(error => error.Code).SingleOrDefault();
                var actual = values[row];
                if (actual is decimal number && value is Exact exact) Same(exact, number, tree.Text, expression.Type);
                else if (!Equals(value, actual) || code != actualCode)
                    Assert.Fail($"{tree.Text}: expected {value ?? "NULL"} {code}, was {actual ?? "NULL"} {actualCode}");
                if (!expression.Nullable && code is null) Assert.NotNull(actual);
            }
        },
        iter: 400);

    private static void Same(Exact expected, decimal actual, string text, FieldType type)
    {
        if (expected.CompareTo(Exact.Of(actual)) != 0) Assert.Fail($"{text}: expected {expected}, was {actual}");
        Assert.True(actual.Scale <= type.Scale, $"{text}: {actual} has more digits than {type}");
    }

    /// <summary>Null for an expression with a constant part that always fails, which is refused.</summary>
    private static CompiledExpression? Compile(Tree tree)
    {
        var result = ExpressionCompiler.Compile(tree.Text, Fields);
        if (result.Expression is not null) return result.Expression;
        Assert.All(result.Errors, error => Assert.Equal("KOR3021", error.Code));
        return null;
    }

    private static (object? Value, string? Code) Expected(Tree tree, object?[] row)
    {
        try
        {
            return (tree.Evaluate([.. row.Select(value => value is decimal number ? Exact.Of(number) : value)]), null);
        }
        catch (ModelException failure)
        {
            return (null, failure.Code);
        }
    }

    private static Gen<object?> Nullable<T>(Gen<T> values) =>
        Gen.Frequency((1, Gen.Const((object?)null)), (5, values.Select(value => (object?)value)));

    private static Gen<long> Integers() => Gen.Frequency(
        (6, Gen.Long[-10, 10]), (1, Gen.Long), (1, Gen.Const(long.MaxValue)), (1, Gen.Const(long.MinValue)));

    private static Gen<string> Texts() => Gen.Int[0, 5].Select(i => new[] { "", "a", "b", "ü", "ab", "😀" }[i]);

    /// <summary>Small and large numbers, some ending in 5, with any number of digits behind the point up to the scale.</summary>
    private static Gen<decimal> Decimals(int precision, int scale) => Gen.Select(
        Gen.Frequency((4, Gen.Int[0, 3]), (2, Gen.Int[1, precision])), Gen.Int[0, scale], Gen.ULong, Gen.ULong, Gen.Bool,
        (digits, behind, a, b, negative) =>
        {
            digits = Math.Min(digits, precision - scale + behind);
            var mantissa = (((UInt128)a << 64) | b) % (UInt128)Math.Pow(10, Math.Min(digits, 15)) ;
            for (var i = 15; i < digits; i++) mantissa = (mantissa * 10) + (b >> i) % 10;
            var bits = new decimal((int)(uint)mantissa, (int)(uint)(mantissa >> 32), (int)(uint)(mantissa >> 64), negative, (byte)behind);
            return bits;
        });
}
