using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>Every command line of the server's program that the product's texts or documents tell somebody is one that it takes.</summary>
public sealed class AdvisedServerCommandTests
{
    [Fact]
    public void Commands_of_the_server_are_taken()
    {
        var all = CommandMentions.OfServer.InSources().Concat(CommandMentions.OfServer.InDocuments()).ToList();
        var faults = all.SelectMany(m => CommandMentions.Meant(m).Select(args => (m.Place, Args: args, SiloCommand.Create().Parse(args).Errors))).Where(f => f.Errors.Count != 0)
            .Select(f => $"{f.Place}: {string.Join(' ', f.Args)}: {string.Join(' ', f.Errors.Select(e => e.Message))}").ToList();
        Assert.True(all.Count >= 15, $"only {all.Count} were found");
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }
}
