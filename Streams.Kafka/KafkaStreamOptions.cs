namespace KafkaOracleOrleans.Streams.Kafka;

/// <summary>Options of the Kafka stream provider. Checked at start; <see cref="ToString"/> hides secrets.</summary>
public sealed class KafkaStreamOptions
{
    /// <summary>Clusters by name; a source refers to one. At least one is needed.</summary>
    public Dictionary<string, KafkaConnection> Connections { get; init; } = [];

    /// <summary>Sources known from the start. More can be added through <see cref="IKafkaSourceRegistry"/>.</summary>
    public List<KafkaSource> Sources { get; init; } = [];

    /// <summary>
    /// Number of slots over which partitions are spread; the unit the silos share out. Equal on all silos, not to be
    /// changed while the cluster runs. 1 to 4096, default 32.
    /// </summary>
    public int Slots { get; set; } = 32;

    /// <summary>How often topics and partitions are looked for. 100 ms to 1 day, default 30 s.</summary>
    public TimeSpan MetadataInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often the ends of the logs of all partitions are asked for, whatever they are doing: one request per broker for all partitions of a
    /// connection. 100 ms to 1 h, default 5 s.
    /// </summary>
    public TimeSpan EndInterval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Records per batch at most. 1 to 100,000, default 5,000.</summary>
    public int MaxBatchRecords { get; set; } = 5_000;

    /// <summary>Bytes per batch at most (one record may be larger). 4 KiB to 64 MiB, default 1 MiB.</summary>
    public int MaxBatchBytes { get; set; } = 1 << 20;

    /// <summary>
    /// Bound for all records buffered by this provider in one silo, in bytes: half for librdkafka's prefetch, half for
    /// batches waiting or being delivered. Each partition gets an equal share, whatever the number of partitions. A
    /// single record larger than its partition's share is still read. 8 MiB to 64 GiB, default 256 MiB.
    /// </summary>
    public long MaxBufferedBytes { get; set; } = 256L << 20;

    /// <summary>Batches of one partition handed to Orleans and not yet processed. 1 to 64, default 2.</summary>
    public int MaxBatchesInFlight { get; set; } = 2;

    /// <summary>Pause of a slot's agent after it found nothing. 1 ms to 1 s, default 10 ms.</summary>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// First pause after a fault; doubles, jittered, up to <see cref="MaxBackoff"/>. 1 ms to 5 min, default 250 ms.
    /// </summary>
    public TimeSpan MinBackoff { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Longest pause between retries, also for faults only people can mend. <see cref="MinBackoff"/> to 1 h, default
    /// 30 s.
    /// </summary>
    public TimeSpan MaxBackoff { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Time limit of one request to a broker (offsets, watermarks). 1 s to 5 min, default 10 s.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long writing to a producing stream waits for the brokers. 1 s to 1 h, default 2 min.</summary>
    public TimeSpan ProduceTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public override string ToString() =>
        $"slots={Slots} metadata={MetadataInterval} batch={MaxBatchRecords}/{MaxBatchBytes}B " +
        $"buffer={MaxBufferedBytes}B inFlight={MaxBatchesInFlight} poll={PollInterval} connections=" +
        string.Join("; ", Connections.Select(p => $"{p.Key}: {p.Value}"));

    /// <summary>Checks all values; every fault in one exception.</summary>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    public void Validate()
    {
        var faults = new List<string>();
        Check(faults, nameof(Slots), Slots, 1, 4096);
        Check(faults, nameof(MaxBatchRecords), MaxBatchRecords, 1, 100_000);
        Check(faults, nameof(MaxBatchBytes), MaxBatchBytes, 4 << 10, 64 << 20);
        Check(faults, nameof(MaxBufferedBytes), MaxBufferedBytes, 8L << 20, 64L << 30);
        Check(faults, nameof(MaxBatchesInFlight), MaxBatchesInFlight, 1, 64);
        Check(faults, nameof(MetadataInterval), MetadataInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1));
        Check(faults, nameof(EndInterval), EndInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1));
        Check(faults, nameof(PollInterval), PollInterval, TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(1));
        Check(faults, nameof(MinBackoff), MinBackoff, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(5));
        Check(faults, nameof(MaxBackoff), MaxBackoff, MinBackoff, TimeSpan.FromHours(1));
        Check(faults, nameof(RequestTimeout), RequestTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5));
        Check(faults, nameof(ProduceTimeout), ProduceTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        if (Connections.Count == 0)
            faults.Add($"{nameof(Connections)} is empty; add at least one, for example \"main\"");
        foreach (var (name, connection) in Connections)
            Collect(faults, () => connection.Validate(name));
        foreach (var source in Sources)
        {
            Collect(faults, source.Validate);
            Collect(faults, () => CheckConnection(source));
        }

        foreach (var name in Sources.GroupBy(s => s.Name, StringComparer.Ordinal).Where(g => g.Count() > 1))
            faults.Add($"source '{name.Key}' is given more than once");
        if (faults.Count > 0)
            throw new ArgumentException("Kafka stream options are not valid: " + string.Join("; ", faults));
    }

    internal void CheckConnection(KafkaSource source)
    {
        if (!Connections.ContainsKey(source.ConnectionName))
        {
            throw new ArgumentException(
                $"Source '{source.Name}' uses connection '{source.ConnectionName}', which is not configured; " +
                $"configured are: {string.Join(", ", Connections.Keys.Order(StringComparer.Ordinal))}.");
        }
    }

    private static void Check<T>(List<string> faults, string name, T value, T min, T max)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0)
            faults.Add($"{name} is {value}; it must be from {min} to {max}");
    }

    private static void Collect(List<string> faults, Action check)
    {
        try
        {
            check();
        }
        catch (ArgumentException e)
        {
            faults.Add(e.Message);
        }
    }
}
