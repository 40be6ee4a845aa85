using System.Data.Common;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.State;

namespace KafkaOracleOrleans.Storage.Audit;

/// <summary>Something somebody changed, or tried to.</summary>
public sealed record AuditEntry
{
    /// <summary>A time-ordered id.</summary>
    public required string Id { get; init; }

    /// <summary>When it was asked for, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Who: the name of an API key or the subject of a token.</summary>
    public required string Actor { get; init; }

    /// <summary>The role the request was made with.</summary>
    public required string Role { get; init; }

    /// <summary>The address the request came from.</summary>
    public string? Origin { get; init; }

    /// <summary>What, e.g. <c>PUT /api/v1/pipelines/{name}/stop</c>.</summary>
    public required string Action { get; init; }

    /// <summary>What it was done to, as path and query.</summary>
    public required string Target { get; init; }

    /// <summary>The HTTP status it ended with; null while it goes on, and when the silo died meanwhile.</summary>
    public int? Status { get; init; }

    /// <summary>What was there before, in words.</summary>
    public string? Before { get; init; }

    /// <summary>What is there after, in words.</summary>
    public string? After { get; init; }
}

/// <summary>The audit trail in table kor_audit. Every call may throw <see cref="DatabaseException"/>.</summary>
public sealed class AuditStore(Database database)
{
    /// <summary>The most entries of one answer.</summary>
    public const int MaxPage = 1000;

    private const int SchemaVersion = 1;
    private const int MaxName = 200;
    private const int MaxText = 1000;
    private const string Columns = "id, added_at, actor, actor_role, origin, action, target, status, before_value, after_value";

    /// <summary>
    /// Makes the table when it is missing and <paramref name="create"/> allows it, and checks its version. Throws
    /// <see cref="ConnectionConfigurationException"/> naming the script to run.
    /// </summary>
    public Task EnsureAsync(bool create, CancellationToken cancellation) =>
        SchemaScripts.EnsureAsync(database, SchemaScripts.Audit, SchemaVersion, create, cancellation);

    /// <summary>Writes an entry down before what it tells of is done: how it ended is not known yet.</summary>
    public Task BeginAsync(AuditEntry entry, CancellationToken cancellation) =>
        AddAsync(entry with { Status = null, After = null }, cancellation);

    /// <summary>Writes down something that is over.</summary>
    public Task AddAsync(AuditEntry entry, CancellationToken cancellation)
    {
        var text = $"INSERT INTO kor_audit ({Columns}) VALUES ({Places(10)})";
        return database.WriteWithRetryAsync(
            (session, token) => session.ExecuteAsync(
                text,
                token,
                entry.Id,
                Bind.Timestamp(BindTime.FromUtc(entry.At.UtcDateTime)),
                Cut(entry.Actor, MaxName),
                entry.Role,
                Cut(entry.Origin, 100),
                Cut(entry.Action, MaxName),
                Cut(entry.Target, MaxText),
                new Bind(BindType.Integer, entry.Status is { } status ? (long)status : null),
                Cut(entry.Before, MaxText),
                Cut(entry.After, MaxText)),
            cancellation);
    }

    /// <summary>Drops entries older than a time, a day of them at once, and returns how many.</summary>
    public async Task<long> PurgeAsync(DateTimeOffset before, CancellationToken cancellation)
    {
        long dropped = 0;
        var place = database.Dialect.Place(0);
        while (await OldestAsync(cancellation).ConfigureAwait(false) is { } oldest && oldest < before)
        {
            var until = oldest.AddDays(1) < before ? oldest.AddDays(1) : before;
            dropped += await database.WriteWithRetryAsync(
                (session, token) => session.ExecuteAsync($"DELETE FROM kor_audit WHERE added_at < {place}", token, Bind.Timestamp(BindTime.FromUtc(until.UtcDateTime))),
                cancellation).ConfigureAwait(false);
        }

        return dropped;
    }

    private Task<DateTimeOffset?> OldestAsync(CancellationToken cancellation) => database.ReadAsync<DateTimeOffset?>(
        async (session, token) =>
        {
            DateTimeOffset? oldest = null;
            await session.QueryAsync(
                $"SELECT added_at FROM kor_audit ORDER BY added_at {database.Dialect.Limit(1)}",
                r => oldest = new DateTimeOffset(BindTime.ToUtc(database.Dialect.ReadTimestamp(r, 0)), TimeSpan.Zero), token).ConfigureAwait(false);
            return oldest;
        },
        cancellation);

    /// <summary>Completes an entry with how it ended.</summary>
    public Task EndAsync(string id, int status, string? before, string? after, CancellationToken cancellation)
    {
        var dialect = database.Dialect;
        var text = $"UPDATE kor_audit SET status = {dialect.Place(0)}, before_value = {dialect.Place(1)}, after_value = {dialect.Place(2)} "
            + $"WHERE id = {dialect.Place(3)}";
        return database.WriteWithRetryAsync(
            (session, token) => session.ExecuteAsync(text, token, (long)status, Cut(before, MaxText), Cut(after, MaxText), id), cancellation);
    }

    /// <summary>Entries, newest first.</summary>
    /// <param name="limit">How many at most; 1 to <see cref="MaxPage"/>.</param>
    /// <param name="before">Only entries older than the one with this id; null for the first page.</param>
    public Task<IReadOnlyList<AuditEntry>> ListAsync(int limit, string? before, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
        // Ids begin with the time, so their order is the entries' order.
        var where = before is null ? "" : $" WHERE id < {database.Dialect.Place(0)}";
        Bind[] binds = before is null ? [] : [before];
        return database.ReadAsync<IReadOnlyList<AuditEntry>>(
            async (session, token) =>
            {
                var entries = new List<AuditEntry>();
                await session.QueryAsync(
                    $"SELECT {Columns} FROM kor_audit{where} ORDER BY id DESC {database.Dialect.Limit(limit)}",
                    r => entries.Add(Read(r)),
                    token,
                    binds).ConfigureAwait(false);
                return entries;
            },
            cancellation);
    }

    private string Places(int count) => string.Join(", ", Enumerable.Range(0, count).Select(database.Dialect.Place));

    private AuditEntry Read(DbDataReader reader) => new()
    {
        Id = reader.GetString(0),
        At = new DateTimeOffset(BindTime.ToUtc(database.Dialect.ReadTimestamp(reader, 1)), TimeSpan.Zero),
        Actor = reader.GetString(2),
        Role = reader.GetString(3),
        Origin = Text(reader, 4),
        Action = reader.GetString(5),
        Target = reader.GetString(6),
        Status = reader.IsDBNull(7) ? null : checked((int)reader.GetInt64(7)),
        Before = Text(reader, 8),
        After = Text(reader, 9),
    };

    private static string? Text(DbDataReader reader, int ordinal) => reader.IsDBNull(ordinal) ? null : reader.GetString(ordinal);

    private static string? Cut(string? text, int length)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (text.Length <= length) return text;
        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}
