using System.Data;
using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>
/// Oracle 19c and later: rows travel by array binding, one execution on the server per row, and refused rows come back
/// by index. Binds are named P0, P1, ... in the order in which they appear, so that they are right by name and by
/// position.
/// </summary>
internal sealed partial class OracleDialect : Dialect
{
    /// <summary>
    /// Bytes a VARCHAR2 bind may have in SQL (MAX_STRING_SIZE=STANDARD); longer text is bound as CLOB.
    /// </summary>
    public const int MaxVarchar2 = 4000;

    /// <summary>UTF-16 units a national text bind may have in SQL; longer text is bound as NCLOB.</summary>
    private const int MaxNational = MaxVarchar2 / 2;

    /// <summary>Bytes a RAW bind may have in SQL; longer values are bound as BLOB.</summary>
    public const int MaxRaw = 2000;

    /// <summary>Rows of a statement with LOB binds: each is a temporary LOB on the server.</summary>
    private const int LongRowsPerStatement = 100;

    private const int UniqueViolation = 1;
    private const string Savepoint = "SAVEPOINT KOR_ROWS";
    private const string ToSavepoint = "ROLLBACK TO SAVEPOINT KOR_ROWS";

    /// <summary>Stands for the empty text in key columns, where '' would be NULL.</summary>
    private const char EmptyKey = '\u0001';

    public static OracleDialect Instance { get; } = new();

    public override DatabaseProvider Provider => DatabaseProvider.Oracle;

    public override bool IsSynchronous => true;

    public override bool CallsMayHang => true;

    public override bool EmptyIsNull => true;

    public override string Ping => "SELECT 1 FROM DUAL";

    public override string Place(int index) => string.Create(CultureInfo.InvariantCulture, $":P{index}");

    public override string EncodeKey(string key) =>
        key.Length == 0 || key[0] == EmptyKey ? EmptyKey + key : key;

    public override string DecodeKey(string key) => key.Length > 0 && key[0] == EmptyKey ? key[1..] : key;

    public override void AddBind(DbCommand command, Bind bind)
    {
        var driver = OracleDriver.Instance;
        driver.Prepare(command, 0);
        object value = bind.Value switch
        {
            null => DBNull.Value,
            long microseconds when bind.Type == BindType.Timestamp => Unzoned(microseconds),
            _ => bind.Value,
        };
        // A BLOB bind is a temporary LOB and round trips of its own: only what is too long for RAW travels that way.
        var isLong = value is byte[] { Length: > MaxRaw };
        Add(driver, command, TypeOf(bind.Type, isLong), value);
    }

    public override void PrepareQuery(DbCommand command) => OracleDriver.Instance.PrepareQuery(command);

    public override void PrepareReader(DbDataReader reader) => OracleDriver.Instance.PrepareReader(reader);

    public override (string Before, string After)? AroundDdl =>
        ("ALTER SESSION SET DDL_LOCK_TIMEOUT = 30", "ALTER SESSION SET DDL_LOCK_TIMEOUT = 0");

    /// <summary>
    /// Statements end with a semicolon at a line's end, functions with a slash on a line of its own, as SQL*Plus has
    /// it. The driver takes statements without their semicolon, and functions with it. COMMIT is the transaction's.
    /// </summary>
    public override IReadOnlyList<string> SplitScript(string script)
    {
        var statements = new List<string>();
        var lines = new List<string>();
        foreach (var line in script.Split('\n').Select(l => l.TrimEnd()))
        {
            if (lines.Count == 0 && (line.Length == 0 || line == "/" || line.StartsWith("--", StringComparison.Ordinal))) continue;
            var isFunction = lines.Count > 0 && lines[0].StartsWith("CREATE OR REPLACE FUNCTION", StringComparison.Ordinal);
            if (isFunction ? line == "/" : line.EndsWith(';'))
            {
                if (!isFunction) lines.Add(line[..^1]);
                var statement = string.Join('\n', lines.Where(l => !l.TrimStart().StartsWith("--", StringComparison.Ordinal)));
                lines.Clear();
                if (statement != "COMMIT") statements.Add(statement);
            }
            else
            {
                lines.Add(line);
            }
        }

        return lines.Count == 0
            ? statements
            : throw new InvalidOperationException($"The script ends within a statement: {lines[0]}");
    }

    /// <summary>
    /// DDL commits by itself on Oracle, so a statement that finds its work done harms nothing before it.
    /// </summary>
    public override async Task ExecuteDdlAsync(DbSession session, string statement, CancellationToken cancellation)
    {
        try
        {
            await session.ExecuteAsync(statement, cancellation).ConfigureAwait(false);
        }
        catch (DbException failure) when (Classify(failure).Class == ErrorClass.AlreadyExists)
        {
            // Another silo made it first.
        }
    }

    public override async Task<RowOutcome> ExecuteRowsAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, bool isolate,
        CancellationToken cancellation)
    {
        var outcome = new RowOutcome();
        foreach (var (part, isLong) in Parts(binds, rows, session.RowsPerStatement))
        {
            if (isolate)
                await IsolateAsync(session, text, binds, part, isLong, outcome, cancellation).ConfigureAwait(false);
            else
                outcome.Affected += Execute(session, text, binds, part, isLong);
        }

        return outcome;
    }

    /// <summary>
    /// Runs rows until all that are left go through. A duplicate key is tried once more: another writer's row,
    /// uncommitted when MERGE looked for it, is found the second time.
    /// </summary>
    private async Task IsolateAsync(
        DbSession session, string text, BindValues[] binds, int[] rows, bool isLong, RowOutcome outcome,
        CancellationToken cancellation)
    {
        var work = new Stack<int[]>();
        work.Push(rows);
        var retried = new HashSet<int>();
        while (work.TryPop(out var part))
        {
            await session.ExecuteAsync(Savepoint, cancellation).ConfigureAwait(false);
            try
            {
                outcome.Affected += Execute(session, text, binds, part, isLong);
                continue;
            }
            catch (Exception failure) when (OracleDriver.Instance.IsOracle(failure) || IsValueFault(failure))
            {
                var refused = RefusedRows(session, failure, part);
                if (refused is null && (part.Length == 1 || !session.IsRowFault(Classify(failure).Class))) throw;
                if (session.Connection.State != ConnectionState.Open) throw;
                await session.ExecuteAsync(ToSavepoint, cancellation).ConfigureAwait(false);
                if (refused is null)
                {
                    // The driver refused before anything was sent and does not say which row: halves find it.
                    work.Push(part[(part.Length / 2)..]);
                    work.Push(part[..(part.Length / 2)]);
                    continue;
                }

                var poison = refused.FindAll(f => f.Code != CodeText(UniqueViolation) || !retried.Add(f.Row));
                foreach (var row in poison)
                {
                    if (!outcome.Refuse(row, ClassOf(row.Code))) throw;
                }

                var gone = poison.Select(f => f.Row).ToHashSet();
                var rest = Array.FindAll(part, row => !gone.Contains(row));
                if (rest.Length > 0) work.Push(rest);
            }
        }
    }

    /// <summary>
    /// The rows an exception blames; null when it blames none, or when an error among them is not a row's.
    /// </summary>
    private List<RowFailure>? RefusedRows(DbSession session, Exception failure, int[] rows)
    {
        var faults = OracleDriver.Instance.IsOracle(failure) ? OracleDriver.Instance.Faults(failure) : [];
        var indexed = faults.Where(f => f.ArrayBindIndex >= 0 && f.ArrayBindIndex < rows.Length).ToList();
        if (indexed.Count == 0 && rows.Length == 1)
        {
            // A single execution has no index: the error itself is the row's.
            var error = Classify(failure);
            return session.IsRowFault(error.Class) ? [new RowFailure(rows[0], error.Code, error.Message)] : null;
        }

        if (indexed.Count == 0 || indexed.Exists(f => !session.IsRowFault(ClassOf(f.Number)))) return null;
        return indexed.ConvertAll(f => new RowFailure(rows[f.ArrayBindIndex], CodeText(f.Number), f.Message));
    }

    private static int Execute(DbSession session, string text, BindValues[] binds, int[] rows, bool isLong)
    {
        var driver = OracleDriver.Instance;
        using var command = session.Command(text);
        driver.Prepare(command, rows.Length);
        foreach (var bind in binds)
        {
            var values = new object[rows.Length];
            for (var i = 0; i < values.Length; i++) values[i] = ValueOf(bind, rows[i]);
            Add(driver, command, TypeOf(bind.Type, isLong), values);
        }

        return command.ExecuteNonQuery();
    }

    private static void Add(OracleDriver driver, DbCommand command, OracleType type, object value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = string.Create(CultureInfo.InvariantCulture, $"P{command.Parameters.Count}");
        driver.SetType(parameter, type);
        parameter.Value = value;
        command.Parameters.Add(parameter);
    }

    /// <summary>Rows in statements, those with a value too long for a plain bind apart from the others.</summary>
    private IEnumerable<(int[] Rows, bool IsLong)> Parts(BindValues[] binds, ReadOnlyMemory<int> rows,
        int maxRows)
    {
        var plain = new List<int>(rows.Length);
        var longs = new List<int>();
        foreach (var row in rows.ToArray()) (HasLong(binds, row) ? longs : plain).Add(row);
        foreach (var chunk in plain.Chunk(maxRows)) yield return (chunk, false);
        foreach (var chunk in longs.Chunk(Math.Min(maxRows, LongRowsPerStatement))) yield return (chunk, true);
    }

    private bool HasLong(BindValues[] binds, int row)
    {
        byte[] scratch = [];
        foreach (var bind in binds)
        {
            if (!IsLong(bind.Type) || bind.IsNull(row)) continue;
            var tooLong = bind.Type switch
            {
                BindType.Bytes => bind.Bytes(row).Length > MaxRaw,
                BindType.NationalLongText => bind.Text(row).Length > MaxNational,
                _ => bind.Utf8(row, ref scratch).Length > MaxVarchar2,
            };
            if (tooLong) return true;
        }

        return false;
    }

    /// <summary>Values of these types may travel as LOBs.</summary>
    public override bool IsLong(BindType type) =>
        type is BindType.LongText or BindType.NationalLongText or BindType.Json or BindType.Bytes;

    private static object ValueOf(BindValues bind, int row)
    {
        if (bind.IsNull(row)) return DBNull.Value;
        return bind.Type switch
        {
            BindType.Integer => bind.Long(row),
            BindType.Decimal => bind.Decimal(row),
            BindType.Double => bind.Double(row),
            BindType.Boolean => bind.Boolean(row) ? (short)1 : (short)0,
            BindType.Timestamp or BindType.Seconds => Unzoned(bind.Long(row)),
            BindType.Date => BindTime.ToDate(bind.Long(row)).ToDateTime(TimeOnly.MinValue),
            BindType.Bytes => bind.ByteArray(row),
            _ => bind.Text(row),
        };
    }

    private static OracleType TypeOf(BindType type, bool isLong) => type switch
    {
        BindType.Text => OracleType.Varchar2,
        // A CHAR compared with a VARCHAR2 counts its blanks and is never equal to what was written into it.
        BindType.FixedText => OracleType.Char,
        BindType.NationalText => OracleType.NVarchar2,
        BindType.NationalFixedText => OracleType.NChar,
        BindType.NationalLongText => isLong ? OracleType.NClob : OracleType.NVarchar2,
        BindType.LongText or BindType.Json => isLong ? OracleType.Clob : OracleType.Varchar2,
        BindType.Integer => OracleType.Int64,
        BindType.Decimal => OracleType.Decimal,
        BindType.Double => OracleType.BinaryDouble,
        BindType.Boolean => OracleType.Int16,
        BindType.Timestamp => OracleType.TimeStamp,
        BindType.Date or BindType.Seconds => OracleType.Date,
        BindType.Bytes => isLong ? OracleType.Blob : OracleType.Raw,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such bind type."),
    };

    /// <summary>UTC without saying so: TIMESTAMP columns have no zone, and nothing may convert it on the way.</summary>
    private static DateTime Unzoned(long microseconds) =>
        DateTime.SpecifyKind(BindTime.ToUtc(microseconds), DateTimeKind.Unspecified);
}
