using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Types and statements of sinks.</content>
internal sealed partial class OracleDialect
{
    private const string CurrentSchema = "SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA')";

    // ALL_TAB_COLUMNS does not say which columns are virtual; what is not user generated is what it leaves out.
    private const string ReadColumns =
        "SELECT C.COLUMN_NAME, C.DATA_TYPE, C.DATA_LENGTH, C.CHAR_LENGTH, C.CHAR_USED, C.DATA_PRECISION, C.DATA_SCALE, C.NULLABLE, "
        + "CASE WHEN C.DEFAULT_LENGTH IS NULL THEN 0 ELSE 1 END, C.VIRTUAL_COLUMN, I.GENERATION_TYPE FROM ALL_TAB_COLS C "
        + "LEFT JOIN ALL_TAB_IDENTITY_COLS I ON I.OWNER = C.OWNER AND I.TABLE_NAME = C.TABLE_NAME AND I.COLUMN_NAME = C.COLUMN_NAME "
        + "WHERE C.OWNER = {0} AND C.TABLE_NAME = :P{1} AND C.USER_GENERATED = 'YES' ORDER BY C.COLUMN_ID";

    private const string ReadView = "SELECT VIEW_NAME FROM ALL_VIEWS WHERE OWNER = {0} AND VIEW_NAME = :P{1}";

    // Public synonyms answer to plain names only, and one of the schema's own hides a public one of its name.
    private const string ReadPlainSynonym =
        $"SELECT TABLE_OWNER, TABLE_NAME, DB_LINK FROM ALL_SYNONYMS WHERE OWNER IN ({CurrentSchema}, 'PUBLIC') AND SYNONYM_NAME = :P0 "
        + "ORDER BY CASE OWNER WHEN 'PUBLIC' THEN 1 ELSE 0 END";

    private const string ReadSynonym =
        "SELECT TABLE_OWNER, TABLE_NAME, DB_LINK FROM ALL_SYNONYMS WHERE OWNER = :P0 AND SYNONYM_NAME = :P1";

    /// <summary>Synonyms of synonyms that are followed.</summary>
    private const int MaxSynonyms = 8;

    internal const string ReadCharset =
        "SELECT VALUE FROM NLS_DATABASE_PARAMETERS WHERE PARAMETER = 'NLS_CHARACTERSET'";

    // A unique constraint may stand on an index that is not unique, and a unique index without a constraint serves as
    // well.
    private const string ReadUniqueKeys =
        "SELECT C.CONSTRAINT_NAME, K.COLUMN_NAME, 1 FROM ALL_CONSTRAINTS C JOIN ALL_CONS_COLUMNS K "
        + "ON K.OWNER = C.OWNER AND K.CONSTRAINT_NAME = C.CONSTRAINT_NAME "
        + "WHERE C.OWNER = {0} AND C.TABLE_NAME = :P{1} AND C.CONSTRAINT_TYPE IN ('P', 'U') AND C.STATUS = 'ENABLED' "
        + "UNION SELECT I.INDEX_NAME, K.COLUMN_NAME, 0 FROM ALL_INDEXES I JOIN ALL_IND_COLUMNS K "
        + "ON K.INDEX_OWNER = I.OWNER AND K.INDEX_NAME = I.INDEX_NAME "
        + "WHERE I.TABLE_OWNER = {2} AND I.TABLE_NAME = :P{3} AND I.UNIQUENESS = 'UNIQUE' AND I.STATUS = 'VALID'";

    public override int MaxIdentifierBytes => 128;

    public override SinkSql Sink { get; } = new()
    {
        // UPDATE first, for the reason given at the owners' epochs.
        RaiseLane = $"UPDATE KOR_LANE SET EPOCH = EPOCH + 1, UPDATED_AT = {Now} WHERE LANE = :P0",
        AddLane = "INSERT INTO KOR_LANE (LANE, EPOCH, WRITES, PROGRESS, QUARANTINED, UPDATED_AT) "
            + $"VALUES (:P0, 1, 0, -1, 0, {Now})",
        ReadRaised = $"SELECT {SinkSql.LaneColumns.ToUpperInvariant()} FROM KOR_LANE WHERE LANE = :P0",
        ReadLane = $"SELECT {SinkSql.LaneColumns.ToUpperInvariant()} FROM KOR_LANE WHERE LANE = :P0",
        AdvanceLane =
            $"UPDATE KOR_LANE SET WRITES = WRITES + 1, PROGRESS = :P0, UPDATED_AT = {Now} "
            + "WHERE LANE = :P1 AND EPOCH = :P2 AND WRITES = :P3",
        CountRows =
            "UPDATE KOR_LANE SET WRITTEN = WRITTEN + :P0, ALREADY = ALREADY + :P1, QUARANTINED = QUARANTINED + :P2 WHERE LANE = :P3",
        AddQuarantine = InsertAbsentText(
            "KOR_QUARANTINE", ["ID"], [.. SinkSql.QuarantineColumns.Select(c => c.ToUpperInvariant())]),
    };

    public override string Fold(string name) => name.ToUpperInvariant();

    public override string TypeText(FieldType type, bool isKey) => type.Kind switch
    {
        FieldKind.Boolean => "NUMBER(1)",
        FieldKind.Integer => "NUMBER(19)",
        FieldKind.Decimal => string.Create(CultureInfo.InvariantCulture, $"NUMBER({type.Precision},{type.Scale})"),
        FieldKind.Double => "BINARY_DOUBLE",
        // BYTE, whatever NLS_LENGTH_SEMANTICS says: several keys of 1,000 characters would not fit an index (ORA-01450).
        FieldKind.String => isKey ? "VARCHAR2(1000 BYTE)" : "VARCHAR2(4000 BYTE)",
        FieldKind.Timestamp => "TIMESTAMP(6)",
        FieldKind.Date => "DATE",
        FieldKind.Bytes => "BLOB",
        FieldKind.Json => "CLOB",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The field type is not set."),
    };

    public override bool Accepts(FieldType type, ColumnInfo column) => type.Kind switch
    {
        FieldKind.Boolean => column.Type is "number" && HoldsIntegers(column),
        // A negative scale rounds to tens and hundreds.
        FieldKind.Integer => column.Type is "number" or "float" && HoldsIntegers(column) && column.Scale is null or >= 0,
        FieldKind.Decimal => column.Type is "number" || (column.Type is "float" && Keeps(column, type.Precision)),
        FieldKind.Double => column.Type is "binary_double"
            || (column.Type is "number" or "float" && column.Scale is null && Keeps(column, DoubleDigits)),
        FieldKind.String => column.Type is "varchar2" or "nvarchar2" or "char" or "nchar" or "clob" or "nclob",
        // A DATE has a time of day, to the second.
        FieldKind.Timestamp => column.Type is "date" || IsUnzoned(column),
        FieldKind.Date => column.Type is "date" || IsUnzoned(column),
        FieldKind.Bytes => column.Type is "blob" or "raw",
        FieldKind.Json => column.Type is "clob" or "nclob" or "varchar2" or "json",
        _ => false,
    };

    /// <summary>Digits a double has when it is written in decimals.</summary>
    private const int DoubleDigits = 17;

    /// <summary>NUMBER(p,s) with s not below p holds fractions only.</summary>
    private static bool HoldsIntegers(ColumnInfo column) => column.Precision is not { } digits || digits > (column.Scale ?? 0);

    /// <summary>FLOAT rounds to its digits without an error: it must have as many as the field.</summary>
    private static bool Keeps(ColumnInfo column, int digits) => column.Type != "float" || column.Precision is null || column.Precision >= digits;

    /// <summary>
    /// A time bound to a column with a time zone would be taken for one of the session's zone, wherever the silo runs.
    /// </summary>
    private static bool IsUnzoned(ColumnInfo column) =>
        column.Type.StartsWith("timestamp", StringComparison.Ordinal)
            && !column.Type.Contains("time zone", StringComparison.Ordinal);

    /// <summary>The driver returns times with a zone without their zone: which instant it was is lost.</summary>
    public override long ReadTimestamp(DbDataReader reader, int ordinal) =>
        reader.GetDataTypeName(ordinal) is { } type
            && (type.EndsWith("TZ", StringComparison.OrdinalIgnoreCase)
                || type.Contains("with time zone", StringComparison.OrdinalIgnoreCase)
                || type.Contains("with local time zone", StringComparison.OrdinalIgnoreCase))
            ? throw new InvalidCastException(
                "a time with a zone comes without it through the driver; look it up in a view with SYS_EXTRACT_UTC(column)")
            : base.ReadTimestamp(reader, ordinal);

    public override BindType BindTypeOf(FieldType type, ColumnInfo? column) => (type.Kind, column?.Type) switch
    {
        (FieldKind.String, "clob") => BindType.LongText,
        (FieldKind.String, "char") => BindType.FixedText,
        // As VARCHAR2 they would go through the database's character set, which may lack their characters.
        (FieldKind.String, "nvarchar2") => BindType.NationalText,
        (FieldKind.String, "nchar") => BindType.NationalFixedText,
        (FieldKind.String or FieldKind.Json, "nclob") => BindType.NationalLongText,
        (FieldKind.Timestamp, "date") => BindType.Seconds,
        _ => ColumnBinds.TypeOf(type),
    };

    public override string AppendText(SinkTable table) => InsertAbsentText(
        table.Quoted, Names(table.Keys), Names(table.Columns));

    public override string UpsertText(SinkTable table) =>
        table.Values.IsEmpty ? AppendText(table) : $"{UpdateText(table)} {InsertPart(Names(table.Columns))}";

    /// <summary>The MERGE takes the two ways apart by itself, and looks at no column before.</summary>
    public override IReadOnlyList<string> MergeTexts(SinkTable table) => [UpsertText(table)];

    /// <summary>A value travels as a text or as a LOB by its length, and neither goes with the other in one expression.</summary>
    public override string? KeepFault(FieldType type, ColumnInfo? column) =>
        column?.Type is "clob" or "nclob" or "blob" or "json" || (column is null && type.Kind is FieldKind.Bytes or FieldKind.Json)
            ? "Oracle takes a LOB as a whole only; leave the column out of this sink, or write it with a sink without 'missing: keep'"
            : null;

    public override string UpdateText(SinkTable table)
    {
        var sets = string.Join(", ", Names(table.Values).Select(v => table.Spec.KeepMissing ? $"{v} = COALESCE(S.{v}, T.{v})" : $"{v} = S.{v}"));
        var guard = table.Revision < 0
            ? ""
            : $" WHERE T.{table.Columns[table.Revision].Quoted} IS NULL OR T.{table.Columns[table.Revision].Quoted} <= S.{table.Columns[table.Revision].Quoted}";
        return $"{SourceText(table.Quoted, Names(table.Keys), Names(table.Columns))} "
            + $"WHEN MATCHED THEN UPDATE SET {sets}{guard}";
    }

    public override string DeleteOlderText(SinkTable table)
    {
        var revision = table.Columns[table.Revision].Quoted;
        return string.Create(CultureInfo.InvariantCulture, $"{DeleteText(table)} AND ({revision} IS NULL OR {revision} < :P{table.KeyCount})");
    }

    public override string? RevisionFault(FieldType type, ColumnInfo? column) => type.Kind switch
    {
        FieldKind.String => "Oracle compares texts by the session's NLS settings, and takes '' for NULL; use a number or a time",
        FieldKind.Integer or FieldKind.Decimal when column is { Type: "float" } => "FLOAT rounds; make it NUMBER",
        _ => null,
    };

    public override string DeleteText(SinkTable table) =>
        $"DELETE FROM {table.Quoted} WHERE "
        + string.Join(" AND ",
            Names(table.Keys).Select((k, i) => string.Create(CultureInfo.InvariantCulture, $"{k} = :P{i}")));

    public override Task<TableInfo?> ReadTableAsync(DbSession session, TableName name, CancellationToken cancellation) =>
        ReadTableAsync(session, name, 0, cancellation);

    private async Task<TableInfo?> ReadTableAsync(DbSession session, TableName name, int depth, CancellationToken cancellation)
    {
        var columns = new List<ColumnInfo>();
        await session.QueryAsync(
            Qualified(ReadColumns, name), r => columns.Add(ReadColumn(r)), cancellation,
                Owner(name, 1)).ConfigureAwait(false);
        if (columns.Count == 0) return await BehindSynonymAsync(session, name, depth, cancellation).ConfigureAwait(false);
        // Where the database does not store UTF-8, how many bytes a text has is for the database to say.
        var charset = "";
        await session.QueryAsync(ReadCharset, r => charset = r.GetString(0), cancellation).ConfigureAwait(false);
        if (charset is not ("AL32UTF8" or "UTF8")) columns = columns.ConvertAll(WithoutBytes);
        var keys = new Dictionary<(string Name, bool IsConstraint), HashSet<string>>();
        await session.QueryAsync(
            Qualified(ReadUniqueKeys, name),
            r =>
            {
                var key = (r.GetString(0), r.GetInt64(2) == 1);
                if (!keys.TryGetValue(key, out var set)) keys.Add(key, set = []);
                set.Add(r.GetString(1));
            },
            cancellation,
            Owner(name, 2)).ConfigureAwait(false);
        // An index of a constraint's name goes with it.
        var unique = keys.Where(k => k.Key.IsConstraint || !keys.ContainsKey((k.Key.Name, true)))
            .Select(k => new TableKey(k.Key.Name, k.Key.IsConstraint, k.Value)).ToList();
        var isView = false;
        await session.QueryAsync(Qualified(ReadView, name), _ => isView = true, cancellation, Owner(name, 1)).ConfigureAwait(false);
        return new TableInfo(columns, unique) { Kind = isView ? RelationKind.View : RelationKind.Table };
    }

    public override string? MakeWritableText(SinkTable table, SinkColumn column, ColumnGeneration generation) =>
        generation == ColumnGeneration.Identity ? $"ALTER TABLE {table.Quoted} MODIFY {column.Quoted} GENERATED BY DEFAULT AS IDENTITY" : null;

    /// <summary>
    /// The table a synonym stands for; null when there is no such synonym. A synonym without its table is refused: a
    /// table made beside it would be an empty twin of the one that is meant.
    /// </summary>
    private async Task<TableInfo?> BehindSynonymAsync(DbSession session, TableName name, int depth, CancellationToken cancellation)
    {
        (TableName Name, string? Link)? target = null;
        await session.QueryAsync(
            name.Schema is null ? ReadPlainSynonym : ReadSynonym,
            r => target ??= (new TableName(r.IsDBNull(0) ? null : r.GetString(0), r.GetString(1)), r.IsDBNull(2) ? null : r.GetString(2)),
            cancellation,
            Owner(name, 1)).ConfigureAwait(false);
        if (target is not { } found) return null;
        if (found.Link is { } link)
        {
            throw new SinkConfigurationException(
                $"{name} is a synonym of {found.Name} on another database ({link}), where rows and progress cannot be written in one transaction: "
                + "make a connection to that database and name the table there.");
        }

        var behind = depth < MaxSynonyms
            ? await ReadTableAsync(session, found.Name, depth + 1, cancellation).ConfigureAwait(false)
            : null;
        return behind is null
            ? throw new SinkConfigurationException(
                $"{name} is a synonym of {found.Name}, which does not exist or which the connection's user may not see: "
                + $"GRANT SELECT, INSERT, UPDATE, DELETE ON {Identifiers.Quote(found.Name)} TO that user.")
            : behind with { Behind = behind.Behind ?? found.Name };
    }

    private static ColumnInfo WithoutBytes(ColumnInfo column) =>
        column.Type == "raw" ? column : column with { LengthInBytes = false, MaxBytes = null };

    private static string Qualified(string text, TableName name) => name.Schema is null
        ? string.Format(CultureInfo.InvariantCulture, text, CurrentSchema, 0, CurrentSchema, 1)
        : string.Format(CultureInfo.InvariantCulture, text, ":P0", 1, ":P2", 3);

    private static Bind[] Owner(TableName name, int times)
    {
        Bind[] once = name.Schema is null ? [name.Name] : [name.Schema, name.Name];
        return [.. Enumerable.Repeat(once, times).SelectMany(b => b)];
    }

    private static ColumnInfo ReadColumn(DbDataReader reader)
    {
        var type = reader.GetString(1).ToLowerInvariant();
        var inBytes = reader.IsDBNull(4) || reader.GetString(4) == "B";
        int? length = type is "varchar2" or "nvarchar2" or "char" or "nchar" or "raw" ? Number(inBytes ? 2 : 3) : null;
        var scale = type switch
        {
            "date" => 0, // Digits after the second.
            "number" when !reader.IsDBNull(5) => Number(6) ?? 0,
            _ => Number(6),
        };
        // Of FLOAT the digits are binary ones.
        var digits = type == "float" && Number(5) is { } bits ? (int)(bits * 0.30103) : Number(5);
        return new ColumnInfo(reader.GetString(0), type, length, inBytes, digits, scale, reader.GetString(7) == "Y", Number(8) == 1)
        {
            // VARCHAR2(n CHAR) holds n characters and never more bytes than its limit.
            MaxBytes = type is "varchar2" or "char" && !inBytes ? Number(2) : null,
            Generation = Is(9, "YES") ? ColumnGeneration.Expression : Is(10, "ALWAYS") ? ColumnGeneration.Identity : ColumnGeneration.None,
        };

        bool Is(int ordinal, string text) => !reader.IsDBNull(ordinal) && reader.GetString(ordinal) == text;

        int? Number(int ordinal) => reader.IsDBNull(ordinal)
            ? null
            : Convert.ToInt32(reader.GetValue(ordinal), CultureInfo.InvariantCulture);
    }

    private static string SourceText(string table, string[] keys, string[] columns)
    {
        var source = string.Join(", ",
            columns.Select((c, i) => string.Create(CultureInfo.InvariantCulture, $":P{i} AS {c}")));
        return $"MERGE INTO {table} T USING (SELECT {source} FROM DUAL) S "
            + $"ON ({string.Join(" AND ", keys.Select(k => $"T.{k} = S.{k}"))})";
    }

    private static string InsertPart(string[] columns) =>
        $"WHEN NOT MATCHED THEN INSERT ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(c => $"S.{c}"))})";

    private static string InsertAbsentText(string table, string[] keys, string[] columns) =>
        $"{SourceText(table, keys, columns)} {InsertPart(columns)}";

    private static string[] Names(ReadOnlySpan<SinkColumn> columns) => [.. columns.ToArray().Select(c => c.Quoted)];
}
