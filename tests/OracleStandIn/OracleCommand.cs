using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace Oracle.ManagedDataAccess.Client;

/// <summary>
/// Stand-in: runs the very statements the product would send to Oracle, translated where PostgreSQL words them
/// otherwise. A failing statement undoes itself alone; an array bind attempts every row and reports the failed ones
/// together.
/// </summary>
public sealed class OracleCommand : DbCommand
{
    private const string Savepoint = "SAVEPOINT standin";
    private const string ToSavepoint = "ROLLBACK TO SAVEPOINT standin";

    private readonly OracleParameterCollection _parameters = new();
    private string _text = "";

    public int ArrayBindCount { get; set; }

    /// <summary>-1: LOBs come with their row; here they always do.</summary>
    public int InitialLOBFetchSize { get; set; }

    /// <summary>
    /// For measuring the product's side alone: array binds are checked, take no time in a database and affect every
    /// row. Never set in tests.
    /// </summary>
    public static bool DiscardArrays { get; set; }

    /// <summary>False as in the real driver: then binds are taken in order, whatever their names.</summary>
    public bool BindByName { get; set; }

    [AllowNull]
    public override string CommandText
    {
        get => _text;
        set => _text = value ?? "";
    }

    /// <summary>Seconds; 0, the default, waits for ever, as in the real driver.</summary>
    public override int CommandTimeout { get; set; }

    public override CommandType CommandType { get; set; } = CommandType.Text;

    public override bool DesignTimeVisible { get; set; }

    public override UpdateRowSource UpdatedRowSource { get; set; }

    protected override DbConnection? DbConnection { get; set; }

    protected override DbParameterCollection DbParameterCollection => _parameters;

    protected override DbTransaction? DbTransaction { get; set; }

    public override void Cancel()
    {
    }

    public override void Prepare()
    {
    }

    public override int ExecuteNonQuery()
    {
        var sql = Translate();
        if (sql.StartsWith("ALTER SESSION", StringComparison.Ordinal)) return 0;
        if (Translator.IsDdl(sql)) return ExecuteDdl(sql);
        return ArrayBindCount > 0 ? ExecuteArray(sql) : ExecuteOne(sql, 0, false);
    }

    public override object? ExecuteScalar()
    {
        using var reader = ExecuteReader();
        return reader.Read() ? reader.GetValue(0) : null;
    }

    protected override DbParameter CreateDbParameter() => new OracleParameter();

    protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior)
    {
        var sql = Translate();
        var command = Command(sql, 0, false);
        // As text: what a value is to the real driver is decided here, not by Npgsql.
        command.AllResultTypesAreUnknown = true;
        try
        {
            return new OracleDataReader(command, command.ExecuteReader(behavior));
        }
        catch (Exception failure) when (failure is not OracleException and not InvalidOperationException)
        {
            command.Dispose();
            throw OracleException.From(failure, connecting: false);
        }
    }

    private OracleConnection Oracle => (OracleConnection)(DbConnection
        ?? throw new InvalidOperationException("The command has no connection."));

    /// <summary>A long bind after one of a LOB is refused (ORA-24816).</summary>
    private void CheckLobsLast()
    {
        var lob = false;
        foreach (var parameter in _parameters.Items)
        {
            var isLob = parameter.OracleDbType is OracleDbType.Clob or OracleDbType.NClob or OracleDbType.Blob;
            if (lob && !isLob && parameter.LongestText() > 1000)
                throw new OracleException(24816, "Expanded non LONG bind data supplied after actual LONG or LOB column");
            lob |= isLob;
        }
    }

    private string Translate()
    {
        CheckLobsLast();
        if (_text.TrimEnd().EndsWith(';') && !Translator.IsFunction(_text)) throw new OracleException(933, "SQL command not properly ended");
        if (!BindByName && _parameters.Count > 0) Translator.CheckOrder(_text, _parameters.Count);
        return Translator.ToPostgres(_text);
    }

    private int ExecuteArray(string sql)
    {
        foreach (var parameter in _parameters.Items)
        {
            if (parameter.Value is not Array array || array.Length < ArrayBindCount)
                throw new InvalidOperationException(
                    $"Bind {parameter.ParameterName} has no array of {ArrayBindCount} values.");
        }

        if (DiscardArrays) return ArrayBindCount;
        if (ArrayBindCount == 1) return ExecuteOne(sql, 0, true); // The error is the row's own, without an index.
        if (TryTogether(sql) is { } affected) return affected;
        return OneByOne(sql);
    }

    /// <summary>All rows in one round trip; null, with nothing done, when one of them fails.</summary>
    private int? TryTogether(string sql)
    {
        if (Oracle.Current is null) return null;
        try
        {
            using var batch = new NpgsqlBatch(Oracle.Inner, Oracle.Current) { Timeout = CommandTimeout };
            batch.BatchCommands.Add(new NpgsqlBatchCommand(Savepoint));
            for (var i = 0; i < ArrayBindCount; i++)
            {
                var command = new NpgsqlBatchCommand(sql);
                foreach (var parameter in _parameters.Items) command.Parameters.Add(parameter.ToNpgsql(i, true));
                batch.BatchCommands.Add(command);
            }

            batch.ExecuteNonQuery();
            return ((IEnumerable<DbBatchCommand>)batch.BatchCommands).Cast<NpgsqlBatchCommand>().Skip(1).Sum(c =>
                checked((int)c.Rows));
        }
        catch (PostgresException refused) when (!IsFatal(refused))
        {
            Run(ToSavepoint);
            return null;
        }
        catch (OracleException)
        {
            return null; // A bind of one row does not fit its type: the single executions say which.
        }
        catch (Exception failure) when (failure is NpgsqlException or IOException)
        {
            throw OracleException.From(failure, connecting: false);
        }
    }

    private int OneByOne(string sql)
    {
        var affected = 0;
        var errors = new List<OracleError>();
        for (var i = 0; i < ArrayBindCount; i++)
        {
            try
            {
                affected += ExecuteOne(sql, i, true);
            }
            catch (OracleException failure) when (failure.InnerException is null or PostgresException
                && Oracle.State == ConnectionState.Open)
            {
                errors.Add(new OracleError(failure.Number, i, failure.Errors[0].Message));
            }
        }

        if (errors.Count == 0) return affected;
        errors.Insert(0, new OracleError(24381, -1, OracleException.Text(24381, "error(s) in array DML")));
        throw new OracleException(errors, null);
    }

    private int ExecuteOne(string sql, int execution, bool isArray)
    {
        var inTransaction = Oracle.Current is not null;
        var isSavepoint = sql.StartsWith("SAVEPOINT", StringComparison.Ordinal)
            || sql.StartsWith("ROLLBACK TO", StringComparison.Ordinal);
        try
        {
            using var command = Command(sql, execution, isArray);
            if (inTransaction && !isSavepoint) Run(Savepoint);
            return command.ExecuteNonQuery();
        }
        catch (PostgresException refused) when (inTransaction && !IsFatal(refused))
        {
            Run(ToSavepoint);
            throw OracleException.From(refused, connecting: false);
        }
        catch (Exception failure) when (failure is NpgsqlException or IOException or ObjectDisposedException)
        {
            throw OracleException.From(failure, connecting: false);
        }
    }

    /// <summary>DDL commits before and after itself.</summary>
    private int ExecuteDdl(string sql)
    {
        var inTransaction = Oracle.Current is not null;
        OracleTransaction.Guard(() =>
        {
            Oracle.Current?.Commit();
            Oracle.Current = null;
            try
            {
                using var command = Command(sql, 0, false);
                command.ExecuteNonQuery();
            }
            catch (PostgresException race) when (race is { SqlState: "23505", SchemaName: "pg_catalog" })
            {
                // Two sessions made the same thing at once; Oracle says to the second that the name is taken.
                throw new OracleException(955, "name is already used by an existing object", race);
            }
            finally
            {
                if (inTransaction) Oracle.Current = Oracle.Inner.BeginTransaction();
            }
        });
        return 0;
    }

    private void Run(string sql)
    {
        using var command = new NpgsqlCommand(sql, Oracle.Inner, Oracle.Current);
        command.ExecuteNonQuery();
    }

    private NpgsqlCommand Command(string sql, int execution, bool isArray)
    {
        var command = new NpgsqlCommand(sql, Oracle.Inner, Oracle.Current) { CommandTimeout = CommandTimeout };
        foreach (var parameter in _parameters.Items) command.Parameters.Add(parameter.ToNpgsql(execution, isArray));
        return command;
    }

    // Npgsql gives a connection up at these; the error is still the server's.
    private static bool IsFatal(PostgresException refused) =>
        refused.SqlState.StartsWith("53", StringComparison.Ordinal)
            || refused.SqlState.StartsWith("57P", StringComparison.Ordinal)
            || refused.SqlState.StartsWith("08", StringComparison.Ordinal);
}
