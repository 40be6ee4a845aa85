using System.Diagnostics;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>The silo as a user would start it, with a pipeline of the workload's query.</summary>
internal static class SiloProcess
{
    public static Process Start(string? build, string[] environment, string bootstrap, string connection, string topic, Cell cell, out string url)
    {
        var folder = Directory.CreateTempSubdirectory("kor-w1-").FullName;
        File.WriteAllText(Path.Combine(folder, "w1.yaml"), Pipeline(topic, cell));
        url = $"http://127.0.0.1:{FreePorts.Next(1)}";
        var info = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        info.ArgumentList.Add(Path.Combine(build ?? AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"));
        info.ArgumentList.Add("run");
        foreach (var (key, value) in new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = folder,
            ["Kor__Url"] = url,
            ["Kor__Kafka__main__BootstrapServers"] = bootstrap,
            ["Kor__Connections__state__Provider"] = "PostgreSql",
            ["Kor__Connections__state__ConnectionString"] = connection,
            ["Kor__Connections__dwh__Provider"] = "PostgreSql",
            ["Kor__Connections__dwh__ConnectionString"] = connection,
            ["Kor__State__Create"] = "true",
            ["Kor__Cluster__SiloPort"] = "0",
            ["Kor__Cluster__GatewayPort"] = "0",
            ["Logging__LogLevel__Default"] = "Warning",
            // As in deploy/Dockerfile.
            ["DOTNET_GCgen0size"] = "0x4000000",
        })
        {
            info.Environment[key] = value;
        }

        foreach (var setting in environment) info.Environment[setting.Split('=')[0]] = setting[(setting.IndexOf('=') + 1)..];
        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is not null) Console.Error.WriteLine(e.Data);
        };
        process.BeginOutputReadLine();
        return process;
    }

    private static string Pipeline(string topic, Cell cell) =>
        $$"""
        apiVersion: kor/v1
        name: w1
        source:
          kafka: { connection: main, topics: [{{topic}}], start: earliest, group: w1-{{Guid.NewGuid():N}} }
          format: json
          fields:
            id:    { type: string, required: true }
            key:   { type: string, required: true }
            ts:    { type: timestamp, pattern: epoch_ms }
            value: decimal(12,2)
            unit:  string
          eventTime: { field: ts, maxOutOfOrder: 60s, maxAhead: 0s, idleAfter: 10s }
        steps:
          - id: quality
            type: quality
            rules: { valid_value: "value IS NOT NULL AND value >= 0", valid_unit: "unit IN ('kWh', 'V', 'A', 'C')" }
            onFail: drop
          - { id: unique, type: dedup, key: [id], within: 10m, {{cell.Dedup}} }
          - id: totals
            type: window
            window: {{cell.Window}}
            groupBy: [key]
            shards: {{cell.Shards}}
            grainPer: {{cell.GrainPer}}
            aggregates: { n: count(), total: sum(value), lowest: min(value), highest: max(value) }
        sinks:
          - { id: totals_table, from: totals, connection: dwh, table: W1_TOTALS, mode: upsert, create: true, flush: { rows: 5000, interval: 1s } }
        """;
}
