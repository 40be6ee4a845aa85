using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace KafkaOracleOrleans.Processing.Windows;

/// <summary>Numbers for source partitions, the same in every process and after every restart.</summary>
public static class SourceTags
{
    /// <summary>A number of <c>topic/partition</c>, from 0 to 2^31 - 2. Two that share one are taken for one source by sessions; nothing else uses it.</summary>
    public static int Of(string source) => (int)(XxHash32.HashToUInt32(MemoryMarshal.AsBytes(source.AsSpan())) & 0x7FFF_FFFE);
}
