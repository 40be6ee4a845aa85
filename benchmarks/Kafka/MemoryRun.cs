using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Benchmarks.Kafka;

/// <summary>What the whole process grows by, native memory included, while no subscriber takes anything.</summary>
internal static class MemoryRun
{
    /// <param name="records">Records of 160 bytes over all partitions.</param>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="bound">MaxBufferedBytes.</param>
    /// <param name="time">How long the subscribers stand still.</param>
    public static async Task<int> RunAsync(int records, int partitions, long bound, TimeSpan time)
    {
        await using var broker = await KafkaBroker.StartAsync();
        var topic = "memory-" + Guid.NewGuid().ToString("N");
        await broker.CreateTopicAsync(topic, partitions);
        Load.Fill(broker.BootstrapServers, topic, records, partitions);
        await using var provider = await ProviderRun.StartAsync(
            broker.BootstrapServers, null, 0, new KafkaStreamOptions().MaxBatchRecords, bound);
        provider.Hold();
        var before = Sample();
        provider.Read(topic);
        var peak = before;
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time)
        {
            await Task.Delay(200);
            var now = Sample();
            peak = (Math.Max(peak.Resident, now.Resident), Math.Max(peak.Managed, now.Managed));
        }

        var buffered = await provider.BufferedBytesAsync();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"bound {Mb(bound)} MB, {partitions} partitions, {records} records: resident +" +
            $"{Mb(peak.Resident - before.Resident)} MB, managed heap +{Mb(peak.Managed - before.Managed)} MB, " +
            $"batches {Mb(buffered)} MB"));
        provider.LetGo();
        await provider.WaitAsync(records);
        Console.WriteLine("all records delivered");
        return peak.Resident - before.Resident <= bound ? 0 : 1;
    }

    private static (long Resident, long Managed) Sample()
    {
        using var process = Process.GetCurrentProcess();
        return (process.WorkingSet64, GC.GetTotalMemory(forceFullCollection: false));
    }

    private static long Mb(long bytes) => bytes / 1_000_000;
}
