namespace KafkaOracleOrleans.WebConsole.Tests;

public sealed class DefinitionSnippetTests
{
    private const string Text = """
        name: orders
        source:
          kafka: { connection: main }

          format: json
        steps:
          - { id: enrich, type: map, set: { a: b } }
          - type: quality
            id: "quality"   # the rules
            rules:
              positive: amount > 0

          - id: quality_2
            type: filter
        sinks:
          - { id: clean, from: quality }
        """;

    [Theory]
    [InlineData("", 2, "source:\n  kafka: { connection: main }\n\n  format: json")]
    [InlineData("enrich", 7, "- { id: enrich, type: map, set: { a: b } }")]
    [InlineData("quality", 8, "- type: quality\n  id: \"quality\"   # the rules\n  rules:\n    positive: amount > 0")]
    [InlineData("quality_2", 13, "- id: quality_2\n  type: filter")]
    [InlineData("clean", 16, "- { id: clean, from: quality }")]
    public void A_part_is_shown_by_its_own_lines(string id, int line, string text) => Assert.Equal((line, text), DefinitionSnippet.Of(Text, id));

    [Fact]
    public void What_is_not_found_is_not_guessed()
    {
        Assert.Null(DefinitionSnippet.Of(Text, "qual"));
        Assert.Null(DefinitionSnippet.Of("""{ "name": "orders" }""", ""));
    }
}
