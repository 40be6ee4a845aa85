using System.Text;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Protocol.Cells;
using KafkaOracleOrleans.Protocol.Shards;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace KafkaOracleOrleans.Grains.Tests.Units;

/// <summary>Types of Protocol cross from silo to silo as they are, under the names that other versions know.</summary>
public sealed class CellWireTests
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer().BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void A_call_brings_its_number_and_the_state_to_restore()
    {
        var call = new WindowCall(new CellCall(7, 3, new List<StoredCell> { new(2, [1, 2, 3]) }, 4), null, [5], 6, 100, 200, 9);
        var read = Read(call, "kor.StoredCell");
        Assert.Equal((7L, 3L, 4), (read.Cell.Epoch, read.Cell.Number, read.Cell.Version));
        var stored = Assert.Single(read.Cell.Restore!);
        Assert.Equal(2, stored.Part);
        Assert.Equal([1, 2, 3], stored.Payload);
        Assert.Equal((6, 100L, 200L, 9), (read.Partition, read.WatermarkBefore, read.WatermarkAfter, read.Source));
    }

    [Fact]
    public void Changes_bring_what_is_to_be_written_and_what_to_be_deleted()
    {
        var read = Read(new CellChanges(CellAnswer.Ok, new List<ChangedPart> { new(1, [9], 50), new(2, null, null) }) { Bytes = 400, Panes = 3 }, "kor.ChangedPart");
        Assert.Equal([(1L, 50L), (2L, null)], read.Parts.Select(p => (p.Part, p.DueAt)));
        Assert.Equal([9], read.Parts[0].Payload);
        Assert.Null(read.Parts[1].Payload);
        Assert.Equal((400L, 3), (read.Bytes, read.Panes));
    }

    [Fact]
    public void An_answer_brings_the_late_rows_with_their_reasons()
    {
        LateRecord[] late = [new(90, 10, 20, 5), new(95, 20, 30, 1, LateReason.Idle)];
        Assert.Equal(late, Read(new WindowReply { Answer = CellAnswer.Ok, Late = new List<LateRecord>(late) }, "kor.LateRecord").Late);
        Assert.Equal(late, Read(new ApplyReply { Answer = ApplyAnswer.Ok, Applied = 1, Durable = 0, Late = new List<LateRecord>(late) }, "kor.LateRecord").Late);
    }

    private static T Read<T>(T value, string name)
    {
        var bytes = Serializer.SerializeToArray(value);
        Assert.Contains(name, Encoding.ASCII.GetString(bytes), StringComparison.Ordinal);
        Assert.DoesNotContain("Protocol", Encoding.ASCII.GetString(bytes), StringComparison.Ordinal);
        return Serializer.Deserialize<T>(bytes)!;
    }
}
