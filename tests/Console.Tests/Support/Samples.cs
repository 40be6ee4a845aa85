using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.WebConsole.Tests.Support;

/// <summary>Statuses to show.</summary>
internal static class Samples
{
    /// <summary>What would be an element, a script or an attribute if it were taken for markup.</summary>
    public const string Markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>'\"&amp;";

    public static PipelineStatus Status(string name = "orders", long consumed = 100, long quarantined = 0, long written = 0, DesiredState desired = DesiredState.Running) => new()
    {
        Name = name,
        Version = 3,
        Desired = desired,
        State = desired switch { DesiredState.Running => PartState.Running, DesiredState.Paused => PartState.Paused, _ => PartState.Stopped },
        Condition = desired switch { DesiredState.Running => PipelineCondition.Running, DesiredState.Paused => PipelineCondition.Paused, _ => PipelineCondition.Stopped },
        Counts = new RecordCounts(consumed, consumed - quarantined, 0, 0, 0, quarantined),
        RecordsPerSecond = 10,
        Lag = 5,
        LagSeconds = 0.5,
        Partitions = [],
        Shards = [],
        Sinks = [new SinkStatus { Sink = "clean", Lane = "orders/0", State = PartState.Running, Written = written, Quarantined = 0, Buffered = 0 }],
        Rules = new Dictionary<string, long>(),
    };
}
