namespace KafkaOracleOrleans.Protocol.Writers;

/// <summary>
/// How many rows go into one transaction. Halves when a write did not end in time, so that a slow database gets on, if slowly: the same rows again would
/// take as long again. Doubles when a write took a small part of the time.
/// </summary>
/// <param name="deadline">The time a write has.</param>
internal sealed class WriteSize(TimeSpan deadline)
{
    /// <summary>Rows at once; <see cref="int.MaxValue"/>: as many as come.</summary>
    public int AtOnce { get; private set; } = int.MaxValue;

    /// <summary>A write ended.</summary>
    public void Took(TimeSpan time)
    {
        if (AtOnce != int.MaxValue && time < deadline / 8) AtOnce = AtOnce > int.MaxValue / 2 ? int.MaxValue : AtOnce * 2;
    }

    /// <summary>A write of so many rows did not end in time; false when fewer cannot be tried.</summary>
    public bool WasTooSlow(int rows)
    {
        if (rows <= 1) return false;
        AtOnce = rows / 2;
        return true;
    }
}
