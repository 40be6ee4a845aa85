using System.Data;
using System.Data.Common;
using KafkaOracleOrleans.Storage.Connections;
using Npgsql;
using NpgsqlTypes;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>PostgreSQL: rows travel as one array per column and are unfolded by <c>unnest</c>.</summary>
internal sealed partial class PostgresDialect : Dialect
{
    /// <summary>Executions spent on bisecting before rows are tried one by one.</summary>
    private const int MaxBisections = 64;

    /// <summary>Bytes of a statement's variable-length values; more rows go into the next statement.</summary>
    private const long MaxStatementBytes = 8 << 20;

    private const string Savepoint = "SAVEPOINT kor_rows";
    private const string ToSavepoint = "ROLLBACK TO SAVEPOINT kor_rows";

    public static PostgresDialect Instance { get; } = new();

    public override DatabaseProvider Provider => DatabaseProvider.PostgreSql;

    public override bool IsSynchronous => false;

    public override string? SchemaLock => "SELECT pg_advisory_xact_lock(5264177301)";

    public override void AddBind(DbCommand command, Bind bind)
    {
        var parameter = new NpgsqlParameter { NpgsqlDbType = TypeOf(bind.Type) };
        parameter.Value = bind.Value switch
        {
            null => DBNull.Value,
            long microseconds when bind.Type == BindType.Timestamp => ToServer(microseconds),
            _ => bind.Value,
        };
        command.Parameters.Add(parameter);
    }

    public override async Task<RowOutcome> ExecuteRowsAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, bool isolate,
        CancellationToken cancellation)
    {
        var outcome = new RowOutcome();
        while (!rows.IsEmpty)
        {
            var chunk = rows[..ChunkLength(binds, rows.Span, session.RowsPerStatement)];
            rows = rows[chunk.Length..];
            if (isolate)
                await IsolateAsync(session, text, binds, chunk, outcome, cancellation).ConfigureAwait(false);
            else
                outcome.Affected += await ExecuteAsync(session, text, binds, chunk, null,
                    cancellation).ConfigureAwait(false);
        }

        return outcome;
    }

    private async Task IsolateAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, RowOutcome outcome,
        CancellationToken cancellation)
    {
        var work = new Stack<ReadOnlyMemory<int>>();
        work.Push(rows);
        var executions = 0;
        while (work.TryPop(out var part))
        {
            if (executions > MaxBisections && part.Length > 1)
            {
                for (var i = part.Length - 1; i >= 0; i--) work.Push(part.Slice(i, 1));
                continue;
            }

            executions++;
            try
            {
                outcome.Affected += await ExecuteAsync(session, text, binds, part, Savepoint, cancellation)
                    .ConfigureAwait(false);
            }
            catch (PostgresException refused) when (session.IsRowFault(Classify(refused).Class) && session.Connection.State == ConnectionState.Open)
            {
                // Of a server without room the driver gives the session up, whatever raised it: there is nothing to go back to.
                await session.ExecuteAsync(ToSavepoint, cancellation).ConfigureAwait(false);
                if (part.Length == 1)
                {
                    var failure = new RowFailure(part.Span[0], CodeOf(refused), TextOf(refused));
                    if (!outcome.Refuse(failure, ClassOf(refused.SqlState))) throw;
                    continue;
                }

                session.KeysMet |= refused.SqlState == CardinalityViolation;
                work.Push(part[(part.Length / 2)..]);
                work.Push(part[..(part.Length / 2)]);
            }
        }
    }

    private static async Task<int> ExecuteAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, string? savepoint,
        CancellationToken cancellation)
    {
        await using var batch = new NpgsqlBatch((NpgsqlConnection)session.Connection,
            (NpgsqlTransaction?)session.Transaction);
        if (savepoint is not null) batch.BatchCommands.Add(new NpgsqlBatchCommand(savepoint));
        var command = new NpgsqlBatchCommand(text);
        foreach (var bind in binds) command.Parameters.Add(ArrayOf(bind, rows.Span));
        batch.BatchCommands.Add(command);
        await batch.ExecuteNonQueryAsync(cancellation).ConfigureAwait(false);
        return checked((int)command.Rows);
    }

    private static int ChunkLength(BindValues[] binds, ReadOnlySpan<int> rows, int maxRows)
    {
        var length = Math.Min(rows.Length, maxRows);
        long bytes = 0;
        for (var i = 0; i < length; i++)
        {
            foreach (var bind in binds)
            {
                if (bind.Type == BindType.Bytes && !bind.IsNull(rows[i])) bytes += bind.Bytes(rows[i]).Length;
            }

            if (bytes > MaxStatementBytes) return Math.Max(1, i);
        }

        return length;
    }

    private static NpgsqlParameter ArrayOf(BindValues bind, ReadOnlySpan<int> rows)
    {
        object array = bind.Type switch
        {
            BindType.Text or BindType.LongText or BindType.Json => Texts(bind, rows),
            BindType.Bytes => Blobs(bind, rows),
            BindType.Integer => Fill(bind, rows, static (b, row) => b.Long(row)),
            BindType.Decimal => Fill(bind, rows, static (b, row) => b.Decimal(row)),
            BindType.Double => Fill(bind, rows, static (b, row) => b.Double(row)),
            BindType.Boolean => Fill(bind, rows, static (b, row) => b.Boolean(row)),
            BindType.Timestamp => Fill(bind, rows, static (b, row) => ToServer(b.Long(row))),
            BindType.Date => Fill(bind, rows, static (b, row) => checked((int)(b.Long(row) - EpochDays))),
            _ => throw new ArgumentOutOfRangeException(nameof(bind), bind.Type, "There is no such bind type."),
        };
        return new NpgsqlParameter { Value = array, NpgsqlDbType = NpgsqlDbType.Array | TypeOf(bind.Type) };
    }

    private static string?[] Texts(BindValues bind, ReadOnlySpan<int> rows)
    {
        var values = new string?[rows.Length];
        for (var i = 0; i < values.Length; i++) values[i] = bind.IsNull(rows[i]) ? null : bind.Text(rows[i]);
        return values;
    }

    private static byte[]?[] Blobs(BindValues bind, ReadOnlySpan<int> rows)
    {
        var values = new byte[]?[rows.Length];
        for (var i = 0; i < values.Length; i++) values[i] = bind.IsNull(rows[i]) ? null : bind.ByteArray(rows[i]);
        return values;
    }

    private static Array Fill<T>(BindValues bind, ReadOnlySpan<int> rows, Func<BindValues, int, T> get)
        where T : struct
    {
        var values = new T[rows.Length];
        for (var i = 0; i < values.Length; i++)
        {
            if (bind.IsNull(rows[i])) return FillNullable(bind, rows, get);
            values[i] = get(bind, rows[i]);
        }

        return values;
    }

    private static T?[] FillNullable<T>(BindValues bind, ReadOnlySpan<int> rows, Func<BindValues, int, T> get)
        where T : struct
    {
        var values = new T?[rows.Length];
        for (var i = 0; i < values.Length; i++) values[i] = bind.IsNull(rows[i]) ? null : get(bind, rows[i]);
        return values;
    }

    private static NpgsqlDbType TypeOf(BindType type) => type switch
    {
        BindType.Text or BindType.LongText => NpgsqlDbType.Text,
        BindType.Json => NpgsqlDbType.Jsonb,
        BindType.Integer => NpgsqlDbType.Bigint,
        BindType.Decimal => NpgsqlDbType.Numeric,
        BindType.Double => NpgsqlDbType.Double,
        BindType.Boolean => NpgsqlDbType.Boolean,
        BindType.Timestamp => NpgsqlDbType.TimestampTz,
        BindType.Date => NpgsqlDbType.Date,
        BindType.Bytes => NpgsqlDbType.Bytea,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such bind type."),
    };
}
