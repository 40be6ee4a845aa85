namespace KafkaOracleOrleans.Processing.Records;

/// <summary>What <see cref="decimal"/> does not say about itself.</summary>
public static class Decimals
{
    private static readonly ulong[] PowersOf10 = MakePowers();

    /// <summary>The same number without trailing zeros after the point; zero is +0 with scale 0.</summary>
    public static decimal Normalize(decimal value)
    {
        if (value == 0) return 0m;
        // Dividing by one with 28 zeros makes the framework take the smallest scale that still holds the number
        // exactly.
        return value.Scale == 0 ? value : value / 1.0000000000000000000000000000m;
    }

    /// <summary>10 to the power 0 to 19.</summary>
    internal static ulong Power(int exponent) => PowersOf10[exponent];

    private static ulong[] MakePowers()
    {
        var powers = new ulong[20];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++) powers[i] = powers[i - 1] * 10;
        return powers;
    }
}
