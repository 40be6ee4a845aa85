using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Benchmarks.Throughput;

/// <summary>Runs cells one after the other against one broker and one database server; a topic is filled once and read by all.</summary>
internal sealed class Run(KafkaBroker kafka, PostgresCluster postgres, int seed, string? silo)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter() } };

    private readonly Dictionary<(KeySpread Keys, long Records), LoadedTopic> _topics = [];
    private string[] _environment = [];

    public static async Task<int> AllAsync(IReadOnlyList<Cell> cells, Sizes sizes, string? silo, bool interactive, CancellationToken cancellation)
    {
        var (seed, small, large) = sizes;
        await using var kafka = await KafkaBroker.StartAsync("log.retention.ms=-1", "log.segment.bytes=1073741824");
        await using var postgres = await PostgresCluster.StartAsync(fsync: true);
        var run = new Run(kafka, postgres, seed, silo);
        if (interactive)
        {
            await run.AnswerAsync(sizes, cancellation);
            return 0;
        }

        var slopes = new List<Slope>();
        foreach (var group in cells.GroupBy(c => c.Keys))
        {
            foreach (var records in new[] { small, large }.Where(r => r > 0)) await run.FillAsync(group.Key, records, cancellation);
            foreach (var cell in group) await MeasureAsync(cell);
            run._topics.Clear();
        }

        PrintTable(slopes, small, large);
        return 0;

        async Task MeasureAsync(Cell cell)
        {
            var first = await run.OneAsync(cell, small, cancellation);
            if (large > 0) slopes.Add(new Slope(cell, first, await run.OneAsync(cell, large, cancellation)));
        }
    }

    /// <summary>Measures what lines from the input ask for (a cell, then how many records and NAME=VALUE for the silo's environment), so that one log serves many builds.</summary>
    private async Task AnswerAsync(Sizes sizes, CancellationToken cancellation)
    {
        while (await Console.In.ReadLineAsync(cancellation) is { } line)
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || Cell.All.FirstOrDefault(c => c.Name == words[0]) is not { } cell) continue;
            var records = words.Length > 1 ? long.Parse(words[1], CultureInfo.InvariantCulture) : sizes.Small;
            _environment = words.Length > 2 ? words[2..] : [];
            try
            {
                if (!_topics.ContainsKey((cell.Keys, records))) await FillAsync(cell.Keys, records, cancellation);
                await OneAsync(cell, records, cancellation);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Console.WriteLine($"{cell.Name,-8} failed: {e.Message}");
            }
        }
    }

    private static void PrintTable(List<Slope> slopes, long small, long large)
    {
        if (slopes.Count == 0) return;
        var floor = slopes.Find(s => s.Cell.GrainPer is null)?.PerMillion;
        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"CPU-seconds (user and system) of the silo process per million records: slope between {small:N0} and {large:N0} records."));
        Console.WriteLine();
        Console.WriteLine("| cell | CPU-s per million | goal | times the floor | records/s | peak MB | limit MB | gate |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (var slope in slopes) Console.WriteLine(slope.Row(floor));
    }

    private async Task FillAsync(KeySpread keys, long records, CancellationToken cancellation) =>
        _topics[(keys, records)] = await LoadedTopic.FillAsync(kafka, keys, seed, records, cancellation);

    private async Task<Cost> OneAsync(Cell cell, long records, CancellationToken cancellation)
    {
        var log = _topics[(cell.Keys, records)];
        using (var sync = Process.Start("sync")) await sync.WaitForExitAsync(cancellation);
        await Task.Delay(Quiet, cancellation);
        var cost = cell.GrainPer is null ? await FloorAsync(log, cancellation) : await SiloAsync(cell, log, cancellation);
        Console.WriteLine($"{cell.Name,-8} {cost}{(cell.GrainPer is null ? "" : ", verified")}");
        return cost;
    }

    private async Task<Cost> FloorAsync(LoadedTopic log, CancellationToken cancellation)
    {
        var info = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in new[] { Environment.GetCommandLineArgs()[0], "floor", kafka.BootstrapServers, log.Topic, Text(log.Records + LoadedTopic.Partitions) })
            info.ArgumentList.Add(argument);
        var watch = Stopwatch.StartNew();
        using var process = Process.Start(info)!;
        // It says when it is done and waits to be measured.
        if (await process.StandardOutput.ReadLineAsync(cancellation) is null)
            throw new InvalidOperationException("The floor's process ended early.");
        var cost = CostOf(process, log.Records, watch);
        process.StandardInput.Close();
        await process.WaitForExitAsync(cancellation);
        return cost;
    }

    private async Task<Cost> SiloAsync(Cell cell, LoadedTopic log, CancellationToken cancellation)
    {
        var connection = postgres.For(await postgres.CreateDatabaseAsync("w1"));
        var windows = log.Expected.Windows(cell.Span.Size, cell.Span.Every);
        var watch = Stopwatch.StartNew();
        using var process = SiloProcess.Start(silo, [.. cell.Environment, .. _environment], kafka.BootstrapServers, connection, log.Topic, cell, out var url);
        try
        {
            var status = await DrainAsync(process, url, log.Records + LoadedTopic.Partitions, windows.Count, cancellation);
            var cost = CostOf(process, log.Records, watch);
            Gate.CheckCounts(log.Expected, status.Counts, LoadedTopic.Partitions);
            await Gate.CheckRowsAsync(windows, connection);
            return cost;
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static async Task<PipelineStatus> DrainAsync(Process silo, string url, long records, int windows, CancellationToken cancellation)
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
            if (status.Counts.Consumed == records && status.Shards.Sum(s => s.ClosedWindows) >= windows && status.Shards.All(s => s.OutboxEntries == 0)
                && status.Partitions.All(p => p.Checkpoint == p.Position))
            {
                return status;
            }
        }
    }

    private static Cost CostOf(Process process, long records, Stopwatch watch)
    {
        var wall = watch.Elapsed.TotalSeconds;
        process.Refresh();
        return new Cost(
            records, process.TotalProcessorTime.TotalSeconds, process.PrivilegedProcessorTime.TotalSeconds, wall, PeakRss(process.Id));
    }

    private static long PeakRss(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
