namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The host's configuration cannot work; the message lists every fault with its remedy.</summary>
public sealed class KorConfigurationException(IReadOnlyList<string> faults)
    : Exception("The configuration cannot work:" + string.Concat(faults.Select(f => Environment.NewLine + "  " + f)))
{
    /// <summary>The faults.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>Checks the host's configuration as a whole, before anything starts.</summary>
internal static class KorOptionsValidation
{
    public static void Check(KorOptions options)
    {
        var faults = new List<string>();
        if (options.Kafka.Count == 0)
            faults.Add("Kor:Kafka names no cluster; set Kor:Kafka:main:BootstrapServers (environment: Kor__Kafka__main__BootstrapServers).");
        foreach (var (name, kafka) in options.Kafka.Where(k => string.IsNullOrWhiteSpace(k.Value.BootstrapServers)))
            faults.Add($"Kor:Kafka:{name}:BootstrapServers is empty; give host:port of at least one broker.");
        if (!options.Connections.ContainsKey(options.State.Connection))
        {
            faults.Add(
                $"Kor:State:Connection is '{options.State.Connection}', but Kor:Connections has {Known(options)}; " +
                $"add Kor:Connections:{options.State.Connection} or name one that exists.");
        }

        if (options.Cluster.Connection.Length != 0 && !options.Connections.ContainsKey(options.Cluster.Connection))
            faults.Add($"Kor:Cluster:Connection is '{options.Cluster.Connection}', but Kor:Connections has {Known(options)}.");
        foreach (var (name, connection) in options.Connections)
            faults.AddRange(connection.Validate().Select(f => $"Kor:Connections:{name}: {f}"));
        var engine = options.Engine;
        Range(faults, "Kor:Engine:CheckpointInterval", engine.CheckpointInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        Range(faults, "Kor:Engine:QueuedBatches", engine.QueuedBatches, 1, 64);
        Range(faults, "Kor:Engine:SinkBufferBytes", engine.SinkBufferBytes, 1 << 20, 1 << 30);
        Range(faults, "Kor:Engine:RecentWindows", engine.RecentWindows, 0, 100_000);
        Range(faults, "Kor:Reading:Slots", options.Reading.Slots, 1, 1024);
        if (faults.Count != 0) throw new KorConfigurationException(faults);
    }

    private static string Known(KorOptions options) =>
        options.Connections.Count == 0 ? "no connections" : string.Join(", ", options.Connections.Keys.Select(k => $"'{k}'"));

    private static void Range<T>(List<string> faults, string name, T value, T min, T max)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0) faults.Add($"{name} is {value}; it must be from {min} to {max}.");
    }
}
