namespace KafkaOracleOrleans.Processing.Dedup;

/// <summary>
/// Finds by sampling that ids come with different message keys where the author of a pipeline said that they do not: one id in
/// <see cref="SampledOneIn"/> is remembered with its key in a table of fixed size (64 KiB), newest first. What it does not find proves nothing.
/// </summary>
public sealed class MessageKeyCheck
{
    /// <summary>One id in so many is looked at.</summary>
    public const int SampledOneIn = 16;

    private const int Slots = 4096;
    private readonly ulong[] _ids = new ulong[Slots];
    private readonly ulong[] _keys = new ulong[Slots];

    /// <summary>True when a sampled id came with another key before.</summary>
    public bool Differs(UInt128 id, ulong key)
    {
        var (high, low) = ((ulong)(id >> 64), (ulong)id);
        if (high % SampledOneIn != 0) return false;
        var slot = (high / SampledOneIn) % Slots;
        var differs = _ids[slot] == low && _keys[slot] != key;
        (_ids[slot], _keys[slot]) = (low, key);
        return differs;
    }
}
