namespace KafkaOracleOrleans.Grains.Interfaces;

/// <summary>A record in quarantine, as lists show it.</summary>
public record QuarantineItem
{
    /// <summary>Its identity; the first digits will do wherever one is asked for, if no other record begins with them.</summary>
    public required string Id { get; init; }

    /// <summary>When it was refused first.</summary>
    public required DateTimeOffset AddedAt { get; init; }

    /// <summary>Where it was refused: <c>source...</c>, a step, <c>STEP.RULE</c>, or <c>sink:SINK</c>.</summary>
    public required string Place { get; init; }

    /// <summary>The error's code: KOR..., ORA-..., SQLSTATE ..., SQLITE ...</summary>
    public required string Code { get; init; }

    /// <summary>What is wrong with it.</summary>
    public required string Reason { get; init; }

    /// <summary>The pipeline's version that refused it.</summary>
    public required int Version { get; init; }

    /// <summary>The topic; null for a window's row, which has no record behind it.</summary>
    public string? Topic { get; init; }

    /// <summary>The partition.</summary>
    public int? Partition { get; init; }

    /// <summary>The offset.</summary>
    public long? Offset { get; init; }

    /// <summary>The record's Kafka timestamp.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>The key as text, or as base64 behind <c>base64:</c> when it is no UTF-8 text; null: none.</summary>
    public string? Key { get; init; }

    /// <summary>The value likewise; lists cut it after 200 characters.</summary>
    public string? Value { get; init; }

    /// <summary>The value's length in bytes; null: none.</summary>
    public int? ValueBytes { get; init; }

    /// <summary>The connection of the database that holds it.</summary>
    public required string Connection { get; init; }

    /// <summary>Why it cannot be replayed; null when it can.</summary>
    public string? Obstacle { get; init; }
}

/// <summary>A record in quarantine with all its bytes.</summary>
public sealed record QuarantineDetail : QuarantineItem
{
    /// <summary>The key's bytes, base64; null: none.</summary>
    public byte[]? KeyBytes { get; init; }

    /// <summary>The value's bytes, base64; null: none.</summary>
    public byte[]? RawValue { get; init; }

    /// <summary>Headers in order; values as text, or base64 behind <c>base64:</c>.</summary>
    public IReadOnlyList<KeyValuePair<string, string?>> Headers { get; init; } = [];
}

/// <summary>How many records were refused at a place with a code.</summary>
public sealed record QuarantineGroup(string Place, string Code, long Records);

/// <summary>A page of records in quarantine.</summary>
/// <param name="Items">The records, newest first.</param>
/// <param name="Next">What <c>after</c> is for the next page; null at the end.</param>
/// <param name="Groups">All that match, by place and code.</param>
/// <param name="Note">What is not shown, or null.</param>
public sealed record QuarantinePage(
    IReadOnlyList<QuarantineItem> Items, string? Next, IReadOnlyList<QuarantineGroup> Groups, string? Note);

/// <summary>What a drop would do, or did.</summary>
public sealed record QuarantineDrop(bool Executed, long Records);

/// <summary>Records of a replay that go the same way.</summary>
/// <param name="Place">Where they are refused again, or cannot be replayed.</param>
/// <param name="Code">The code; empty for records that cannot be replayed.</param>
/// <param name="Reason">Why, of one of them.</param>
/// <param name="Records">How many.</param>
/// <param name="Example">The id of one of them.</param>
public sealed record ReplayGroup(string Place, string Code, string Reason, long Records, string Example);

/// <summary>What a replay of one page of records would do, or did.</summary>
public sealed record ReplayReport
{
    /// <summary>False for a dry run.</summary>
    public required bool Executed { get; init; }

    /// <summary>The records looked at.</summary>
    public required long Records { get; init; }

    /// <summary>Those that pass: all steps take them; executed, they are out of quarantine.</summary>
    public required long Passed { get; init; }

    /// <summary>Dry run only: of those that pass, the ones a database refused before. Only writing them again tells.</summary>
    public long AtDatabase { get; init; }

    /// <summary>Those refused again; they stay in quarantine with the new reason.</summary>
    public IReadOnlyList<ReplayGroup> Refused { get; init; } = [];

    /// <summary>Those that cannot be replayed.</summary>
    public IReadOnlyList<ReplayGroup> Skipped { get; init; } = [];

    /// <summary>Those whose replay is not over: the pipeline waits for something. It goes on by itself.</summary>
    public long Unfinished { get; init; }

    /// <summary>What <c>after</c> is for the next page; null at the end.</summary>
    public string? Next { get; init; }
}
