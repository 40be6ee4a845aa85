using System.Globalization;
using KafkaOracleOrleans.Benchmarks.Kafka;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;

// Kafka [records] [rounds] [batch] [bootstrap]: records per CPU-second the stream provider delivers to a grain,
// beside a bare librdkafka batch loop on the same topic in the same process: 8 partitions, 160-byte values, lz4.
//
// Kafka memory [records] [partitions] [bound MiB] [seconds]: what the process grows by while subscribers stand still.
if (args is ["memory", ..])
{
    var numbers = args[1..].Select(a => int.Parse(a, CultureInfo.InvariantCulture)).ToArray();
    return await MemoryRun.RunAsync(
        numbers.ElementAtOrDefault(0) is > 0 and var total ? total : 3_000_000,
        numbers.ElementAtOrDefault(1) is > 0 and var partitions ? partitions : 64,
        (numbers.ElementAtOrDefault(2) is > 0 and var bound ? bound : 256L) << 20,
        TimeSpan.FromSeconds(numbers.ElementAtOrDefault(3) is > 0 and var seconds ? seconds : 30));
}

var records = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 2_000_000;
var rounds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 3;
var batch = args.Length > 2
    ? int.Parse(args[2], CultureInfo.InvariantCulture)
    : new KafkaStreamOptions().MaxBatchRecords;
if (KafkaBroker.SkipReason is { } reason && args.Length < 4)
{
    Console.Error.WriteLine(reason);
    return 2;
}

await using var broker = args.Length < 4 ? await KafkaBroker.StartAsync() : null;
var bootstrap = broker?.BootstrapServers ?? args[3];
var topic = "bench-" + Guid.NewGuid().ToString("N");
if (broker is not null)
    await broker.CreateTopicAsync(topic, Load.Partitions);
Load.Fill(bootstrap, topic, records);

await using var provider = await ProviderRun.StartAsync(bootstrap, topic, records, batch);
using var bare = new BareRun(bootstrap, topic, records);
var results = new Dictionary<string, List<double>> { ["bare"] = [], ["provider"] = [] };
for (var round = 0; round <= rounds; round++)
{
    await Measure("bare", () => Task.Run(bare.Run));
    await Measure("provider", provider.RunAsync);

    async Task Measure(string name, Func<Task> run)
    {
        var sample = await CpuSample.OfAsync(run);
        var perCpuSecond = records / sample.Cpu.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-9} {records / sample.Wall.TotalSeconds / 1e6:F2} M/s wall, " +
            $"{sample.Cpu.TotalSeconds / records * 1e6:F3} us CPU per record, " +
            $"{perCpuSecond / 1e6:F2} M per CPU-second, {sample.Allocated / (double)records:F1} B " +
            $"allocated per record{(round == 0 ? " (warm-up)" : "")}"));
        if (round > 0)
            results[name].Add(perCpuSecond);
    }
}

var (idleCpu, idleTime) = await provider.MeasureIdleAsync(TimeSpan.FromSeconds(12));
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture, $"idle: {idleCpu.TotalSeconds / idleTime.TotalSeconds * 100:F1} % of a core"));

var ratio = results["provider"].Order().ElementAt(rounds / 2) / results["bare"].Order().ElementAt(rounds / 2);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"provider/bare, medians: {ratio * 100:F0} %"));
return ratio >= 0.6 ? 0 : 1;
