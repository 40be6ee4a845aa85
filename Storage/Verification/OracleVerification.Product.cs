using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Verification;

/// <content>The product itself: its own DDL, lanes, quarantine, lookups, epochs and audit trail.</content>
public sealed partial class OracleVerification
{
    private const string Pipeline = "kor-verify";

    private static readonly string[] ProductTables = ["KOR_VERIFY_A", "KOR_VERIFY_C", "KOR_VERIFY_P", "KOR_VERIFY_L", "KOR_VERIFY_D", "KOR_VERIFY_K", "KOR_VERIFY_M"];

    private static readonly Schema EveryType = new(
        new Field("id", FieldType.Integer, false), new Field("flag", FieldType.Boolean), new Field("amount", FieldType.Decimal(28, 8)),
        new Field("ratio", FieldType.Double), new Field("name", FieldType.String), new Field("at", FieldType.Timestamp),
        new Field("day", FieldType.Date), new Field("raw", FieldType.Bytes), new Field("doc", FieldType.Json));

    private async Task<(bool, string)> ProductAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        var spec = Spec("KOR_VERIFY_A", EveryType, "id");
        var at = BindTime.FromUtc(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc)) + 123_456;
        var day = BindTime.FromDate(new DateOnly(2024, 2, 29));
        object?[] row = [1L, true, -12345678901234567890.12345678m, 1.5e300, "語🔑", at, day, new byte[] { 0, 255 }, "{\"a\":1}"];
        object?[] empty = [2L, null, null, null, null, null, null, null, null];
        object?[] poison = [3L, null, null, null, new string('x', 4001), null, null, null, null];
        var first = await product.WriteAsync(spec, cancellation, row, empty, poison).ConfigureAwait(false);
        var again = await product.WriteAsync(spec, cancellation, row, empty).ConfigureAwait(false);
        var found = await product.Lookup.LookupAsync(
            new LookupSpec(product.Name, spec.Table, ["ID"], [.. EveryType.Fields.Select(f => f.Name)], [.. EveryType.Fields.Select(f => f.Type)]),
            Block(new Schema(new Field("id", FieldType.Integer)), [[1L]]), cancellation).ConfigureAwait(false);
        var same = found.Found[0] && EveryType.Fields.Select((_, i) => Text(found.Values.Columns[i], 0)).SequenceEqual(
            EveryType.Fields.Select((_, i) => Text(Block(EveryType, [row]).Columns[i], 0)));
        var rows = await CountOfAsync(spec.Table, cancellation).ConfigureAwait(false);
        // With MAX_STRING_SIZE=EXTENDED the column is made as long as ever and the third row is refused all the same.
        return (same && rows == 2 && first is { Written: 2, Quarantined: 1 } && again.Quarantined == 0,
            $"{rows} of 2 rows, {first.Quarantined} of 1 in quarantine, read back {(same ? "as written" : "otherwise")}");
    }

    /// <summary>Every type that is no LOB, each changed alone and left alone.</summary>
    private async Task<(bool, string)> PartsAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        var schema = new Schema([.. EveryType.Fields.Where(f => f.Type.Kind is not (FieldKind.Bytes or FieldKind.Json))]);
        var spec = Spec("KOR_VERIFY_M", schema, "id") with { KeepMissing = true };
        var at = BindTime.FromUtc(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc));
        var day = BindTime.FromDate(new DateOnly(2024, 2, 29));
        object?[] before = [1L, true, 1.12345678m, 1.5, "old", at, day];
        object?[] after = [1L, false, 2.12345678m, 2.5, "new", at + 1, day + 1];
        await product.WriteAsync(spec, cancellation, before).ConfigureAwait(false);
        for (var i = 1; i < before.Length; i++)
            await product.WriteAsync(spec, cancellation, [.. after.Select((v, c) => c == 0 || c == i ? v : null)]).ConfigureAwait(false);
        var update = await product.WriteAsync(spec with { UpdateOnly = true }, cancellation, [1L, null, null, null, "again", null, null], [2L, null, null, null, "nobody", null, null])
            .ConfigureAwait(false);
        after[4] = "again";
        var found = await product.Lookup.LookupAsync(
            new LookupSpec(product.Name, spec.Table, ["ID"], [.. schema.Fields.Select(f => f.Name)], [.. schema.Fields.Select(f => f.Type)]),
            Block(new Schema(new Field("id", FieldType.Integer)), [[1L]]), cancellation).ConfigureAwait(false);
        var read = string.Join(", ", found.Values.Columns.Select(c => Text(c, 0)));
        var rows = await CountOfAsync(spec.Table, cancellation).ConfigureAwait(false);
        return (rows == 1 && update.Written == 1 && read == string.Join(", ", Block(schema, [after]).Columns.Select(c => Text(c, 0))), $"{rows} of 1 rows: {read}");
    }

    private async Task<(bool, string)> EpochsAsync(CancellationToken cancellation)
    {
        var owner = $"{Pipeline}/epochs/{Guid.NewGuid():N}";
        var store = new AdoStateStore(_database);
        var epochs = new List<long>();
        // Of a row that is not there yet, then of one that all of them wait for.
        for (var round = 0; round < 2; round++)
        {
            var leases = await Task.WhenAll(Enumerable.Range(0, 4).Select(
                _ => Task.Run(() => store.AcquireAsync(owner, cancellation), cancellation))).ConfigureAwait(false);
            epochs.AddRange(leases.Select(l => l.Epoch).Order());
        }

        await store.ResetAsync(owner, cancellation).ConfigureAwait(false);
        return (epochs.SequenceEqual(Enumerable.Range(1, 8).Select(i => (long)i)), $"epochs {string.Join(", ", epochs)}");
    }

    private async Task<(bool, string)> CharKeysAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        await DdlAsync("CREATE TABLE KOR_VERIFY_C (CODE CHAR(5) NOT NULL, N NUMBER(19), CONSTRAINT KOR_VERIFY_C_PK PRIMARY KEY (CODE))", cancellation)
            .ConfigureAwait(false);
        var schema = new Schema(new Field("code", FieldType.String, false), new Field("n", FieldType.Integer));
        var spec = Spec("KOR_VERIFY_C", schema, "code");
        await product.WriteAsync(spec, cancellation, ["ab", 1L]).ConfigureAwait(false);
        var second = await product.WriteAsync(spec, cancellation, ["ab", 2L]).ConfigureAwait(false);
        var found = await product.Lookup.LookupAsync(
            new LookupSpec(product.Name, spec.Table, ["CODE"], ["N"], [FieldType.Integer]),
            Block(new Schema(new Field("code", FieldType.String)), [["ab"]]), cancellation).ConfigureAwait(false);
        var rows = await CountOfAsync(spec.Table, cancellation).ConfigureAwait(false);
        var value = found.Found[0] ? Text(found.Values.Columns[0], 0) : "nothing";
        return (rows == 1 && second.Quarantined == 0 && value == "2", $"{rows} of 1 row; looked up: {value}");
    }

    private async Task<(bool, string)> DeferredAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        await DdlAsync("CREATE TABLE KOR_VERIFY_P (ID NUMBER(19) NOT NULL, CONSTRAINT KOR_VERIFY_P_PK PRIMARY KEY (ID))", cancellation)
            .ConfigureAwait(false);
        await DdlAsync(
            "CREATE TABLE KOR_VERIFY_K (ID NUMBER(19) NOT NULL, PARENT NUMBER(19), CONSTRAINT KOR_VERIFY_K_PK PRIMARY KEY (ID), "
            + "CONSTRAINT KOR_VERIFY_K_FK FOREIGN KEY (PARENT) REFERENCES KOR_VERIFY_P (ID) DEFERRABLE INITIALLY DEFERRED)", cancellation)
            .ConfigureAwait(false);
        try
        {
            await _database.WriteAsync(
                (session, token) => session.ExecuteAsync("INSERT INTO KOR_VERIFY_K (ID, PARENT) VALUES (:P0, :P1)", token, 1, 7), cancellation)
                .ConfigureAwait(false);
            return (false, "the row was committed");
        }
        catch (DatabaseException failure)
        {
            var told = failure is { Error: { Code: "ORA-02291", Class: ErrorClass.Row }, Phase: DatabasePhase.Commit, OutcomeUnknown: false };
            var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("parent", FieldType.Integer));
            var result = await product.WriteAsync(Spec("KOR_VERIFY_K", schema, "id"), cancellation, [1L, null], [2L, 7L], [3L, null]).ConfigureAwait(false);
            return (told && result is { Written: 2, Quarantined: 1 },
                $"{failure.Error.Code} {failure.Error.Class} at {failure.Phase}; of 3 rows {result.Written} written, {result.Quarantined} in quarantine");
        }
    }

    private async Task<(bool, string)> LongTextsAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        await DdlAsync(
            "CREATE TABLE KOR_VERIFY_L (ID NUMBER(19) NOT NULL, DOC CLOB, NAME VARCHAR2(4000), CONSTRAINT KOR_VERIFY_L_PK PRIMARY KEY (ID))",
            cancellation).ConfigureAwait(false);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("doc", FieldType.String), new Field("name", FieldType.String));
        var spec = Spec("KOR_VERIFY_L", schema, "id");
        // 3,999 bytes of three each and 4,000 of four each, beside a CLOB that stands before them in the table.
        object?[][] rows =
        [
            [1L, new string('c', 40_000), string.Concat(Enumerable.Repeat("語", 1333))],
            [2L, new string('語', 20_000), string.Concat(Enumerable.Repeat("🔑", 1000))],
        ];
        var result = await product.WriteAsync(spec, cancellation, rows).ConfigureAwait(false);
        var found = await product.Lookup.LookupAsync(
            new LookupSpec(product.Name, spec.Table, ["ID"], ["DOC", "NAME"], [FieldType.String, FieldType.String]),
            Block(new Schema(new Field("id", FieldType.Integer)), [[1L], [2L]]), cancellation).ConfigureAwait(false);
        var same = Enumerable.Range(0, 2).Count(i => found.Found[i]
            && Text(found.Values.Columns[0], i) == (string)rows[i][1]! && Text(found.Values.Columns[1], i) == (string)rows[i][2]!);
        return (same == 2 && result.Quarantined == 0, $"{same} of 2 rows came back as written, {result.Quarantined} refused");
    }

    private async Task<(bool, string)> DateTimesAsync(CancellationToken cancellation)
    {
        await using var product = new Product(_database);
        await DdlAsync("CREATE TABLE KOR_VERIFY_D (ID NUMBER(19) NOT NULL, AT_TIME DATE, CONSTRAINT KOR_VERIFY_D_PK PRIMARY KEY (ID))", cancellation)
            .ConfigureAwait(false);
        var schema = new Schema(new Field("id", FieldType.Integer, false), new Field("at_time", FieldType.Timestamp));
        var spec = Spec("KOR_VERIFY_D", schema, "id");
        var at = BindTime.FromUtc(new DateTime(2026, 1, 31, 10, 30, 15, DateTimeKind.Utc));
        await product.WriteAsync(spec, cancellation, [1L, at]).ConfigureAwait(false);
        var found = await product.Lookup.LookupAsync(
            new LookupSpec(product.Name, spec.Table, ["ID"], ["AT_TIME"], [FieldType.Timestamp]),
            Block(new Schema(new Field("id", FieldType.Integer)), [[1L]]), cancellation).ConfigureAwait(false);
        var read = found.Found[0] ? ((LongColumn)found.Values.Columns[0]).Values[0] : 0;
        return (read == at, SqliteDialect.TimestampText(read));
    }

    private Task<(bool, string)> NumbersAsync(CancellationToken cancellation) => _database.ReadAsync<(bool, string)>(
        async (session, token) =>
        {
            var third = new DoubleColumn();
            var count = new LongColumn(FieldType.Integer);
            third.EnsureCapacity(1);
            count.EnsureCapacity(1);
            await session.QueryAsync(
                "SELECT CAST(1 / CAST(3 AS DECIMAL) AS DECIMAL(38,37)) AS THIRD, COUNT(*) AS ALL_ROWS FROM DUAL",
                r =>
                {
                    _dialect.ReadValue(r, 0, third, 0);
                    _dialect.ReadValue(r, 1, count, 0);
                },
                token).ConfigureAwait(false);
            var text = string.Create(CultureInfo.InvariantCulture, $"{third.Values[0]:R}, {count.Values[0]}");
            return (Math.Abs(third.Values[0] - (1.0 / 3)) < 1e-15 && count.Values[0] == 1, text);
        },
        cancellation);

    private async Task<(bool, string)> AuditAsync(CancellationToken cancellation)
    {
        var audit = new AuditStore(_database);
        await audit.EnsureAsync(create: true, cancellation).ConfigureAwait(false);
        var id = $"0-{Pipeline}-{Guid.NewGuid():N}";
        await audit.BeginAsync(
            new AuditEntry { Id = id, At = _database.Time.GetUtcNow(), Actor = Pipeline, Role = "admin", Action = "verify", Target = "語" }, cancellation)
            .ConfigureAwait(false);
        await audit.EndAsync(id, 200, null, "done", cancellation).ConfigureAwait(false);
        var status = "";
        await _database.WriteAsync(
            async (session, token) =>
            {
                await session.QueryAsync(
                    "SELECT STATUS, TARGET, AFTER_VALUE FROM KOR_AUDIT WHERE ID = :P0",
                    r => status = string.Create(CultureInfo.InvariantCulture, $"{r.GetInt64(0)} {r.GetString(1)} {r.GetString(2)}"), token, id)
                    .ConfigureAwait(false);
                return await session.ExecuteAsync("DELETE FROM KOR_AUDIT WHERE ID = :P0", token, id).ConfigureAwait(false);
            },
            cancellation).ConfigureAwait(false);
        return (status == "200 語 done", status);
    }

    private async Task<(bool, string)> ConnectionAsync(CancellationToken cancellation)
    {
        var protocol = "";
        await _database.ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync(
                    "SELECT SYS_CONTEXT('USERENV', 'NETWORK_PROTOCOL') FROM DUAL", r => protocol = r.IsDBNull(0) ? "" : r.GetString(0), token)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation).ConfigureAwait(false);
        var keeps = OracleDriver.Instance.KeepsAlive;
        return (keeps && (!_database.Options.Tls || protocol == "tcps"),
            $"protocol {protocol}, KeepAlive {(keeps ? "on" : "not to be had in this version of the driver")}");
    }

    /// <summary>Drops what the product's checks have made; what is not there is no error.</summary>
    private async Task DropProductAsync(CancellationToken cancellation)
    {
        foreach (var table in ProductTables.Reverse()) await DropAsync(table, cancellation).ConfigureAwait(false);
        foreach (var statement in (string[])["DELETE FROM KOR_LANE WHERE LANE LIKE :P0", "DELETE FROM KOR_QUARANTINE WHERE PIPELINE LIKE :P0"])
        {
            try
            {
                await _database.WriteAsync((session, token) => session.ExecuteAsync(statement, token, Pipeline + "%"), cancellation)
                    .ConfigureAwait(false);
            }
            catch (DatabaseException failure) when (_dialect.IsMissingTable(failure.Error))
            {
                // No check came so far as to make it.
            }
        }
    }

    private async Task<long> CountOfAsync(string table, CancellationToken cancellation)
    {
        var count = 0L;
        await _database.ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync($"SELECT COUNT(*) FROM {table}", r => count = r.GetInt64(0), token).ConfigureAwait(false);
                return true;
            },
            cancellation).ConfigureAwait(false);
        return count;
    }

    private SinkSpec Spec(string table, Schema schema, string key) =>
        new(Pipeline, table, _database.Name, table, SinkMode.Upsert, schema, [key], null, true, false);

    private static RowBlock Block(Schema schema, object?[][] rows)
    {
        var block = new RowBlock(schema);
        block.Reset(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            for (var c = 0; c < schema.Count; c++) Set(block.Columns[c], i, rows[i][c]);
        }

        return block;
    }

    private static void Set(Column column, int row, object? value)
    {
        switch (column, value)
        {
            case (_, null): column.SetNull(row); break;
            case (LongColumn c, long v): c.Set(row, v); break;
            case (DecimalColumn c, decimal v): c.Set(row, v); break;
            case (DoubleColumn c, double v): c.Set(row, v); break;
            case (BooleanColumn c, bool v): c.Set(row, v); break;
            case (BinaryColumn c, byte[] v): c.Set(row, v); break;
            case (BinaryColumn c, string v): c.Set(row, Encoding.UTF8.GetBytes(v)); break;
            default: throw new InvalidOperationException($"A {column.Type} holds no {value.GetType().Name}.");
        }
    }

    private static string Text(Column column, int row) => column switch
    {
        _ when column.IsNull[row] => "",
        LongColumn c => c.Values[row].ToString(CultureInfo.InvariantCulture),
        DecimalColumn c => c.Values[row].ToString(CultureInfo.InvariantCulture),
        DoubleColumn c => c.Values[row].ToString("R", CultureInfo.InvariantCulture),
        BooleanColumn c => c.Values[row] ? "1" : "0",
        BinaryColumn { Type.Kind: FieldKind.Bytes } c => Convert.ToHexString(c.Span(row)),
        BinaryColumn c => Encoding.UTF8.GetString(c.Span(row)),
        _ => throw new InvalidOperationException($"A {column.Type} is not shown."),
    };

    /// <summary>The product's own ways to the database, on connections of their own.</summary>
    private sealed class Product : IAsyncDisposable
    {
        private readonly DatabaseConnections _connections;
        private readonly AdoSinkFactory _sinks;
        private readonly TimeProvider _time;
        private long _progress;

        public Product(Database database)
        {
            Name = database.Name;
            _time = database.Time;
            _connections = new DatabaseConnections(
                new Dictionary<string, ConnectionOptions> { [database.Name] = database.Options }, database.Time);
            _sinks = new AdoSinkFactory(_connections);
            Lookup = new AdoLookup(_connections);
        }

        public string Name { get; }

        public AdoLookup Lookup { get; }

        /// <summary>Makes or checks the table and writes through a lane, again as long as it waits for other rows (retry.otherRowsWait).</summary>
        public async Task<SinkWriteResult> WriteAsync(SinkSpec spec, CancellationToken cancellation, params object?[][] rows)
        {
            await _sinks.PrepareAsync(spec, cancellation).ConfigureAwait(false);
            await using var lane = await _sinks.OpenAsync(spec, "0", cancellation).ConfigureAwait(false);
            var write = new SinkWrite(Block(spec.Schema, rows), _progress++, null, null);
            while (true)
            {
                try
                {
                    return await lane.WriteAsync(write, cancellation).ConfigureAwait(false);
                }
                catch (SinkUnavailableException wait) when (wait is { IsUndone: true, RetryAfter: not null, Code: "ORA-02291" })
                {
                    await Task.Delay(wait.RetryAfter.Value, _time, cancellation).ConfigureAwait(false);
                }
            }
        }

        public ValueTask DisposeAsync() => _connections.DisposeAsync();
    }
}
