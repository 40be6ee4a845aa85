using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Protocol.Faults;

namespace KafkaOracleOrleans.Protocol.Tests;

/// <summary>What exceptions mean, in one place.</summary>
public sealed class FaultSorterTests
{
    private readonly FaultSorter _sorter = new(e => e is NotSupportedException ? FaultKind.Moved : null);

    public static TheoryData<Exception, string, bool, string> Faults => new()
    {
        { new StoreUnavailableException("away", new IOException()), nameof(FaultKind.Unavailable), true, "unavailable" },
        { new SinkUnavailableException("away"), nameof(FaultKind.Unavailable), true, "unavailable" },
        { new EpochFencedException("o", 1), nameof(FaultKind.Fenced), true, "fenced" },
        { new OwnerFencedException("c"), nameof(FaultKind.Fenced), true, "fenced" },
        { new CellLostException("c"), nameof(FaultKind.Behind), true, "rewind" },
        { new RewindException("r"), nameof(FaultKind.Behind), true, "rewind" },
        { new TimeoutException(), nameof(FaultKind.Lost), true, "cluster" },
        { new SinkConfigurationException("no table"), nameof(FaultKind.Configuration), false, "fault" },
        { new PipelineStopException("rule"), nameof(FaultKind.StopRule), false, "fault" },
        { new CorruptStateException("bytes"), nameof(FaultKind.Corrupt), false, "fault" },
        { new TaskCanceledException(), nameof(FaultKind.Cancelled), false, "fault" },
        { new NotSupportedException(), nameof(FaultKind.Moved), false, "fault" },
        { new InvalidOperationException(), nameof(FaultKind.Defect), false, "fault" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void Every_exception_has_one_kind_and_what_follows_from_it(Exception e, string kind, bool mendsItself, string label)
    {
        var sorted = _sorter.Classify(e);
        Assert.Equal((kind, mendsItself, label), (sorted.ToString(), sorted.MendsItself(), sorted.Label()));
    }
}
