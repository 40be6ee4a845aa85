using System.Data.Common;
using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Storage.Connections;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>
/// SQLite: one prepared statement steps over the rows on the connection's own handle, with values bound from the
/// columns' bytes. A row that is refused undoes itself alone (ON CONFLICT ABORT), so nothing needs bisecting.
/// </summary>
internal sealed partial class SqliteDialect : Dialect
{
    public static SqliteDialect Instance { get; } = new();

    public override DatabaseProvider Provider => DatabaseProvider.Sqlite;

    public override bool IsSynchronous => true;

    public override bool HasOneWriter => true;

    public override void AddBind(DbCommand command, Bind bind)
    {
        object value = bind.Value switch
        {
            null => DBNull.Value,
            long microseconds when bind.Type == BindType.Timestamp => TimestampText(microseconds),
            _ => bind.Value,
        };
        var name = string.Create(CultureInfo.InvariantCulture, $"@P{command.Parameters.Count}");
        ((SqliteCommand)command).Parameters.AddWithValue(name, value);
    }

    public override Task<RowOutcome> ExecuteRowsAsync(
        DbSession session, string text, BindValues[] binds, ReadOnlyMemory<int> rows, bool isolate,
        CancellationToken cancellation)
    {
        var outcome = new RowOutcome();
        var handle = ((SqliteConnection)session.Connection).Handle
            ?? throw new InvalidOperationException("The SQLite connection is closed.");
        var code = raw.sqlite3_prepare_v2(handle, text, out var statement);
        if (code != raw.SQLITE_OK) throw Failure(handle);
        using (statement)
        {
            var scratch = Array.Empty<byte>();
            foreach (var row in rows.Span)
            {
                for (var i = 0; i < binds.Length; i++) BindValue(handle, statement, i + 1, binds[i], row, ref scratch);
                var done = raw.sqlite3_step(statement) == raw.SQLITE_DONE;
                if (done)
                {
                    outcome.Affected += raw.sqlite3_changes(handle);
                    raw.sqlite3_reset(statement);
                    continue;
                }

                var failure = Failure(handle);
                raw.sqlite3_reset(statement);
                var error = Classify(failure);
                if (!isolate || !session.IsRowFault(error.Class)) throw failure;
                if (!outcome.Refuse(new RowFailure(row, error.Code, error.Message), error.Class)) throw failure;
            }
        }

        return Task.FromResult(outcome);
    }

    /// <summary>UTC in a form SQLite's date functions read and that sorts as text.</summary>
    internal static string TimestampText(long microseconds) =>
        BindTime.ToUtc(microseconds).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);

    internal static string DateText(long days) =>
        BindTime.ToDate(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void BindValue(
        sqlite3 handle, sqlite3_stmt statement, int place, BindValues bind, int row, ref byte[] scratch)
    {
        if (bind.IsNull(row))
        {
            Check(handle, raw.sqlite3_bind_null(statement, place));
            return;
        }

        var code = bind.Type switch
        {
            BindType.Integer => raw.sqlite3_bind_int64(statement, place, bind.Long(row)),
            BindType.Boolean => raw.sqlite3_bind_int64(statement, place, bind.Boolean(row) ? 1 : 0),
            BindType.Double => raw.sqlite3_bind_double(statement, place, bind.Double(row)),
            BindType.Bytes => BindBlob(statement, place, bind.Bytes(row)),
            BindType.Timestamp => BindShort(statement, place, TimestampText(bind.Long(row)), ref scratch),
            BindType.Date => BindShort(statement, place, DateText(bind.Long(row)), ref scratch),
            BindType.Decimal => BindDecimal(statement, place, bind.Decimal(row)),
            _ => BindText(statement, place, bind.Utf8(row, ref scratch)),
        };
        Check(handle, code);
    }

    /// <summary>An empty span has no address, and SQLite takes a null address for NULL.</summary>
    private static int BindText(sqlite3_stmt statement, int place, ReadOnlySpan<byte> utf8) =>
        utf8.IsEmpty ? raw.sqlite3_bind_text(statement, place, "") : raw.sqlite3_bind_text(statement, place, utf8);

    private static int BindBlob(sqlite3_stmt statement, int place, ReadOnlySpan<byte> bytes) =>
        bytes.IsEmpty
            ? raw.sqlite3_bind_zeroblob(statement, place, 0)
            : raw.sqlite3_bind_blob(statement, place, bytes);

    private static int BindShort(sqlite3_stmt statement, int place, string text, ref byte[] scratch)
    {
        if (scratch.Length < text.Length) scratch = new byte[64];
        return raw.sqlite3_bind_text(statement, place, scratch.AsSpan(0, Encoding.UTF8.GetBytes(text, scratch)));
    }

    private static int BindDecimal(sqlite3_stmt statement, int place, decimal value)
    {
        Span<byte> text = stackalloc byte[32];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        return raw.sqlite3_bind_text(statement, place, text[..length]);
    }

    private static void Check(sqlite3 handle, int code)
    {
        if (code != raw.SQLITE_OK) throw Failure(handle);
    }

    private static SqliteException Failure(sqlite3 handle) =>
        new(raw.sqlite3_errmsg(handle).utf8_to_string(), raw.sqlite3_errcode(handle) & 0xff,
            raw.sqlite3_extended_errcode(handle));
}
