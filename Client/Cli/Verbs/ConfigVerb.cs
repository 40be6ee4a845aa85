using System.CommandLine;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor config check</c> and <c>show</c>: the server's configuration as the server's program reads it here.</summary>
internal static class ConfigVerb
{
    public static void AddTo(KorCommand kor)
    {
        var group = kor.AddGroup("config", "Checks or shows the server's configuration in this environment, without starting anything.");
        kor.Add(
            new Command("check", "Says what is wrong, every fault at once; exit code 78 when there is one."),
            (context, cancellation) => SiloProgram.RunAsync(context, ["config", "check"], cancellation), group);
        kor.Add(
            new Command("show", "Shows what is in force, without secrets, and where each value comes from."),
            (context, cancellation) => SiloProgram.RunAsync(
                context, context.Output.ForPeople ? ["config", "show"] : ["config", "show", "--json"], cancellation), group);
    }
}
