using System.Globalization;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>Types and statements of sinks.</content>
internal sealed partial class SqliteDialect
{
    /// <summary>Decimals of more digits than a double keeps are stored as text.</summary>
    private const int MaxNumericPrecision = 15;

    private const string ReadColumns = "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(@P0)";
    private const string ReadKind = "SELECT type FROM sqlite_schema WHERE name = @P0 COLLATE NOCASE AND type IN ('table', 'view')";

    private const string ReadUniqueKeys =
        "SELECT (SELECT group_concat(i.name, char(1)) FROM pragma_index_info(l.name) i), l.name, l.origin "
        + "FROM pragma_index_list(@P0) l WHERE l.\"unique\" = 1 AND l.partial = 0";

    public override int MaxIdentifierBytes => 128;

    public override SinkSql Sink { get; } = new()
    {
        RaiseLane =
            "INSERT INTO kor_lane (lane, epoch, writes, progress, quarantined) VALUES (@P0, 1, 0, -1, 0) "
            + "ON CONFLICT (lane) DO UPDATE SET epoch = epoch + 1, updated_at = excluded.updated_at "
            + $"RETURNING {SinkSql.LaneColumns}",
        ReadRaised = null,
        ReadLane = $"SELECT {SinkSql.LaneColumns} FROM kor_lane WHERE lane = @P0",
        AdvanceLane =
            "UPDATE kor_lane SET writes = writes + 1, progress = @P0, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
            + "WHERE lane = @P1 AND epoch = @P2 AND writes = @P3",
        CountRows = "UPDATE kor_lane SET written = written + @P0, already = already + @P1, quarantined = quarantined + @P2 WHERE lane = @P3",
        AddQuarantine =
            $"INSERT INTO kor_quarantine ({string.Join(", ", SinkSql.QuarantineColumns)}) "
            + $"VALUES ({Places(SinkSql.QuarantineColumns.Length)}) ON CONFLICT (id) DO NOTHING",
    };

    public override string? ConstraintsAtOnce => null;

    public override string Fold(string name) => name;

    public override string TypeText(FieldType type, bool isKey) => type.Kind switch
    {
        FieldKind.Boolean => "BOOLEAN",
        FieldKind.Integer => "INTEGER",
        FieldKind.Decimal when type.Precision > MaxNumericPrecision => "TEXT",
        FieldKind.Decimal => string.Create(CultureInfo.InvariantCulture, $"DECIMAL({type.Precision}, {type.Scale})"),
        FieldKind.Double => "REAL",
        FieldKind.String or FieldKind.Timestamp or FieldKind.Date or FieldKind.Json => "TEXT",
        FieldKind.Bytes => "BLOB",
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "The field type is not set."),
    };

    // SQLite columns take any value; only an affinity that would change the value is a difference.
    public override bool Accepts(FieldType type, ColumnInfo column) => Affinity(column.Type) switch
    {
        // Texts that are no numbers stay what they are: declared DATE, DATETIME and TIMESTAMP columns are numeric by
        // affinity.
        "INTEGER" or "NUMERIC" =>
            type.Kind is FieldKind.Boolean or FieldKind.Integer or FieldKind.Timestamp or FieldKind.Date
            || (type.Kind == FieldKind.Decimal && type.Precision <= MaxNumericPrecision),
        "REAL" => type.Kind == FieldKind.Double
            || (type.Kind == FieldKind.Decimal && type.Precision <= MaxNumericPrecision),
        "TEXT" => type.Kind is FieldKind.String or FieldKind.Timestamp or FieldKind.Date or FieldKind.Json or FieldKind.Decimal,
        _ => true,
    };

    public override string AddUniqueText(SinkTable table, string name) =>
        $"CREATE UNIQUE INDEX {Identifiers.Quote(name)} ON {table.Quoted} ({Names(table.Keys)})";

    /// <summary>A constraint cannot be dropped; the table is set aside and made anew.</summary>
    public override string DropKeyText(SinkTable table, TableKey key) => key.IsConstraint
        ? $"ALTER TABLE {table.Quoted} RENAME TO {Identifiers.Quote(table.Name.Name + "_old")}"
        : base.DropKeyText(table, key);

    public override string AfterDropKey => "make the table anew; INSERT INTO ... SELECT takes over what is in the old one.";

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
            // Texts by their bytes, whatever the column's collation.
            var by = revision.Type.Kind == FieldKind.String ? " COLLATE BINARY" : "";
            guard = $" WHERE t.{revision.Quoted} IS NULL OR t.{revision.Quoted}{by} <= excluded.{revision.Quoted}{by}";
        }

        return $"{InsertText(table)} ON CONFLICT ({Names(table.Keys)}) DO UPDATE SET {sets}{guard}";
    }

    public override string UpdateText(SinkTable table)
    {
        // Numbered places: a statement names the values before the keys, and rows have the keys first.
        var sets = string.Join(", ", Enumerable.Range(table.KeyCount, table.Values.Length).Select(i =>
            table.Spec.KeepMissing ? $"{table.Columns[i].Quoted} = coalesce(?{i + 1}, {table.Columns[i].Quoted})" : $"{table.Columns[i].Quoted} = ?{i + 1}"));
        return $"UPDATE {table.Quoted} SET {sets} WHERE {MatchText(table)}{GuardText(table)}";
    }

    public override IReadOnlyList<string> MergeTexts(SinkTable table)
    {
        var places = string.Join(", ", table.Columns.Select((_, i) => $"?{i + 1}"));
        return
        [
            UpdateText(table),
            $"INSERT INTO {table.Quoted} ({Names(table.Columns)}) SELECT {places} WHERE NOT EXISTS (SELECT 1 FROM {table.Quoted} WHERE {MatchText(table)})",
        ];
    }

    private static string MatchText(SinkTable table) =>
        string.Join(" AND ", table.Keys.ToArray().Select((k, i) => $"{k.Quoted} = ?{i + 1}"));

    private static string GuardText(SinkTable table)
    {
        if (table.Revision < 0) return "";
        var revision = table.Columns[table.Revision];
        var by = revision.Type.Kind == FieldKind.String ? " COLLATE BINARY" : "";
        return $" AND ({revision.Quoted} IS NULL OR {revision.Quoted}{by} <= ?{table.Revision + 1}{by})";
    }

    public override string DeleteOlderText(SinkTable table)
    {
        var revision = table.Columns[table.Revision].Quoted;
        return $"{DeleteText(table)} AND ({revision} IS NULL OR {revision} < @P{table.KeyCount})";
    }

    public override string? RevisionFault(FieldType type, ColumnInfo? column)
    {
        var affinity = Affinity(column?.Type ?? TypeText(type, false));
        return type.Kind switch
        {
            FieldKind.Decimal when type.Precision > MaxNumericPrecision =>
                $"SQLite keeps decimals of more than {MaxNumericPrecision} digits as text; use an integer, a time or fewer digits",
            FieldKind.Integer when affinity is "REAL" => "REAL keeps 15 digits; make it INTEGER",
            FieldKind.Integer or FieldKind.Decimal or FieldKind.Double when affinity is "TEXT" =>
                "the column keeps numbers as text, and '9' is above '10' then; make it INTEGER or NUMERIC",
            _ => null,
        };
    }

    public override string DeleteText(SinkTable table) =>
        $"DELETE FROM {table.Quoted} WHERE "
        + string.Join(" AND ", table.Keys.ToArray().Select((k, i) => $"{k.Quoted} = @P{i}"));

    public override async Task<TableInfo?> ReadTableAsync(DbSession session, TableName name,
        CancellationToken cancellation)
    {
        var columns = new List<ColumnInfo>();
        var primary = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        await session.QueryAsync(
            ReadColumns,
            r =>
            {
                var column = r.GetString(0);
                if (r.GetInt64(4) > 0) primary.Add(column);
                columns.Add(new ColumnInfo(
                    column, r.GetString(1), null, false, null, null, r.GetInt64(2) == 0, !r.IsDBNull(3) || r.GetInt64(5) > 0)
                {
                    Generation = r.GetInt64(5) > 0 ? ColumnGeneration.Expression : ColumnGeneration.None,
                });
            },
            cancellation,
            name.Name).ConfigureAwait(false);
        if (columns.Count == 0) return null;
        var keys = new List<TableKey>();
        if (primary.Count > 0) keys.Add(new TableKey("", true, primary));
        await session.QueryAsync(
            ReadUniqueKeys,
            r =>
            {
                // The primary key's index is told of above.
                if (!r.IsDBNull(0) && r.GetString(2) != "pk")
                    keys.Add(new TableKey(r.GetString(1), r.GetString(2) != "c", r.GetString(0).Split('\u0001').ToHashSet(StringComparer.OrdinalIgnoreCase)));
            },
            cancellation,
            name.Name).ConfigureAwait(false);
        var kind = "";
        await session.QueryAsync(ReadKind, r => kind = r.GetString(0), cancellation, name.Name).ConfigureAwait(false);
        return new TableInfo(columns, keys) { Kind = kind == "view" ? RelationKind.View : RelationKind.Table };
    }

    /// <summary>The affinity of a declared type, by SQLite's own rules.</summary>
    private static string Affinity(string type)
    {
        var upper = type.ToUpperInvariant();
        if (upper.Contains("INT", StringComparison.Ordinal)) return "INTEGER";
        if (upper.Contains("CHAR", StringComparison.Ordinal) || upper.Contains("CLOB", StringComparison.Ordinal)
            || upper.Contains("TEXT", StringComparison.Ordinal)) return "TEXT";
        if (upper.Length == 0 || upper.Contains("BLOB", StringComparison.Ordinal)) return "BLOB";
        if (upper.Contains("REAL", StringComparison.Ordinal) || upper.Contains("FLOA", StringComparison.Ordinal)
            || upper.Contains("DOUB", StringComparison.Ordinal)) return "REAL";
        return "NUMERIC";
    }

    private static string InsertText(SinkTable table) =>
        $"INSERT INTO {table.Quoted} AS t ({Names(table.Columns)}) VALUES ({Places(table.Columns.Length)})";

    private static string Places(int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"@P{i}"));

    private static string Names(ReadOnlySpan<SinkColumn> columns) =>
        string.Join(", ", columns.ToArray().Select(c => c.Quoted));
}
