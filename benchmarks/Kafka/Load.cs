using System.Diagnostics;
using System.Text;
using KafkaOracleOrleans.TestSupport;

namespace KafkaOracleOrleans.Benchmarks.Kafka;

/// <summary>The records that are read.</summary>
internal static class Load
{
    public const int Partitions = 8;
    private const int ValueBytes = 160;

    public static void Fill(string bootstrap, string topic, int records, int partitions = Partitions)
    {
        using var producer = new KafkaTestProducer(bootstrap);
        var random = new Random(1);
        for (var i = 0; i < records; i++)
        {
            var text = $"{{\"order_id\":\"o-{i:D10}\",\"customer_id\":\"c-{random.Next(10_000):D6}\",\"amount\":" +
                $"{random.Next(1, 100_000) / 100m},\"currency\":\"EUR\",\"created_at\":{1_700_000_000_000 + i}}}";
            producer.Send(
                topic,
                i % partitions,
                Encoding.ASCII.GetBytes($"c-{random.Next(10_000):D6}"),
                Encoding.ASCII.GetBytes(text.PadRight(ValueBytes)));
        }

        producer.Flush();
    }
}

/// <summary>What a run cost this process.</summary>
internal readonly record struct CpuSample(TimeSpan Wall, TimeSpan Cpu, long Allocated)
{
    public static async Task<CpuSample> OfAsync(Func<Task> run)
    {
        GC.Collect();
        var process = Process.GetCurrentProcess();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var cpu = process.TotalProcessorTime;
        var clock = Stopwatch.StartNew();
        await run();
        var wall = clock.Elapsed;
        process.Refresh();
        return new CpuSample(
            wall, process.TotalProcessorTime - cpu, GC.GetTotalAllocatedBytes(precise: true) - allocated);
    }
}
