using KafkaOracleOrleans.Processing.Proof;
using KafkaOracleOrleans.Processing.Records;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.Storage.Proof;

/// <summary>
/// A proof's temporary SQLite file: SQLite sorts outside memory. What was added since the last <see cref="Commit"/> is gone when the process dies. Not thread-safe.
/// </summary>
public sealed class ProofFile : IProofFile, IDisposable
{
    /// <summary>The version of the tables; files of others are begun anew.</summary>
    private const int Version = 1;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB);
        CREATE TABLE IF NOT EXISTS scan (src INTEGER PRIMARY KEY, position INTEGER, state BLOB);
        CREATE TABLE IF NOT EXISTS win (step TEXT, k BLOB, s INTEGER, e INTEGER, t INTEGER, off INTEGER, src INTEGER, ahead INTEGER, v BLOB);
        CREATE TABLE IF NOT EXISTS rec (sink TEXT, k BLOB, src INTEGER, off INTEGER, place INTEGER, ahead INTEGER, del INTEGER, v BLOB);
        CREATE TABLE IF NOT EXISTS doubt (src INTEGER, off INTEGER, reason TEXT, PRIMARY KEY (src, off)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS ids (step TEXT, id BLOB, src INTEGER, off INTEGER);
        CREATE TABLE IF NOT EXISTS claims (step TEXT, src INTEGER, id BLOB, route INTEGER, t INTEGER, off INTEGER, sure INTEGER);
        CREATE INDEX IF NOT EXISTS claims_id ON claims (step, src, id, route);
        CREATE TABLE IF NOT EXISTS side (sink TEXT, k BLOB, side INTEGER, rev INTEGER, open INTEGER, doubt TEXT, v BLOB);
        """;

    private readonly SqliteConnection _connection;
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);
    private readonly string _path;
    private readonly long _maxBytes;
    private SqliteTransaction? _transaction;

    private ProofFile(string path, long maxBytes, SqliteConnection connection) => (_path, _maxBytes, _connection) = (path, maxBytes, connection);

    /// <summary>
    /// Opens a file, and goes on with what is in it when it is of the same proof (<paramref name="identity"/>); else it is begun anew.
    /// </summary>
    /// <param name="path">The file. Its folder must exist.</param>
    /// <param name="identity">What the proof is of.</param>
    /// <param name="maxBytes">How large it may get, bytes.</param>
    public static ProofFile Open(string path, string identity, long maxBytes)
    {
        var file = TryOpen(path, maxBytes);
        if (file?.Meta("identity") == $"{Version}:{identity}") return file;
        file?.Dispose();
        Delete(path);
        file = TryOpen(path, maxBytes) ?? throw new IOException($"The file '{path}' cannot be made.");
        file.SetMeta("identity", $"{Version}:{identity}");
        file.Commit();
        return file;
    }

    /// <summary>Removes a proof's file; one that is not there is no fault.</summary>
    public static void Delete(string path)
    {
        foreach (var part in (string[])["", "-wal", "-shm", "-journal"]) File.Delete(path + part);
    }

    private static ProofFile? TryOpen(string path, long maxBytes)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            // A file that is lost with the machine is made again; one that a killed process leaves must be whole.
            command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE;" + Tables;
            command.ExecuteNonQuery();
            return new ProofFile(path, maxBytes, connection);
        }
        catch (SqliteException)
        {
            // Not a database, or one of another make: the caller begins anew.
            connection.Dispose();
            return null;
        }
    }

    /// <summary>A text kept under a name; null: none.</summary>
    public string? Meta(string name)
    {
        using var command = Command("SELECT value FROM meta WHERE name = $0", name);
        return command.ExecuteScalar() as string;
    }

    /// <summary>Keeps a text under a name.</summary>
    public void SetMeta(string name, string value) => Run("INSERT OR REPLACE INTO meta VALUES ($0, $1)", name, value);

    /// <summary>How far the partitions' scans have come.</summary>
    public IReadOnlyList<ScanState> Scans()
    {
        var scans = new List<ScanState>();
        using var command = Command("SELECT src, position, state FROM scan");
        using var reader = command.ExecuteReader();
        while (reader.Read()) scans.Add(new ScanState(reader.GetInt32(0), reader.GetInt64(1), (byte[])reader.GetValue(2)));
        return scans;
    }

    /// <summary>Keeps how far a scan has come.</summary>
    public void Keep(ScanState scan)
    {
        ArgumentNullException.ThrowIfNull(scan);
        Run("INSERT OR REPLACE INTO scan VALUES ($0, $1, $2)", scan.Source, scan.Position, scan.State);
    }

    /// <summary>Makes everything so far last. Throws <see cref="ProofRefusedException"/> when the file has become too large.</summary>
    public void Commit()
    {
        _transaction?.Commit();
        _transaction?.Dispose();
        _transaction = null;
        var bytes = new FileInfo(_path).Length;
        if (bytes > _maxBytes)
            throw new ProofRefusedException($"The proof's file has {bytes:N0} bytes, and {_maxBytes:N0} are allowed. Prove a shorter time, with since and until.");
    }

    /// <summary>Forgets everything of a partition's scan, to begin it anew.</summary>
    public void ForgetScan(int source)
    {
        foreach (var table in (string[])["scan", "win", "rec", "doubt", "ids", "claims"]) Run($"DELETE FROM {table} WHERE src = $0", source);
    }

    /// <summary>Forgets what tables must hold, to find it out again.</summary>
    public void ForgetExpected() => Run("DELETE FROM side WHERE side = 0");

    /// <summary>Forgets what a sink's table holds, to read it again.</summary>
    public void ForgetFound(string sink) => Run("DELETE FROM side WHERE side = 1 AND sink = $0", sink);

    /// <inheritdoc/>
    public void Add(string step, WindowEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        Run("INSERT INTO win VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8)",
            step, entry.Key, entry.Start, entry.End, entry.Time, entry.Offset, entry.Source, entry.IsAhead, entry.Values);
    }

    /// <inheritdoc/>
    public void Add(string sink, RowEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        Run("INSERT INTO rec VALUES ($0, $1, $2, $3, $4, $5, $6, $7)",
            sink, entry.Key, entry.Source, entry.Offset, entry.Place, entry.IsAhead, entry.Deletes, entry.Values);
    }

    /// <inheritdoc/>
    public void Doubt(int source, long offset, string reason) => Run("INSERT OR IGNORE INTO doubt VALUES ($0, $1, $2)", source, offset, reason);

    /// <inheritdoc/>
    public void AddId(string step, UInt128 id, int source, long offset) => Run("INSERT INTO ids VALUES ($0, $1, $2, $3)", step, Bytes(id), source, offset);

    /// <inheritdoc/>
    public void DoubtSharedIds(string reason) => Run(
        "INSERT OR IGNORE INTO doubt SELECT src, off, $0 FROM ids WHERE (step, id) IN (SELECT step, id FROM ids GROUP BY step, id HAVING COUNT(*) > 1)", reason);

    /// <summary>How many records are in doubt.</summary>
    public long Doubts()
    {
        using var command = Command("SELECT COUNT(*) FROM doubt");
        return (long)command.ExecuteScalar()!;
    }

    /// <inheritdoc/>
    public void KeepClaims(string step, int source, IEnumerable<IdClaim> claims)
    {
        ArgumentNullException.ThrowIfNull(claims);
        foreach (var claim in claims)
            Run("INSERT INTO claims VALUES ($0, $1, $2, $3, $4, $5, $6)", step, source, Bytes(claim.Id), (long)claim.Route, claim.Time, claim.Offset, claim.Sure);
    }

    /// <inheritdoc/>
    public IReadOnlyList<IdClaim> FindClaims(string step, int source, UInt128 id, ulong route)
    {
        var found = new List<IdClaim>();
        using var reader = Prepare("SELECT t, off, sure FROM claims WHERE step = $0 AND src = $1 AND id = $2 AND route = $3", step, source, Bytes(id), (long)route).ExecuteReader();
        while (reader.Read()) found.Add(new IdClaim(id, route, reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2) != 0));
        return found;
    }

    /// <inheritdoc/>
    public IEnumerable<WindowEntry> Windows(string step)
    {
        using var command = Command(
            "SELECT w.k, w.s, w.e, w.t, w.off, w.src, w.ahead, w.v, d.reason FROM win w LEFT JOIN doubt d ON d.src = w.src AND d.off = w.off "
            + "WHERE w.step = $0 ORDER BY w.k, w.s, w.t, w.off, w.src", step);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new WindowEntry(
                Blob(reader, 0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt32(5), reader.GetInt64(6) != 0, Blob(reader, 7))
            {
                Doubt = reader.IsDBNull(8) ? null : reader.GetString(8),
            };
        }
    }

    /// <inheritdoc/>
    public IEnumerable<RowEntry> Rows(string sink)
    {
        using var command = Command(
            "SELECT r.k, r.src, r.off, r.place, r.ahead, r.del, r.v, d.reason FROM rec r LEFT JOIN doubt d ON d.src = r.src AND d.off = r.off "
            + "WHERE r.sink = $0 ORDER BY r.k, r.src, r.off, r.place", sink);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            yield return new RowEntry(
                Blob(reader, 0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4) != 0, reader.GetInt64(5) != 0, Blob(reader, 6))
            {
                Doubt = reader.IsDBNull(7) ? null : reader.GetString(7),
            };
        }
    }

    /// <inheritdoc/>
    public void Expect(string sink, ExpectedRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Run("INSERT INTO side VALUES ($0, $1, 0, 0, $2, $3, $4)", sink, row.Key, row.IsOpen, row.Doubt, row.Values);
    }

    /// <inheritdoc/>
    public void Found(string sink, FoundRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        Run("INSERT INTO side VALUES ($0, $1, 1, $2, 0, NULL, $3)", sink, row.Key, row.Revision, row.Values);
    }

    /// <inheritdoc/>
    public IEnumerable<KeyedPair> Pairs(string sink)
    {
        using var command = Command("SELECT k, side, rev, open, doubt, v FROM side WHERE sink = $0 ORDER BY k, side, rev", sink);
        using var reader = command.ExecuteReader();
        byte[]? key = null;
        ExpectedRow? expected = null;
        List<FoundRow> found = [];
        while (reader.Read())
        {
            var next = Blob(reader, 0);
            if (key is not null && !key.AsSpan().SequenceEqual(next))
            {
                yield return new KeyedPair(expected, found);
                (expected, found) = (null, []);
            }

            key = next;
            var values = reader.IsDBNull(5) ? null : Blob(reader, 5);
            if (reader.GetInt64(1) == 0)
                expected = new ExpectedRow(next, values) { IsOpen = reader.GetInt64(3) != 0, Doubt = reader.IsDBNull(4) ? null : reader.GetString(4) };
            else found.Add(new FoundRow(next, values!, reader.GetInt64(2)));
        }

        if (key is not null) yield return new KeyedPair(expected, found);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _transaction?.Dispose();
        foreach (var command in _commands.Values) command.Dispose();
        _connection.Dispose();
    }

    private static byte[] Bytes(UInt128 id)
    {
        var writer = new ByteWriter(16);
        writer.UInt64((ulong)id);
        writer.UInt64((ulong)(id >> 64));
        return writer.ToArray();
    }

    // An empty blob is NULL to nobody but the driver.
    private static byte[] Blob(SqliteDataReader reader, int column) => reader.GetValue(column) as byte[] ?? [];

    private SqliteCommand Command(string text, params object?[] values)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        command.Transaction = _transaction;
        for (var i = 0; i < values.Length; i++) command.Parameters.AddWithValue(Name(i), values[i] ?? DBNull.Value);
        return command;
    }

    private SqliteCommand Prepare(string text, params object?[] values)
    {
        _transaction ??= _connection.BeginTransaction();
        if (!_commands.TryGetValue(text, out var command)) _commands.Add(text, command = Command(text, values));
        command.Transaction = _transaction;
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    private void Run(string text, params object?[] values) => Prepare(text, values).ExecuteNonQuery();

    private static string Name(int i) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"${i}");
}
