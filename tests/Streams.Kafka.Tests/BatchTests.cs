using System.Text;
using CsCheck;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;

namespace KafkaOracleOrleans.Streams.Kafka.Tests;

/// <summary>The batch: building, releasing, and its form between silos.</summary>
public sealed class BatchTests
{
    private static readonly Serializer Serializer = new ServiceCollection().AddSerializer()
        .BuildServiceProvider().GetRequiredService<Serializer>();

    [Fact]
    public void A_batch_survives_the_wire_whatever_is_in_it()
    {
        Check.Sample(
            Gen.Select(
                Gen.Byte.Array[0, 40].Null(), Gen.Byte.Array[0, 300].Null(), Gen.Int[0, 3],
                Gen.Int[1, 5]).Array[0, 60],
            records =>
            {
                var builder = new KafkaBatchBuilder(1, 1);
                var offset = 5L;
                foreach (var (key, value, headers, step) in records)
                {
                    for (var h = 0; h < headers; h++)
                        builder.AddHeader("h" + h, value ?? [], isNull: value is null);
                    builder.Add(offset, offset * 3, key, value);
                    offset += step;
                }

                var batch = builder.Build("p1", "orders", 3, 4, offset, 1_000, atEnd: true);
                var copy = Serializer.Deserialize<KafkaBatch>(Serializer.SerializeToArray(batch));
                Assert.Equal(Describe(batch), Describe(copy!));
                Assert.Equal(records.Length, copy!.Count);
                for (var i = 0; i < records.Length; i++)
                {
                    Assert.Equal(records[i].Item1 ?? [], copy.Key(i).ToArray());
                    Assert.Equal(records[i].Item2 is null ? -1 : records[i].Item2!.Length, copy.ValueLength[i]);
                }
            },
            iter: 300);
    }

    [Fact]
    public void The_wire_form_is_what_it_was()
    {
        var batch = new KafkaBatchBuilder()
            .Add(7, 1_700_000_000_000, "k"u8.ToArray(), "vv"u8.ToArray())
            .Add(9, -1, null, null)
            .Build("p1", "t", 2, 6, 12, 20, atEnd: true, topicId: "id");

        var bytes = Convert.ToHexString(Serializer.SerializeToArray(batch));

        // From the version byte on: fixed part, names, columns, buffer.
        const string Golden =
            "02" + "0600000000000000" + "0C00000000000000" + "1400000000000000" + "02000000" + "02000000" + "03000000" +
            "01" + "02000000" + "7031" + "01000000" + "74" + "02000000" + "6964" +
            "0700000000000000" + "0900000000000000" + "0068E5CF8B010000" + "FFFFFFFFFFFFFFFF" +
            "00000000" + "03000000" + "01000000" + "FFFFFFFF" + "01000000" + "03000000" + "02000000" + "FFFFFFFF" +
            "00000000" + "00000000" + "00000000" + "00000000" + "6B7676";
        Assert.EndsWith(Golden, bytes);
    }

    [Fact]
    public void A_released_batch_can_no_longer_be_read_and_not_be_released_twice()
    {
        var batch = new KafkaBatchBuilder().Add(0, 0, null, [1]).Build("p1", "t", 0, 0, 1);
        batch.AddReference();
        batch.Release();
        Assert.Equal([1], batch.Value(0).ToArray());
        batch.Release();
        Assert.Throws<ObjectDisposedException>(() => batch.Buffer);
        Assert.Throws<InvalidOperationException>(batch.Release);
    }

    [Fact]
    public void Positions_must_span_the_records()
    {
        Assert.Throws<ArgumentException>(
            () => new KafkaBatchBuilder().Add(5, 0, null, null).Build("p1", "t", 0, 6, 7));
        Assert.Throws<ArgumentException>(
            () => new KafkaBatchBuilder().Add(5, 0, null, null).Build("p1", "t", 0, 5, 5));
        var empty = new KafkaBatchBuilder().Build("p1", "t", 0, 5, 9);
        Assert.Equal((5, 9, 0), (empty.From, empty.To, empty.Count));
    }

    private static string Describe(KafkaBatch batch)
    {
        var text = new StringBuilder($"{batch} {batch.HighWatermark} {batch.AtEnd}");
        for (var i = 0; i < batch.Count; i++)
        {
            text.Append($"|{batch.Offsets[i]},{batch.TimestampsMs[i]},{batch.KeyLength[i]},{batch.ValueLength[i]},");
            text.Append(Convert.ToHexString(batch.Key(i))).Append(',').Append(Convert.ToHexString(batch.Value(i)));
            foreach (var header in batch.Headers(i))
                text.Append($";{header.Key}={(header.IsNull ? "null" : Convert.ToHexString(header.Value))}");
        }

        return text.ToString();
    }
}
