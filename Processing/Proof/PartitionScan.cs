using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>What a scan is about.</summary>
/// <param name="Plan">The pipeline.</param>
/// <param name="Source">The partition's number in the proof.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Partition">Its number in the topic.</param>
public sealed record ScanOf(PipelinePlan Plan, int Source, string Topic, int Partition)
{
    /// <summary>Records before the scan's beginning have event times below this, ms; <see cref="long.MinValue"/>: there are none that the pipeline read.</summary>
    public long UnseenBelow { get; init; } = long.MinValue;

    /// <summary>Windows that begin before this are left out, ms.</summary>
    public long Since { get; init; } = long.MinValue;

    /// <summary>Windows that end after this are left out, ms.</summary>
    public long Until { get; init; } = long.MaxValue;

    /// <summary>Rows of records below this offset are left out.</summary>
    public long FirstRow { get; init; }

    /// <summary>Rows of records from this offset on are left out.</summary>
    public long EndRow { get; init; } = long.MaxValue;

    /// <summary>Only group keys (canonical bytes) of one step count; null: all.</summary>
    public (string Step, byte[] Key)? Only { get; init; }

    /// <summary>How many ids are held in memory; more go to the file. Default: 1,000,000.</summary>
    public int IdsInMemory { get; init; } = 1_000_000;
}

/// <summary>
/// Reads a partition's records once, in their order, and notes what each must have done. Decoding, event time and watermark, expressions and the columns of sinks
/// are the engine's; which records are duplicates or late and what windows they belong to is judged by the naive model. Not thread-safe; time is passed in.
/// </summary>
public sealed class PartitionScan
{
    private const byte Version = 1;
    private readonly ScanOf _of;
    private readonly IProofFile _file;
    private readonly PartitionPipeline _pipeline;
    private readonly Dictionary<string, NaiveDedup> _dedups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NaiveWindows> _windows = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NaiveSessions> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int[]> _keys = new(StringComparer.Ordinal);
    private long _place;
    private long _seen;

    /// <summary>Begins a scan.</summary>
    public PartitionScan(ScanOf of, IProofFile file)
    {
        ArgumentNullException.ThrowIfNull(of);
        ArgumentNullException.ThrowIfNull(file);
        (_of, _file) = (of, file);
        _pipeline = new PartitionPipeline(Unstoppable(of.Plan), 0);
        foreach (var step in of.Plan.Steps.OfType<DedupPlan>())
            _dedups.Add(step.Id, new NaiveDedup(step.Id, of.Source, step.Within, of.Plan.Source.MaxOutOfOrder, of.UnseenBelow, file, of.IdsInMemory));
        foreach (var step in of.Plan.Steps.OfType<WindowPlan>())
        {
            if (step.Window.Window is SessionWindow session) _sessions.Add(step.Id, new NaiveSessions(session, step.Window.AllowedLateness));
            else _windows.Add(step.Id, new NaiveWindows(step.Window));
        }

        foreach (var sink in of.Plan.Sinks) _keys.Add(sink.Id, TableColumns.Keys(sink));
    }

    /// <summary>The pipeline.</summary>
    public PipelinePlan Plan => _of.Plan;

    /// <summary>What became of the records up to where the pipeline had come.</summary>
    public BatchCounts Counts { get; private set; }

    /// <summary>The partition's watermark where the pipeline had come, ms; <see cref="long.MinValue"/>: none yet.</summary>
    public long Watermark { get; private set; } = long.MinValue;

    /// <summary>
    /// Where the scan begins in the middle of the log, windows that end up to here are not known: the first hundred records are judged otherwise than those of a
    /// partition that has been read for long. <see cref="long.MinValue"/>: all are known.
    /// </summary>
    public long UnknownUpTo { get; private set; } = long.MinValue;

    /// <summary>
    /// Takes a batch. Gives the lookups and C# transforms to be answered; each must have its answer before the next one is asked for, and all must be asked for.
    /// </summary>
    /// <param name="batch">The records, no more than a few hundred.</param>
    /// <param name="nowMs">Processing time, ms since the Unix epoch.</param>
    /// <param name="isAhead">The records lie beyond what the pipeline had made durable.</param>
    public IEnumerable<PartitionRequest> Take(RawBatch batch, long nowMs, bool isAhead)
    {
        ArgumentNullException.ThrowIfNull(batch);
        _pipeline.Begin(batch, nowMs);
        while (_pipeline.Next() is { } request)
        {
            switch (request)
            {
                case DedupRequest dedup: Judge(dedup); break;
                case WindowRequest window: Take(window, isAhead); break;
                case SinkRequest sink: Take(sink, isAhead); break;
                case QuarantineRequest: break;
                default:
                    yield return request;
                    break;
            }
        }

        _seen += batch.Count;
        if (_of.UnseenBelow != long.MinValue && _seen - batch.Count < 100) UnknownUpTo = _pipeline.Watermark;
        if (isAhead) yield break;
        var (a, b) = (Counts, _pipeline.Counts);
        Counts = new BatchCounts(
            a.Consumed + b.Consumed, a.Absorbed + b.Absorbed, a.Duplicate + b.Duplicate, a.Late + b.Late, a.Filtered + b.Filtered, a.Quarantined + b.Quarantined);
        Watermark = _pipeline.Watermark;
    }

    /// <summary>The scan as it is between two batches. Read by the same build only.</summary>
    public byte[] Save()
    {
        var writer = new ByteWriter(256);
        writer.Byte(Version);
        writer.VarInt(_pipeline.Watermark);
        writer.Block(_pipeline.SaveState());
        foreach (var number in (long[])[
            Counts.Consumed, Counts.Absorbed, Counts.Duplicate, Counts.Late, Counts.Filtered, Counts.Quarantined, Watermark, UnknownUpTo, _place, _seen])
        {
            writer.VarInt(number);
        }

        foreach (var dedup in _dedups.Values) dedup.Save(ref writer);
        foreach (var sessions in _sessions.Values) sessions.Save(ref writer);
        return writer.ToArray();
    }

    /// <summary>Goes on from what <see cref="Save"/> gave. Throws <see cref="CorruptStateException"/>.</summary>
    public void Restore(byte[] state)
    {
        var reader = new ByteReader(state, "scan of a proof");
        if (reader.Byte() != Version) throw reader.Fault("another format version");
        var watermark = reader.VarInt();
        _pipeline.Restore(watermark, reader.Block().ToArray());
        Counts = new BatchCounts(reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt());
        (Watermark, UnknownUpTo, _place, _seen) = (reader.VarInt(), reader.VarInt(), reader.VarInt(), reader.VarInt());
        foreach (var dedup in _dedups.Values) dedup.Restore(ref reader);
        foreach (var sessions in _sessions.Values) sessions.Restore(ref reader);
        reader.ExpectEnd();
    }

    /// <summary>A stop rule waits for an operator, who has let the pipeline go on.</summary>
    private static PipelinePlan Unstoppable(PipelinePlan plan) => plan with
    {
        Steps = [.. plan.Steps.Select(s => s is QualityPlan { StopIf: { } stop } quality ? quality with { StopIf = stop with { FailedRatio = 1 } } : s)],
    };

    private void Judge(DedupRequest request)
    {
        var step = request.Step;
        var dedup = _dedups[step.Id];
        foreach (var row in request.Rows.Span)
        {
            if (step.Global)
            {
                // Which of several copies counts is decided by which partition is read first: none of them is known to.
                _file.AddId(step.Id, request.Ids[row], _of.Source, request.Offsets[row]);
                continue;
            }

            var route = step.Cells.ByMessageKey ? step.Cells.RouteOf(request.CellHashes[row]) : 0;
            var verdict = dedup.Judge(request.Ids[row], route, request.EventTimes[row], request.Offsets[row], request.Watermarks[row], out var holder);
            request.Duplicate[row] = verdict == IdVerdict.Duplicate;
            if (verdict == IdVerdict.Unknown) _file.Doubt(_of.Source, request.Offsets[row], $"the log does not say whether step '{step.Id}' still remembered its id");
            if (verdict == IdVerdict.Duplicate) Fates?.Invoke(new RecordFate(_of.Source, request.Offsets[row], step.Id, "duplicate", holder, null, null));
        }
    }

    /// <summary>Is told of records that do not count, as they are met; null: nobody.</summary>
    public Action<RecordFate>? Fates { get; init; }

    private void Take(WindowRequest request, bool isAhead)
    {
        foreach (var rows in request.Shards)
        {
            if (rows is null) continue;
            for (var row = 0; row < rows.Count; row++) Take(request, rows, row, isAhead);
        }
    }

    private void Take(WindowRequest request, KeyedRows rows, int row, bool isAhead)
    {
        var step = request.Step;
        var (time, watermark, key) = (rows.EventTimes[row], rows.Watermarks![row], rows.Key(row).ToArray());
        if (step.Window.Window is SessionWindow session)
        {
            if (_sessions[step.Id].Takes(key, time, watermark)) Add(step.Id, rows, row, key, (0, 0), isAhead);
            else Late(request, rows.Offsets[row], time, time + Math.Min(session.Gap, session.MaxLength), watermark);
            return;
        }

        var any = false;
        (long Start, long End)? last = null;
        foreach (var window in _windows[step.Id].Of(time))
        {
            last ??= window;
            if (_windows[step.Id].IsLate(window.End, watermark)) continue;
            any = true;
            Add(step.Id, rows, row, key, window, isAhead);
        }

        if (!any) Late(request, rows.Offsets[row], last!.Value.Start, last.Value.End, watermark);
    }

    private void Late(WindowRequest request, long offset, long start, long end, long watermark)
    {
        var by = watermark - end - request.Step.Window.AllowedLateness;
        request.Late.Add(new LateOffset(offset, start, end, by));
        Fates?.Invoke(new RecordFate(_of.Source, offset, request.Step.Id, "late", null, watermark, by));
    }

    private void Add(string step, KeyedRows rows, int row, byte[] key, (long Start, long End) window, bool isAhead)
    {
        if (_of.Only is { } only && (only.Step != step || !only.Key.AsSpan().SequenceEqual(key))) return;
        // Sessions and totals have no place in time yet.
        if (window.End != 0 && (window.Start < _of.Since || window.End > _of.Until)) return;
        var values = ProofValues.Encode([.. rows.Inputs.Select(c => ProofValues.Of(c, row))]);
        _file.Add(step, new WindowEntry(key, window.Start, window.End, rows.EventTimes[row], rows.Offsets[row], _of.Source, isAhead, values));
    }

    private void Take(SinkRequest request, bool isAhead)
    {
        if (_of.Only is not null) return;
        var keys = _keys[request.Sink.Id];
        for (var row = 0; row < request.Rows.Count; row++)
        {
            var offset = request.Offsets[row];
            if (offset < _of.FirstRow || offset >= _of.EndRow) continue;
            var values = request.Rows.Columns.Select(c => ProofValues.Of(c, row)).ToArray();
            _file.Add(request.Sink.Id, new RowEntry(
                ProofValues.Encode([.. keys.Select(k => values[k])]), _of.Source, offset, _place++, isAhead, request.Deletes is { } deletes && deletes[row],
                ProofValues.Encode(values)));
        }
    }
}

/// <summary>A record that does not count in a step.</summary>
/// <param name="Source">The number of its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="Step">The step.</param>
/// <param name="What">duplicate or late.</param>
/// <param name="Holder">Duplicates: the offset that holds the id.</param>
/// <param name="Watermark">Late: its partition's watermark before it, ms.</param>
/// <param name="LateBy">Late: by how much that had passed its window's last chance, ms.</param>
public sealed record RecordFate(int Source, long Offset, string Step, string What, long? Holder, long? Watermark, long? LateBy);

/// <summary>Which columns of a table are what.</summary>
public static class TableColumns
{
    /// <summary>The places of the key columns; of window rows without the revision.</summary>
    public static int[] Keys(SinkPlan sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        var keys = sink.Spec.Keys.Select(k => Place(sink, k));
        return [.. sink.FromWindow ? keys.Where(k => k != Revision(sink)) : keys];
    }

    /// <summary>The place of a window row's revision, or of the column that guards a record row; -1: none.</summary>
    public static int Revision(SinkPlan sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (!sink.FromWindow) return sink.Spec.RevisionColumn is { } column ? Place(sink, column) : -1;
        for (var i = 0; i < sink.Source.Count; i++)
        {
            if (sink.Source[i] >= 0 && sink.InputSchema[sink.Source[i]].Name == SideOutputs.Revision) return i;
        }

        return -1;
    }

    /// <summary>The place of a column that holds a window's bound or a metadata column's value; -1: there is none.</summary>
    public static int Of(SinkPlan sink, string field)
    {
        ArgumentNullException.ThrowIfNull(sink);
        for (var i = 0; i < sink.Source.Count; i++)
        {
            if (sink.Source[i] >= 0 && sink.InputSchema[sink.Source[i]].Name == field) return i;
        }

        return -1;
    }

    /// <summary>The place of a metadata column; -1: there is none.</summary>
    public static int Of(SinkPlan sink, MetadataColumn column)
    {
        ArgumentNullException.ThrowIfNull(sink);
        for (var i = 0; i < sink.Source.Count; i++)
        {
            if (sink.Source[i] == MetadataColumns.ToSource(column)) return i;
        }

        return -1;
    }

    private static int Place(SinkPlan sink, string column)
    {
        for (var i = 0; i < sink.Spec.Schema.Count; i++)
        {
            if (string.Equals(sink.Spec.Schema[i].Name, column, StringComparison.OrdinalIgnoreCase)) return i;
        }

        throw new ArgumentException($"Sink '{sink.Id}' has no column '{column}'.", nameof(column));
    }
}
