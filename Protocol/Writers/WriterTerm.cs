using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Protocol.Owners;

namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>
/// A lane under one epoch: opened, with the progress its row says.
/// <para>Invariants: progress never goes back; a write of unknown outcome is settled by its repetition, or the term ends.</para>
/// </summary>
internal sealed class WriterTerm(ISinkLane lane, WriterPlan plan) : ITerm
{
    private bool _over;

    public Epoch Epoch { get; } = new(lane.Lease.Epoch);

    public WriterPlan Plan { get; } = plan;

    /// <summary>Everything below is in the table; -1: nothing is.</summary>
    public long Progress { get; private set; } = lane.Lease.Progress;

    /// <summary>What a write that failed would have brought the lane to; it may have. Null: nothing is unsure.</summary>
    public long? Unsure { get; private set; }

    /// <summary>What the lane has done.</summary>
    public LaneCounts Counts => lane.Counts;

    /// <summary>Writes a part; rows and progress are committed together.</summary>
    public async Task<int> WriteAsync(SinkWrite part, CancellationToken cancellation)
    {
        var result = await lane.WriteAsync(part, cancellation);
        Progress = part.Progress;
        Unsure = null;
        return result.Quarantined;
    }

    /// <summary>What became of a write to a progress is unknown.</summary>
    public void Doubt(long? progress)
    {
        if (progress > Progress) Unsure ??= progress;
    }

    public void Assert()
    {
        if (_over) throw new InvariantException("A writer has a lane that is closed.");
        if (Progress < lane.Lease.Progress) throw new InvariantException($"A lane went back from {lane.Lease.Progress} to {Progress}.");
        if (Unsure <= Progress) throw new InvariantException($"What is at {Progress} is sure up to {Unsure}.");
    }

    public ValueTask DisposeAsync()
    {
        _over = true;
        return lane.DisposeAsync();
    }
}
