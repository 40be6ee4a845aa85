using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Sinks;

/// <summary>
/// Tells bad rows from a bad table where a code leaves it open: a trigger that raises for every row, a partition that is
/// missing, a column that the pipeline does not write and that has become mandatory. When whole writes are refused with
/// such a code, nothing is quarantined for it. Values that do not fit are the rows' fault however many there are.
/// </summary>
internal sealed class SystemicGuard(SinkTable table, Dialect dialect)
{
    /// <summary>Rows of one write that, all refused alike, are no accident.</summary>
    public const int WholeWrite = 8;

    /// <summary>The same over several writes, for sinks that write few rows at a time.</summary>
    public const int InARow = 20;

    private static readonly string[] NotNull = ["SQLSTATE 23502", "SQLITE 1299", "ORA-01400"];

    private string? _code;

    /// <summary>How many rows in a row were refused with the same code.</summary>
    public int Alike { get; private set; }

    /// <summary>The one code all rows of a write were refused with, where it may be the table's fault; or null.</summary>
    public string? CommonCode(List<RowFailure> failures, int rows) =>
        failures.Count > 0 && failures.Count >= rows && failures.TrueForAll(f => f.Code == failures[0].Code) && MayBeTable(failures[0])
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

    private bool MayBeTable(RowFailure failure) =>
        dialect.FaultOf(failure.Code) == RowFault.Raised || (NotNull.Contains(failure.Code) && !NamesOurColumn(failure.Message));

    /// <summary>Databases name the column in quotes, or after the table and a dot.</summary>
    private bool NamesOurColumn(string message) => Array.Exists(table.Columns, c =>
        message.Contains($"\"{c.Name}\"", StringComparison.OrdinalIgnoreCase)
        || message.TrimEnd('\'', '.', ' ').EndsWith($".{c.Name}", StringComparison.OrdinalIgnoreCase));
}
