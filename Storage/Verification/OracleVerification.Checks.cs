using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Verification;

/// <content>Values, transactions and the state store.</content>
public sealed partial class OracleVerification
{
    private Task<(bool, string)> ValuesAsync(CancellationToken cancellation) => WriteAsync(async (session, token) =>
    {
        var time = BindTime.FromUtc(new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc)) + 123_456;
        var amount = new Processing.Records.DecimalColumn(Processing.Records.FieldType.Decimal(28, 8));
        var ratio = new Processing.Records.DoubleColumn();
        var day = new Processing.Records.LongColumn(Processing.Records.FieldType.Date);
        amount.EnsureCapacity(1);
        ratio.EnsureCapacity(1);
        day.EnsureCapacity(1);
        amount.Set(0, -12345678901234567890.12345678m);
        ratio.Set(0, 1.5e300);
        day.Set(0, BindTime.FromDate(new DateOnly(2024, 2, 29)));
        await session.ExecuteRowsAsync(
            "INSERT INTO KOR_VERIFY_T (ID, REV, AMOUNT, RATIO, AT_TIME, ON_DAY) VALUES (:P0, :P1, :P2, :P3, :P4, :P5)",
            [
                new LongBinds([60]), new LongBinds([long.MaxValue]), new ColumnBinds(amount, BindType.Decimal),
                new ColumnBinds(ratio, BindType.Double), new LongBinds([time], BindType.Timestamp),
                    new ColumnBinds(day, BindType.Date),
            ],
            OneRow, isolate: false, token).ConfigureAwait(false);
        var seen = "";
        await session.QueryAsync(
            "SELECT REV, AMOUNT, RATIO, AT_TIME, ON_DAY FROM KOR_VERIFY_T WHERE ID = 60",
            r => seen = string.Join(" ",
                r.GetInt64(0).ToString(CultureInfo.InvariantCulture),
                    r.GetDecimal(1).ToString(CultureInfo.InvariantCulture),
                r.GetDouble(2).ToString("R", CultureInfo.InvariantCulture),
                    SqliteDialect.TimestampText(_dialect.ReadTimestamp(r, 3)),
                SqliteDialect.TimestampText(_dialect.ReadTimestamp(r, 4))),
            token).ConfigureAwait(false);
        const string Expected = "9223372036854775807 -12345678901234567890.12345678 1.5E+300 2026-01-02 03:04:05.123456 2024-02-29 00:00:00.000000";
        return (seen == Expected, seen);
    }, cancellation);

    private Task<(bool, string)> EmptyStringAsync(CancellationToken cancellation) =>
        WriteAsync(async (session, token) =>
    {
        await RowsAsync(session, [70], [1], [""], token).ConfigureAwait(false);
        var nulls = await CountAsync(session, "ID = 70 AND NAME IS NULL", token).ConfigureAwait(false);
        return (nulls == 1, nulls == 1 ? "stored as NULL" : "stored as a value");
    }, cancellation);

    private Task<(bool, string)> RevisionAsync(CancellationToken cancellation) => WriteAsync(async (session, token) =>
    {
        const string Guarded =
            "MERGE INTO KOR_VERIFY_T T USING (SELECT :P0 AS ID, :P1 AS REV FROM DUAL) S ON (T.ID = S.ID) "
            + "WHEN MATCHED THEN UPDATE SET REV = S.REV WHERE T.REV < S.REV WHEN NOT MATCHED THEN INSERT (ID, REV) VALUES (S.ID, S.REV)";
        foreach (var revision in (long[])[2, 1, 3])
        {
            await session.ExecuteRowsAsync(
                Guarded, [new LongBinds([80]), new LongBinds([revision])], OneRow, isolate: false,
                    token).ConfigureAwait(false);
            if (await CountAsync(session, $"ID = 80 AND REV = {Math.Max(2, revision)}",
                token).ConfigureAwait(false) != 1)
                return (false, $"after revision {revision} another one is stored");
        }

        return (true, "2, then 1 was ignored, then 3");
    }, cancellation);

    private Task<(bool, string)> SavepointAsync(CancellationToken cancellation) => WriteAsync(async (session, token) =>
    {
        await RowsAsync(session, [90], [1], ["before"], token).ConfigureAwait(false);
        await session.ExecuteAsync("SAVEPOINT KOR_VERIFY", token).ConfigureAwait(false);
        await RowsAsync(session, [91], [1], ["after"], token).ConfigureAwait(false);
        await session.ExecuteAsync("ROLLBACK TO SAVEPOINT KOR_VERIFY", token).ConfigureAwait(false);
        var kept = await CountAsync(session, "ID IN (90, 91)", token).ConfigureAwait(false);
        return (kept == 1, $"{kept} of 1 row kept");
    }, cancellation);

    private async Task<(bool, string)> UnreachableAsync(CancellationToken cancellation)
    {
        var options = Shorter(_database.Options);
        (options.ConnectionString, options.Host, options.Port, options.Database, options.Tls) =
            ("Connection Timeout=5", "127.0.0.1", 1, "NOWHERE", false);
        options.User ??= "NOBODY";
        if (options is { Password: null, PasswordFile: null }) options.Password = "none";
        await using var nowhere = new Database(_database.Name, options, _database.Time);
        try
        {
            await nowhere.PingAsync(cancellation).ConfigureAwait(false);
            return (false, "port 1 of this machine answered");
        }
        catch (DatabaseException failure)
        {
            return (failure.Error.Class == ErrorClass.Unreachable, $"{failure.Error.Code} {failure.Error.Class}");
        }
    }

    private Task<(bool, string)> TooLongAsync(CancellationToken cancellation) => WriteAsync(async (session, token) =>
    {
        // Only an array of several rows shows whether the refused one comes back with its index.
        var outcome = await RowsAsync(session, [120, 121], [1, 1], ["short", new string('x', 4001)], token).ConfigureAwait(false);
        var refused = outcome.Failures.Select(f => string.Create(CultureInfo.InvariantCulture, $"row {f.Row}: {f.Code}")).ToArray();
        var kept = await CountAsync(session, "ID IN (120, 121)", token).ConfigureAwait(false);
        return (refused.Length == 0 ? kept == 2 : refused.Length == 1 && outcome.Failures[0].Row == 1 && kept == 1,
            refused.Length == 0 ? "stored: MAX_STRING_SIZE=EXTENDED" : $"refused {refused[0]}; kept {kept} of 1 good row");
    }, cancellation);

    private async Task<(bool, string)> CharsetAsync(CancellationToken cancellation)
    {
        var charset = "";
        await _database.ReadAsync(
            async (session, token) =>
            {
                await session.QueryAsync(OracleDialect.ReadCharset, r => charset = r.GetString(0), token).ConfigureAwait(false);
                return true;
            },
            cancellation).ConfigureAwait(false);
        return (charset is "AL32UTF8" or "UTF8", charset);
    }

    private async Task<(bool, string)> OrleansAsync(CancellationToken cancellation)
    {
        await OrleansSchema.CreateAsync(_database, cancellation).ConfigureAwait(false);
        var versions = new List<string>();
        await _database.ReadAsync(
            async (session, token) =>
            {
                for (var writer = 0; writer < 2; writer++)
                {
                    await session.QueryAsync(
                        "SELECT OrleansWriteState(1, 0, 0, 1, 'verify', 'key', 'KOR_VERIFY', NULL, :P0) FROM DUAL",
                        r => versions.Add(r.IsDBNull(0) ? "refused" : string.Create(CultureInfo.InvariantCulture, $"version {r.GetInt64(0)}")), token, new byte[] { 1 })
                        .ConfigureAwait(false);
                }

                await session.QueryAsync(
                    "SELECT OrleansDeleteState(1, 0, 0, 1, 'verify', 'key', 'KOR_VERIFY', 1) FROM DUAL", _ => { }, token)
                    .ConfigureAwait(false);
                return true;
            },
            cancellation).ConfigureAwait(false);
        return (versions.SequenceEqual(["version 1", "refused"]), string.Join(", ", versions));
    }

    private async Task<(bool, string)> KeyRaceAsync(CancellationToken cancellation)
    {
        // Both look for the key before either has committed it.
        var bothLooked = new Barrier(2);
        var codes = await Task.WhenAll(Enumerable.Range(0, 2).Select(n => Task.Run(
            async () =>
            {
                try
                {
                    await _database.WriteAsync(
                        async (session, token) =>
                        {
                            await CountAsync(session, "ID = 100", token).ConfigureAwait(false);
                            bothLooked.SignalAndWait(TimeSpan.FromSeconds(10), token);
                            await session.ExecuteRowsAsync(
                                Merge, [new LongBinds([100]), new LongBinds([n]), new TextBinds(["race"])], OneRow,
                                    false, token)
                                .ConfigureAwait(false);
                            return true;
                        },
                        cancellation).ConfigureAwait(false);
                    return "committed";
                }
                catch (DatabaseException failure)
                {
                    return failure.Error.Code;
                }
            },
            cancellation))).ConfigureAwait(false);
        bothLooked.Dispose();
        var rows = await _database.ReadAsync(
            (session, token) => CountAsync(session, "ID = 100", token), cancellation).ConfigureAwait(false);
        var expected = Array.TrueForAll(codes, c => c is "committed" or "ORA-00001");
        return (rows == 1 && expected && codes.Contains("committed"), $"{string.Join(" and ", codes)}; {rows} row");
    }

    private async Task<(bool, string)> TimeoutAsync(CancellationToken cancellation)
    {
        var code = await _database.WriteAsync(
            async (holder, token) =>
            {
                await RowsAsync(holder, [110], [1], ["held"], token).ConfigureAwait(false);
                try
                {
                    // The same key from another connection waits for the first transaction until its time is over.
                    await _database.WriteAsync(
                        (_, inner) => BlockedAsync(inner), token).ConfigureAwait(false);
                    return "no error";
                }
                catch (DatabaseException failure)
                {
                    return $"{failure.Error.Code} {failure.Error.Class}";
                }
            },
            cancellation).ConfigureAwait(false);
        await _database.PingAsync(cancellation).ConfigureAwait(false);
        return (code.EndsWith(nameof(ErrorClass.Timeout), StringComparison.Ordinal), code);

        async Task<bool> BlockedAsync(CancellationToken token)
        {
            await using var limited = new Database(_database.Name, Shorter(_database.Options), _database.Time);
            return await limited.WriteAsync(
                async (session, inner) =>
                {
                    await session.ExecuteRowsAsync(
                        Merge, [new LongBinds([110]), new LongBinds([2]), new TextBinds(["blocked"])], OneRow, false,
                            inner)
                        .ConfigureAwait(false);
                    return true;
                },
                token).ConfigureAwait(false);
        }
    }

    private async Task<(bool, string)> MissingTableAsync(CancellationToken cancellation)
    {
        try
        {
            await _database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync("SELECT 1 FROM KOR_VERIFY_NOWHERE", static _ => { },
                        token).ConfigureAwait(false);
                    return true;
                },
                cancellation).ConfigureAwait(false);
            return (false, "no error");
        }
        catch (DatabaseException failure)
        {
            return (failure.Error is { Code: "ORA-00942", Class: ErrorClass.Configuration }, $"{failure.Error.Code} {failure.Error.Class}");
        }
    }

    private async Task<(bool, string)> StateStoreAsync(CancellationToken cancellation)
    {
        const string Owner = "kor-verify/shard/0";
        await StateSchema.EnsureAsync(_database, create: true, cancellation).ConfigureAwait(false);
        var store = new AdoStateStore(_database);
        var lease = await store.AcquireAsync(Owner, cancellation).ConfigureAwait(false);
        var cells = Enumerable.Range(0, 300)
            .Select(i => new CellState(new CellId("s", i == 0 ? "" : $"key {i}", 0), new byte[i * 20], i)).ToList();
        var write = new CheckpointWrite { Owner = Owner, Epoch = lease.Epoch, Header = [1], Upserts = cells };
        await store.CommitAsync(write, cancellation).ConfigureAwait(false);
        await store.CommitAsync(write, cancellation).ConfigureAwait(false);
        var read = await store.ReadCellsAsync(Owner, [.. cells.Select(c => c.Id)], cancellation).ConfigureAwait(false);
        var same = read.Count(r => cells.Exists(c => c.Id == r.Id && c.Payload.AsSpan().SequenceEqual(r.Payload)));
        await store.AcquireAsync(Owner, cancellation).ConfigureAwait(false);
        var fenced = false;
        try
        {
            await store.CommitAsync(write, cancellation).ConfigureAwait(false);
        }
        catch (EpochFencedException)
        {
            fenced = true;
        }

        await store.ResetAsync(Owner, cancellation).ConfigureAwait(false);
        var left = await store.ListCellsAsync(Owner, cancellation).ConfigureAwait(false);
        return (same == 300 && fenced && left.Count == 0,
            $"{same} of 300 cells came back; fenced: {fenced}; {left.Count} left after reset");
    }

    private static ConnectionOptions Shorter(ConnectionOptions options) => new()
    {
        Provider = options.Provider,
        ConnectionString = options.ConnectionString,
        Host = options.Host,
        Port = options.Port,
        Database = options.Database,
        User = options.User,
        Password = options.Password,
        PasswordFile = options.PasswordFile,
        Tls = options.Tls,
        WalletLocation = options.WalletLocation,
        TnsAdmin = options.TnsAdmin,
        CommandTimeout = TimeSpan.FromSeconds(1),
        MaxPoolSize = 2,
    };

    /// <summary>Runs a check in a transaction of its own.</summary>
    private Task<(bool, string)> WriteAsync(
        Func<DbSession, CancellationToken, Task<(bool, string)>> body, CancellationToken cancellation) =>
        _database.WriteAsync(body, cancellation);

    private static Task<RowOutcome> RowsAsync(
        DbSession session, long[] ids, long?[] quantities, string?[] names, CancellationToken cancellation) =>
        session.ExecuteRowsAsync(
            Merge,
            [new LongBinds(Array.ConvertAll(ids, i => (long?)i)), new LongBinds(quantities), new TextBinds(names)],
            Enumerable.Range(0, ids.Length).ToArray(), isolate: true, cancellation);

    private static async Task<long> CountAsync(DbSession session, string condition, CancellationToken cancellation)
    {
        var count = 0L;
        await session.QueryAsync(
            $"SELECT COUNT(*) FROM KOR_VERIFY_T WHERE {condition}",
            r => count = Convert.ToInt64(r.GetValue(0), CultureInfo.InvariantCulture),
                cancellation).ConfigureAwait(false);
        return count;
    }

    private Task<bool> DdlAsync(string statement, CancellationToken cancellation) => _database.WriteAsync(
        async (session, token) =>
        {
            await _dialect.ExecuteDdlAsync(session, statement, token).ConfigureAwait(false);
            return true;
        },
        cancellation);

    private async Task DropAsync(string table, CancellationToken cancellation)
    {
        try
        {
            await DdlAsync($"DROP TABLE {table}", cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure) when (_dialect.IsMissingTable(failure.Error))
        {
            // It was not there: nothing to drop.
        }
    }
}
