using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Every command line of <c>kor</c> that the product's texts or documents tell somebody is one that <c>kor</c> takes.</summary>
public sealed class AdvisedCommandTests
{
    [Fact]
    public void Commands_in_the_products_texts_are_taken() => AssertTaken(CommandMentions.OfKor.InSources(), atLeast: 60);

    [Fact]
    public void Commands_in_documents_are_taken() => AssertTaken(CommandMentions.OfKor.InDocuments(), atLeast: 100);

    [Theory]
    [InlineData("quarantine list|show PIPELINE [ID]", "quarantine list PIPELINE ID;quarantine list PIPELINE;quarantine show PIPELINE ID;quarantine show PIPELINE")]
    [InlineData("reset P --to-earliest|--offsets ...", "reset P --to-earliest;reset P --offsets orders/0=5")]
    [InlineData("validate p.yaml && kor test \"a b.yaml\"  # all", "validate p.yaml;test a b.yaml")]
    public void A_mention_stands_for_each_of_its_forms(string line, string meant) => Assert.Equal(
        meant.Split(';').Order(StringComparer.Ordinal), CommandMentions.Meant(new CommandMention("", line)).Select(w => string.Join(' ', w)).Order(StringComparer.Ordinal));

    private static void AssertTaken(IEnumerable<CommandMention> mentions, int atLeast)
    {
        var host = new CliHost { Out = TextWriter.Null, Error = TextWriter.Null, In = TextReader.Null, WorkingDirectory = "." };
        var all = mentions.ToList();
        var faults = all.SelectMany(m => CommandMentions.Meant(m).Select(args => (m, args, Fault: KorCommand.FaultOf(args, host)))).Where(f => f.Fault is not null)
            .Select(f => $"{f.m.Place}: 'kor {f.m.Line}', as 'kor {string.Join(' ', f.args)}': {f.Fault}").ToList();
        Assert.True(all.Count >= atLeast, $"only {all.Count} were found");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }
}
