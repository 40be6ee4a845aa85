using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;
using Npgsql;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

internal sealed record RunOptions(KeySpread Keys, string GrainPer, int Shards, int Seed, bool Hopping);

/// <summary>What a run cost.</summary>
internal sealed record Cost(long Records, double CpuSeconds, double WallSeconds, long PeakRssMb);

internal static class Run
{
    private const int Partitions = 8;
    private static readonly long Start = new DateTimeOffset(2026, 1, 5, 8, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds();
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    public static async Task<int> AllAsync(RunOptions options, long small, long large, CancellationToken cancellation)
    {
        await using var kafka = await KafkaBroker.StartAsync("log.retention.ms=-1", "log.segment.bytes=1073741824");
        await using var postgres = await PostgresCluster.StartAsync(fsync: true);
        var first = await OneAsync(kafka, postgres, options, small, cancellation);
        Print(first);
        if (large == 0) return 0;
        var second = await OneAsync(kafka, postgres, options, large, cancellation);
        Print(second);
        var slope = (second.CpuSeconds - first.CpuSeconds) / (second.Records - first.Records) * 1e6;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{options.Keys} {options.GrainPer}{(options.Hopping ? " hopping" : "")}: {slope:0.00} CPU-s per million records, peak {second.PeakRssMb} MB"));
        return 0;
    }

    private static void Print(Cost cost) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{cost.Records,11:N0} records: {cost.CpuSeconds:0.0} CPU-s, {cost.WallSeconds:0.0} s, {cost.Records / cost.WallSeconds:N0}/s, peak {cost.PeakRssMb} MB, verified"));

    private static async Task<Cost> OneAsync(
        KafkaBroker kafka, PostgresCluster postgres, RunOptions options, long records, CancellationToken cancellation)
    {
        var topic = string.Create(CultureInfo.InvariantCulture, $"w1-{records}");
        await kafka.CreateTopicAsync(topic, Partitions);
        var workload = new Workload(options.Seed, records, options.Keys, Start);
        Console.Error.WriteLine($"producing {records} records ...");
        await ProduceAsync(kafka.BootstrapServers, topic, workload, cancellation);
        var database = await postgres.CreateDatabaseAsync("w1");
        using var silo = StartSilo(kafka, postgres.For(database), topic, options, out var url);
        var watch = Stopwatch.StartNew();
        try
        {
            var status = await DrainAsync(silo, url, records + Partitions, cancellation);
            var wall = watch.Elapsed.TotalSeconds;
            silo.Refresh();
            var cost = new Cost(records, silo.TotalProcessorTime.TotalSeconds, wall, PeakRss(silo.Id));
            Gate.CheckCounts(workload.Expected, status.Counts, Partitions);
            if (!options.Hopping) await Gate.CheckRowsAsync(workload.Expected, postgres.For(database));
            return cost;
        }
        finally
        {
            silo.Kill();
            await silo.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task ProduceAsync(string bootstrap, string topic, Workload workload, CancellationToken cancellation)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrap,
            CompressionType = CompressionType.Lz4,
            LingerMs = 50,
            BatchSize = 262_144,
            Partitioner = Partitioner.Murmur2Random,
            QueueBufferingMaxMessages = 500_000,
            QueueBufferingMaxKbytes = 400_000,
            EnableIdempotence = true,
        }).Build();
        foreach (var (key, value) in workload.Records())
        {
            while (true)
            {
                try
                {
                    producer.Produce(topic, new Message<string, byte[]> { Key = key, Value = value });
                    break;
                }
                catch (ProduceException<string, byte[]> e) when (e.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(100));
                }
            }
        }

        producer.Flush(cancellation);
        for (var p = 0; p < Partitions; p++)
        {
            await producer.ProduceAsync(
                new TopicPartition(topic, p), new Message<string, byte[]> { Key = "closing", Value = workload.Closing() }, cancellation);
        }

    }

    private static Process StartSilo(KafkaBroker kafka, string connection, string topic, RunOptions options, out string url)
    {
        var folder = Directory.CreateTempSubdirectory("kor-w1-").FullName;
        File.WriteAllText(Path.Combine(folder, "w1.yaml"), Pipeline(topic, options));
        url = $"http://127.0.0.1:{FreePort()}";
        var info = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        info.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"));
        info.ArgumentList.Add("run");
        foreach (var (key, value) in new Dictionary<string, string>
        {
            ["Kor__Pipelines"] = folder,
            ["Kor__Url"] = url,
            ["Kor__Kafka__main__BootstrapServers"] = kafka.BootstrapServers,
            ["Kor__Connections__state__Provider"] = "PostgreSql",
            ["Kor__Connections__state__ConnectionString"] = connection,
            ["Kor__Connections__dwh__Provider"] = "PostgreSql",
            ["Kor__Connections__dwh__ConnectionString"] = connection,
            ["Kor__State__Create"] = "true",
            ["Kor__Cluster__SiloPort"] = "0",
            ["Kor__Cluster__GatewayPort"] = "0",
            ["Logging__LogLevel__Default"] = "Warning",
        })
        {
            info.Environment[key] = value;
        }

        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is not null) Console.Error.WriteLine(e.Data);
        };
        process.BeginOutputReadLine();
        return process;
    }

    private static string Pipeline(string topic, RunOptions options)
    {
        var size = options.Keys == KeySpread.K1MU ? "1h" : "5m";
        var window = options.Hopping ? "{ hopping: 5m, every: 1m }" : $"{{ tumbling: {size} }}";
        return $$"""
            apiVersion: kor/v1
            name: w1
            source:
              kafka: { connection: main, topics: [{{topic}}], start: earliest }
              format: json
              fields:
                id:    { type: string, required: true }
                key:   { type: string, required: true }
                ts:    { type: timestamp, pattern: epoch_ms }
                value: decimal(12,2)
                unit:  string
              eventTime: { field: ts, maxOutOfOrder: 60s, idleAfter: 10s }
            steps:
              - id: quality
                type: quality
                rules: { valid_value: "value IS NOT NULL AND value >= 0", valid_unit: "unit IN ('kWh', 'V', 'A', 'C')" }
                onFail: drop
              - { id: unique, type: dedup, key: [id], within: 10m, grainPer: {{options.GrainPer}} }
              - id: totals
                type: window
                window: {{window}}
                groupBy: [key]
                shards: {{options.Shards}}
                grainPer: {{options.GrainPer}}
                aggregates: { n: count(), total: sum(value), lowest: min(value), highest: max(value) }
            sinks:
              - { id: totals_table, from: totals, connection: dwh, table: W1_TOTALS, mode: upsert, create: true, flush: { rows: 5000, interval: 1s } }
            """;
    }

    private static async Task<PipelineStatus> DrainAsync(Process silo, string url, long records, CancellationToken cancellation)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (silo.HasExited) throw new InvalidOperationException($"The silo ended with {silo.ExitCode}.");
            await Task.Delay(500, cancellation);
            PipelineStatus? status;
            try
            {
                status = await http.GetFromJsonAsync<PipelineStatus>("/api/v1/pipelines/w1", Json, cancellation);
            }
            catch (HttpRequestException)
            {
                continue;
            }

            if (status is null) continue;
            Console.Error.WriteLine($"{status.State} {status.Counts.Consumed} {status.RecordsPerSecond:N0}/s {status.Reason}");
            if (status.Counts.Consumed == records && status.Shards.All(s => s.OutboxEntries == 0)
                && status.Partitions.All(p => p.Checkpoint == p.Position))
            {
                return status;
            }
        }
    }

    private static long PeakRss(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
