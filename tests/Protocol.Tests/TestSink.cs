using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Protocol.Faults;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Waiting;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>A sink of one column, and rows for it.</summary>
internal static class TestSink
{
    public static readonly Schema Schema = new(new Field("id", FieldType.Integer));

    public static SinkPlan Plan(FlushPlan? flush = null) => new()
    {
        Id = "rows",
        From = new InputRef("source"),
        InputSchema = Schema,
        Spec = new SinkSpec("p", "rows", "c", "ROWS", SinkMode.Append, Schema, ["id"], null, false, false),
        Source = [0],
        FromWindow = false,
        Flush = flush ?? new FlushPlan(100, 1 << 20, 1000),
    };

    public static RowBlock Rows(params long[] ids)
    {
        var block = new RowBlock(Schema, ids.Length) { Count = ids.Length };
        block.Columns[0].EnsureCapacity(ids.Length);
        for (var i = 0; i < ids.Length; i++) ((LongColumn)block.Columns[0]).Set(i, ids[i]);
        return block;
    }

    public static long[] Ids(RowBlock rows) => ((LongColumn)rows.Columns[0]).Values[..rows.Count];

    public static OwnerContext Context(TimeProvider time) =>
        new(time, new RetryPace(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(10)), () => 0.5, new FaultSorter(_ => null));
}
