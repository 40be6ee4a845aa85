using Orleans.Placement;
using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Owners;
using KafkaOracleOrleans.Protocol.Writers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace KafkaOracleOrleans.Grains.Sinks;

/// <summary>The shell of a <see cref="SinkWriter"/>: identity, activation, calls, logs, traces and metrics.</summary>
[GrainType("kor.sink")]
[PreferLocalPlacement]
internal sealed partial class SinkGrain(
    PlanProvider plans, ISinkFactory sinks, IStateStore store, IOptions<EngineOptions> options, TimeProvider time, ILogger<SinkGrain> log)
    : Grain, ISinkGrain, IWriterPorts, IWriterEvents
{
    private string _pipeline = "";
    private string _sink = "";
    private string _lane = "";
    private SinkWriter _writer = null!;

    private static readonly TimeSpan HalfLife = TimeSpan.FromSeconds(30);
    private readonly DurationSketch _writes = new();
    private long _halved;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        (_pipeline, _sink, _lane) = Names.Split(this.GetPrimaryKeyString());
        var identity = new WriterIdentity(_sink, _lane, options.Value.WriteDeadline, options.Value.MaxRepairDelay);
        _writer = new SinkWriter(identity, this, sinks, store, this, Owners.Context(options.Value, time));
        return Task.CompletedTask;
    }

    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken) => _writer.CloseAsync();

    public async Task<SinkReply> WriteAsync(SinkCall call) => WriterWire.Reply(await _writer.WriteAsync(WriterWire.Call(call)));

    public async Task<SinkReply> FenceAsync(string owner, long epoch, int version) =>
        WriterWire.Reply(await _writer.FenceAsync(owner, new Epoch(epoch), version));

    public async Task StopAsync()
    {
        await _writer.CloseAsync();
        DeactivateOnIdle();
    }

    public async Task<SinkStatus> GetStatusAsync()
    {
        await _writer.CountAsync();
        return new SinkStatus
        {
            Sink = _sink,
            Lane = _lane,
            State = _writer.Condition.ToPart(),
            Reason = _writer.Reason,
            Written = _writer.Counts.Written,
            Already = _writer.Counts.Already,
            Quarantined = _writer.Counts.Quarantined,
            Buffered = 0,
            NextTry = _writer.NextTry?.ToUnixTimeMilliseconds(),
            WriteP50Ms = DurationSketch.Quantile(_writes.Counts, 0.5) * 1000,
            WriteP99Ms = DurationSketch.Quantile(_writes.Counts, 0.99) * 1000,
        };
    }

    async Task<WriterPlan> IWriterPorts.PlanAsync(int atLeast, CancellationToken cancellation)
    {
        var runtime = await plans.GetAsync(_pipeline, atLeast);
        return new WriterPlan(runtime.Sink(_sink), runtime.Version);
    }

    void IWriterEvents.Became(Condition condition, string? reason) =>
        LogState(condition == Condition.Running ? LogLevel.Information : LogLevel.Warning, _pipeline, _sink, _lane, condition, reason ?? "");

    void IWriterEvents.Opened(Epoch epoch, long progress) => LogOpened(_pipeline, _sink, _lane, epoch.Value, progress);

    IDisposable? IWriterEvents.Writing(WriterPlan plan, int rows) => EngineTraces.SinkWrite(_pipeline, _sink, plan.Sink.Spec.Table, rows);

    void IWriterEvents.Wrote(WriterCall call, TimeSpan took)
    {
        if (time.GetElapsedTime(_halved) is var since && since >= HalfLife)
        {
            // After a long silence nothing of before is lately.
            for (var i = Math.Min(40, (long)(since / HalfLife)); i > 0; i--) _writes.Halve();
            _halved = time.GetTimestamp();
        }

        _writes.Add(took);
        EngineMetrics.SinkWritten(_pipeline, _sink, call.Rows.Count, took);
        if (call.Raw is { Count: > 0 } raw && raw.Timestamps[0] > 0)
            EngineMetrics.Committed(_pipeline, _sink, (time.GetUtcNow().ToUnixTimeMilliseconds() - raw.Timestamps[0]) / 1000.0);
    }

    void IWriterEvents.Refused(string code, bool retries) => EngineMetrics.SinkFailed(_pipeline, _sink, code, retries);

    void IWriterEvents.FailedUnexpectedly(Exception e) => LogUnexpected(e, _pipeline, _sink, _lane);

    void IWriterEvents.Uncounted(string reason) => LogUncounted(_pipeline, _sink, _lane, reason);

    void IWriterEvents.Superseded() => DeactivateOnIdle();

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Sink {Pipeline}/{Sink}, lane {Lane}: opened, epoch {Epoch}, progress {Progress}.")]
    private partial void LogOpened(string pipeline, string sink, string lane, long epoch, long progress);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Sink {Pipeline}/{Sink}, lane {Lane}: what it has written is not known yet. {Reason}")]
    private partial void LogUncounted(string pipeline, string sink, string lane, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sink {Pipeline}/{Sink}, lane {Lane}: the writer failed unexpectedly; it starts over.")]
    private partial void LogUnexpected(Exception failure, string pipeline, string sink, string lane);

    [LoggerMessage(Message = "Sink {Pipeline}/{Sink}, lane {Lane}: {State}. {Reason}")]
    private partial void LogState(LogLevel level, string pipeline, string sink, string lane, Condition state, string reason);
}
