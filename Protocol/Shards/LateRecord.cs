using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Protocol.Shards;

/// <summary>A row that missed its window.</summary>
internal readonly record struct LateRecord(long Offset, long WindowStart, long WindowEnd, long LateBy, LateReason Reason = LateReason.Watermark);
