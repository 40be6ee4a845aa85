using KafkaOracleOrleans.Protocol.Partitions;
using KafkaOracleOrleans.Protocol.Shards;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>The decisions that losses and double counts hang on, case by case.</summary>
public sealed class DecisionTests
{
    [Theory]
    [InlineData(10, 10, 15, 5, "Continues")]
    [InlineData(10, 5, 10, 5, "Seen")]
    [InlineData(10, 2, 7, 5, "Seen")]
    [InlineData(10, 12, 15, 3, "Gap")]
    // It begins before and ends behind: what it has of the past cannot be cut off, so it is asked for again.
    [InlineData(10, 8, 15, 7, "Gap")]
    // Positions without records, and news of the end of the log.
    [InlineData(10, 10, 15, 0, "Continues")]
    [InlineData(10, 10, 10, 0, "Continues")]
    [InlineData(10, 8, 10, 0, "Gap")]
    [InlineData(10, 8, 9, 0, "Seen")]
    public void A_partition_takes_in_what_comes_next_and_nothing_else(long position, long from, long to, int records, string expected) =>
        Assert.Equal(expected, Admission.Judge(position, from, to, records).ToString());

    [Theory]
    [InlineData(10, 10L, 10, "Durable")]
    [InlineData(10, 15L, 12, "Durable")]
    [InlineData(10, 10L, 9, "Waits")]
    [InlineData(10, 12L, -1, "Waits")]
    // Nobody owns the shard for now: what it has taken in is not known, and it is not taken for behind.
    [InlineData(10, null, -1, "Waits")]
    [InlineData(10, 9L, 9, "Behind")]
    [InlineData(10, -1L, -1, "Behind")]
    public void A_checkpoint_waits_for_a_shard_until_it_is_durable_there_and_starts_over_when_it_never_will_be(long position, long? applied, long durable, string expected) =>
        Assert.Equal(expected, CheckpointGate.OfShard(position, applied, durable).ToString());

    [Theory]
    [InlineData(10, 9, false)]
    [InlineData(10, -1, false)]
    [InlineData(10, 10, true)]
    [InlineData(10, 11, true)]
    public void A_checkpoint_waits_for_a_sink_until_it_has_all_below_the_position(long position, long confirmed, bool open) =>
        Assert.Equal(open, CheckpointGate.HasSink(position, confirmed));

    [Theory]
    [InlineData(10, 10, false, false)]
    [InlineData(10, 10, true, true)]
    [InlineData(10, 200_010, false, false)]
    [InlineData(10, 200_011, false, true)]
    public void Sinks_are_urged_when_a_checkpoint_is_wanted_now_or_too_much_was_read_since(long position, long head, bool hurries, bool urges) =>
        Assert.Equal(urges, CheckpointGate.Urges(position, head, hurries));

    [Theory]
    [InlineData(10, 10, 15, "Fresh")]
    [InlineData(10, 5, 15, "Fresh")]
    [InlineData(10, 5, 10, "Had")]
    [InlineData(10, 2, 4, "Had")]
    [InlineData(10, 11, 15, "Gap")]
    [InlineData(10, 11, 11, "Gap")]
    public void A_shard_applies_what_is_fresh_once_and_asks_for_a_rewind_at_a_gap(long applied, long from, long to, string expected) =>
        Assert.Equal(expected, SubBatches.Judge(applied, from, to).ToString());

    [Fact]
    public void A_shard_refuses_an_owner_that_is_not_the_newest() =>
        Assert.Equal((true, false, false), (SubBatches.IsFenced(3, 4), SubBatches.IsFenced(4, 4), SubBatches.IsFenced(5, 4)));

    [Fact]
    public void An_entry_leaves_the_outbox_when_its_sink_has_it_and_the_drop_is_durable()
    {
        var outbox = new Outbox();
        outbox.Add(0, "a");
        outbox.Add(1, "b");
        outbox.Add(2, "a");
        outbox.Add(3, "gone");
        // Progress is the next sequence: what lies at it is not written yet.
        Assert.Equal([3], outbox.Confirmed(sink => sink == "gone" ? null : 0));
        Assert.Equal([0, 3], outbox.Confirmed(sink => sink == "a" ? 1 : sink == "b" ? 1 : null));
        Assert.Equal(4, outbox.Count);
        outbox.Drop([0, 3]);
        Assert.Equal([1, 2], outbox.Confirmed(_ => 3));
        outbox.Clear();
        Assert.Equal(0, outbox.Count);
    }
}
