namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>What a database's error means for whoever waits for the statement.</summary>
public enum ErrorClass
{
    /// <summary>
    /// Not in the tables: tried a few times like an unreachable database, then looked for in single rows.
    /// </summary>
    Unknown,

    /// <summary>The session is dead; a COMMIT under way has an unknown outcome.</summary>
    SessionLost,

    /// <summary>The server cannot be reached or is starting.</summary>
    Unreachable,

    /// <summary>Deadlock, lock or serialization conflict: the same transaction may work now.</summary>
    Conflict,

    /// <summary>Out of space, memory, sessions: an operator's or time's work.</summary>
    Resource,

    /// <summary>The statement took too long or was cancelled.</summary>
    Timeout,

    /// <summary>A value or constraint of one row.</summary>
    Row,

    /// <summary>
    /// Wrong table, column, privilege or login: repeating it is useless until somebody changes something.
    /// </summary>
    Configuration,

    /// <summary>DDL found what it wanted to make.</summary>
    AlreadyExists,
}

/// <summary>A classified database error.</summary>
/// <param name="Class">What it means.</param>
/// <param name="Code">The database's code, e.g. <c>ORA-12899</c>, <c>SQLSTATE 22001</c>, <c>SQLITE 275</c>.</param>
/// <param name="Message">The database's text without secrets.</param>
public sealed record DatabaseError(ErrorClass Class, string Code, string Message)
{
    /// <summary>Code and text.</summary>
    public override string ToString() =>
        Message.Contains(Code, StringComparison.Ordinal) ? Message : $"{Code}: {Message}";
}

/// <summary>Where in a transaction something failed.</summary>
public enum DatabasePhase
{
    /// <summary>Opening the connection: nothing was sent.</summary>
    Open,

    /// <summary>A statement: the transaction was rolled back.</summary>
    Execute,

    /// <summary>COMMIT: the outcome is unknown when the session was lost.</summary>
    Commit,
}

/// <summary>A failed database operation, classified, without secrets in it.</summary>
public sealed class DatabaseException : Exception
{
    internal DatabaseException(string connection, DatabaseError error, DatabasePhase phase, Exception? inner)
        : base($"Connection '{connection}': {error}", inner)
    {
        Connection = connection;
        Error = error;
        Phase = phase;
    }

    /// <summary>The connection's name.</summary>
    public string Connection { get; }

    /// <summary>The classified error.</summary>
    public DatabaseError Error { get; }

    /// <summary>Where it happened.</summary>
    public DatabasePhase Phase { get; }

    /// <summary>True when a COMMIT was sent and no answer came.</summary>
    public bool OutcomeUnknown =>
        Phase == DatabasePhase.Commit
        && Error.Class is ErrorClass.SessionLost or ErrorClass.Unreachable or ErrorClass.Timeout or ErrorClass.Unknown;
}
