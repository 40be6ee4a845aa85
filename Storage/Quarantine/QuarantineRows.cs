using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Dialects;

namespace KafkaOracleOrleans.Storage.Quarantine;

/// <summary>Writes quarantine records in the transaction of a session.</summary>
internal static class QuarantineRows
{
    /// <summary>The longest reason kept, in characters; longer ones are cut.</summary>
    public const int MaxReason = 1000;

    private const int MaxCode = 100;
    private const int MaxPipeline = 200;
    private const int MaxPlace = 200;
    private const int MaxTopic = 249;

    /// <summary>Adds records that are not there yet and returns how many were added.</summary>
    public static Task<int> AddAsync(
        DbSession session, IReadOnlyList<QuarantineRecord> records, long nowMicroseconds,
            CancellationToken cancellation) =>
        AddAsync(session, session.Dialect.Sink.AddQuarantine, records, nowMicroseconds, cancellation);

    /// <summary>Adds records with the statement of a table of another name.</summary>
    public static async Task<int> AddAsync(
        DbSession session, string addText, IReadOnlyList<QuarantineRecord> records, long nowMicroseconds,
            CancellationToken cancellation)
    {
        // One record per identity and statement: a repeated one would not survive the statement on every database.
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < records.Count; i++) ids.TryAdd(IdOf(records[i]), i);
        var rows = ids.OrderBy(e => e.Key, StringComparer.Ordinal).Select(e =>
            (Id: e.Key, Record: records[e.Value])).ToArray();
        var outcome = await session.ExecuteRowsAsync(
            addText, Binds(rows, nowMicroseconds), Enumerable.Range(0, rows.Length).ToArray(), isolate: true, cancellation).ConfigureAwait(false);
        if (outcome.Failures.Count == 0) return outcome.Affected;
        // A record must never hold up the others: what the table refuses is left out, and the reason says so.
        var bare = outcome.Failures.Select(f => (rows[f.Row].Id, Record: Bare(rows[f.Row].Record, f))).ToArray();
        var rest = await session.ExecuteRowsAsync(
            addText, Binds(bare, nowMicroseconds), Enumerable.Range(0, bare.Length).ToArray(), isolate: false, cancellation).ConfigureAwait(false);
        return outcome.Affected + rest.Affected;
    }

    private static BindValues[] Binds((string Id, QuarantineRecord Record)[] rows, long nowMicroseconds)
    {
        return
        [
            new TextBinds(Array.ConvertAll(rows, static r => (string?)r.Id)),
            Texts(r => Cut(r.Pipeline, MaxPipeline)),
            Longs(r => r.PipelineVersion),
            Texts(r => Cut(r.Place, MaxPlace)),
            Texts(r => Cut(r.Code, MaxCode)),
            Texts(r => Cut(r.Reason, MaxReason)),
            Texts(r => r.Topic.Length == 0 ? null : Cut(r.Topic, MaxTopic)),
            Longs(r => r.Partition),
            Longs(r => r.Offset),
            Longs(r => r.Timestamp),
            new LongBinds(Array.ConvertAll(rows, _ => (long?)nowMicroseconds), BindType.Timestamp),
            new TextBinds(Array.ConvertAll(rows, static r => HeadersText(r.Record.Headers)), BindType.LongText),
            new BytesBinds(Array.ConvertAll(rows, static r => r.Record.Key)),
            new BytesBinds(Array.ConvertAll(rows, static r => r.Record.Value)),
        ];

        TextBinds Texts(Func<QuarantineRecord, string?> get) => new(Array.ConvertAll(rows, r => get(r.Record)));
        LongBinds Longs(Func<QuarantineRecord, long> get) => new(Array.ConvertAll(rows, r => (long?)get(r.Record)));
    }

    /// <summary>What is left of a record that the quarantine's own table refuses: where it came from and why.</summary>
    private static QuarantineRecord Bare(QuarantineRecord record, RowFailure refused)
    {
        var reason = $"{record.Reason} (The quarantine table refused key, value and headers: {refused.Code}.)";
        return record with
        {
            Reason = new string([.. reason.Select(c => c is >= ' ' and <= '~' ? c : '?')]), Key = null, Value = null, Headers = [],
        };
    }

    /// <summary>Removes records of kor_quarantine by id.</summary>
    public static async Task RemoveAsync(DbSession session, IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        var text = $"DELETE FROM kor_quarantine WHERE id = {session.Dialect.Place(0)}";
        foreach (var id in ids) await session.ExecuteAsync(text, cancellation, id).ConfigureAwait(false);
    }

    /// <summary>Gives records that are there a new reason, code and pipeline version, and adds the others.</summary>
    public static async Task RenewAsync(
        DbSession session, QuarantineTable table, IReadOnlyList<QuarantineRecord> records, long nowMicroseconds,
            CancellationToken cancellation)
    {
        var place = session.Dialect.Place;
        var text = $"UPDATE {table.Sql} SET code = {place(0)}, reason = {place(1)}, pipeline_version = {place(2)} WHERE id = {place(3)}";
        foreach (var record in records)
        {
            await session.ExecuteAsync(
                text, cancellation, Cut(record.Code, MaxCode), Cut(record.Reason, MaxReason), record.PipelineVersion,
                IdOf(record)).ConfigureAwait(false);
        }

        await AddAsync(session, table.AddText, records, nowMicroseconds, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// The identity of a record: pipeline, topic, partition, offset and place; of a window row, which has no offset,
    /// its content.
    /// </summary>
    public static string IdOf(QuarantineRecord record)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> numbers = stackalloc byte[12];
        Text(record.Pipeline);
        Text(record.Topic);
        BinaryPrimitives.WriteInt32LittleEndian(numbers, record.Partition);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[4..], record.Offset);
        hash.AppendData(numbers);
        Text(record.Place);
        if (record.Topic.Length == 0)
        {
            Bytes(record.Key);
            Bytes(record.Value);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

        void Bytes(byte[]? bytes)
        {
            Span<byte> length = stackalloc byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes?.Length ?? -1);
            hash.AppendData(length);
            if (bytes is not null) hash.AppendData(bytes);
        }
    }

    /// <summary>Headers as a JSON array of [name, base64 value or null]; null when there are none.</summary>
    public static string? HeadersText(IReadOnlyList<KeyValuePair<string, byte[]?>> headers)
    {
        if (headers.Count == 0) return null;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var (name, value) in headers)
            {
                json.WriteStartArray();
                json.WriteStringValue(name);
                if (value is null) json.WriteNullValue();
                else json.WriteBase64StringValue(value);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    public static IReadOnlyList<KeyValuePair<string, byte[]?>> ReadHeaders(string? text)
    {
        if (text is null) return [];
        using var json = JsonDocument.Parse(text);
        return [.. json.RootElement.EnumerateArray().Select(h => KeyValuePair.Create(
            h[0].GetString()!, h[1].ValueKind == JsonValueKind.Null ? null : h[1].GetBytesFromBase64()))];
    }

    /// <summary>
    /// The text as every database takes it: no longer than so many characters of four bytes, without NUL and halves of pairs.
    /// </summary>
    internal static string Cut(string text, int length)
    {
        var end = Math.Min(text.Length, length);
        if (end < text.Length && end > 0 && char.IsHighSurrogate(text[end - 1])) end--;
        var cut = text[..end];
        if (cut.Length == 0) return " "; // '' is NULL to some, and the columns are mandatory.
        if (!cut.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !cut.Contains('\0', StringComparison.Ordinal)) return cut;
        var clean = new System.Text.StringBuilder(cut.Length);
        foreach (var rune in cut.EnumerateRunes()) clean.Append(rune.Value == 0 ? "\uFFFD" : rune.ToString());
        return clean.ToString();
    }
}
