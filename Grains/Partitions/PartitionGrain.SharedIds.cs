using KafkaOracleOrleans.Grains.Cells;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>
/// Claiming ids at the dedup shards, for steps that look across partitions. What a shard answers is durable there and stays the same answer, so that a
/// replay needs nothing of this partition's.
/// </summary>
internal sealed partial class PartitionGrain
{
    private readonly Dictionary<string, IDedupShardGrain[]> _dedupShards = new(StringComparer.Ordinal);

    /// <summary>Ids of a batch of the log.</summary>
    private Task ClaimSharedAsync(DedupRequest request, long to, CancellationToken reign) =>
        ClaimSharedAsync(request, null, to, _durable, reign);

    /// <summary>Ids of records that are played again from quarantine.</summary>
    private async Task ClaimReplayAsync(DedupRequest request, CancellationToken reign)
    {
        if (_replay.Sink is { } sink)
        {
            // They have been through this step: the sink that refused them says by which way out.
            var from = _runtime!.Plan.Sinks.FirstOrDefault(s => s.Id == sink)?.From;
            if (from is not { Output: StepOutput.Duplicates } || from.Value.Step != request.Step.Id) return;
            foreach (var row in request.Rows.Span) request.Duplicate[row] = true;
        }
        else if (request.Step.Global)
        {
            await ClaimSharedAsync(request, _replay.Number, _replay.Number + 1, _replay.Number, reign);
        }
        else
        {
            await ClaimAsync(request, belated: true);
        }
    }

    private async Task ClaimSharedAsync(DedupRequest request, long? link, long to, long durable, CancellationToken reign)
    {
        var shards = _dedupShards[request.Step.Id];
        var rows = RowsOfShards(request, shards.Length);
        var calls = new List<(int[] Rows, Task<SharedClaimReply> Reply)>(shards.Length);
        for (var i = 0; i < shards.Length; i++)
        {
            // From the log every shard hears of every batch: what it may forget depends on how far all partitions have come.
            if (link is not null && rows[i].Length == 0) continue;
            var asked = request.Copy(rows[i]);
            var call = new SharedClaimCall
            {
                Source = _source,
                Epoch = _epoch,
                Link = link,
                To = to,
                DurablePosition = durable,
                Watermark = _pipeline.Watermark,
                Ids = asked.Ids,
                Bodies = asked.Bodies,
                EventTimes = asked.EventTimes,
                Offsets = asked.Offsets,
            };
            calls.Add((rows[i], ClaimAtAsync(shards[i], call, reign)));
        }

        var (duplicates, conflicts, tooOld) = (0, 0, 0);
        foreach (var (of, call) in calls)
        {
            var reply = await call;
            foreach (var row in reply.Duplicates) request.Duplicate[of[row]] = true;
            duplicates += reply.Duplicates.Length;
            conflicts += reply.DifferentBodies;
            tooOld += reply.TooOld;
        }

        EngineMetrics.DuplicatesFound(_id.Source, request.Step.Id, duplicates, conflicts, tooOld);
    }

    private async Task<SharedClaimReply> ClaimAtAsync(IDedupShardGrain shard, SharedClaimCall call, CancellationToken reign)
    {
        var backoff = _options.NewBackoff(time);
        while (true)
        {
            // Should it be lost, whether it was decided is unknown; the repetition gets the same answer.
            var reply = await TryCallAsync(shard, () => shard.ClaimAsync(call), reign);
            if (reply?.Answer == ApplyAnswer.Ok) return reply;
            if (reply?.Answer == ApplyAnswer.Fenced) throw new OwnerFencedException(shard.GetPrimaryKeyString());
            SetState(PartState.Blocked, $"Dedup shard {shard.GetPrimaryKeyString()}: {reply?.Reason ?? "does not answer."}");
            await backoff.WaitAsync(reign);
        }
    }

    /// <summary>Sorts the rows asked about by the shards of their ids.</summary>
    private static int[][] RowsOfShards(DedupRequest request, int shards)
    {
        var counts = new int[shards];
        foreach (var row in request.Rows.Span) counts[DedupShard.Of(request.Ids[row], shards)]++;
        var rows = Array.ConvertAll(counts, c => new int[c]);
        Array.Clear(counts);
        foreach (var row in request.Rows.Span)
        {
            var shard = DedupShard.Of(request.Ids[row], shards);
            rows[shard][counts[shard]++] = row;
        }

        return rows;
    }
}
