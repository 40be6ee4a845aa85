using System.Data.Common;
using System.Globalization;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;
using KafkaOracleOrleans.Storage.Sinks;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>Which quarantined records are meant; what is null does not restrict.</summary>
public sealed record QuarantineFilter
{
    /// <summary>Records of this pipeline.</summary>
    public string? Pipeline { get; init; }

    /// <summary>Records refused at this place, e.g. <c>quality.valid_amount</c> or <c>sink:ID</c>.</summary>
    public string? Place { get; init; }

    /// <summary>Records refused by this step, or by one of its rules: the place is <c>STEP</c> or begins with <c>STEP.</c></summary>
    public string? Step { get; init; }

    /// <summary>Records refused by this rule of a quality step: the place ends with <c>.RULE</c>.</summary>
    public string? Rule { get; init; }

    /// <summary>Records refused with this code.</summary>
    public string? Code { get; init; }

    /// <summary>Records of this topic.</summary>
    public string? Topic { get; init; }

    /// <summary>Records of this partition.</summary>
    public int? Partition { get; init; }

    /// <summary>The record at this offset.</summary>
    public long? Offset { get; init; }

    /// <summary>One record by its id.</summary>
    public string? Id { get; init; }

    /// <summary>Records whose id begins with this: people type the first digits.</summary>
    public string? IdPrefix { get; init; }

    /// <summary>Records of the topic partition at this offset or after it.</summary>
    public long? FromOffset { get; init; }

    /// <summary>Records added at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Records added before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>True when nothing restricts: dropping with such a filter would empty the table.</summary>
    public bool IsEmpty => this == new QuarantineFilter();
}

/// <summary>In which order records are listed.</summary>
public enum QuarantineOrder
{
    /// <summary>Those added last come first.</summary>
    NewestFirst,

    /// <summary>Those added first come first.</summary>
    OldestFirst,
}

/// <summary>How many records were refused at a place with a code.</summary>
public sealed record QuarantineCount(string Pipeline, string Place, string Code, long Records);

/// <summary>
/// Reads and empties the quarantine of a database. Every call may throw <see cref="DatabaseException"/>.
/// </summary>
/// <param name="database">The database.</param>
/// <param name="tableName">The table, or null for kor_quarantine.</param>
public sealed class QuarantineStore(Database database, string? tableName = null)
{
    private readonly QuarantineTable _table = QuarantineTable.Of(database.Dialect, tableName);

    /// <summary>The database's connection.</summary>
    public string Connection => database.Name;

    /// <summary>The table.</summary>
    public string Table => _table.Name?.ToString() ?? _table.Sql;

    /// <summary>The most records of one answer.</summary>
    public const int MaxPage = 1000;

    private const int IdsPerStatement = 200;

    /// <summary>Records, by when they were added.</summary>
    /// <param name="filter">Which records.</param>
    /// <param name="order">The newest first, as people look at them, or the oldest, as they are played again.</param>
    /// <param name="limit">How many at most; 1 to <see cref="MaxPage"/>.</param>
    /// <param name="after">The last record of the page before, in the same order; null for the first page.</param>
    public Task<IReadOnlyList<QuarantinedRecord>> ListAsync(
        QuarantineFilter filter, QuarantineOrder order, int limit, QuarantinedRecord? after, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
        var newest = order == QuarantineOrder.NewestFirst;
        var (where, binds) = Where(filter, after, newest);
        var text = $"SELECT {string.Join(", ", SinkSql.QuarantineColumns)} FROM {_table.Sql}{where} "
            + $"ORDER BY {(newest ? "added_at DESC, id DESC" : "added_at, id")} {database.Dialect.Limit(limit)}";
        return database.ReadAsync<IReadOnlyList<QuarantinedRecord>>(
            async (session, token) =>
            {
                var records = new List<QuarantinedRecord>();
                await session.QueryAsync(text, r => records.Add(Read(r)), token, binds).ConfigureAwait(false);
                return records;
            },
            cancellation);
    }

    /// <summary>The records of these ids that are there, in the order of their offsets.</summary>
    public async Task<IReadOnlyList<QuarantinedRecord>> FindAsync(
        string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation)
    {
        var found = new List<QuarantinedRecord>(ids.Count);
        foreach (var chunk in ids.Chunk(IdsPerStatement))
        {
            var (where, binds) = WhereIds(pipeline, chunk);
            var text = $"SELECT {string.Join(", ", SinkSql.QuarantineColumns)} FROM {_table.Sql}{where}";
            await database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync(text, r => found.Add(Read(r)), token, binds).ConfigureAwait(false);
                    return true;
                },
                cancellation).ConfigureAwait(false);
        }

        found.Sort(static (a, b) => a.Record.Offset.CompareTo(b.Record.Offset));
        return found;
    }

    /// <summary>The records of a partition at these offsets that are there, wherever they were refused.</summary>
    public async Task<IReadOnlyList<QuarantinedRecord>> FindAtAsync(
        string pipeline, string topic, int partition, IReadOnlyCollection<long> offsets, CancellationToken cancellation)
    {
        var found = new List<QuarantinedRecord>();
        foreach (var chunk in offsets.Chunk(IdsPerStatement))
        {
            var places = string.Join(", ", chunk.Select((_, i) => database.Dialect.Place(i + 3)));
            var text = $"SELECT {string.Join(", ", SinkSql.QuarantineColumns)} FROM {_table.Sql} "
                + $"WHERE pipeline = {database.Dialect.Place(0)} AND topic = {database.Dialect.Place(1)} "
                + $"AND topic_partition = {database.Dialect.Place(2)} AND topic_offset IN ({places})";
            Bind[] binds = [pipeline, topic, (long)partition, .. chunk.Select(o => (Bind)o)];
            await database.ReadAsync(
                async (session, token) =>
                {
                    await session.QueryAsync(text, r => found.Add(Read(r)), token, binds).ConfigureAwait(false);
                    return true;
                },
                cancellation).ConfigureAwait(false);
        }

        return found;
    }

    /// <summary>Deletes records by id, all in one transaction, and returns how many there were.</summary>
    public Task<int> RemoveAsync(string pipeline, IReadOnlyCollection<string> ids, CancellationToken cancellation) =>
        database.WriteWithRetryAsync(
            async (session, token) =>
            {
                var removed = 0;
                foreach (var chunk in ids.Chunk(IdsPerStatement))
                {
                    var (where, binds) = WhereIds(pipeline, chunk);
                    removed += await session.ExecuteAsync($"DELETE FROM {_table.Sql}{where}", token, binds)
                        .ConfigureAwait(false);
                }

                return removed;
            },
            cancellation);

    /// <summary>One record, or null.</summary>
    public async Task<QuarantinedRecord?> GetAsync(string id, CancellationToken cancellation)
    {
        var found = await ListAsync(new QuarantineFilter { Id = id }, QuarantineOrder.NewestFirst, 1, null, cancellation).ConfigureAwait(false);
        return found.Count == 0 ? null : found[0];
    }

    /// <summary>How many records there are, by pipeline, place and code.</summary>
    public Task<IReadOnlyList<QuarantineCount>> CountAsync(QuarantineFilter filter, CancellationToken cancellation)
    {
        var (where, binds) = Where(filter);
        var text = $"SELECT pipeline, place, code, COUNT(*) FROM {_table.Sql}{where} "
            + "GROUP BY pipeline, place, code ORDER BY pipeline, place, code";
        return database.ReadAsync<IReadOnlyList<QuarantineCount>>(
            async (session, token) =>
            {
                var counts = new List<QuarantineCount>();
                await session.QueryAsync(
                    text,
                    r => counts.Add(new QuarantineCount(r.GetString(0), r.GetString(1), r.GetString(2), r.GetInt64(3))),
                    token,
                    binds).ConfigureAwait(false);
                return counts;
            },
            cancellation);
    }

    /// <summary>Deletes records and returns how many. An empty filter is refused.</summary>
    public Task<int> DropAsync(QuarantineFilter filter, CancellationToken cancellation)
    {
        if (filter.IsEmpty)
            throw new ArgumentException("Say which records to drop: a filter that restricts nothing is refused.",
                nameof(filter));
        var (where, binds) = Where(filter);
        return database.WriteWithRetryAsync(
            (session, token) => session.ExecuteAsync($"DELETE FROM {_table.Sql}{where}", token, binds), cancellation);
    }

    private (string Text, Bind[] Binds) WhereIds(string pipeline, string[] ids)
    {
        var places = string.Join(", ", ids.Select((_, i) => database.Dialect.Place(i + 1)));
        return ($" WHERE pipeline = {database.Dialect.Place(0)} AND id IN ({places})",
            [pipeline, .. ids.Select(id => (Bind)id)]);
    }

    private (string Text, Bind[] Binds) Where(
        QuarantineFilter filter, QuarantinedRecord? after = null, bool newestFirst = false)
    {
        var conditions = new List<string>();
        var binds = new List<Bind>();
        Equal("pipeline", filter.Pipeline);
        Equal("place", filter.Place);
        Equal("code", filter.Code);
        Equal("topic", filter.Topic);
        Equal("topic_partition", filter.Partition);
        Equal("topic_offset", filter.Offset);
        Equal("id", filter.Id);
        // No LIKE: in names '_' is a letter, and in patterns it is any.
        if (filter.Step is { } step)
            Add($"(place = {{0}} OR SUBSTR(place, 1, {step.Length + 1}) = {{1}})", step, step + ".");
        if (filter.Rule is { } rule)
            Add($"SUBSTR(place, LENGTH(place) - {rule.Length}) = {{0}}", "." + rule);
        if (filter.IdPrefix is { } prefix) Add($"SUBSTR(id, 1, {prefix.Length}) = {{0}}", prefix);
        if (filter.FromOffset is { } from) Add("topic_offset >= {0}", from);
        if (filter.Since is { } since) Add("added_at >= {0}", Time(since));
        if (filter.Until is { } until) Add("added_at < {0}", Time(until));
        if (after is not null)
        {
            Add(newestFirst ? "(added_at < {0} OR (added_at = {1} AND id < {2}))" : "(added_at > {0} OR (added_at = {1} AND id > {2}))",
                Time(after.AddedAt), Time(after.AddedAt), after.Id);
        }

        return (conditions.Count == 0 ? "" : " WHERE " + string.Join(" AND ", conditions), [.. binds]);

        void Equal(string column, object? value)
        {
            if (value is string text) Add(column + " = {0}", text);
            else if (value is not null) Add(column + " = {0}", Convert.ToInt64(value, CultureInfo.InvariantCulture));
        }

        void Add(string condition, params Bind[] values)
        {
            var places = values.Select((_, i) => (object)database.Dialect.Place(binds.Count + i)).ToArray();
            conditions.Add(string.Format(CultureInfo.InvariantCulture, condition, places));
            binds.AddRange(values);
        }

        static Bind Time(DateTimeOffset time) => Bind.Timestamp(BindTime.FromUtc(time.UtcDateTime));
    }

    private QuarantinedRecord Read(DbDataReader reader)
    {
        var added = new DateTimeOffset(BindTime.ToUtc(database.Dialect.ReadTimestamp(reader, 10)), TimeSpan.Zero);
        var record = new QuarantineRecord(
            reader.GetString(1),
            checked((int)reader.GetInt64(2)),
            reader.GetString(3),
            reader.GetString(4),
            reader.GetString(5),
            reader.IsDBNull(6) ? "" : reader.GetString(6),
            checked((int)reader.GetInt64(7)),
            reader.GetInt64(8),
            reader.GetInt64(9),
            reader.IsDBNull(12) ? null : (byte[])reader.GetValue(12),
            reader.IsDBNull(13) ? null : (byte[])reader.GetValue(13),
            QuarantineRows.ReadHeaders(reader.IsDBNull(11) ? null : reader.GetString(11)));
        return new QuarantinedRecord(reader.GetString(0), added, record);
    }
}
