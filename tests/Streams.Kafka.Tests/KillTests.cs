using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>Two silo processes, one of which dies by <c>kill -9</c> in the middle of the load.</summary>
public sealed class KillTests : IDisposable
{
    private const int Partitions = 8;
    private const string Topic = "orders";
    private readonly string _folder = Directory.CreateTempSubdirectory("journal-").FullName;
    private readonly List<Process> _processes = [];

    /// <summary>The silo's program. The folders above the output: net10.0, then the configuration.</summary>
    public static string SiloProgram { get; } = RepoPaths.Under(
        "tests", "KafkaSilo", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "KafkaOracleOrleans.KafkaSilo.dll");

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_silo_process_killed_in_the_middle_of_the_load_leaves_no_gap()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        await using var kafka = await KafkaBroker.StartAsync();
        var perPartition = TestSize.Records(40_000, 400_000);
        using var producer = new KafkaTestProducer(kafka.BootstrapServers);
        var primary = FreePorts.Next();
        await StartSiloAsync(kafka.BootstrapServers, primary, primary);
        var second = await StartSiloAsync(kafka.BootstrapServers, FreePorts.Next(), primary);

        // Only now: the subscribers live where their partitions are first read.
        await kafka.CreateTopicAsync(Topic, Partitions);
        var load = Task.Run(
            () => producer.Fill(Topic, Partitions, perPartition), TestContext.Current.CancellationToken);
        var id = second.Id.ToString(CultureInfo.InvariantCulture);
        await WaitAsync(() => Lines().Count(l => l[4] == id) > 20, "batches taken by the second silo");
        Assert.False(Done(perPartition));
        second.Kill();
        await second.WaitForExitAsync(TestContext.Current.CancellationToken);
        await load;
        await WaitAsync(() => Done(perPartition), "the end");

        for (var partition = 0; partition < Partitions; partition++)
            AssertChain(partition, perPartition);
    }

    /// <summary>
    /// What was accepted, in the order it was: each batch begins where the one before ended, and holds each record once.
    /// Where the silos overlapped, both may have accepted the same span; a span missing would be a loss.
    /// </summary>
    private void AssertChain(int partition, int records)
    {
        var (position, count, sum) = (0L, 0L, 0L);
        foreach (var line in Lines(partition))
        {
            Assert.NotEqual("gap", line[0]);
            var (from, to) = (Number(line[0]), Number(line[1]));
            Assert.True(from <= position, $"partition {partition}: [{from}, {to}) after {position}");
            if (to <= position)
                continue;
            Assert.Equal(position, from);
            (position, count, sum) = (to, count + Number(line[2]), sum + Number(line[3]));
        }

        Assert.Equal((records, records, (long)records * (records - 1) / 2), (position, count, sum));
    }

    private bool Done(long records) => Enumerable.Range(0, Partitions)
        .All(p => Lines(p).LastOrDefault() is { } last && last[0] != "gap" && Number(last[1]) >= records);

    private IEnumerable<string[]> Lines() => Enumerable.Range(0, Partitions).SelectMany(Lines).Where(l => l[0] != "gap");

    /// <summary>Whole lines only: the last one may be in the making.</summary>
    private List<string[]> Lines(int partition)
    {
        var path = Path.Combine(_folder, $"p1+{Topic}+{partition}");
        if (!File.Exists(path))
            return [];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(file);
        var text = reader.ReadToEnd();
        var whole = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. whole.Select(l => l.Split(' '))];
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static async Task WaitAsync(Func<bool> condition, string what) =>
        await TestStreams.WaitAsync(condition, () => what, TimeSpan.FromMinutes(2));

    private async Task<Process> StartSiloAsync(string brokers, int port, int primary)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(SiloProgram);
        foreach (var argument in new object[] { brokers, Topic, _folder, port, FreePorts.Next(), primary })
            start.ArgumentList.Add(Convert.ToString(argument, CultureInfo.InvariantCulture)!);
        var process = Process.Start(start)!;
        _processes.Add(process);
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line == "ready")
            {
                _ = process.StandardOutput.ReadToEndAsync();
                return process;
            }
        }

        throw new InvalidOperationException("The silo process ended before it was ready.");
    }
}
