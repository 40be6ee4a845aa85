using System.CommandLine;
using System.Reflection;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor cluster</c> and <c>kor version</c>.</summary>
internal static class ClusterVerbs
{
    public static void AddTo(KorCommand kor)
    {
        kor.Add(new Command("cluster", "Lists the silos."), ClusterAsync);
        kor.Add(new Command("version", "Shows the versions of kor and of the server."), VersionAsync);
    }

    private static async Task<int> ClusterAsync(VerbContext context, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var answer = await api.GetAsync<ClusterReport>("cluster", cancellation);
        if (!context.Output.ForPeople)
        {
            context.Output.Data(answer.Json);
            return ExitCodes.Ok;
        }

        var cluster = answer.Value;
        var now = context.Host.Time.GetUtcNow();
        context.Output.Line($"Cluster {cluster.ClusterId}, service {cluster.ServiceId}: {Show.Count(cluster.Active)} active silos");
        var table = new TableModel(new("SILO"), new("NAME"), new("HOST"), new("STATUS"), new("UP", true), new("PARTITIONS", true));
        foreach (var silo in cluster.Silos)
        {
            var active = silo.Status == "Active";
            table.Add(
                silo.Address, silo.Name, silo.Host, new Cell(silo.Status, active ? Tone.Good : Tone.Faint),
                active ? Show.Span(now - silo.Started) : "-", Show.Count(silo.Partitions));
        }

        context.Output.Line();
        context.Output.Table(table);
        return ExitCodes.Ok;
    }

    /// <summary>The server may be away: then that is what there is to say about it.</summary>
    private static async Task<int> VersionAsync(VerbContext context, CancellationToken cancellation)
    {
        var own = typeof(ClusterVerbs).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        ApiAnswer<VersionReport>? server = null;
        try
        {
            using var api = new KorApi(context);
            server = await api.GetAsync<VersionReport>("version", cancellation);
        }
        catch (CliException away) when (away.ExitCode is ExitCodes.Unavailable or ExitCodes.Denied or ExitCodes.NotFound)
        {
            context.Output.Talk($"kor: {away.Message.Split('\n')[0]}");
        }

        if (context.Output.ForPeople)
        {
            context.Output.Line($"kor     {own}");
            context.Output.Line(server is null ? "server  -" : $"server  {server.Value.Version}, Orleans {server.Value.Orleans}, {server.Value.Runtime}, {server.Value.Os}");
            if (server?.Value.Librdkafka is { } library) context.Output.Line($"        librdkafka {library}");
        }
        else
        {
            context.Output.Data(new JsonObject { ["kor"] = own, ["server"] = server is null ? null : JsonNode.Parse(server.Json) });
        }

        return ExitCodes.Ok;
    }
}
