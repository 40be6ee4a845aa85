using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>The state store's statements.</content>
internal sealed partial class SqliteDialect
{
    internal const string ReadPart =
        "SELECT step, cell, part, due_at, payload FROM kor_cell "
        + "WHERE owner = @P0 AND step = @P1 AND cell = @P2 AND part = @P3";

    internal const string ReadAllParts =
        "SELECT step, cell, part, due_at, payload FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2";

    public override StateSql State { get; } = new()
    {
        RaiseEpoch =
            "INSERT INTO kor_owner (owner, epoch) VALUES (@P0, 1) "
            + "ON CONFLICT (owner) DO UPDATE SET epoch = epoch + 1, updated_at = excluded.updated_at "
            + "RETURNING epoch, header",
        ReadRaised = null,
        Peek = "SELECT epoch, header FROM kor_owner WHERE owner = @P0",
        WriteHeader =
            "UPDATE kor_owner SET header = @P0, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
            + "WHERE owner = @P1 AND epoch = @P2",
        UpsertCells =
            "INSERT INTO kor_cell (owner, step, cell, part, due_at, payload) VALUES (@P0, @P1, @P2, @P3, @P4, @P5) "
            + "ON CONFLICT (owner, step, cell, part) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload",
        DeleteCells = "DELETE FROM kor_cell WHERE owner = @P0 AND step = @P1 AND cell = @P2 AND part = @P3",
        ListCells = "SELECT step, cell, part, due_at FROM kor_cell WHERE owner = @P0",
        AddOutbox =
            "INSERT INTO kor_outbox (owner, sequence, sink, payload) VALUES (@P0, @P1, @P2, @P3) "
            + "ON CONFLICT (owner, sequence) DO UPDATE SET sink = excluded.sink, payload = excluded.payload",
        DropOutbox = "DELETE FROM kor_outbox WHERE owner = @P0 AND sequence = @P1",
        ReadOutbox = "SELECT sequence, sink, payload FROM kor_outbox WHERE owner = @P0 ORDER BY sequence",
        OwnersWith = "SELECT owner FROM kor_owner WHERE instr(owner, @P0) = 1 ORDER BY owner",
        ResetOwner =
            "UPDATE kor_owner SET epoch = epoch + 1, header = NULL, updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') "
            + "WHERE owner = @P0",
        ResetCells = "DELETE FROM kor_cell WHERE owner = @P0",
        ResetOutbox = "DELETE FROM kor_outbox WHERE owner = @P0",
        ReadVersion = "SELECT version FROM kor_schema WHERE component = @P0",
    };

    public override Task ReadCellsAsync(
        DbSession session, string owner, IReadOnlyCollection<CellId> cells, List<CellState> found,
        CancellationToken cancellation)
    {
        using var byPart = session.Command(ReadPart);
        using var whole = session.Command(ReadAllParts);
        foreach (var command in (System.Data.Common.DbCommand[])[byPart, whole])
        {
            AddBind(command, owner);
            AddBind(command, "");
            AddBind(command, "");
        }

        AddBind(byPart, 0L);
        foreach (var cell in cells)
        {
            var command = cell.Part == AllParts ? whole : byPart;
            command.Parameters[1].Value = cell.Step;
            command.Parameters[2].Value = cell.Cell;
            if (cell.Part != AllParts) command.Parameters[3].Value = cell.Part;
            using var reader = command.ExecuteReader();
            while (reader.Read()) found.Add(ReadCell(this, reader));
        }

        return Task.CompletedTask;
    }
}
