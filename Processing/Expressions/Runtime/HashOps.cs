using System.IO.Hashing;
using System.Security.Cryptography;

namespace KafkaOracleOrleans.Processing.Expressions.Runtime;

/// <summary>Hashes of bytes.</summary>
internal static class HashOps
{
    public static long Hash64(Utf8Slice bytes) => unchecked((long)XxHash3.HashToUInt64(bytes.Span));

    public static Utf8Slice Sha256(Utf8Slice bytes, EvaluationState state)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes.Span, digest);
        if (!state.TryReserve(digest.Length * 2, out var room)) return Utf8Slice.Empty;
        Convert.TryToHexStringLower(digest, room, out var written);
        return state.Commit(written);
    }
}
