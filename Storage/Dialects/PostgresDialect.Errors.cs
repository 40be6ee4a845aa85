using System.Globalization;
using KafkaOracleOrleans.Storage.Connections;
using Npgsql;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>SQLSTATEs and what they mean.</content>
internal sealed partial class PostgresDialect
{
    private const string StatePrefix = "SQLSTATE ";
    private const string CardinalityViolation = "21000";

    public override bool IsDriverFailure(Exception exception) =>
        base.IsDriverFailure(exception)
        // What Npgsql says of a connection that broke between two statements.
        || (exception is InvalidOperationException && exception.Source == "Npgsql");

    public override bool IsLoginRefused(DatabaseError error) =>
        error.Code.StartsWith("SQLSTATE 28", StringComparison.Ordinal);

    public override bool IsMissingTable(DatabaseError error) => error.Code == "SQLSTATE 42P01";

    public override RowFault FaultOf(string code)
    {
        if (!code.StartsWith(StatePrefix, StringComparison.Ordinal)) return RowFault.Data;
        var state = code[StatePrefix.Length..];
        return state switch
        {
            "23503" or "23505" or "23P01" => RowFault.OtherRows,
            _ when state.StartsWith("P0", StringComparison.Ordinal) => RowFault.Raised,
            _ => FaultOf(ClassOf(state)),
        };
    }

    public override DatabaseError Classify(Exception exception)
    {
        if (exception is PostgresException refused)
            return new DatabaseError(ClassOf(refused.SqlState), CodeOf(refused), TextOf(refused));
        if (ClassifyCommon(exception) is { } common) return common;
        return exception is NpgsqlException { IsTransient: true } or InvalidOperationException
            ? new DatabaseError(ErrorClass.SessionLost, "connection lost", exception.Message)
            : new DatabaseError(ErrorClass.Unknown, "Npgsql", exception.Message);
    }

    internal static ErrorClass ClassOf(string state) => state switch
    {
        "57P01" or "57P02" or "57P05" or "25P03" or "25P04" or "40003" or "26000" => ErrorClass.SessionLost,
        "57P03" => ErrorClass.Unreachable,
        "57014" => ErrorClass.Timeout,
        "40001" or "40P01" or "55P03" or "55006" => ErrorClass.Conflict,
        "25006" => ErrorClass.Resource, // A standby: the primary is elsewhere or not promoted yet.
        "42P07" or "42701" or "42710" or "42P06" => ErrorClass.AlreadyExists,
        "57P04" => ErrorClass.Configuration,
        "XX001" or "XX002" => ErrorClass.Resource,
        _ => state.AsSpan(0, Math.Min(2, state.Length)) switch
        {
            "08" => ErrorClass.SessionLost,
            "53" or "58" => ErrorClass.Resource,
            // 21000: two rows of a statement are one to the database; alone each has its own fault or none.
            "21" or "22" or "23" or "44" or "54" or "P0" => ErrorClass.Row,
            "0A" or "25" or "28" or "2F" or "38" or "39" or "3B" or "3D" or "3F" or "42" => ErrorClass.Configuration,
            _ => ErrorClass.Unknown,
        },
    };

    private static string CodeOf(PostgresException refused) =>
        StatePrefix + refused.SqlState;

    /// <summary>The message with the column or constraint it names.</summary>
    private static string TextOf(PostgresException refused)
    {
        var text = refused.MessageText;
        if (refused.ConstraintName is { } constraint && !text.Contains(constraint, StringComparison.Ordinal))
            text += $" (constraint {constraint})";
        if (refused.ColumnName is { } column && !text.Contains(column, StringComparison.Ordinal))
            text += $" (column {column})";
        return text;
    }
}
