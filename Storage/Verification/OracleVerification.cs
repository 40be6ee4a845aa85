using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Verification;

/// <summary>One assumption about Oracle and what the database said to it.</summary>
/// <param name="Name">The assumption.</param>
/// <param name="Passed">True when it holds.</param>
/// <param name="Evidence">What was seen.</param>
public sealed record VerificationResult(string Name, bool Passed, string Evidence);

/// <summary>
/// Tries every assumption this product makes about Oracle and its driver against a real database. It makes tables named
/// KOR_VERIFY_*, Orleans' tables and the state tables in the connection's schema and drops the first: run it in a scratch schema.
/// </summary>
public sealed partial class OracleVerification
{
    private const string Table = "KOR_VERIFY_T";
    private const string Merge =
        "MERGE INTO KOR_VERIFY_T T USING (SELECT :P0 AS ID, :P1 AS QTY, :P2 AS NAME FROM DUAL) S ON (T.ID = S.ID) "
        + "WHEN MATCHED THEN UPDATE SET QTY = S.QTY, NAME = S.NAME "
        + "WHEN NOT MATCHED THEN INSERT (ID, QTY, NAME) VALUES (S.ID, S.QTY, S.NAME)";

    private static readonly int[] OneRow = [0];
    private static readonly int[] TwoRows = [0, 1];

    private readonly Database _database;
    private readonly OracleDialect _dialect = OracleDialect.Instance;

    /// <summary>
    /// Verifies a connection. Throws <see cref="ArgumentException"/> when it is not an Oracle connection.
    /// </summary>
    public OracleVerification(Database database)
    {
        if (database.Provider != DatabaseProvider.Oracle)
            throw new ArgumentException($"Connection '{database.Name}' is {database.Provider.ToText()}, not oracle.",
                nameof(database));
        _database = database;
    }

    /// <summary>
    /// Runs all checks in order; a failing one does not stop the others. Throws <see cref="DatabaseException"/> when there is no connection to be had.
    /// </summary>
    public async Task<IReadOnlyList<VerificationResult>> RunAsync(CancellationToken cancellation)
    {
        var results = new List<VerificationResult>();
        (string Name, Func<CancellationToken, Task<(bool, string)>> Check)[] checks =
        [
            ("the driver loads and has the members that are used", DriverAsync),
            ("login works and tables can be made", TablesAsync),
            ("an array bind reports every failed row by its index from 0 and keeps the good ones (ORA-24381)",
                ArrayErrorsAsync),
            ("an array bind of one row reports the row's own error", SingleErrorAsync),
            ("an array of NULLs only can be bound", AllNullAsync),
            ("VARCHAR2 binds of 3,999 and 4,000 bytes go through MERGE", LongVarcharAsync),
            ("a value of 100,000 bytes goes through MERGE as CLOB and BLOB", LobAsync),
            ("a RAW bind of 2,000 bytes is stored in a BLOB column", RawAsync),
            ("integers, decimals, doubles, dates and microseconds come back as they were", ValuesAsync),
            ("an empty string is NULL", EmptyStringAsync),
            ("an update guarded by a revision never goes back", RevisionAsync),
            ("ROLLBACK TO SAVEPOINT keeps what was before it", SavepointAsync),
            ("two transactions that insert one key end with ORA-00001 or a wait, never with two rows", KeyRaceAsync),
            ("a statement past its time limit is cancelled, and the connection's pool is usable afterwards",
                TimeoutAsync),
            ("a wrong table is ORA-00942, classified as configuration", MissingTableAsync),
            ("a server that is not there is told from the wrapped error (ORA-50201)", UnreachableAsync),
            ("a VARCHAR2 bind of 4,001 bytes is refused as the row's fault, or the database takes long strings", TooLongAsync),
            ("the database stores UTF-8, so that no character is replaced", CharsetAsync),
            ("Orleans' tables and functions compile, and of two first writers of a grain one wins", OrleansAsync),
            ("the state store takes over, commits, fences and resets", StateStoreAsync),
            ("four sessions that raise one epoch at once get an epoch each", EpochsAsync),
            ("the product makes a table of every type, writes, quarantines and reads back through its own lane and lookup", ProductAsync),
            ("a key in a CHAR column is found again by MERGE and by a lookup", CharKeysAsync),
            ("a deferred constraint fails at COMMIT, is told from within ORA-02091, and costs a lane its row alone", DeferredAsync),
            ("texts of 4,000 bytes in characters of three and four go in beside a CLOB that stands before them", LongTextsAsync),
            ("a DATE keeps date and time of day", DateTimesAsync),
            ("a NUMBER of 37 digits and COUNT(*) are read without overflow", NumbersAsync),
            ("the audit trail is written and read", AuditAsync),
            ("the connection is encrypted where it is to be, and the driver can send probes (KeepAlive)", ConnectionAsync),
            ("what Orleans' providers bind (NVARCHAR2, whole numbers, times, a BLOB, and NULL of each) goes through its functions and comes back", OrleansBindsAsync),
            ("a MERGE changes each column alone and leaves the others, and one without an INSERT makes no row", PartsAsync),
        ];
        // A server that is not there fails no assumption: it is told before anything is tried.
        await _database.PingAsync(cancellation).ConfigureAwait(false);
        await DropProductAsync(cancellation).ConfigureAwait(false);
        foreach (var (name, check) in checks) results.Add(
            await RunAsync(name, check, cancellation).ConfigureAwait(false));
        try
        {
            await DropAsync(Table, cancellation).ConfigureAwait(false);
            await DropProductAsync(cancellation).ConfigureAwait(false);
        }
        catch (DatabaseException failure)
        {
            var last = results[^1];
            results[^1] = last with { Evidence = $"{last.Evidence}; tables KOR_VERIFY_* stay, dropping them failed: {failure.Message}" };
        }

        return results;
    }

    private static async Task<VerificationResult> RunAsync(
        string name, Func<CancellationToken, Task<(bool Passed, string Evidence)>> check,
            CancellationToken cancellation)
    {
        try
        {
            var (passed, evidence) = await check(cancellation).ConfigureAwait(false);
            return new VerificationResult(name, passed, evidence);
        }
        catch (Exception failure) when (failure is DatabaseException or StoreUnavailableException
            or ConnectionConfigurationException or InvalidOperationException or InvalidCastException
            or SinkConfigurationException or SinkUnavailableException)
        {
            return new VerificationResult(name, false, failure.Message);
        }
    }

    private static Task<(bool, string)> DriverAsync(CancellationToken cancellation) =>
        Task.FromResult((true, $"Oracle.ManagedDataAccess {OracleDriver.Instance.Version}"));

    private async Task<(bool, string)> TablesAsync(CancellationToken cancellation)
    {
        await DropAsync(Table, cancellation).ConfigureAwait(false);
        await DdlAsync(
            "CREATE TABLE KOR_VERIFY_T (ID NUMBER(19) NOT NULL, QTY NUMBER(5), NAME VARCHAR2(4000), REV NUMBER(19), "
            + "AMOUNT NUMBER(28,8), RATIO BINARY_DOUBLE, AT_TIME TIMESTAMP(6), ON_DAY DATE, DOC CLOB, RAWDATA BLOB, "
            + "CONSTRAINT KOR_VERIFY_PK PRIMARY KEY (ID), CONSTRAINT KOR_VERIFY_CK CHECK (QTY <= 100))",
            cancellation).ConfigureAwait(false);
        var info = await _database.ReadAsync(
            (session, token) => _dialect.ReadTableAsync(session, new Sinks.TableName(null, Table), token), cancellation)
            .ConfigureAwait(false);
        var columns = string.Join(", ", info?.Columns.Select(c => $"{c.Name} {c.Type}") ?? []);
        return (info is { Columns.Count: 10, UniqueKeys.Count: > 0 }, $"the catalogue shows: {columns}");
    }

    private Task<(bool, string)> ArrayErrorsAsync(CancellationToken cancellation) =>
        WriteAsync(async (session, token) =>
    {
        var outcome = await RowsAsync(session, [1, 2, 3, 4], [1, 500, 3, 600], [null, "b", null, "d"],
            token).ConfigureAwait(false);
        var refused = outcome.Failures.Select(f => $"row {f.Row}: {f.Code}").ToArray();
        var kept = await CountAsync(session, "ID IN (1, 3)", token).ConfigureAwait(false);
        return (refused.SequenceEqual(["row 1: ORA-02290", "row 3: ORA-02290"]) && kept == 2,
            $"refused {string.Join(", ", refused)}; kept {kept} of 2 good rows");
    }, cancellation);

    private Task<(bool, string)> SingleErrorAsync(CancellationToken cancellation) =>
        WriteAsync(async (session, token) =>
    {
        var outcome = await RowsAsync(session, [10], [500], ["x"], token).ConfigureAwait(false);
        var code = outcome.Failures.Select(f => f.Code).FirstOrDefault() ?? "no error";
        return (code == "ORA-02290", code);
    }, cancellation);

    private Task<(bool, string)> AllNullAsync(CancellationToken cancellation) => WriteAsync(async (session, token) =>
    {
        var outcome = await RowsAsync(session, [20, 21], [null, null], [null, null], token).ConfigureAwait(false);
        return (outcome is { Failures.Count: 0 }, $"{outcome.Affected} rows, {outcome.Failures.Count} errors");
    }, cancellation);

    private Task<(bool, string)> LongVarcharAsync(CancellationToken cancellation) =>
        WriteAsync(async (session, token) =>
    {
        string[] texts = [new string('a', 3999), new string('b', 4000), string.Concat(Enumerable.Repeat("é", 2000))];
        var outcome = await RowsAsync(session, [30, 31, 32], [1, 1, 1], texts, token).ConfigureAwait(false);
        var lengths = new List<long>();
        await session.QueryAsync(
            "SELECT LENGTH(NAME) FROM KOR_VERIFY_T WHERE ID BETWEEN 30 AND 32 ORDER BY ID",
            r => lengths.Add(Convert.ToInt64(r.GetValue(0), CultureInfo.InvariantCulture)),
                token).ConfigureAwait(false);
        return (outcome.Failures.Count == 0 && lengths.SequenceEqual([3999, 4000, 2000]),
            $"lengths {string.Join(", ", lengths)}; {outcome.Failures.Count} errors {outcome.Failures.FirstOrDefault().Message}");
    }, cancellation);

    private Task<(bool, string)> LobAsync(CancellationToken cancellation) =>
        BytesAsync(40, new string('é', 50_000), 100_000, cancellation);

    private Task<(bool, string)> RawAsync(CancellationToken cancellation) => BytesAsync(50, "{}", 2000, cancellation);

    private Task<(bool, string)> BytesAsync(int id, string text, int size, CancellationToken cancellation) =>
        WriteAsync(async (session, token) =>
        {
            var bytes = new byte[size];
            for (var i = 0; i < size; i++) bytes[i] = (byte)(i * 7);
            await session.ExecuteRowsAsync(
                "MERGE INTO KOR_VERIFY_T T USING (SELECT :P0 AS ID, :P1 AS DOC, :P2 AS RAWDATA FROM DUAL) S ON (T.ID = S.ID) "
                + "WHEN MATCHED THEN UPDATE SET DOC = S.DOC, RAWDATA = S.RAWDATA "
                + "WHEN NOT MATCHED THEN INSERT (ID, DOC, RAWDATA) VALUES (S.ID, S.DOC, S.RAWDATA)",
                [
                    new LongBinds([id, id + 1]), new TextBinds([text, text], BindType.LongText),
                        new BytesBinds([bytes, bytes]),
                ],
                TwoRows, isolate: false, token).ConfigureAwait(false);
            var same = 0;
            await session.QueryAsync(
                $"SELECT DOC, RAWDATA FROM KOR_VERIFY_T WHERE ID IN ({id}, {id + 1})",
                r => same += r.GetString(0) == text && ((byte[])r.GetValue(1)).AsSpan().SequenceEqual(bytes) ? 1 : 0,
                token).ConfigureAwait(false);
            return (same == 2, $"{same} of 2 rows came back byte for byte");
        }, cancellation);
}
