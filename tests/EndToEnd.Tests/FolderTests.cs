using System.Net;
using KafkaOracleOrleans.EndToEnd.Tests.Harness;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>The watched folder: what is done to its files takes effect while the silo runs.</summary>
public sealed class FolderTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Files_added_changed_renamed_and_removed_take_effect_and_a_bad_one_disturbs_nothing()
    {
        using var kafka = EmbeddedKafka.Start();
        kafka.CreateTopic("orders", 2);
        var folder = Directory.CreateTempSubdirectory("kor-folder-").FullName;
        try
        {
            var pipelines = Directory.CreateDirectory(Path.Combine(folder, "pipelines")).FullName;
            await using var silo = new SiloProcess("folder", new Dictionary<string, string>
            {
                ["Kor__Pipelines"] = pipelines,
                ["Kor__Kafka__main__BootstrapServers"] = kafka.BootstrapServers,
                ["Kor__Connections__state__Provider"] = "Sqlite",
                ["Kor__Connections__state__ConnectionString"] = $"Data Source={Path.Combine(folder, "state.db")}",
                ["Kor__State__Create"] = "true",
            });
            silo.Start();
            await WalkAsync(silo, pipelines);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static async Task WalkAsync(SiloProcess silo, string pipelines)
    {
        var a = Path.Combine(pipelines, "a.yaml");
        await File.WriteAllTextAsync(a, Text("one"));
        await WaitAsync(silo, s => s is { State: PartState.Running, Version: 1 });

        await File.WriteAllTextAsync(a, "apiVersion: kor/v1\nname: one\nsource: nonsense\n");
        await LogAsync(silo, "a.yaml was refused");
        await WaitAsync(silo, s => s is { State: PartState.Running, Version: 1 });

        await File.WriteAllTextAsync(a, Text("one", idle: "3s"));
        await WaitAsync(silo, s => s is { State: PartState.Running, Version: 2 });

        await File.WriteAllTextAsync(a, Text("one", window: "10m", idle: "3s"));
        await LogAsync(silo, "a.yaml was refused", times: 2);
        await LogAsync(silo, "kor reset one --to-earliest --execute");
        await WaitAsync(silo, s => s is { State: PartState.Running, Version: 2 });

        await DoAsync(silo, "stop");
        (await silo.ResetAsync(execute: true, "one")).EnsureSuccessStatusCode();
        // At once, as people type it: the file comes first, or the old version would run again.
        await DoAsync(silo, "start");
        Assert.True((await silo.TryGetStatusAsync("one"))!.Version > 3, silo.LogText);
        await WaitAsync(silo, s => s is { State: PartState.Running });
        await File.WriteAllTextAsync(a, Text("one", idle: "3s"));
        await LogAsync(silo, "a.yaml was refused", times: 3);
        await File.WriteAllTextAsync(a, Text("one", window: "10m", idle: "3s"));
        var version = (await WaitAsync(silo, s => s is { State: PartState.Running }))!.Version;

        // The same pipeline under another file name goes on; a second file cannot take it over.
        var b = Path.Combine(pipelines, "b.yaml");
        File.Move(a, b);
        await LogAsync(silo, "a.yaml is gone");
        await WaitAsync(silo, s => s is { State: PartState.Running } && s.Version == version);
        await File.WriteAllTextAsync(a, Text("one", window: "10m", idle: "4s"));
        await LogAsync(silo, "b.yaml defines the pipeline 'one' already");
        await WaitAsync(silo, s => s is { State: PartState.Running } && s.Version == version);

        File.Delete(b);
        await WaitAsync(silo, s => s is { State: PartState.Running } && s.Version == version + 1);
        File.Delete(a);
        await Eventually.GetAsync(
            () => silo.PutAsync("/api/v1/pipelines/one/pause"), r => r.StatusCode == HttpStatusCode.NotFound, Deadline, r => $"{r}\n{silo.LogText}");
        Assert.Equal(0, await silo.TerminateAsync(Deadline));
    }

    private static Task<PipelineStatus?> WaitAsync(SiloProcess silo, Func<PipelineStatus?, bool> holds) => Eventually.GetAsync(
        () => silo.TryGetStatusAsync("one"), holds, Deadline, s => $"{s?.State} version {s?.Version} {s?.Reason}\n{silo.LogText}");

    private static async Task DoAsync(SiloProcess silo, string verb) =>
        (await silo.PutAsync($"/api/v1/pipelines/one/{verb}")).EnsureSuccessStatusCode();

    private static Task<string> LogAsync(SiloProcess silo, string text, int times = 1) => Eventually.GetAsync(
        () => Task.FromResult(silo.LogText), log => log.Split(text).Length > times, Deadline, log => $"no '{text}' in\n{log}");

    private static string Text(string name, string window = "5m", string idle = "2s") => $$"""
        apiVersion: kor/v1
        name: {{name}}
        source:
          kafka: { connection: main, topics: [orders], start: earliest }
          format: json
          fields:
            id: { type: string, required: true }
            customer: { type: string, required: true }
            at: timestamp
          eventTime: { field: at, maxOutOfOrder: 1s, idleAfter: {{idle}} }
        steps:
          - id: totals
            type: window
            window: { tumbling: {{window}} }
            groupBy: [customer]
            shards: 2
            aggregates: { orders: count() }
        sinks:
          - { id: sums, from: totals, connection: state, table: TOTALS, mode: upsert, create: true }
        """;
}
