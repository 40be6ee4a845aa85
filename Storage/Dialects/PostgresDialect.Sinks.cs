using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Types and statements of sinks.</content>
internal sealed partial class PostgresDialect
{
    // Columns of domains are described by the type below all domains.
    private const string ReadColumns =
        "WITH RECURSIVE c AS (SELECT a.attnum, a.attname, a.atttypid AS typ, a.atttypmod AS modifier, a.attnotnull AS filled, "
        + "a.atthasdef OR a.attidentity <> '' AS has_default, a.attidentity::text AS identity, a.attgenerated::text AS generated, 0 AS depth "
        + "FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped "
        + "UNION ALL SELECT c.attnum, c.attname, t.typbasetype, t.typtypmod, c.filled OR t.typnotnull, "
        + "c.has_default OR t.typdefault IS NOT NULL, c.identity, c.generated, c.depth + 1 "
        + "FROM c JOIN pg_type t ON t.oid = c.typ WHERE t.typtype = 'd') "
        + "SELECT DISTINCT ON (c.attnum) c.attname, t.typname, c.modifier, c.filled, c.has_default, c.identity, c.generated, "
        + "t.typtype::text, t.typcategory::text, format_type(c.typ, NULL) "
        + "FROM c JOIN pg_type t ON t.oid = c.typ ORDER BY c.attnum, c.depth DESC";

    // Every unique index counts that covers all rows and plain columns: only those can answer ON CONFLICT, and only
    // when they are checked at once.
    private const string ReadUniqueKeys =
        "SELECT string_agg(a.attname, chr(1)), i.indimmediate, i.indisprimary, x.relname, "
        + "EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u')) FROM pg_index i "
        + "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_attribute a "
        + "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
        + "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
        + "AND i.indexprs IS NULL GROUP BY i.indexrelid, i.indimmediate, i.indisprimary, x.relname ORDER BY x.relname";

    private const string ReadKind = "SELECT relkind::text FROM pg_class WHERE oid = to_regclass($1)";

    public override int MaxIdentifierBytes => 63;

    public override SinkSql Sink { get; } = new()
    {
        RaiseLane =
            "INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined, updated_at) VALUES ($1, 1, 0, -1, 0, now()) "
            + "ON CONFLICT (lane) DO UPDATE SET epoch = kor_lane.epoch + 1, updated_at = now() "
            + $"RETURNING {SinkSql.LaneColumns}",
        ReadRaised = null,
        ReadLane = $"SELECT {SinkSql.LaneColumns} FROM kor_lane WHERE lane = $1",
        AdvanceLane =
            "UPDATE kor_lane SET writes = writes + 1, progress = $1, updated_at = now() "
            + "WHERE lane = $2 AND epoch = $3 AND writes = $4",
        CountRows = "UPDATE kor_lane SET written = written + $1, already = already + $2, quarantined = quarantined + $3 WHERE lane = $4",
        AddQuarantine =
            $"INSERT INTO kor_quarantine ({string.Join(", ", SinkSql.QuarantineColumns)}) SELECT * FROM unnest("
            + "$1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], "
            + "$9::bigint[], $10::bigint[], $11::timestamptz[], $12::text[], $13::bytea[], $14::bytea[]) "
            + "ON CONFLICT (id) DO NOTHING",
    };

    public override string Fold(string name) => name.ToLowerInvariant();

    public override string TypeText(FieldType type, bool isKey) => type.Kind switch
    {
        FieldKind.Boolean => "boolean",
        FieldKind.Integer => "bigint",
        FieldKind.Decimal => string.Create(CultureInfo.InvariantCulture, $"numeric({type.Precision}, {type.Scale})"),
        FieldKind.Double => "double precision",
        FieldKind.String => "text",
        FieldKind.Timestamp => "timestamp with time zone",
        FieldKind.Date => "date",
        FieldKind.Bytes => "bytea",
        FieldKind.Json => "jsonb",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The field type is not set."),
    };

    public override bool Accepts(FieldType type, ColumnInfo column) => type.Kind switch
    {
        FieldKind.Boolean => column.Type is "bool" or "int2" or "int4" or "int8" or "numeric",
        FieldKind.Integer => column.Type is "int2" or "int4" or "int8" or "numeric" or "float4" or "float8",
        FieldKind.Decimal => column.Type == "numeric" || (type.Scale == 0 && column.Type is "int2" or "int4" or "int8"),
        FieldKind.Double => column.Type is "float8" or "float4",
        FieldKind.String => column.Shape == ColumnShape.FromText || column.Type is "text" or "varchar" or "bpchar",
        FieldKind.Timestamp => column.Type is "timestamptz" or "timestamp",
        FieldKind.Date => column.Type is "date" or "timestamp" or "timestamptz",
        FieldKind.Bytes => column.Type == "bytea",
        FieldKind.Json => column.Shape == ColumnShape.Array || column.Type is "json" or "jsonb" or "text",
        _ => false,
    };

    /// <summary>
    /// What a bound value is converted to where the database does not do so by itself. Never a type with a length:
    /// an explicit conversion would cut what is too long without a word.
    /// </summary>
    private static string Converted(SinkColumn column, string value) => (column.Type.Kind, column.Present) switch
    {
        (FieldKind.Boolean, { Type: not "bool" }) => $"{value}::integer",
        (FieldKind.String, { Shape: ColumnShape.FromText, TypeText: { } type }) => $"{value}::{type}",
        (FieldKind.Json, { Shape: ColumnShape.Array, TypeText: { } type }) =>
            $"CASE WHEN {value} IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text({value}))::{type} END",
        _ => value,
    };

    public override string? MakeWritableText(SinkTable table, SinkColumn column, ColumnGeneration generation) =>
        $"ALTER TABLE {table.Quoted} ALTER COLUMN {column.Quoted} "
        + (generation == ColumnGeneration.Identity ? "SET GENERATED BY DEFAULT" : "DROP EXPRESSION");

    public override string AppendText(SinkTable table) =>
        $"{InsertText(table)} ON CONFLICT ({Names(table.Keys)}) DO NOTHING";

    public override string UpsertText(SinkTable table)
    {
        if (table.Values.IsEmpty) return AppendText(table);
        var sets = string.Join(", ", table.Values.ToArray().Select(c => $"{c.Quoted} = excluded.{c.Quoted}"));
        var guard = "";
        if (table.Revision >= 0)
        {
            var revision = table.Columns[table.Revision];
            // Texts by their bytes, as everywhere else, whatever the database's or the column's collation.
            var by = revision.Type.Kind == FieldKind.String ? " COLLATE \"C\"" : "";
            guard = $" WHERE t.{revision.Quoted} IS NULL OR t.{revision.Quoted}{by} <= excluded.{revision.Quoted}{by}";
        }

        return $"{InsertText(table)} ON CONFLICT ({Names(table.Keys)}) DO UPDATE SET {sets}{guard}";
    }

    public override string UpdateText(SinkTable table)
    {
        var columns = string.Join(", ", table.Columns.Select((_, i) => $"c{i}"));
        var sets = string.Join(", ", table.Values.ToArray().Select((c, i) => $"{c.Quoted} = {Kept(table, c, Converted(c, $"u.c{table.KeyCount + i}"))}"));
        var matches = string.Join(" AND ", table.Keys.ToArray().Select((k, i) => $"t.{k.Quoted} = {Converted(k, $"u.c{i}")}"));
        return $"UPDATE {table.Quoted} AS t SET {sets} FROM unnest({Arrays(table.Columns)}) AS u({columns}) WHERE {matches}{GuardOf(table, " AND (", ")")}";
    }

    /// <summary>Rows that are there are changed, then those that are not are made; one that somebody else made meanwhile is changed all the same.</summary>
    public override IReadOnlyList<string> MergeTexts(SinkTable table)
    {
        var columns = string.Join(", ", table.Columns.Select((_, i) => $"c{i}"));
        var values = string.Join(", ", table.Columns.Select((c, i) => Converted(c, $"u.c{i}")));
        var matches = string.Join(" AND ", table.Keys.ToArray().Select((k, i) => $"o.{k.Quoted} = {Converted(k, $"u.c{i}")}"));
        var sets = string.Join(", ", table.Values.ToArray().Select(c => $"{c.Quoted} = {Kept(table, c, $"excluded.{c.Quoted}")}"));
        var revision = table.Revision < 0 ? null : table.Columns[table.Revision];
        var by = revision is { Type.Kind: FieldKind.String } ? " COLLATE \"C\"" : "";
        var guard = revision is null ? "" : $" WHERE t.{revision.Quoted} IS NULL OR t.{revision.Quoted}{by} <= excluded.{revision.Quoted}{by}";
        return
        [
            UpdateText(table),
            $"INSERT INTO {table.Quoted} AS t ({Names(table.Columns)}) SELECT {values} FROM unnest({Arrays(table.Columns)}) AS u({columns}) "
            + $"WHERE NOT EXISTS (SELECT 1 FROM {table.Quoted} AS o WHERE {matches}) ON CONFLICT ({Names(table.Keys)}) DO UPDATE SET {sets}{guard}",
        ];
    }

    private static string Kept(SinkTable table, SinkColumn column, string value) => !table.Spec.KeepMissing ? value
        : column is { Type.Kind: FieldKind.Json, Present.Type: "json" } ? $"COALESCE({value}::json, t.{column.Quoted})"
        : $"COALESCE({value}, t.{column.Quoted})";

    /// <summary>The guard of a revision that is among the rows of u.</summary>
    private static string GuardOf(SinkTable table, string before, string after)
    {
        if (table.Revision < 0) return "";
        var revision = table.Columns[table.Revision];
        var by = revision.Type.Kind == FieldKind.String ? " COLLATE \"C\"" : "";
        return $"{before}t.{revision.Quoted} IS NULL OR t.{revision.Quoted}{by} <= {Converted(revision, $"u.c{table.Revision}")}{by}{after}";
    }

    public override string? RevisionFault(FieldType type, ColumnInfo? column) => column switch
    {
        { Type: "bpchar" } => "CHAR pads and compares with blanks; make it text",
        { Type: "numeric", Scale: { } scale } when type.Kind == FieldKind.Decimal && scale < type.Scale =>
            "it keeps fewer digits than the revision has; make it numeric with as many",
        _ => null,
    };

    public override string DeleteText(SinkTable table) => DeleteText(table, table.Keys.ToArray(), "");

    public override string DeleteOlderText(SinkTable table)
    {
        var revision = table.Columns[table.Revision];
        return DeleteText(
            table, [.. table.Keys, revision], $" AND (t.{revision.Quoted} IS NULL OR t.{revision.Quoted} < {Converted(revision, $"u.c{table.KeyCount}")})");
    }

    private static string DeleteText(SinkTable table, SinkColumn[] binds, string guard)
    {
        var matches = string.Join(" AND ", table.Keys.ToArray().Select((k, i) => $"t.{k.Quoted} = {Converted(k, $"u.c{i}")}"));
        var columns = string.Join(", ", binds.Select((_, i) => $"c{i}"));
        return $"DELETE FROM {table.Quoted} AS t USING unnest({Arrays(binds)}) AS u({columns}) WHERE {matches}{guard}";
    }

    public override async Task<TableInfo?> ReadTableAsync(DbSession session, TableName name,
        CancellationToken cancellation)
    {
        var columns = new List<ColumnInfo>();
        var table = Identifiers.Quote(name);
        await session.QueryAsync(ReadColumns, r => columns.Add(ReadColumn(r)), cancellation,
            table).ConfigureAwait(false);
        if (columns.Count == 0) return null;
        var kind = "";
        await session.QueryAsync(ReadKind, r => kind = r.GetString(0), cancellation, table).ConfigureAwait(false);
        var keys = new List<TableKey>();
        var deferrable = new List<DeferrableKey>();
        await session.QueryAsync(
            ReadUniqueKeys,
            r =>
            {
                var set = r.GetString(0).Split('\u0001').ToHashSet(StringComparer.Ordinal);
                if (r.GetBoolean(1)) keys.Add(new TableKey(r.GetString(3), r.GetBoolean(4), set));
                else deferrable.Add(new DeferrableKey(r.GetString(3), r.GetBoolean(2), set));
            },
            cancellation,
            table).ConfigureAwait(false);
        return new TableInfo(columns, keys)
        {
            Kind = kind switch { "r" or "p" => RelationKind.Table, "v" => RelationKind.View, _ => RelationKind.Other },
            Deferrable = deferrable,
        };
    }

    private static ColumnInfo ReadColumn(System.Data.Common.DbDataReader reader)
    {
        var type = reader.GetString(1);
        var modifier = reader.GetInt32(2);
        int? length = null, precision = null, scale = null;
        if (type is "varchar" or "bpchar" && modifier >= 4) length = modifier - 4;
        if (type == "numeric" && modifier >= 4)
        {
            precision = ((modifier - 4) >> 16) & 0xffff;
            scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024; // 11 bits, signed since PostgreSQL 15
        }
        else if (type is "timestamp" or "timestamptz" && modifier >= 0)
        {
            scale = modifier;
        }

        return new ColumnInfo(
            reader.GetString(0), type, length, false, precision, scale, !reader.GetBoolean(3), reader.GetBoolean(4))
        {
            Range = type switch
            {
                "int2" => (short.MinValue, short.MaxValue),
                "int4" => (int.MinValue, int.MaxValue),
                "int8" => (long.MinValue, long.MaxValue),
                _ => null,
            },
            TypeText = reader.GetString(9),
            Shape = ShapeOf(type, reader.GetString(7), reader.GetString(8)),
            Generation = reader.GetString(6).Length > 0 ? ColumnGeneration.Expression
                : reader.GetString(5) == "a" ? ColumnGeneration.Identity
                : ColumnGeneration.None,
        };
    }

    private static ColumnShape ShapeOf(string type, string kind, string category) =>
        category == "A" ? ColumnShape.Array
        : kind == "e" || type is "uuid" or "citext" or "json" or "jsonb" or "xml" or "inet" or "cidr" or "macaddr" or "macaddr8"
            ? ColumnShape.FromText
            : ColumnShape.Plain;

    private static string InsertText(SinkTable table)
    {
        var values = table.Columns.Select((c, i) => Converted(c, $"u.c{i}")).ToArray();
        var into = $"INSERT INTO {table.Quoted} AS t ({Names(table.Columns)}) SELECT";
        if (!values.Where((v, i) => v != $"u.c{i}").Any()) return $"{into} * FROM unnest({Arrays(table.Columns)})";
        var names = string.Join(", ", values.Select((_, i) => $"c{i}"));
        return $"{into} {string.Join(", ", values)} FROM unnest({Arrays(table.Columns)}) AS u({names})";
    }

    private static string Names(ReadOnlySpan<SinkColumn> columns) =>
        string.Join(", ", columns.ToArray().Select(c => c.Quoted));

    private static string Arrays(SinkColumn[] columns) =>
        string.Join(", ", columns.Select((c, i) => string.Create(
            CultureInfo.InvariantCulture, $"${i + 1}::{ArrayType(ColumnBinds.TypeOf(c.Type))}[]")));

    private static string ArrayType(BindType type) => type switch
    {
        BindType.Integer => "bigint",
        BindType.Decimal => "numeric",
        BindType.Double => "double precision",
        BindType.Boolean => "boolean",
        BindType.Timestamp => "timestamptz",
        BindType.Date => "date",
        BindType.Bytes => "bytea",
        BindType.Json => "jsonb",
        _ => "text",
    };
}
