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
        if (!IsDdl(text)) return text;
        text = Number().Replace(text, m => m.Groups[1].Success ? $"numeric({m.Groups[1].Value})" : "numeric");
        text = Varchar().Replace(text, "varchar(${n})");
        text = text.Replace(" BINARY_DOUBLE", " double precision", StringComparison.Ordinal);
        text = Lob().Replace(text, m => m.Value == "CLOB" ? "text" : "bytea");
        return text;
    }

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
