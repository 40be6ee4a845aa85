using System.Data.Common;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>An open connection, in a transaction or not.</summary>
internal sealed class DbSession(Dialect dialect, DbConnection connection, DbTransaction? transaction,
    TimeSpan commandTimeout)
{
    public Dialect Dialect { get; } = dialect;

    public DbConnection Connection { get; } = connection;

    public DbTransaction? Transaction { get; } = transaction;

    /// <summary>Rows a statement may have; a caller lowers it after timeouts.</summary>
    public int RowsPerStatement { get; init; } = 1000;

    /// <summary>Errors that are no row's fault are looked for in single rows too, as far as the session outlives them.</summary>
    public bool IsolateAll { get; set; }

    /// <summary>
    /// Set when a statement met two rows of one key that differ in what was bound (CHAR, collations, rounding): their order counts.
    /// </summary>
    public bool KeysMet { get; set; }

    /// <summary>True when an error is to be isolated to the row that caused it.</summary>
    public bool IsRowFault(Connections.ErrorClass error) =>
        error == Connections.ErrorClass.Row || (IsolateAll && error is not (Connections.ErrorClass.Timeout or Connections.ErrorClass.Unreachable));
    /// <summary>A command in the session's transaction, with its time limit set.</summary>
    public DbCommand Command(string text)
    {
        var command = Connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = Transaction;
        command.CommandTimeout = Math.Max(1, (int)Math.Ceiling(commandTimeout.TotalSeconds));
        return command;
    }

    /// <summary>Executes a statement and returns the rows it changed.</summary>
    public async Task<int> ExecuteAsync(string text, CancellationToken cancellation, params Bind[] binds)
    {
        await using var command = Command(text);
        foreach (var bind in binds) Dialect.AddBind(command, bind);
        return await command.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Raises the epoch of a row, which is made with epoch 1 when it is not there, and reads it as it is then. Two
    /// sessions that make one row at once end with a duplicate key for one of them: it tries again and raises.
    /// </summary>
    /// <param name="raise">Raises; reads the row, too, where <paramref name="read"/> is null.</param>
    /// <param name="add">Makes the row; null where raising does.</param>
    /// <param name="read">Reads the row.</param>
    /// <param name="name">The row's key, the one bind of each statement.</param>
    /// <param name="take">Is handed the row.</param>
    public async Task RaiseAsync(
        string raise, string? add, string? read, string name, Action<DbDataReader> take, CancellationToken cancellation)
    {
        if (read is null)
        {
            await QueryAsync(raise, take, cancellation, name).ConfigureAwait(false);
            return;
        }

        var raised = await ExecuteAsync(raise, cancellation, name).ConfigureAwait(false);
        if (raised == 0 && add is not null) await ExecuteAsync(add, cancellation, name).ConfigureAwait(false);
        await QueryAsync(read, take, cancellation, name).ConfigureAwait(false);
    }

    /// <summary>Executes a query and hands every row to <paramref name="read"/>.</summary>
    public async Task QueryAsync(
        string text, Action<DbDataReader> read, CancellationToken cancellation, params Bind[] binds)
    {
        await using var command = Command(text);
        Dialect.PrepareQuery(command);
        foreach (var bind in binds) Dialect.AddBind(command, bind);
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        Dialect.PrepareReader(reader);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false)) read(reader);
    }

    /// <summary>Executes a statement for the given rows, in chunks of <see cref="RowsPerStatement"/>.</summary>
    public Task<RowOutcome> ExecuteRowsAsync(
        string text, BindValues[] binds, ReadOnlyMemory<int> rows, bool isolate, CancellationToken cancellation) =>
        Dialect.ExecuteRowsAsync(this, text, binds, rows, isolate, cancellation);
}

/// <summary>
/// One scalar bind value. Values are strings, longs, byte arrays, or timestamps in microseconds (long).
/// </summary>
internal readonly record struct Bind(BindType Type, object? Value)
{
    public static implicit operator Bind(string? value) => new(BindType.Text, value);

    public static implicit operator Bind(long value) => new(BindType.Integer, value);

    public static implicit operator Bind(byte[]? value) => new(BindType.Bytes, value);

    public static Bind Timestamp(long microseconds) => new(BindType.Timestamp, microseconds);
}

/// <summary>A row the database refused for what is in it.</summary>
internal readonly record struct RowFailure(int Row, string Code, string Message);

/// <summary>What became of the rows of a statement.</summary>
internal sealed class RowOutcome
{
    /// <summary>Rows refused one by one for what should be no row's fault, and none taken, after which it is none's.</summary>
    private const int MaxSuspects = 100;

    private int _suspects;

    public int Affected { get; set; }

    public List<RowFailure> Failures { get; } = [];

    /// <summary>Notes a refused row. False when so many were refused for what is no row's fault that it is useless to go on.</summary>
    public bool Refuse(RowFailure failure, Connections.ErrorClass error)
    {
        Failures.Add(failure);
        return error == Connections.ErrorClass.Row || Affected > 0 || ++_suspects < MaxSuspects;
    }
}
