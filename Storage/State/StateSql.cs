namespace KafkaOracleOrleans.Storage.Dialects;

/// <summary>The texts of the state store; binds are in the order in which they appear.</summary>
internal sealed record StateSql
{
    /// <summary>
    /// Owner: raises the owner's epoch, and makes the owner where <see cref="AddOwner"/> is null.
    /// </summary>
    public required string RaiseEpoch { get; init; }

    /// <summary>Owner: makes an owner that was not there to be raised; null where raising makes it.</summary>
    public string? AddOwner { get; init; }

    /// <summary>Owner: epoch and header. Null when <see cref="RaiseEpoch"/> returns them itself.</summary>
    public required string? ReadRaised { get; init; }

    /// <summary>Owner: epoch and header.</summary>
    public required string Peek { get; init; }

    /// <summary>Header, owner, epoch: changes one row or, fenced, none.</summary>
    public required string WriteHeader { get; init; }

    /// <summary>Rows of owner, step, cell, part, due, payload.</summary>
    public required string UpsertCells { get; init; }

    /// <summary>Rows of owner, step, cell, part.</summary>
    public required string DeleteCells { get; init; }

    /// <summary>Owner: step, cell, part, due of all cells.</summary>
    public required string ListCells { get; init; }

    /// <summary>Rows of owner, sequence, sink, payload.</summary>
    public required string AddOutbox { get; init; }

    /// <summary>Rows of owner, sequence.</summary>
    public required string DropOutbox { get; init; }

    /// <summary>Owner: sequence, sink, payload, ascending.</summary>
    public required string ReadOutbox { get; init; }

    /// <summary>Prefix: the names of matching owners.</summary>
    public required string OwnersWith { get; init; }

    /// <summary>Owner: raises its epoch and drops its header.</summary>
    public required string ResetOwner { get; init; }

    /// <summary>Owner: deletes its cells.</summary>
    public required string ResetCells { get; init; }

    /// <summary>Owner: deletes its outbox.</summary>
    public required string ResetOutbox { get; init; }

    /// <summary>Owner, null, rows, bytes: how much the owners' headers are.</summary>
    public string OwnersUsed { get; init; } = Used("owner", "NULL", "kor_owner", "header", "owner");

    /// <summary>Owner, step, rows, bytes.</summary>
    public string CellsUsed { get; init; } = Used("owner", "step", "kor_cell", "payload", "owner, step");

    /// <summary>Owner, null, rows, bytes.</summary>
    public string OutboxUsed { get; init; } = Used("owner", "NULL", "kor_outbox", "payload", "owner");

    /// <summary>Pipeline, null, rows, bytes of keys and values.</summary>
    public string QuarantineUsed { get; init; } =
        "SELECT pipeline, NULL, COUNT(*), SUM(COALESCE(LENGTH(record_key), 0) + COALESCE(LENGTH(record_value), 0)) FROM kor_quarantine GROUP BY pipeline";

    /// <summary>Null, null, rows, null.</summary>
    public string AuditUsed { get; init; } = "SELECT NULL, NULL, COUNT(*), NULL FROM kor_audit";

    /// <summary>Rows and bytes of a table by its owners.</summary>
    internal static string Used(string name, string step, string table, string payload, string groups, bool sized = true) =>
        $"SELECT {name}, {step}, COUNT(*), {(sized ? $"SUM(COALESCE(LENGTH({payload}), 0))" : "NULL")} FROM {table} GROUP BY {groups}";

    /// <summary>Component: its version.</summary>
    public string ReadVersion { get; init; } = "";
}
