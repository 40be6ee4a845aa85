using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// Tells bad rows from a bad table: when whole writes are refused with one code, it is the table (a full tablespace, a
/// changed column), and nothing may be quarantined for it.
/// </summary>
internal sealed class SystemicGuard
{
    /// <summary>Rows of one write that, all refused alike, are no accident.</summary>
    public const int WholeWrite = 8;

    /// <summary>The same over several writes, for sinks that write few rows at a time.</summary>
    public const int InARow = 20;

    private string? _code;

    /// <summary>How many rows in a row were refused with the same code.</summary>
    public int Alike { get; private set; }

    /// <summary>The one code all rows of a write were refused with, or null.</summary>
    public static string? CommonCode(List<RowFailure> failures, int rows) =>
        failures.Count > 0 && failures.Count >= rows && failures.TrueForAll(f => f.Code == failures[0].Code)
            ? failures[0].Code
            : null;

    /// <summary>
    /// True when a write of <paramref name="rows"/> rows, all refused with a code, shows that it is the table.
    /// </summary>
    public bool IsSystemic(string? code, int rows) =>
        code is not null && (rows >= WholeWrite || (code == _code ? Alike + rows : rows) >= InARow);

    /// <summary>Notes a committed write and the code that all its rows were refused with, if they were.</summary>
    public void Note(string? code, int rows)
    {
        Alike = code is null ? 0 : code == _code ? Alike + rows : rows;
        _code = code;
    }
}
