using System.Globalization;
using KafkaOracleOrleans.Storage.Connections;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Result codes and what they mean.</content>
internal sealed partial class SqliteDialect
{
    public override bool IsMissingTable(DatabaseError error) =>
        error.Message.Contains("no such table", StringComparison.Ordinal);

    public override RowFault FaultOf(string code) => code switch
    {
        "SQLITE 787" or "SQLITE 1555" or "SQLITE 2067" or "SQLITE 2579" => RowFault.OtherRows, // FOREIGNKEY, PRIMARYKEY, UNIQUE, ROWID
        "SQLITE 1811" => RowFault.Raised, // TRIGGER: RAISE(ABORT, ...)
        _ when code.StartsWith("SQLITE ", StringComparison.Ordinal)
            && int.TryParse(code.AsSpan(7), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            => FaultOf(ClassOf(number & 0xff, "")),
        _ => RowFault.Data,
    };

    public override DatabaseError Classify(Exception exception)
    {
        if (exception is not SqliteException failure)
            return ClassifyCommon(exception) ?? new DatabaseError(ErrorClass.Unknown, "SQLite", exception.Message);
        var code = string.Create(CultureInfo.InvariantCulture, $"SQLITE {failure.SqliteExtendedErrorCode}");
        return new DatabaseError(ClassOf(failure.SqliteErrorCode, failure.Message), code, failure.Message);
    }

    internal static ErrorClass ClassOf(int code, string message) => code switch
    {
        1 when message.Contains("already exists", StringComparison.Ordinal)
            || message.Contains("duplicate column", StringComparison.Ordinal) => ErrorClass.AlreadyExists,
        4 or 5 or 6 or 15 or 17 => ErrorClass.Conflict, // ABORT, BUSY, LOCKED, PROTOCOL, SCHEMA
        7 or 10 or 13 => ErrorClass.Resource, // NOMEM, IOERR, FULL
        9 => ErrorClass.Timeout, // INTERRUPT
        14 => ErrorClass.Unreachable, // CANTOPEN
        18 or 19 or 20 => ErrorClass.Row, // TOOBIG, CONSTRAINT, MISMATCH
        // ERROR, PERM, READONLY, CORRUPT, AUTH, RANGE, NOTADB
        1 or 3 or 8 or 11 or 23 or 25 or 26 => ErrorClass.Configuration,
        _ => ErrorClass.Unknown,
    };
}
