using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>The state store's statements.</content>
internal sealed partial class OracleDialect
{
    /// <summary>
    /// Cells of one query; the list is filled up to a power of two, so that few statements need parsing.
    /// </summary>
    private const int CellsPerRead = 256;

    public override string NowText => $"SELECT {Now} FROM DUAL";

    private const string Now = "SYS_EXTRACT_UTC(SYSTIMESTAMP)";

    public override StateSql State { get; } = new()
    {
        // UPDATE waits for the row and adds to what is there then, and is documented to. Whether MERGE reads the row
        // again after such a wait is not: two waiters could be given one epoch.
        RaiseEpoch = $"UPDATE KOR_OWNER SET EPOCH = EPOCH + 1, UPDATED_AT = {Now} WHERE OWNER = :P0",
        AddOwner = $"INSERT INTO KOR_OWNER (OWNER, EPOCH, UPDATED_AT) VALUES (:P0, 1, {Now})",
        ReadRaised = "SELECT EPOCH, HEADER FROM KOR_OWNER WHERE OWNER = :P0",
        Peek = "SELECT EPOCH, HEADER FROM KOR_OWNER WHERE OWNER = :P0",
        WriteHeader = $"UPDATE KOR_OWNER SET HEADER = :P0, UPDATED_AT = {Now} WHERE OWNER = :P1 AND EPOCH = :P2",
        UpsertCells = MergeText("KOR_CELL", ["OWNER", "STEP", "CELL", "PART"], ["DUE_AT", "PAYLOAD"]),
        DeleteCells = "DELETE FROM KOR_CELL WHERE OWNER = :P0 AND STEP = :P1 AND CELL = :P2 AND PART = :P3",
        ListCells = "SELECT STEP, CELL, PART, DUE_AT FROM KOR_CELL WHERE OWNER = :P0",
        AddOutbox = MergeText("KOR_OUTBOX", ["OWNER", "SEQUENCE"], ["SINK", "PAYLOAD"]),
        DropOutbox = "DELETE FROM KOR_OUTBOX WHERE OWNER = :P0 AND SEQUENCE = :P1",
        ReadOutbox = "SELECT SEQUENCE, SINK, PAYLOAD FROM KOR_OUTBOX WHERE OWNER = :P0 ORDER BY SEQUENCE",
        ResetOwner = $"UPDATE KOR_OWNER SET EPOCH = EPOCH + 1, HEADER = NULL, UPDATED_AT = {Now} WHERE OWNER = :P0",
        OwnersWith = "SELECT OWNER FROM KOR_OWNER WHERE INSTR(OWNER, :P0) = 1 ORDER BY OWNER",
        ResetCells = "DELETE FROM KOR_CELL WHERE OWNER = :P0",
        ResetOutbox = "DELETE FROM KOR_OUTBOX WHERE OWNER = :P0",
        ReadVersion = "SELECT VERSION FROM KOR_SCHEMA WHERE COMPONENT = :P0",
        // LENGTH takes no BLOB, and DBMS_LOB.GETLENGTH would open each: rows only.
        OwnersUsed = StateSql.Used("OWNER", "NULL", "KOR_OWNER", "HEADER", "OWNER", sized: false),
        CellsUsed = StateSql.Used("OWNER", "STEP", "KOR_CELL", "PAYLOAD", "OWNER, STEP", sized: false),
        OutboxUsed = StateSql.Used("OWNER", "NULL", "KOR_OUTBOX", "PAYLOAD", "OWNER", sized: false),
        QuarantineUsed = StateSql.Used("PIPELINE", "NULL", "KOR_QUARANTINE", "RECORD_VALUE", "PIPELINE", sized: false),
        AuditUsed = "SELECT NULL, NULL, COUNT(*), NULL FROM KOR_AUDIT",
    };

    /// <summary>The query for so many cells of one step.</summary>
    internal static string ReadCellsText(int cells, bool byPart)
    {
        var items = byPart
            ? string.Join(", ", Enumerable.Range(0, cells).Select(i => $"(:P{2 + (2 * i)}, :P{3 + (2 * i)})"))
            : string.Join(", ", Enumerable.Range(0, cells).Select(i => $":P{2 + i}"));
        return $"SELECT STEP, CELL, PART, DUE_AT, PAYLOAD FROM KOR_CELL WHERE OWNER = :P0 AND STEP = :P1 "
            + $"AND {(byPart ? "(CELL, PART)" : "CELL")} IN ({items})";
    }

    public override async Task ReadCellsAsync(
        DbSession session, string owner, IReadOnlyCollection<CellId> cells, List<CellState> found,
        CancellationToken cancellation)
    {
        foreach (var group in cells.Distinct().GroupBy(c => (c.Step, ByPart: c.Part != AllParts)))
        {
            foreach (var chunk in group.Chunk(CellsPerRead))
            {
                var padded = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)chunk.Length);
                var binds = new List<Bind> { owner, group.Key.Step };
                for (var i = 0; i < padded; i++)
                {
                    var cell = chunk[Math.Min(i, chunk.Length - 1)];
                    binds.Add(EncodeKey(cell.Cell));
                    if (group.Key.ByPart) binds.Add(cell.Part);
                }

                await session.QueryAsync(
                    ReadCellsText(padded, group.Key.ByPart), r => found.Add(ReadCell(this, r)), cancellation,
                        [.. binds])
                    .ConfigureAwait(false);
            }
        }
    }

    /// <summary>Inserts or replaces rows of our own tables.</summary>
    private static string MergeText(string table, string[] keys, string[] values)
    {
        string[] all = [.. keys, .. values];
        var source = string.Join(", ",
            all.Select((c, i) => string.Create(CultureInfo.InvariantCulture, $":P{i} AS {c}")));
        return $"MERGE INTO {table} T USING (SELECT {source} FROM DUAL) S "
            + $"ON ({string.Join(" AND ", keys.Select(k => $"T.{k} = S.{k}"))}) "
            + (values.Length == 0 ? "" : $"WHEN MATCHED THEN UPDATE SET {string.Join(", ", values.Select(v => $"{v} = S.{v}"))} ")
            + $"WHEN NOT MATCHED THEN INSERT ({string.Join(", ", all)}) VALUES ({string.Join(", ", all.Select(c => $"S.{c}"))})";
    }
}
