using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Extensions.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>A topic with a fixed number of partitions.</summary>
internal sealed class FixedLogs(int count, string bootstrapServers, Faults faults) : IKafkaLogs
{
    public Task<IReadOnlyList<string>> ListPartitionsAsync(SourcePlan source, CancellationToken cancellation) => faults.Source is { } fault
        ? Task.FromException<IReadOnlyList<string>>(fault)
        : Task.FromResult<IReadOnlyList<string>>([.. Enumerable.Range(0, count).Select(p => $"{TestPipeline.Topic}/{p}")]);

    public Task<IReadOnlyList<string>> FindPartitionsAsync(SourcePlan source, IReadOnlyList<string> topics, CancellationToken cancellation) =>
        ListPartitionsAsync(source, cancellation);

    public Task<IReadOnlyDictionary<string, long>> ResolveAsync(
        SourcePlan source, IReadOnlyList<string> partitions, ResetTarget target, long timestampMs, CancellationToken cancellation) => target switch
        {
            ResetTarget.Earliest => Task.FromResult<IReadOnlyDictionary<string, long>>(partitions.ToDictionary(p => p, _ => 0L, StringComparer.Ordinal)),
            ResetTarget.Timestamp => throw new NotSupportedException("The tests reset to the beginning, or to offsets they name."),
            ResetTarget.Latest => Task.Run<IReadOnlyDictionary<string, long>>(() => Ends(partitions), cancellation),
            _ => throw new NotSupportedException("The tests reset to the beginning, or to offsets they name."),
        };

    public Task<IReadOnlyDictionary<string, long>> FindReadableAsync(SourcePlan source, IReadOnlyList<string> partitions, CancellationToken cancellation) =>
        ResolveAsync(source, partitions, ResetTarget.Latest, 0, cancellation);

    public Task<IReadOnlyList<RawBatch>> ReadBeforeAsync(
        SourcePlan source, IReadOnlyDictionary<string, long> offsets, int count, CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<RawBatch>>(() => [.. offsets.Select(o => ReadBefore(o.Key, o.Value, count))], cancellation);

    private RawBatch ReadBefore(string partition, long offset, int count)
    {
        var at = new TopicPartition(TestPipeline.Topic, int.Parse(partition[(partition.IndexOf('/', StringComparison.Ordinal) + 1)..], null));
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = bootstrapServers, GroupId = "before" }).Build();
        consumer.Assign(new TopicPartitionOffset(at, Math.Max(0, offset - count)));
        var records = new List<RawRecord>();
        while (records.Count == 0 || records[^1].Offset < offset - 1)
        {
            if (consumer.Consume(TimeSpan.FromSeconds(10)) is { } r)
                records.Add(new RawRecord(r.Message.Value, r.Message.Key, r.Message.Timestamp.UnixTimestampMs, r.Offset.Value));
        }

        return RawRecords.Batch(TestPipeline.Topic, at.Partition.Value, records[0].Offset, records);
    }

    private Dictionary<string, long> Ends(IReadOnlyList<string> partitions)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = bootstrapServers, GroupId = "ends" }).Build();
        return partitions.ToDictionary(
            p => p,
            p => consumer.QueryWatermarkOffsets(
                new TopicPartition(TestPipeline.Topic, int.Parse(p[(p.IndexOf('/', StringComparison.Ordinal) + 1)..], null)), TimeSpan.FromSeconds(10)).High.Value,
            StringComparer.Ordinal);
    }
}

/// <summary>Control state that outlives a cluster, serialized as a real store would have it.</summary>
internal sealed class ControlState
{
    private readonly Dictionary<string, (byte[] Bytes, string Tag)> _states = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _tag;

    /// <summary>Done before each write.</summary>
    public Func<Task>? BeforeWrite { get; set; }

    public IGrainStorage For(Serializer serializer) => new Storage(this, serializer);

    private sealed class Storage(ControlState owner, Serializer serializer) : IGrainStorage
    {
        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            lock (owner._lock)
            {
                grainState.RecordExists = owner._states.TryGetValue($"{stateName}:{grainId}", out var found);
                grainState.State = grainState.RecordExists ? serializer.Deserialize<T>(found.Bytes) : Activator.CreateInstance<T>();
                grainState.ETag = found.Tag;
            }

            return Task.CompletedTask;
        }

        public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (owner.BeforeWrite is { } before) await before();
            lock (owner._lock)
            {
                var key = $"{stateName}:{grainId}";
                if (owner._states.TryGetValue(key, out var found) && found.Tag != grainState.ETag)
                    throw new InconsistentStateException("Somebody else wrote.", found.Tag, grainState.ETag ?? "");
                grainState.ETag = (++owner._tag).ToString(System.Globalization.CultureInfo.InvariantCulture);
                grainState.RecordExists = true;
                owner._states[key] = (serializer.SerializeToArray(grainState.State), grainState.ETag);
            }
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            lock (owner._lock) owner._states.Remove($"{stateName}:{grainId}");
            grainState.RecordExists = false;
            return Task.CompletedTask;
        }
    }
}

/// <summary>Keeps a silo's Kafka source in step with the catalog, as the host does.</summary>
internal sealed class SourceKeeper(IGrainFactory grains, PlanProvider plans, IKafkaSourceRegistry registry) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        do
        {
            try
            {
                await SyncAsync();
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or PipelineChangedException)
            {
                // The cluster starts, or stops: the next turn sees.
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SyncAsync()
    {
        var running = false;
        foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
        {
            if (entry.Desired != DesiredState.Running) continue;
            running = true;
            var plan = (await plans.GetAsync(entry.Name, entry.Version)).Plan;
            if (registry.TryGet(entry.Name, out _)) continue;
            registry.Add(new KafkaSource
            {
                Name = plan.Name,
                IgnoreCommitted = true,
                Topics = plan.Source.Topics,
                ConnectionName = plan.Source.Connection,
                GroupId = plan.Source.GroupId,
                StartPosition = KafkaStartPosition.Earliest,
            });
        }

        if (!running) registry.Remove(TestPipeline.Name);
    }
}
