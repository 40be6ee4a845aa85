using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Types and statements of sinks.</content>
internal sealed partial class PostgresDialect
{
    // Every unique index counts that covers all rows and plain columns: only those can answer ON CONFLICT.
    private const string ReadColumns =
        "SELECT a.attname, t.typname, a.atttypmod, a.attnotnull, a.atthasdef OR a.attidentity <> '' "
        + "FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        + "WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

    private const string ReadUniqueKeys =
        "SELECT string_agg(a.attname, chr(1)) FROM pg_index i JOIN pg_attribute a "
        + "ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]) "
        + "WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL "
        + "AND i.indexprs IS NULL GROUP BY i.indexrelid";

    public override int MaxIdentifierBytes => 63;

    public override SinkSql Sink { get; } = new()
    {
        RaiseLane =
            "INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined, updated_at) VALUES ($1, 1, 0, -1, 0, now()) "
            + "ON CONFLICT (lane) DO UPDATE SET epoch = kor_lane.epoch + 1, updated_at = now() "
            + "RETURNING epoch, writes, progress, quarantined",
        ReadRaised = null,
        ReadLane = "SELECT epoch, writes, progress, quarantined FROM kor_lane WHERE lane = $1",
        AdvanceLane =
            "UPDATE kor_lane SET writes = writes + 1, progress = $1, updated_at = now() "
            + "WHERE lane = $2 AND epoch = $3 AND writes = $4",
        CountQuarantined = "UPDATE kor_lane SET quarantined = quarantined + $1 WHERE lane = $2",
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
        FieldKind.Boolean => column.Type == "bool",
        FieldKind.Integer => column.Type is "int2" or "int4" or "int8" or "numeric",
        FieldKind.Decimal => column.Type == "numeric",
        FieldKind.Double => column.Type == "float8",
        FieldKind.String => column.Type is "text" or "varchar" or "bpchar",
        FieldKind.Timestamp => column.Type is "timestamptz" or "timestamp",
        FieldKind.Date => column.Type is "date" or "timestamp" or "timestamptz",
        FieldKind.Bytes => column.Type == "bytea",
        FieldKind.Json => column.Type is "json" or "jsonb" or "text",
        _ => false,
    };

    public override string AppendText(SinkTable table) =>
        $"{InsertText(table)} ON CONFLICT ({Names(table.Keys)}) DO NOTHING";

    public override string UpsertText(SinkTable table)
    {
        if (table.Values.IsEmpty) return AppendText(table);
        var sets = string.Join(", ", table.Values.ToArray().Select(c => $"{c.Quoted} = excluded.{c.Quoted}"));
        var guard = table.Revision < 0
            ? ""
            : $" WHERE t.{table.Columns[table.Revision].Quoted} < excluded.{table.Columns[table.Revision].Quoted}";
        return $"{InsertText(table)} ON CONFLICT ({Names(table.Keys)}) DO UPDATE SET {sets}{guard}";
    }

    public override string DeleteText(SinkTable table)
    {
        var keys = table.Keys.ToArray();
        var matches = string.Join(" AND ", keys.Select((k, i) => $"t.{k.Quoted} = u.c{i}"));
        var columns = string.Join(", ", keys.Select((_, i) => $"c{i}"));
        return $"DELETE FROM {table.Quoted} AS t USING unnest({Arrays(keys)}) AS u({columns}) WHERE {matches}";
    }

    public override async Task<TableInfo?> ReadTableAsync(DbSession session, TableName name,
        CancellationToken cancellation)
    {
        var columns = new List<ColumnInfo>();
        var table = Identifiers.Quote(name);
        await session.QueryAsync(ReadColumns, r => columns.Add(ReadColumn(r)), cancellation,
            table).ConfigureAwait(false);
        if (columns.Count == 0) return null;
        var keys = new List<IReadOnlySet<string>>();
        await session.QueryAsync(
            ReadUniqueKeys, r => keys.Add(r.GetString(0).Split('\u0001').ToHashSet(StringComparer.Ordinal)),
                cancellation, table)
            .ConfigureAwait(false);
        return new TableInfo(columns, keys);
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
        else if (type is "int2" or "int4" or "int8")
        {
            (precision, scale) = (type switch { "int2" => 4, "int4" => 9, _ => 19 }, 0);
        }

        return new ColumnInfo(
            reader.GetString(0), type, length, false, precision, scale, !reader.GetBoolean(3), reader.GetBoolean(4));
    }

    private static string InsertText(SinkTable table) =>
        $"INSERT INTO {table.Quoted} AS t ({Names(table.Columns)}) SELECT * FROM unnest({Arrays(table.Columns)})";

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
