using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Streams.Kafka;
using Orleans.Placement;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace KafkaOracleOrleans.KafkaSilo;

/// <summary>A file per partition with a line per accepted batch; whole lines survive <c>kill -9</c>.</summary>
public sealed class Journal(string folder) : IKafkaPositionSource
{
    public void Append(string key, string line)
    {
        using var file = new FileStream(PathOf(key), FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 1);
        file.Write(Encoding.ASCII.GetBytes(line + "\n"));
    }

    /// <summary>Where the last accepted batch ended; 0 at first.</summary>
    public long Position(string key)
    {
        if (!File.Exists(PathOf(key)))
            return 0;
        var last = File.ReadLines(PathOf(key)).LastOrDefault(l => !l.StartsWith("gap", StringComparison.Ordinal));
        return last is null ? 0 : long.Parse(last.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>A little behind, as a checkpoint is.</summary>
    public ValueTask<long?> GetPositionAsync(
        string source, string topic, int partition, CancellationToken cancellationToken) =>
        ValueTask.FromResult<long?>(Math.Max(0, Position($"{source}/{topic}/{partition}") - 500));

    private string PathOf(string key) => Path.Combine(folder, key.Replace('/', '+'));
}

public interface IJournalGrain : IGrainWithStringKey;

/// <summary>A subscriber that follows the rule for <c>[From, To)</c>.</summary>
[ImplicitStreamSubscription(KafkaStreamId.Namespace), PreferLocalPlacement]
public sealed class JournalGrain(Journal journal, IKafkaPartitionControl control)
    : Grain, IJournalGrain, IStreamSubscriptionObserver, IAsyncObserver<KafkaBatch>
{
    private long _position;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _position = journal.Position(this.GetPrimaryKeyString());
        return Task.CompletedTask;
    }

    public Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        handleFactory.Create<KafkaBatch>().ResumeAsync(this);

    public async Task OnNextAsync(KafkaBatch item, StreamSequenceToken? token = null)
    {
        var key = this.GetPrimaryKeyString();
        if (item.From > _position)
        {
            journal.Append(key, $"gap {_position} {item.From}");
            await control.SeekAsync(item.Source, item.Topic, item.Partition, _position);
        }
        else if (item.To > _position)
        {
            // From, To, records beyond the position, sum of their numbers: what was accepted.
            var (count, sum) = (0, 0L);
            for (var i = 0; i < item.Count; i++)
            {
                if (item.Offsets[i] < _position)
                    continue;
                count++;
                sum += BitConverter.ToInt32(item.Key(i));
            }

            journal.Append(key, $"{_position} {item.To} {count} {sum} {Environment.ProcessId}");
            _position = item.To;
        }

        item.Release();
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
