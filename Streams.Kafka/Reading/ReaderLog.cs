using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Streams.Kafka.Reading;

/// <summary>Log lines of the provider: one per change of state.</summary>
internal static partial class ReaderLog
{
    [LoggerMessage(1, LogLevel.Information, "Kafka streams '{Provider}' start: {Options}")]
    public static partial void Starting(ILogger logger, string provider, KafkaStreamOptions options);

    [LoggerMessage(2, LogLevel.Debug, "Kafka partition {Partition} is {State}")]
    public static partial void State(ILogger logger, string partition, KafkaPartitionState state);

    [LoggerMessage(3, LogLevel.Warning, "Kafka partition {Partition} is {State}: {Code}: {Text}")]
    public static partial void Trouble(
        ILogger logger, string partition, KafkaPartitionState state, KafkaFailureCode code, string text);

    [LoggerMessage(4, LogLevel.Warning, "Kafka source {Source} has trouble: {Code}: {Text}")]
    public static partial void SourceTrouble(ILogger logger, string source, KafkaFailureCode code, string text);

    [LoggerMessage(5, LogLevel.Information, "Kafka source {Source} is well again")]
    public static partial void SourceWell(ILogger logger, string source);

    [LoggerMessage(6, LogLevel.Error, "Reading Kafka source {Source} met an unexpected error and goes on")]
    public static partial void PollFault(ILogger logger, string source, Exception exception);

    [LoggerMessage(EventId = 7, Message = "librdkafka, source {Source}: {Facility}: {Text}")]
    public static partial void Librdkafka(
        ILogger logger, LogLevel level, string source, string facility, string text);

    [LoggerMessage(8, LogLevel.Information, "Kafka source {Source} added: {Topics}")]
    public static partial void SourceAdded(ILogger logger, string source, string topics);

    [LoggerMessage(9, LogLevel.Information, "Kafka source {Source} removed")]
    public static partial void SourceRemoved(ILogger logger, string source);

    [LoggerMessage(10, LogLevel.Debug, "Kafka slot {Slot} taken")]
    public static partial void SlotTaken(ILogger logger, int slot);

    [LoggerMessage(11, LogLevel.Debug, "Kafka slot {Slot} given up")]
    public static partial void SlotGivenUp(ILogger logger, int slot);

    [LoggerMessage(12, LogLevel.Error, "Stopping Kafka source {Source} failed")]
    public static partial void StopFailed(ILogger logger, string source, Exception exception);

    [LoggerMessage(13, LogLevel.Warning, "Kafka stream {Stream}: the subscriber failed; its batch is offered again")]
    public static partial void PutBack(ILogger logger, string stream);

    [LoggerMessage(14, LogLevel.Information, "Kafka partition {Partition} is well again: {State}")]
    public static partial void Well(ILogger logger, string partition, KafkaPartitionState state);

    [LoggerMessage(15, LogLevel.Warning, "Kafka source {Source}: offsets can't be committed, tried again: {Text}")]
    public static partial void CommitFails(ILogger logger, string source, string text);

    [LoggerMessage(16, LogLevel.Information, "Kafka source {Source}: offsets are committed again")]
    public static partial void CommitWell(ILogger logger, string source);

    [LoggerMessage(17, LogLevel.Information, "Kafka streams: this silo owns {Mine} of {All} slots, silos: {Silos}")]
    public static partial void SlotsShared(ILogger logger, int mine, int all, int silos);
}
