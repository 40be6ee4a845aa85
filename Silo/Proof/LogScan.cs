using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Proof;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Pipelines;

namespace KafkaOracleOrleans.Silo.Proof;

/// <summary>What scans of one proof share.</summary>
internal sealed record ScanHelp(ILookupSource Lookups, IEnumerable<IRecordTransform> Transforms, TimeProvider Time, int Rate);

/// <summary>
/// Reads one partition for a proof, batch by batch, at a bounded rate, on a thread of its own: the client's calls block.
/// </summary>
internal sealed class LogScan(PartitionScan scan, TopicPartition partition, ScanHelp help)
{
    /// <summary>The most records of a batch, and the most bytes.</summary>
    private const int BatchRecords = 500;

    private const int BatchBytes = 4 << 20;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(30);
    private readonly TransformRunner _transforms = Prepared(help.Transforms, scan.Plan);

    /// <summary>The next offset to read.</summary>
    public long Position { get; set; }

    /// <summary>Records read so far.</summary>
    public long Records { get; private set; }

    public PartitionScan Scan => scan;

    /// <summary>True while records are passed that the pipeline never read: there is nothing to keep yet.</summary>
    public bool IsSkipping { get; private set; }

    /// <summary>Reads up to an offset. Throws <see cref="KafkaException"/> and <see cref="ProofRefusedException"/>.</summary>
    /// <param name="consumer">A consumer that is used by nobody else meanwhile.</param>
    /// <param name="end">Where it ends.</param>
    /// <param name="skip">Records at the beginning that the pipeline never read.</param>
    /// <param name="isAhead">The records lie beyond what the pipeline had made durable.</param>
    /// <param name="passed">Called after each batch.</param>
    /// <param name="cancellation">Ends it between two batches.</param>
    public void Read(IConsumer<byte[]?, byte[]?> consumer, long end, long skip, bool isAhead, Action passed, CancellationToken cancellation)
    {
        if (Position >= end) return;
        consumer.Assign(new TopicPartitionOffset(partition, Position));
        var began = help.Time.GetTimestamp();
        var heard = began;
        var read = 0L;
        List<RawRecord> records = [];
        var bytes = 0;
        while (Position < end)
        {
            cancellation.ThrowIfCancellationRequested();
            var result = consumer.Consume(TimeSpan.FromMilliseconds(200));
            if (result is not null && result.Offset.Value < end)
            {
                heard = help.Time.GetTimestamp();
                read++;
                if (skip > 0) skip--;
                else records.Add(TopicReader.RecordOf(result));
                IsSkipping = skip > 0;
                bytes += (result.Message.Value?.Length ?? 0) + (result.Message.Key?.Length ?? 0);
                if (result.Offset.Value + 1 < end && records.Count < BatchRecords && bytes < BatchBytes) continue;
            }

            // The rest of a partition may be holes (aborted transactions, compaction): positions tell.
            var at = result is not null ? result.Offset.Value + 1 : consumer.Position(partition) is { IsSpecial: false } position ? position.Value : Position;
            if (result is null && at < end && help.Time.GetElapsedTime(heard) > Silence)
                throw new KafkaException(new Error(Confluent.Kafka.ErrorCode.Local_TimedOut, $"nothing came of {partition.Topic}/{partition.Partition.Value} from offset {at} on for {Silence.TotalSeconds:0} s"));
            Work(records, Math.Min(at, end), isAhead, cancellation);
            (records, bytes) = ([], 0);
            passed();
            Throttle(began, read, cancellation);
        }
    }

    private void Work(List<RawRecord> records, long to, bool isAhead, CancellationToken cancellation)
    {
        if (records.Count != 0)
        {
            Records += records.Count;
            var batch = RawRecords.Batch(partition.Topic, partition.Partition.Value, Position, records);
            foreach (var request in scan.Take(batch, help.Time.GetUtcNow().ToUnixTimeMilliseconds(), isAhead))
            {
                if (request is LookupRequest lookup) LookupAnswers.AnswerAsync(lookup, help.Lookups, cancellation).GetAwaiter().GetResult();
                else if (request is CustomRequest custom) _transforms.Answer(custom);
                else throw new ProofRefusedException("Its records name schemas of a registry, which proofs do not ask for. The tables of such a pipeline cannot be proved.");
            }
        }

        Position = Math.Max(Position, to);
    }

    private void Throttle(long began, long read, CancellationToken cancellation)
    {
        var ahead = TimeSpan.FromSeconds((double)read / help.Rate) - help.Time.GetElapsedTime(began);
        if (ahead > TimeSpan.FromMilliseconds(5)) Task.Delay(ahead, help.Time, cancellation).GetAwaiter().GetResult();
    }

    private static TransformRunner Prepared(IEnumerable<IRecordTransform> transforms, PipelinePlan plan)
    {
        var runner = new TransformRunner(transforms);
        runner.Prepare(plan);
        return runner;
    }
}
