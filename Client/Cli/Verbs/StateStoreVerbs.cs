using System.CommandLine;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor state</c> and <c>kor state purge</c>: what occupies the state database, and freeing it.</summary>
internal static class StateStoreVerbs
{
    // Counting reads whole tables.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static void AddTo(KorCommand kor)
    {
        var state = new Command("state", "Shows what occupies the state database, by pipeline and kind.");
        kor.Add(state, ListAsync);
        AddPurge(kor, state);
    }

    private static async Task<int> ListAsync(VerbContext context, CancellationToken cancellation)
    {
        using var api = new KorApi(context, Patience);
        var answer = await api.GetAsync<StateReport>("state", cancellation);
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        context.Output.Line($"State is in connection '{answer.Value.Connection}'.");
        context.Output.Line();
        context.Output.Table(TableOf(answer.Value.Usage));
        foreach (var removed in answer.Value.Usage.Where(u => Removed(u) && u.Kind != "owner").Select(u => u.Pipeline).Distinct())
            context.Output.Talk($"Pipeline '{removed}' is removed: 'kor state purge {removed}' shows what it left, and with --execute frees it.");
        return ExitCodes.Ok;
    }

    private static void AddPurge(KorCommand kor, Command group)
    {
        var pipeline = StateVerbs.Pipeline();
        var execute = new Option<bool>("--execute", "--yes") { Description = "Frees it for good. Without this it only says what it would free." };
        var verb = new Command("purge", "Says what a removed pipeline left in the state database, or with --execute frees it for good.") { pipeline, execute };
        kor.Add(verb, async (context, cancellation) =>
        {
            using var api = new KorApi(context, Patience);
            var (name, executes) = (context.Args.GetValue(pipeline)!, context.Args.GetValue(execute));
            var answer = await api.DeleteAsync<StatePurge>($"{KorApi.Path("state", name)}?dryRun={(executes ? "false" : "true")}", cancellation);
            if (!context.Output.ForPeople)
            {
                context.Output.Data(answer.Json);
                return ExitCodes.Ok;
            }

            context.Output.Table(TableOf(answer.Value.Freed));
            context.Output.Line(answer.Value.Executed ? $"{name}: freed." : $"{name}: this would be freed for good.");
            if (!answer.Value.Executed) context.Output.Talk("Dry run: nothing was changed. Run again with --execute to do it.");
            return ExitCodes.Ok;
        }, group);
    }

    private static bool Removed(StateUsage usage) => !usage.Defined && usage.Pipeline.Length != 0;

    private static TableModel TableOf(IReadOnlyList<StateUsage> usage)
    {
        var table = new TableModel(new("PIPELINE"), new("KIND"), new("STEP"), new("ROWS", true), new("BYTES", true));
        foreach (var share in usage)
        {
            var name = share.Pipeline.Length == 0 ? "-" : Removed(share) ? share.Pipeline + " (removed)" : share.Pipeline;
            table.Add(name, share.Kind, share.Step ?? "-", Show.Count(share.Rows), Show.Count(share.Bytes));
        }

        return table;
    }
}
