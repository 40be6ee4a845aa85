namespace KafkaOracleOrleans.Processing;

/// <summary>
/// What a piece of work that somebody asked for (a try of an expression, a test, a preview) may use up. The work counts while it produces, so that it ends
/// where the budget does and not after having produced everything. Time is the token's: whoever makes the budget has it cancelled when time is up or nobody
/// waits any more. Pipelines have none: their bounds are per record. Not thread-safe.
/// </summary>
/// <param name="maxRows">The most rows it may produce.</param>
/// <param name="maxBytes">The most bytes of text those may have together.</param>
/// <param name="cancellation">Ends it.</param>
public sealed class WorkBudget(long maxRows, long maxBytes, CancellationToken cancellation)
{
    /// <summary>How much work is done between two looks at the token, in units of a byte looked at: well under a millisecond.</summary>
    private const int UnitsPerLook = 1 << 16;

    private long _rows;
    private long _bytes;
    private long _units;

    /// <summary>Counts rows that are about to be produced. Throws <see cref="WorkBudgetException"/> when they are too many.</summary>
    public void Rows(long count)
    {
        _rows += count;
        if (_rows > maxRows) throw new WorkBudgetException($"It makes more than {Number(maxRows)} rows.");
        Work(count * 1024);
    }

    /// <summary>Counts bytes of what is produced. Throws <see cref="WorkBudgetException"/> when they are too many.</summary>
    public void Bytes(long count)
    {
        _bytes += count;
        if (_bytes > maxBytes) throw new WorkBudgetException($"What it makes has more than {Number(maxBytes)} bytes.");
        Work(count);
    }

    /// <summary>Counts work by the bytes it looks at. Throws <see cref="OperationCanceledException"/> soon after the token was cancelled.</summary>
    public void Work(long units)
    {
        _units += units;
        if (_units < UnitsPerLook) return;
        _units = 0;
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Looks at the token at once.</summary>
    public void Look() => cancellation.ThrowIfCancellationRequested();

    private static string Number(long value) => value.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A piece of work used up its <see cref="WorkBudget"/>; the text says which limit it met.</summary>
public sealed class WorkBudgetException(string message) : Exception(message);
