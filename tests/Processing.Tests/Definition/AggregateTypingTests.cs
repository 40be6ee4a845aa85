using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>The types of aggregates.</summary>
public sealed class AggregateTypingTests
{
    private static readonly FieldType Money = FieldType.Decimal(12, 2);

    [Fact]
    public void Sums_and_averages_are_exact_and_as_wide_as_can_be()
    {
        Assert.Equal(FieldType.Decimal(28, 0), AggregateTyping.ResultType(AggregateKind.Sum, FieldType.Integer));
        Assert.Equal(FieldType.Decimal(28, 2), AggregateTyping.ResultType(AggregateKind.Sum, Money));
        Assert.Equal(FieldType.Decimal(28, 6), AggregateTyping.ResultType(AggregateKind.Avg, Money));
        Assert.Equal(FieldType.Decimal(28, 9), AggregateTyping.ResultType(AggregateKind.Avg, FieldType.Decimal(20, 9)));
        Assert.Equal(FieldType.Double, AggregateTyping.ResultType(AggregateKind.Sum, FieldType.Double));
        Assert.Null(AggregateTyping.ResultType(AggregateKind.Sum, FieldType.String));
    }

    [Fact]
    public void Every_aggregate_takes_a_number_and_only_some_take_json()
    {
        foreach (var info in AggregateTyping.All) Assert.NotNull(AggregateTyping.ResultType(info.Kind, Money));

        var json = AggregateTyping.All.Where(a => AggregateTyping.ResultType(a.Kind, FieldType.Json) is not null);
        Assert.Equal(["count", "first", "last", "collect"], json.Select(a => a.Name));
    }

    [Fact]
    public void Only_counts_are_never_null() => Assert.Equal(
        [AggregateKind.Count, AggregateKind.CountValues, AggregateKind.CountDistinct],
        Enum.GetValues<AggregateKind>().Where(k => !AggregateTyping.IsNullable(k)));
}
