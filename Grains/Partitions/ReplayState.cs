using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Grains.Partitions;

/// <summary>How far a replay has come.</summary>
internal enum ReplayStage : byte
{
    /// <summary>None is under way.</summary>
    None,

    /// <summary>Its records are durable here; what they do may have begun.</summary>
    Begun,

    /// <summary>What they do is durable everywhere; they are yet to leave the quarantine.</summary>
    Applied,
}

/// <summary>
/// A partition's replay of quarantined records, in the partition's own state: from the moment it begins, it depends on nothing that an operator
/// could drop. Format: version byte 1; number (varint), stage (byte), sink (text, empty: all steps), ids that leave the quarantine: count, each
/// (text); records: count, each id (text), version, offset, timestamp (varints), place, code, reason (text), key and value (a byte that says
/// whether there is one, block), headers: count, each name (text) and value (as key).
/// </summary>
internal sealed class ReplayState
{
    private const byte Version = 1;
    private const string Format = "replay state";

    /// <summary>The step under which it is stored among the partition's cells; no step of a pipeline can have this name.</summary>
    public const string Step = "#replay";

    /// <summary>Where it is stored.</summary>
    public static CellId Cell { get; } = new(Step, "0", 0);

    /// <summary>
    /// The replay's number, which is its position in the chains towards shards and sink lanes: what has applied [n, n + 1) does not do so again.
    /// </summary>
    public long Number { get; private set; }

    public ReplayStage Stage { get; private set; }

    /// <summary>The only sink the records are meant for, because it refused them and everything else has them; null: all steps.</summary>
    public string? Sink { get; private set; }

    public IReadOnlyList<QuarantinedRecord> Records { get; private set; } = [];

    /// <summary>The ids that leave the quarantine.</summary>
    public IReadOnlyList<string> Leaving { get; private set; } = [];

    public void Begin(string? sink, IReadOnlyList<QuarantinedRecord> records) =>
        (Stage, Sink, Records, Leaving) = (ReplayStage.Begun, sink, records, []);

    public void Applied(IReadOnlyList<string> leaving) =>
        (Stage, Records, Leaving) = (ReplayStage.Applied, [], leaving);

    public void End()
    {
        Number++;
        (Stage, Sink, Records, Leaving) = (ReplayStage.None, null, [], []);
    }

    public byte[] Encode()
    {
        var writer = new ByteWriter(256);
        writer.Byte(Version);
        writer.VarInt(Number);
        writer.Byte((byte)Stage);
        writer.Text(Sink ?? "");
        writer.VarUInt((ulong)Leaving.Count);
        foreach (var id in Leaving) writer.Text(id);
        writer.VarUInt((ulong)Records.Count);
        foreach (var record in Records) Write(ref writer, record);
        return writer.ToArray();
    }

    /// <summary>Reads what <see cref="Encode"/> wrote. Throws <see cref="CorruptStateException"/>.</summary>
    public static ReplayState Decode(byte[] bytes, string pipeline, string topic, int partition)
    {
        var reader = new ByteReader(bytes, Format);
        var version = reader.Byte();
        if (version != Version) throw reader.Fault($"format version {version}, this build reads {Version}");
        var state = new ReplayState { Number = reader.VarInt(), Stage = (ReplayStage)reader.Byte() };
        if (state.Stage > ReplayStage.Applied) throw reader.Fault($"a stage {state.Stage} that does not exist");
        var sink = reader.Text();
        state.Sink = sink.Length == 0 ? null : sink;
        var leaving = new string[reader.Count(reader.Remaining, "the number of ids")];
        for (var i = 0; i < leaving.Length; i++) leaving[i] = reader.Text();
        state.Leaving = leaving;
        var records = new QuarantinedRecord[reader.Count(reader.Remaining, "the number of records")];
        for (var i = 0; i < records.Length; i++) records[i] = Read(ref reader, pipeline, topic, partition);
        state.Records = records;
        reader.ExpectEnd();
        return state;
    }

    private static void Write(ref ByteWriter writer, QuarantinedRecord item)
    {
        var record = item.Record;
        writer.Text(item.Id);
        writer.VarInt(record.PipelineVersion);
        writer.VarInt(record.Offset);
        writer.VarInt(record.Timestamp);
        writer.Text(record.Place);
        writer.Text(record.Code);
        writer.Text(record.Reason);
        WriteBytes(ref writer, record.Key);
        WriteBytes(ref writer, record.Value);
        writer.VarUInt((ulong)record.Headers.Count);
        foreach (var (name, value) in record.Headers)
        {
            writer.Text(name);
            WriteBytes(ref writer, value);
        }
    }

    private static QuarantinedRecord Read(ref ByteReader reader, string pipeline, string topic, int partition)
    {
        var id = reader.Text();
        var version = checked((int)reader.VarInt());
        var (offset, timestamp) = (reader.VarInt(), reader.VarInt());
        var (place, code, reason) = (reader.Text(), reader.Text(), reader.Text());
        var (key, value) = (ReadBytes(ref reader), ReadBytes(ref reader));
        var headers = new KeyValuePair<string, byte[]?>[reader.Count(reader.Remaining, "the number of headers")];
        for (var i = 0; i < headers.Length; i++) headers[i] = new(reader.Text(), ReadBytes(ref reader));
        return new QuarantinedRecord(id, default, new QuarantineRecord(
            pipeline, version, place, code, reason, topic, partition, offset, timestamp, key, value, headers));
    }

    private static void WriteBytes(ref ByteWriter writer, byte[]? bytes)
    {
        writer.Byte(bytes is null ? (byte)0 : (byte)1);
        if (bytes is not null) writer.Block(bytes);
    }

    private static byte[]? ReadBytes(ref ByteReader reader) => reader.Byte() == 0 ? null : reader.Block().ToArray();
}
