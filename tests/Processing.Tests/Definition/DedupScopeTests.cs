using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>A dedup step whose ids may come in several partitions, and does not say so, is warned of; what the warning advises ends it.</summary>
public sealed class DedupScopeTests
{
    private static readonly string Unsaid = Base.Replace("scope: partition, key: [order_id]", "key: [order_id]", StringComparison.Ordinal);

    [Fact]
    public void A_scope_nobody_chose_is_warned_of()
    {
        var warning = Assert.Single(Compile(Unsaid).Diagnostics);
        Assert.Equal(("KOR2061", 23), (warning.Code, warning.Line));
        Assert.Contains("nothing says that the message key is part of (order_id)", warning.Message, StringComparison.Ordinal);
        Assert.Contains("add scope: global", warning.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("within: 1h", "within: 1h, scope: global")]
    [InlineData("within: 1h", "within: 1h, scope: partition")]
    [InlineData("within: 1h", "within: 1h, cellBy: message_key")]
    [InlineData("order_id: { type: string, required: true }", "order_id: { type: string, from: key, required: true }")]
    public void What_the_warning_advises_ends_it(string from, string to) =>
        Assert.Empty(Compile(Unsaid.Replace(from, to, StringComparison.Ordinal)).Diagnostics);

    /// <summary>A key that is renamed on its way is still the key; one that is set anew, or a part of the key, is not known to be it.</summary>
    [Theory]
    [InlineData(true, "from: key", "rename: { order_id: nr }")]
    [InlineData(false, "from: key", "set: { nr: upper(order_id) }")]
    [InlineData(false, "from: key, path: nr", "rename: { order_id: nr }")]
    public void The_key_is_followed_through_steps(bool known, string field, string map)
    {
        var text = Unsaid.Replace("order_id: { type: string, required: true }", $"order_id: {{ type: string, required: true, {field} }}", StringComparison.Ordinal)
            .Replace("set: { total: amount * 2 }, drop: [weight]", map.StartsWith("set", StringComparison.Ordinal)
                ? map.Replace("set: {", "set: { total: amount * 2,", StringComparison.Ordinal) : "set: { total: amount * 2 }, " + map, StringComparison.Ordinal)
            .Replace("key: [order_id]", "key: [nr]", StringComparison.Ordinal);
        var codes = Compile(text).Diagnostics.Select(d => d.Code);
        Assert.Equal(known ? [] : ["KOR2061"], codes);
    }

    [Theory]
    [InlineData("topics: [orders, more]")]
    [InlineData("topics: ['^orders.*']")]
    public void Several_topics_are_several_places(string topics)
    {
        var text = Unsaid.Replace("order_id: { type: string, required: true }", "order_id: { type: string, from: key, required: true }", StringComparison.Ordinal)
            .Replace("topics: [orders]", topics, StringComparison.Ordinal);
        Assert.Contains("several topics", Assert.Single(Compile(text).Diagnostics).Message, StringComparison.Ordinal);
    }
}
