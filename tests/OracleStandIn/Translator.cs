using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Oracle.ManagedDataAccess.Client;

/// <summary>
/// Oracle's words for the few things that PostgreSQL with orafce says otherwise. Everything else runs as it is.
/// </summary>
internal static partial class Translator
{
    private static readonly ConcurrentDictionary<string, string> Cache = new(StringComparer.Ordinal);

    public static string ToPostgres(string sql) => Cache.GetOrAdd(sql, Translate);

    public static bool IsDdl(string sql) => Ddl().IsMatch(sql);

    /// <summary>PL/SQL, which ends with a semicolon that belongs to it.</summary>
    public static bool IsFunction(string sql) => sql.TrimStart().StartsWith("CREATE OR REPLACE FUNCTION", StringComparison.Ordinal);

    /// <summary>Positional binds are right only when P0, P1, ... appear once each and in order.</summary>
    public static void CheckOrder(string sql, int count)
    {
        var places = Place().Matches(sql).Select(m => int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture));
        if (!places.SequenceEqual(Enumerable.Range(0, count)))
            throw new OracleException(1008, "not all variables bound");
    }

    private static string Translate(string sql)
    {
        var text = GuardedUpdate().Replace(sql, "WHEN MATCHED AND ${guard} THEN UPDATE SET ${sets} WHEN NOT MATCHED");
        // Oracle folds plain names to upper case, PostgreSQL to lower: a quoted upper-case name is the plain one on
        // both.
        text = UpperName().Replace(text, m => m.Value.ToLowerInvariant());
        text = text
            .Replace("SYS_EXTRACT_UTC(SYSTIMESTAMP)", "(clock_timestamp() AT TIME ZONE 'utc')",
                StringComparison.Ordinal)
            .Replace("SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')", "'KOR'", StringComparison.Ordinal);
        text = Varchar().Replace(text, "varchar(${n})");
        if (!IsDdl(text)) return text;
        if (IsFunction(text)) text = TranslateFunction(text);
        text = Number().Replace(text, m => m.Groups[1].Success ? $"numeric({m.Groups[1].Value})" : "numeric");
        text = text.Replace(" BINARY_DOUBLE", " double precision", StringComparison.Ordinal);
        text = Lob().Replace(text, m => m.Value == "CLOB" ? "text" : "bytea");
        return text;
    }

    /// <summary>
    /// The little PL/SQL of the scripts as PL/pgSQL. A function called outside a transaction commits by itself and is
    /// undone as a whole by an error, which is what its COMMIT and ROLLBACK do in an autonomous transaction.
    /// </summary>
    private static string TranslateFunction(string text)
    {
        text = text
            .Replace(" IN VARCHAR2", " text", StringComparison.Ordinal)
            .Replace(" IN NUMBER", " numeric", StringComparison.Ordinal)
            .Replace(" IN TIMESTAMP", " timestamp", StringComparison.Ordinal)
            .Replace(" IN BLOB", " bytea", StringComparison.Ordinal)
            .Replace("RETURN NUMBER IS", "RETURNS numeric LANGUAGE plpgsql AS $plsql$ DECLARE", StringComparison.Ordinal)
            .Replace("PRAGMA AUTONOMOUS_TRANSACTION;", "", StringComparison.Ordinal)
            .Replace("DUP_VAL_ON_INDEX", "unique_violation", StringComparison.Ordinal);
        text = RowCount().Replace(text, "GET DIAGNOSTICS ${name} = ROW_COUNT;");
        text = EndOfTransaction().Replace(text, "");
        return text + " $plsql$";
    }

    [GeneratedRegex(@"(?<name>\w+) := SQL%ROWCOUNT;", RegexOptions.CultureInvariant)]
    private static partial Regex RowCount();

    [GeneratedRegex(@"\b(COMMIT|ROLLBACK);", RegexOptions.CultureInvariant)]
    private static partial Regex EndOfTransaction();

    [GeneratedRegex(@"WHEN MATCHED THEN UPDATE SET (?<sets>(?:(?! WHERE ).)*?) WHERE (?<guard>.*?) WHEN NOT MATCHED",
        RegexOptions.Singleline)]
    private static partial Regex GuardedUpdate();

    [GeneratedRegex(@"^\s*(CREATE|ALTER|DROP|TRUNCATE)\s", RegexOptions.CultureInvariant)]
    private static partial Regex Ddl();

    [GeneratedRegex(@":P(\d+)", RegexOptions.CultureInvariant)]
    private static partial Regex Place();

    [GeneratedRegex("\"[A-Z][A-Z0-9_$#]*\"", RegexOptions.CultureInvariant)]
    private static partial Regex UpperName();

    [GeneratedRegex(@"\bNUMBER(?:\(([\d, ]+)\))?", RegexOptions.CultureInvariant)]
    private static partial Regex Number();

    [GeneratedRegex(@"\bN?VARCHAR2\((?<n>\d+)(?: (?:CHAR|BYTE))?\)", RegexOptions.CultureInvariant)]
    private static partial Regex Varchar();

    [GeneratedRegex(@"\b(CLOB|BLOB|RAW\(\d+\))", RegexOptions.CultureInvariant)]
    private static partial Regex Lob();
}
