using KafkaOracleOrleans.Processing.Expressions.Functions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Tests.Expressions;

/// <summary>Every example of the documentation is what the function gives, for constants and for fields.</summary>
public sealed class FunctionExampleTests
{
    public static IEnumerable<TheoryDataRow<string, string?>> Examples() =>
        FunctionCatalog.All.SelectMany(function => function.Examples)
            .Select(example => new TheoryDataRow<string, string?>(example.Expression, example.Result));

    [Theory]
    [MemberData(nameof(Examples))]
    public void Gives_what_the_documentation_says(string expression, string? result)
    {
        var compiled = Run.Compile($"CAST({expression} AS string)");
        Assert.Equal((result, null), Run.One($"CAST({expression} AS string)"));
        Assert.Equal(FieldType.String, compiled.Type);
    }

    [Fact]
    public void Every_function_has_an_example_and_a_description()
    {
        Assert.All(FunctionCatalog.All, function =>
        {
            Assert.NotEmpty(function.Examples);
            Assert.EndsWith(".", function.Description.TrimEnd(')'));
            Assert.Matches(@"^[a-z0-9_]+\(.*\) -> ", function.Signature);
        });
    }
}
