using System.Collections.Concurrent;
using System.Text;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>What the subscribers of a test saw; shared by all silos of the test's process.</summary>
public sealed class Recorder
{
    public ConcurrentDictionary<string, PartitionLog> Partitions { get; } = new();

    /// <summary>Called before a batch is accepted; may wait or throw.</summary>
    public Func<KafkaBatch, Task>? BeforeBatch { get; set; }

    /// <summary>Called for every record accepted.</summary>
    public Action<KafkaBatch, int>? OnRecord { get; set; }

    public long Records => Partitions.Values.Sum(p => p.Records);

    public PartitionLog this[string key] => Partitions.GetOrAdd(key, _ => new PartitionLog());

    public string Describe() => string.Join(
        "; ", Partitions.OrderBy(p => p.Key).Select(p => $"{p.Key}: {p.Value}"));
}

/// <summary>One partition as a subscriber that follows the rules sees it.</summary>
public sealed class PartitionLog
{
    private readonly Lock _lock = new();

    public long Position { get; private set; } = -1;

    public long FirstFrom { get; private set; } = -1;

    public long Records { get; private set; }

    public int Batches { get; private set; }

    public int Redeliveries { get; private set; }

    public List<string> Gaps { get; } = [];

    public List<string> Faults { get; } = [];

    public bool AtEnd { get; private set; }

    public bool KeepValues { get; set; } = true;

    public List<(long Offset, string? Key, string? Value)> Values { get; } = [];

    /// <summary>The test accepts that the next batch begins here.</summary>
    public void Expect(long position)
    {
        lock (_lock)
            Position = position;
    }

    public void Accept(KafkaBatch batch, Action<KafkaBatch, int>? onRecord)
    {
        lock (_lock)
        {
            if (Position < 0)
                FirstFrom = Position = batch.From;
            if (batch.From > Position)
            {
                Gaps.Add($"expected {Position}, got [{batch.From}, {batch.To})");
                return;
            }

            if (batch.To < Position || (batch.From < Position && batch.To == Position))
            {
                Redeliveries++;
                return;
            }

            Batches++;
            for (var i = 0; i < batch.Count; i++)
                AcceptRecord(batch, i, onRecord);
            Position = batch.To;
            AtEnd = batch.AtEnd;
        }
    }

    public override string ToString() =>
        $"at {Position}, {Records} records, {Batches} batches, {Redeliveries} redelivered, " +
        $"{Gaps.Count} gaps {Gaps.FirstOrDefault()} {Faults.FirstOrDefault()}";

    private void AcceptRecord(KafkaBatch batch, int i, Action<KafkaBatch, int>? onRecord)
    {
        var offset = batch.Offsets[i];
        if (offset < Position)
            return;
        if (offset < batch.From || offset >= batch.To || (i > 0 && offset <= batch.Offsets[i - 1]))
            Faults.Add($"offset {offset} in [{batch.From}, {batch.To})");
        Records++;
        onRecord?.Invoke(batch, i);
        if (KeepValues && Values.Count < 10_000)
            Values.Add((offset, Text(batch.Key(i), batch.KeyLength[i]), Text(batch.Value(i), batch.ValueLength[i])));
    }

    private static string? Text(ReadOnlySpan<byte> bytes, int length) =>
        length < 0 ? null : Encoding.UTF8.GetString(bytes);
}

public interface IRecorderGrain : IGrainWithStringKey;

/// <summary>Subscribes to every partition of every source.</summary>
[ImplicitStreamSubscription(KafkaStreamId.Namespace)]
public sealed class RecorderGrain(Recorder recorder)
    : Grain, IRecorderGrain, IStreamSubscriptionObserver, IAsyncObserver<KafkaBatch>
{
    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<KafkaBatch>().ResumeAsync(this);

    public async Task OnNextAsync(KafkaBatch item, StreamSequenceToken? token = null)
    {
        if (recorder.BeforeBatch is { } before)
            await before(item);
        recorder[this.GetPrimaryKeyString()].Accept(item, recorder.OnRecord);
        item.Release();
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
