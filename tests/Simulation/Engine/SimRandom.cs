namespace KafkaOracleOrleans.Simulation.Engine;

/// <summary>All chance of a run, from its seed (SplitMix64).</summary>
internal sealed class SimRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to below a bound.</summary>
    public int Next(int below) => (int)((Next() >> 32) * (ulong)below >> 32);

    /// <summary>From one bound to below the other.</summary>
    public int Next(int from, int below) => from + Next(below - from);

    /// <summary>From 0 to below 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with a chance from 0 to 1.</summary>
    public bool Strikes(double chance) => chance > 0 && NextDouble() < chance;
}
