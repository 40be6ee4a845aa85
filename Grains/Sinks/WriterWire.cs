using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Writers;

namespace KafkaOracleOrleans.Grains.Sinks;

/// <summary>A writer's calls and answers as they go between silos.</summary>
internal static class WriterWire
{
    public static WriterCall Call(SinkCall call) => new()
    {
        Progress = call.Progress,
        Rows = call.Rows,
        Order = call.Order,
        Deletes = call.Deletes,
        Raw = call.Raw,
        Version = call.Version,
        Released = call.Released,
        Owner = call.Owner,
        Epoch = new Epoch(call.Epoch),
    };

    public static SinkCall Call(WriterCall call) => new()
    {
        Progress = call.Progress,
        Rows = call.Rows,
        Order = call.Order,
        Deletes = call.Deletes,
        Raw = call.Raw,
        Version = call.Version,
        Released = call.Released,
        Owner = call.Owner,
        Epoch = call.Epoch.Value,
    };

    public static SinkReply Reply(WriterReply reply) => new(
        reply.Answer switch
        {
            WriterAnswer.Ok => SinkAnswer.Ok,
            WriterAnswer.Failed => SinkAnswer.Failed,
            WriterAnswer.Fenced => SinkAnswer.Fenced,
            _ => SinkAnswer.Busy,
        },
        reply.Confirmed, reply.Reason, reply.Quarantined)
    {
        RetryAfter = reply.RetryAfter,
    };

    public static WriterReply Reply(SinkReply reply) => new(
        reply.Answer switch
        {
            SinkAnswer.Ok => WriterAnswer.Ok,
            SinkAnswer.Failed => WriterAnswer.Failed,
            SinkAnswer.Fenced => WriterAnswer.Fenced,
            _ => WriterAnswer.Busy,
        },
        reply.Confirmed, reply.Reason, reply.Quarantined, reply.RetryAfter);
}

/// <summary>A writer that lives in a grain, perhaps on another silo.</summary>
internal sealed class GrainWriter(ISinkGrain grain) : IWriter
{
    public async Task<WriterReply> WriteAsync(WriterCall call) => WriterWire.Reply(await grain.WriteAsync(WriterWire.Call(call)));

    public async Task<WriterReply> FenceAsync(string owner, Epoch epoch, int version) =>
        WriterWire.Reply(await grain.FenceAsync(owner, epoch.Value, version));
}
