using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Storage.Dialects;

/// <content>The state store's statements.</content>
internal sealed partial class PostgresDialect
{
    // LATERAL with OFFSET 0 keeps the plan at one index probe per asked cell, whatever the statistics say.
    internal const string ReadParts =
        "SELECT c.step, c.cell, c.part, c.due_at, c.payload "
        + "FROM unnest($2::text[], $3::text[], $4::bigint[]) AS u(step, cell, part) "
        + "CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step "
        + "AND k.cell = u.cell AND k.part = u.part OFFSET 0) AS c";

    internal const string ReadAllParts =
        "SELECT c.step, c.cell, c.part, c.due_at, c.payload FROM unnest($2::text[], $3::text[]) AS u(step, cell) "
        + "CROSS JOIN LATERAL (SELECT k.* FROM kor_cell k WHERE k.owner = $1 AND k.step = u.step "
        + "AND k.cell = u.cell OFFSET 0) AS c";

    private const int CellsPerRead = 5000;

    public override StateSql State { get; } = new()
    {
        RaiseEpoch =
            "INSERT INTO kor_owner (owner, epoch, updated_at) VALUES ($1, 1, now()) "
            + "ON CONFLICT (owner) DO UPDATE SET epoch = kor_owner.epoch + 1, updated_at = now() RETURNING epoch, header",
        ReadRaised = null,
        Peek = "SELECT epoch, header FROM kor_owner WHERE owner = $1",
        WriteHeader = "UPDATE kor_owner SET header = $1, updated_at = now() WHERE owner = $2 AND epoch = $3",
        UpsertCells =
            "INSERT INTO kor_cell (owner, step, cell, part, due_at, payload) "
            + "SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[]) "
            + "ON CONFLICT (owner, step, cell, part) DO UPDATE SET due_at = excluded.due_at, payload = excluded.payload",
        DeleteCells =
            "DELETE FROM kor_cell k USING unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS u(owner, step, cell, part) "
            + "WHERE k.owner = u.owner AND k.step = u.step AND k.cell = u.cell AND k.part = u.part",
        ListCells = "SELECT step, cell, part, due_at FROM kor_cell WHERE owner = $1",
        AddOutbox =
            "INSERT INTO kor_outbox (owner, sequence, sink, payload) "
            + "SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bytea[]) "
            + "ON CONFLICT (owner, sequence) DO UPDATE SET sink = excluded.sink, payload = excluded.payload",
        DropOutbox =
            "DELETE FROM kor_outbox k USING unnest($1::text[], $2::bigint[]) AS u(owner, sequence) "
            + "WHERE k.owner = u.owner AND k.sequence = u.sequence",
        ReadOutbox = "SELECT sequence, sink, payload FROM kor_outbox WHERE owner = $1 ORDER BY sequence",
        OwnersWith = "SELECT owner FROM kor_owner WHERE starts_with(owner, $1) ORDER BY owner",
        ResetOwner = "UPDATE kor_owner SET epoch = epoch + 1, header = NULL, updated_at = now() WHERE owner = $1",
        ResetCells = "DELETE FROM kor_cell WHERE owner = $1",
        ResetOutbox = "DELETE FROM kor_outbox WHERE owner = $1",
        ReadVersion = "SELECT version FROM kor_schema WHERE component = $1",
    };

    public override async Task ReadCellsAsync(
        DbSession session, string owner, IReadOnlyCollection<CellId> cells, List<CellState> found,
        CancellationToken cancellation)
    {
        foreach (var chunk in cells.Chunk(CellsPerRead))
        {
            var parts = Array.FindAll(chunk, static c => c.Part != AllParts);
            if (parts.Length > 0)
                await ReadAsync(session, ReadParts, owner, parts, true, found, cancellation).ConfigureAwait(false);
            var whole = Array.FindAll(chunk, static c => c.Part == AllParts);
            if (whole.Length > 0)
                await ReadAsync(session, ReadAllParts, owner, whole, false, found, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task ReadAsync(
        DbSession session, string text, string owner, CellId[] cells, bool byPart, List<CellState> found,
        CancellationToken cancellation)
    {
        var rows = new int[cells.Length];
        for (var i = 0; i < rows.Length; i++) rows[i] = i;
        await using var command = session.Command(text);
        session.Dialect.AddBind(command, owner);
        command.Parameters.Add(ArrayOf(new TextBinds(Array.ConvertAll(cells, static c => (string?)c.Step)), rows));
        command.Parameters.Add(ArrayOf(new TextBinds(Array.ConvertAll(cells, static c => (string?)c.Cell)), rows));
        if (byPart)
            command.Parameters.Add(ArrayOf(new LongBinds(Array.ConvertAll(cells, static c => (long?)c.Part)), rows));
        await using var reader = await command.ExecuteReaderAsync(cancellation).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellation).ConfigureAwait(false)) found.Add(ReadCell(session.Dialect, reader));
    }
}
