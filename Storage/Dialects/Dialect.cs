using System.Data.Common;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>What the refusal of a row depends on.</summary>
internal enum RowFault
{
    /// <summary>On its values alone: it will never go in.</summary>
    Data,

    /// <summary>On rows that may still change: a unique column that is taken, a parent that is not there yet.</summary>
    OtherRows,

    /// <summary>On a program in the database (a trigger, a missing partition), which may refuse every row.</summary>
    Raised,

    /// <summary>The code is in no table.</summary>
    Unknown,

    /// <summary>On a privilege, table or statement, says the code; of one row among others it is a policy's or a trigger's work.</summary>
    Configuration,

    /// <summary>On what passes, says the code (a deadlock, a lost session, no memory); so may a trigger for one row.</summary>
    Passing,
}

/// <summary>
/// What differs between databases: texts of statements, types, how many rows are bound at once, and what errors mean.
/// Instances hold no connection and are shared.
/// </summary>
internal abstract class Dialect
{
    /// <summary>The part number that asks for all parts of a cell.</summary>
    public const long AllParts = -1;

    public static Dialect For(DatabaseProvider provider) => provider switch
    {
        DatabaseProvider.PostgreSql => PostgresDialect.Instance,
        DatabaseProvider.Sqlite => SqliteDialect.Instance,
        DatabaseProvider.Oracle => OracleDialect.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "There is no such provider."),
    };

    public abstract DatabaseProvider Provider { get; }

    /// <summary>
    /// True when the driver blocks its thread: everything then runs on the pool, never on a grain's turn.
    /// </summary>
    public abstract bool IsSynchronous { get; }

    /// <summary>
    /// True when opening, COMMIT and closing have no time limit of their own in the driver: a silent peer holds them for ever.
    /// </summary>
    public virtual bool CallsMayHang => false;

    /// <summary>True when one transaction writes at a time: there are no deadlocks.</summary>
    public virtual bool HasOneWriter => false;

    /// <summary>The smallest query.</summary>
    public virtual string Ping => "SELECT 1";

    /// <summary>Asks for the database's clock.</summary>
    public virtual string NowText => "SELECT now()";

    /// <summary>The statements of the state store.</summary>
    public abstract StateSql State { get; }

    /// <summary>The statements around a sink's rows.</summary>
    public abstract SinkSql Sink { get; }

    /// <summary>The longest name of a table or column in bytes.</summary>
    public abstract int MaxIdentifierBytes { get; }

    /// <summary>A plain name as the database keeps it when it is written without quotes.</summary>
    public abstract string Fold(string name);

    /// <summary>The type of a column made for a field.</summary>
    public abstract string TypeText(FieldType type, bool isKey);

    /// <summary>
    /// True when the column holds every value of the type's kind; lengths and digits are checked per row.
    /// </summary>
    public abstract bool Accepts(FieldType type, ColumnInfo column);

    /// <summary>Inserts rows whose key is not there; binds are the table's columns.</summary>
    public abstract string AppendText(SinkTable table);

    /// <summary>
    /// Inserts or, unless the stored revision is higher, updates rows; binds are the table's columns. NULL is the lowest revision.
    /// </summary>
    public abstract string UpsertText(SinkTable table);

    /// <summary>
    /// Changes rows that are there: those that the guard lets be, and with <see cref="SinkSpec.KeepMissing"/> only where there is a value.
    /// </summary>
    public abstract string UpdateText(SinkTable table);

    /// <summary>
    /// Inserts or changes rows with the values there are, one statement after the other with the same rows. An insert that meets a row is checked for
    /// NULL before it becomes a change, so where the two are one statement a row with some of the columns could not change one with others.
    /// </summary>
    public abstract IReadOnlyList<string> MergeTexts(SinkTable table);

    /// <summary>What writes a sink's rows, in the order of execution, with the same rows.</summary>
    public IReadOnlyList<string> WriteTexts(SinkTable table) => table.Spec switch
    {
        { Mode: SinkMode.Append } => [AppendText(table)],
        { UpdateOnly: true } => [UpdateText(table)],
        { KeepMissing: true } when !table.Values.IsEmpty => MergeTexts(table),
        _ => [UpsertText(table)],
    };

    /// <summary>Why a column cannot be changed in part; null: it can.</summary>
    public virtual string? KeepFault(FieldType type, ColumnInfo? column) => null;

    /// <summary>Deletes rows by key whose revision is lower; binds are the key columns, then the revision.</summary>
    public abstract string DeleteOlderText(SinkTable table);

    /// <summary>
    /// Why revisions of a column would be compared by the database otherwise than here, and the remedy; null when they are not.
    /// </summary>
    /// <param name="type">The field's type.</param>
    /// <param name="column">The table's column; null for the one that would be made.</param>
    public abstract string? RevisionFault(FieldType type, ColumnInfo? column);

    /// <summary>What a code says of a row that is refused with it.</summary>
    public abstract RowFault FaultOf(string code);

    /// <summary>The same of codes that stand for nothing but their class.</summary>
    protected static RowFault FaultOf(ErrorClass error) => error switch
    {
        ErrorClass.Unknown => RowFault.Unknown,
        ErrorClass.Configuration or ErrorClass.AlreadyExists => RowFault.Configuration,
        ErrorClass.Conflict or ErrorClass.Resource or ErrorClass.SessionLost => RowFault.Passing,
        _ => RowFault.Data,
    };

    /// <summary>Deletes rows by key; binds are the key columns.</summary>
    public abstract string DeleteText(SinkTable table);

    /// <summary>DDL that adds a unique key over the table's key columns.</summary>
    public virtual string AddUniqueText(SinkTable table, string name) =>
        $"ALTER TABLE {table.Quoted} ADD CONSTRAINT {Identifiers.Quote(name)} UNIQUE ({string.Join(", ", table.Keys.ToArray().Select(k => k.Quoted))})";

    /// <summary>DDL after which a unique key is in nobody's way.</summary>
    public virtual string DropKeyText(SinkTable table, TableKey key) => key.IsConstraint
        ? $"ALTER TABLE {table.Quoted} DROP CONSTRAINT {Identifiers.Quote(key.Name)}"
        : $"DROP INDEX {Identifiers.Quote(key.Name)}";

    /// <summary>What else is to be done after <see cref="DropKeyText"/>.</summary>
    public virtual string AfterDropKey => "make the key over all of these columns then.";

    /// <summary>DDL after which a column whose values the database makes takes values; null where there is none.</summary>
    public virtual string? MakeWritableText(SinkTable table, SinkColumn column, ColumnGeneration generation) => null;

    /// <summary>Reads a table's columns and unique keys; null when it does not exist or cannot be seen.</summary>
    public abstract Task<TableInfo?> ReadTableAsync(DbSession session, TableName name, CancellationToken cancellation);

    /// <summary>What the bind of a sink's column is, given the table's column.</summary>
    public virtual BindType BindTypeOf(FieldType type, ColumnInfo? column) => ColumnBinds.TypeOf(type);

    /// <summary>
    /// True for binds whose values may travel as large objects: a statement has them after all others.
    /// </summary>
    public virtual bool IsLong(BindType type) => false;

    /// <summary>The statement that has deferred constraints checked at once; null where there is none.</summary>
    public virtual string? ConstraintsAtOnce => "SET CONSTRAINTS ALL IMMEDIATE";

    /// <summary>True where '' is NULL: an empty string cannot be a key.</summary>
    public virtual bool EmptyIsNull => false;

    /// <summary>The text of the bind variable at a place, from 0.</summary>
    public abstract string Place(int index);

    /// <summary>The clause at the end of a query that ends it after some rows.</summary>
    public virtual string Limit(int rows) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"FETCH FIRST {rows} ROWS ONLY");

    /// <summary>True where texts are compared with some types only after they were converted: see <see cref="LookupColumn.CastTo"/>.</summary>
    public virtual bool ConvertsLookupKeys => false;

    /// <summary>Finds rows by key, for so many keys at once.</summary>
    public abstract string LookupText(LookupTable table, int keys);

    /// <summary>
    /// Looks the rows of a key block up and hands what is found to <paramref name="take"/>: the key's row, the reader,
    /// and where its values begin.
    /// </summary>
    public abstract Task LookupAsync(
        DbSession session, LookupTable table, RowBlock keys, int[] rows, Action<int, DbDataReader, int> take,
        CancellationToken cancellation);

    /// <summary>Reads a value, NULL included, into a column. Throws when the value is of another type.</summary>
    public void ReadValue(DbDataReader reader, int ordinal, Column target, int row)
    {
        if (reader.IsDBNull(ordinal))
        {
            target.SetNull(row);
            return;
        }

        switch (target)
        {
            case LongColumn { Type.Kind: FieldKind.Timestamp } c: c.Set(row, ReadTimestamp(reader, ordinal)); break;
            case LongColumn { Type.Kind: FieldKind.Date } c: c.Set(row, ReadDate(reader, ordinal)); break;
            case LongColumn c: c.Set(row, ReadInteger(reader, ordinal)); break;
            case DecimalColumn c: c.Set(row, Fit(ReadDecimal(reader, ordinal), c.Type)); break;
            case DoubleColumn c: c.Set(row, ReadDouble(reader, ordinal)); break;
            case BooleanColumn c: c.Set(row, ReadBoolean(reader, ordinal)); break;
            case BinaryColumn { Type.Kind: FieldKind.Bytes } c: c.Set(row, (byte[])reader.GetValue(ordinal)); break;
            case BinaryColumn c: c.Set(row, System.Text.Encoding.UTF8.GetBytes(ReadText(reader, ordinal))); break;
        }
    }

    /// <summary>Reads like <see cref="ReadValue"/>; returns why a value is not of the column's type, or null.</summary>
    public string? TryReadValue(DbDataReader reader, int ordinal, Column target, int row)
    {
        try
        {
            ReadValue(reader, ordinal, target, row);
            return null;
        }
        catch (Exception fault) when (fault is InvalidCastException or FormatException or OverflowException)
        {
            target.SetNull(row);
            return fault.Message;
        }
    }

    /// <summary>Why the database cannot be asked for a key, or null; what it refuses itself needs not be said here.</summary>
    public virtual string? KeyFault(Column key, int row) => null;

    /// <summary>Microseconds since the epoch, UTC; a value without a zone is UTC.</summary>
    public virtual long ReadTimestamp(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        DateTime { Kind: DateTimeKind.Local } local => BindTime.FromUtc(local.ToUniversalTime()),
        DateTime time => BindTime.FromUtc(time),
        DateTimeOffset time => BindTime.FromUtc(time.UtcDateTime),
        DateOnly date => BindTime.FromUtc(date.ToDateTime(TimeOnly.MinValue)),
        var other => throw new InvalidCastException($"a {other.GetType().Name} is no timestamp"),
    };

    protected virtual long ReadDate(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        DateOnly date => BindTime.FromDate(date),
        DateTime time => BindTime.FromDate(DateOnly.FromDateTime(time)),
        var other => throw new InvalidCastException($"a {other.GetType().Name} is no date"),
    };

    protected virtual decimal ReadDecimal(DbDataReader reader, int ordinal) =>
        Convert.ToDecimal(reader.GetValue(ordinal), System.Globalization.CultureInfo.InvariantCulture);

    protected virtual string ReadText(DbDataReader reader, int ordinal) =>
        Convert.ToString(reader.GetValue(ordinal), System.Globalization.CultureInfo.InvariantCulture)!;

    protected virtual long ReadInteger(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        long value => value,
        int value => value,
        short value => value,
        decimal value when decimal.Truncate(value) == value => checked((long)value),
        var other => throw new InvalidCastException($"{other} is no integer"),
    };

    private static double ReadDouble(DbDataReader reader, int ordinal)
    {
        var value = Convert.ToDouble(reader.GetValue(ordinal), System.Globalization.CultureInfo.InvariantCulture);
        return double.IsFinite(value) ? value : throw new OverflowException($"{value} is not finite");
    }

    private bool ReadBoolean(DbDataReader reader, int ordinal) => reader.GetValue(ordinal) switch
    {
        bool value => value,
        _ => ReadDecimal(reader, ordinal) switch
        {
            0 => false,
            1 => true,
            var number => throw new InvalidCastException($"{number} is neither 0 nor 1"),
        },
    };

    /// <summary>The value with no more digits after the point than declared, if it has no others.</summary>
    private static decimal Fit(decimal value, FieldType type)
    {
        var rounded = decimal.Round(value, type.Scale);
        if (rounded != value) throw new OverflowException($"{value} has more than {type.Scale} digits after the point");
        var whole = decimal.Truncate(Math.Abs(value));
        for (var digits = type.Precision - type.Scale; digits > 0 && whole >= 1; digits--) whole = decimal.Truncate(whole / 10);
        return whole < 1 ? rounded : throw new OverflowException($"{value} has more digits than {type}");
    }

    /// <summary>Readies a command that reads rows.</summary>
    public virtual void PrepareQuery(DbCommand command)
    {
    }

    /// <summary>Readies the reader of a query before its first row.</summary>
    public virtual void PrepareReader(DbDataReader reader)
    {
    }

    /// <summary>A column of a lookup in the list of a SELECT.</summary>
    public virtual string SelectText(LookupColumn column) => column.Quoted;

    /// <summary>True when the server refused the login itself: trying it again and again would lock the account.</summary>
    public virtual bool IsLoginRefused(DatabaseError error) => false;

    /// <summary>Statements before and after DDL on its connection.</summary>
    public virtual (string Before, string After)? AroundDdl => null;

    /// <summary>Adds a scalar parameter.</summary>
    public abstract void AddBind(DbCommand command, Bind bind);

    /// <summary>
    /// Executes a statement once per row. With <paramref name="isolate"/>, rows refused for what is in them are
    /// returned and leave no trace while the others stay done; every other error is thrown.
    /// </summary>
    public abstract Task<RowOutcome> ExecuteRowsAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, bool isolate,
        CancellationToken cancellation);

    /// <summary>
    /// Reads the asked cells of an owner that exist; a part of <see cref="AllParts"/> asks for all parts.
    /// </summary>
    public abstract Task ReadCellsAsync(
        DbSession session, string owner, IReadOnlyCollection<CellId> cells, List<CellState> found,
        CancellationToken cancellation);

    /// <summary>What an exception of the driver means.</summary>
    public abstract DatabaseError Classify(Exception exception);

    /// <summary>
    /// True for exceptions that come from the driver; others are the program's own and go through untouched.
    /// </summary>
    public virtual bool IsDriverFailure(Exception exception) =>
        exception is DbException or System.Net.Sockets.SocketException or IOException or TimeoutException
            or OperationCanceledException;

    /// <summary>Text keys as stored: a database where '' is NULL needs another spelling of it.</summary>
    public virtual string EncodeKey(string key) => key;

    /// <summary>The inverse of <see cref="EncodeKey"/>.</summary>
    public virtual string DecodeKey(string key) => key;

    /// <summary>The statements of a script, each as it is executed.</summary>
    public virtual IReadOnlyList<string> SplitScript(string script) => [script];

    /// <summary>True when the error says that a table does not exist.</summary>
    public abstract bool IsMissingTable(DatabaseError error);

    /// <summary>Executes a DDL statement; what exists already is no error.</summary>
    public virtual Task ExecuteDdlAsync(DbSession session, string statement, CancellationToken cancellation) =>
        session.ExecuteAsync(statement, cancellation);

    /// <summary>
    /// What must be the first statement of a transaction that makes tables, if anything: a lock against others.
    /// </summary>
    public virtual string? SchemaLock => null;

    /// <summary>Reads step, cell, part, due and payload.</summary>
    protected static CellState ReadCell(Dialect dialect, DbDataReader reader) =>
        new(
            new CellId(reader.GetString(0), dialect.DecodeKey(reader.GetString(1)), reader.GetInt64(2)),
            reader.IsDBNull(4) ? [] : (byte[])reader.GetValue(4),
            reader.IsDBNull(3) ? null : reader.GetInt64(3));

    /// <summary>The classes of errors that come from the network and the runtime, not from the database.</summary>
    protected static DatabaseError? ClassifyCommon(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case System.Net.Sockets.SocketException socket:
                    return new DatabaseError(ErrorClass.Unreachable, $"socket {socket.SocketErrorCode}", e.Message);
                case TimeoutException:
                    return new DatabaseError(ErrorClass.Timeout, "timeout", e.Message);
                case IOException:
                    return new DatabaseError(ErrorClass.SessionLost, "connection lost", e.Message);
                case OperationCanceledException:
                    return new DatabaseError(ErrorClass.Timeout, "cancelled", e.Message);
            }
        }

        return null;
    }
}
