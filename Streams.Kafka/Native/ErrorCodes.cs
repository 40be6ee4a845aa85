namespace KafkaOracleOrleans.Streams.Kafka.Native;

/// <summary>The librdkafka error codes this provider distinguishes.</summary>
internal static class ErrorCodes
{
    public const int Fail = -196;
    public const int Transport = -195;
    public const int Resolve = -193;
    public const int PartitionEof = -191;
    public const int UnknownPartition = -190;
    public const int UnknownTopic = -188;
    public const int AllBrokersDown = -187;
    public const int TimedOut = -185;
    public const int Ssl = -181;
    public const int WaitCoordinator = -180;
    public const int Authentication = -169;
    public const int NoOffset = -168;
    public const int MaxPollExceeded = -147;
    public const int AutoOffsetReset = -140;
    public const int LogTruncation = -139;
    public const int OffsetOutOfRange = 1;
    public const int UnknownTopicOrPartition = 3;
    public const int LeaderNotAvailable = 5;
    public const int NotLeader = 6;
    public const int CoordinatorLoading = 14;
    public const int CoordinatorNotAvailable = 15;
    public const int NotCoordinator = 16;
    public const int MessageTooLarge = 10;
    public const int TopicAuthorizationFailed = 29;
    public const int GroupAuthorizationFailed = 30;
    public const int SaslAuthenticationFailed = 58;
    public const int UnknownTopicId = 100;

    /// <summary>Whether librdkafka goes on by itself at the same position when the fault is over.</summary>
    public static bool IsPassing(int code) => Classify(code) is KafkaFailureCode.Unreachable
        or KafkaFailureCode.UnknownTopicOrPartition or KafkaFailureCode.Authentication
        or KafkaFailureCode.Authorization;

    /// <summary>
    /// Whether a leader denied a position, rather than the position being outside of the log. librdkafka hands both out as a failed reset; only its words
    /// tell them apart.
    /// </summary>
    public static bool IsTruncation(string reason) => reason.Contains("truncat", StringComparison.OrdinalIgnoreCase);

    /// <summary>A TLS alert is the broker's refusal of this client; librdkafka reports it as a lost connection.</summary>
    public static KafkaFailureCode Classify(int code, string reason) =>
        code == Transport && reason.Contains("SSL alert number", StringComparison.Ordinal)
            ? KafkaFailureCode.Authentication
            : Classify(code);

    public static KafkaFailureCode Classify(int code) => code switch
    {
        AutoOffsetReset or LogTruncation or OffsetOutOfRange => KafkaFailureCode.OffsetOutOfRange,
        UnknownPartition or UnknownTopic or UnknownTopicOrPartition or UnknownTopicId =>
            KafkaFailureCode.UnknownTopicOrPartition,
        Authentication or Ssl or SaslAuthenticationFailed => KafkaFailureCode.Authentication,
        TopicAuthorizationFailed or GroupAuthorizationFailed => KafkaFailureCode.Authorization,
        Transport or Resolve or AllBrokersDown or TimedOut or WaitCoordinator or LeaderNotAvailable or NotLeader
            or CoordinatorLoading or CoordinatorNotAvailable or NotCoordinator => KafkaFailureCode.Unreachable,
        MessageTooLarge => KafkaFailureCode.RecordTooLarge,
        _ => KafkaFailureCode.Other,
    };
}
