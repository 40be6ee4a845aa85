using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>
/// The row steps of one partition. <see cref="Begin"/> takes a batch, <see cref="Next"/> says what has to be done
/// outside, in order, until it says null; the answers are in the requests. Storage is used again batch after batch. Not
/// thread-safe; time is passed in.
/// <para>
/// A record is taken as a whole: what a step refuses goes to quarantine and has no effect anywhere, also not by way of
/// other branches. That is why rows leave (to shards, sinks, quarantine) only after all steps have seen the batch.
/// </para>
/// <para>
/// Every record counts once, as the first of these that fits: quarantined; late (a shard said so); absorbed (it reached
/// a window, an aggregate or a sink's main or routed rows); duplicate; filtered.
/// </para>
/// </summary>
public sealed partial class PartitionPipeline
{
    private const byte StateVersion = 2;

    private readonly PipelinePlan _plan;
    private readonly int _version;
    private readonly IRecordDecoder _decoder;
    private readonly BatchScope _scope;
    private readonly EventTimes _eventTimes;
    private readonly PartitionWatermark _watermark;
    private readonly SourceNode _source;
    private readonly List<RowNode> _nodes = [];
    private readonly List<StepTally> _tallies = [];
    private readonly Dictionary<string, RowNode> _byId = new(StringComparer.Ordinal);
    private readonly List<SinkFeed> _feeds = [];
    private readonly Dictionary<string, long> _ruleFailures = new(StringComparer.Ordinal);
    private readonly Selection _spare = new();
    private readonly bool _deletes;
    private IEnumerator<PartitionRequest>? _work;
    private IReadOnlyList<SchemaId>? _schemas;

    /// <summary>
    /// Makes the steps of a plan ready; <paramref name="version"/> is the pipeline's version, for metadata and
    /// quarantine.
    /// </summary>
    public PartitionPipeline(PipelinePlan plan, int version)
    {
        _plan = plan;
        _version = version;
        _decoder = plan.Source.CreateDecoder();
        var batch = new RecordBatch { Rows = new RowBlock(_decoder.Schema) };
        _scope = new BatchScope(batch);
        _source = new SourceNode(batch, _scope);
        _byId[""] = _source;
        foreach (var step in plan.Steps) Add(step);
        foreach (var sink in plan.Sinks.Where(s => !s.FromWindow)) _feeds.Add(new SinkFeed(sink, batch.Rows.Columns,
            version));
        _deletes = _feeds.Exists(f => f.Sink.DeleteOnTombstone);
        _watermark = new PartitionWatermark(plan.Source.MaxOutOfOrder, plan.Source.MaxAhead);
        _eventTimes = new EventTimes(
            plan.Source, plan.Steps.Any(s => s is DedupPlan or WindowPlan or QualityPlan { StopIf: not null }));
    }

    /// <summary>
    /// What became of the records of the last batch; complete when <see cref="Next"/> has given null.
    /// </summary>
    public BatchCounts Counts { get; private set; }

    /// <summary>What expressions may use up where somebody waits for them; null, the default: their bounds per record hold alone.</summary>
    public WorkBudget? Budget
    {
        get => _scope.Budget;
        set => _scope.Budget = value;
    }

    /// <summary>
    /// The partition's watermark, ms, with the present batch in it; <see cref="long.MinValue"/> before the first record
    /// with an event time.
    /// </summary>
    public long Watermark => _watermark.Current;

    /// <summary>What the watermark would be if a time far ahead that nothing has spoken against yet is right, ms.</summary>
    public long Claimed => _watermark.Claimed;

    /// <summary>How many rows of the last batch failed each rule, by <c>step.rule</c>.</summary>
    public IReadOnlyDictionary<string, long> RuleFailures => _ruleFailures;

    /// <summary>What each step did with the last batch, which must be done.</summary>
    public IReadOnlyList<StepTally> Tallies => _tallies;

    /// <summary>What the decoder has seen since this was made.</summary>
    public DecoderCounters Decoder => _decoder.Counters;

    /// <summary>
    /// Decodes a batch and begins its steps. <paramref name="processingTimeMs"/> is wall-clock time, ms since the Unix
    /// epoch. The batch must hold until <see cref="Next"/> has given null; a batch that was not finished is dropped.
    /// </summary>
    public void Begin(RawBatch raw, long processingTimeMs)
    {
        _work?.Dispose();
        _ruleFailures.Clear();
        Counts = default;
        _scope.Begin(raw, processingTimeMs);
        _schemas = (_decoder as ISchemaDecoder)?.Missing(raw) is { Count: > 0 } missing ? missing : null;
        if (_schemas is null) Decode(raw);
        _work = Work(raw);
    }

    private void Decode(RawBatch raw)
    {
        _decoder.Decode(_scope.Batch);
        SetTombstonesApart();
        _eventTimes.Assign(_scope, _watermark);
        _source.Faults = (0, _scope.Errors.Count);
        foreach (var node in _nodes)
        {
            if (!node.Scope.IsExploded || node.MakesRows) node.Reset(raw.Count);
        }
    }

    /// <summary>Takes the schemas that were asked for, and decodes.</summary>
    private void Decode(RawBatch raw, SchemaRequest answered)
    {
        var decoder = (ISchemaDecoder)_decoder;
        foreach (var id in answered.Ids) decoder.Supply(id, answered.Schemas.GetValueOrDefault(id));
        Decode(raw);
    }

    /// <summary>By how much the event times of the batch that was begun are ahead of their records' Kafka timestamps at most, ms; 0 when none is.</summary>
    public long AheadOfKafka()
    {
        var (batch, ahead) = (_scope.Batch, 0L);
        for (var row = 0; row < batch.Raw.Count; row++)
        {
            if (batch.Raw.Timestamps[row] >= 0 && batch.EventTimes[row] > batch.Raw.Timestamps[row]) ahead = Math.Max(ahead, batch.EventTimes[row] - batch.Raw.Timestamps[row]);
        }

        return ahead;
    }

    /// <summary>
    /// The next request, or null when the batch is done. The request before it must have been answered. Throws
    /// <see cref="PipelineStopException"/> when a stop rule came true; then nothing of the batch has left.
    /// </summary>
    public PartitionRequest? Next()
    {
        if (_work is null) return null;
        if (_work.MoveNext()) return _work.Current;
        _work.Dispose();
        _work = null;
        return null;
    }

    /// <summary>
    /// What is to be stored with the partition's checkpoint: version byte 2, the watermark (varint), how the next records are judged (see
    /// <see cref="PartitionWatermark"/>). Version 1 ends with the watermark.
    /// </summary>
    public byte[] SaveState()
    {
        var writer = new ByteWriter(16);
        writer.Byte(StateVersion);
        writer.VarInt(_watermark.Current);
        _watermark.Write(ref writer);
        return writer.ToArray();
    }

    /// <summary>
    /// Goes on from a checkpoint. An empty state is a first start. Throws <see cref="CorruptStateException"/> for a
    /// state that is none.
    /// </summary>
    public void Restore(long watermark, byte[] state)
    {
        if (state.Length != 0)
        {
            var reader = new ByteReader(state, "partition steps");
            var version = reader.Byte();
            if (version is 0 or > StateVersion)
                throw reader.Fault($"format version {version}, this build reads 1 to {StateVersion}");
            _watermark.Restore(reader.VarInt());
            if (version >= 2) _watermark.Read(ref reader);
            reader.ExpectEnd();
        }

        _watermark.Restore(watermark);
    }

    private void Add(StepPlan step)
    {
        // What lies behind a window is fed by its shards, not by the partition.
        if (!_byId.TryGetValue(step.Input.Step, out var input) || input is WindowNode) return;
        RowNode node = step switch
        {
            MapPlan map => MapNode.Create(map, input),
            FilterPlan filter => new FilterNode(filter, input),
            QualityPlan quality => QualityNode.Create(quality, input),
            DedupPlan dedup => new DedupNode(dedup, input),
            LookupPlan lookup => LookupNode.Create(lookup, input),
            WindowPlan window => WindowNode.Create(window, input),
            ExplodePlan explode => ExplodeNode.Create(explode, input),
            CustomPlan custom => CustomNode.Create(custom, input),
            _ => throw new NotSupportedException($"The step '{step.Id}' is of a kind this build does not know."),
        };
        _nodes.Add(node);
        _tallies.Add(new StepTally(step));
        _byId.Add(step.Id, node);
    }

    private void SetTombstonesApart()
    {
        if (_plan.Source.Format is { Tombstones: not TombstonePolicy.Delete, Format: not SourceFormatKind.Debezium }) return;
        var alive = _scope.Batch.Alive;
        var rows = alive.Rows;
        var kept = 0;
        for (var i = 0; i < alive.Count; i++)
        {
            if (!_scope.Batch.IsDelete(rows[i])) rows[kept++] = rows[i];
            else _scope.Tombstones.Add(rows[i]);
        }

        alive.SetCount(kept);
    }

    private IEnumerator<PartitionRequest> Work(RawBatch raw)
    {
        if (_schemas is not null)
        {
            var schemas = new SchemaRequest { Registry = ((ISchemaDecoder)_decoder).Registry!, Ids = _schemas };
            yield return schemas;
            Decode(raw, schemas);
        }

        _source.Advance(_scope);
        for (var i = 0; i < _nodes.Count; i++)
        {
            var node = _nodes[i];
            var before = _scope.Errors.Count;
            // A step that makes rows reads records, what comes after it reads its rows, whose number is known only now.
            var scope = node.MakesRows ? _scope : node.Scope;
            if (scope.IsExploded) node.Reset(scope.Count);
            while (node.Advance(scope) is { } request) yield return request;
            node.Faults = (before, _scope.Errors.Count);
            node.Note(_tallies[i]);
            if (node is QualityNode quality) Note(quality);
        }

        for (var i = 0; i < _nodes.Count; i++)
        {
            if (_nodes[i] is not WindowNode window) continue;
            var request = window.Scatter(window.Scope);
            yield return request;
            var late = TakeLate(request, window);
            _late[window.Id] = late;
            _tallies[i].Late = late.Count;
            _tallies[i].LateByIdle = late.Count(l => l.Late.Reason == LateReason.Idle);
            foreach (var feed in _feeds)
            {
                if (late.Count == 0 || feed.Sink.From != new InputRef(window.Id, StepOutput.Late)) continue;
                var (columns, rows) = SideRows.Late(window.Block.Columns, late);
                yield return feed.Build(columns, rows, window.Scope);
            }
        }

        foreach (var feed in _feeds)
        {
            if (Feed(feed) is { } request) yield return request;
        }

        if (_scope.Errors.Count != 0) yield return Quarantine();
        Count();
    }

    private void Note(QualityNode quality)
    {
        for (var i = 0; i < quality.Names.Count; i++) _ruleFailures[quality.Names[i]] = quality.Failures[i];
    }

    private List<(int Row, LateOffset Late)> TakeLate(WindowRequest request, WindowNode window)
    {
        if (window.Scope.IsExploded) return TakeLateRows(request, window);
        var late = new List<(int Row, LateOffset Late)>(request.Late.Count);
        foreach (var item in request.Late)
        {
            var row = Array.BinarySearch(_scope.Raw.Offsets, 0, _scope.Count, item.Offset);
            if (row < 0) throw new InvalidOperationException($"A shard called offset {item.Offset} late, which it was not given.");
            _scope.Fates[row] |= RowFate.Late;
            late.Add((row, item));
        }

        late.Sort(static (a, b) => a.Row.CompareTo(b.Row));
        return late;
    }

    /// <summary>
    /// The late rows of a window step behind an explode step. The rows of a record have its event time and are late together, so that the record says it
    /// for each of its rows that got there.
    /// </summary>
    private List<(int Row, LateOffset Late)> TakeLateRows(WindowRequest request, WindowNode window)
    {
        var late = new List<(int Row, LateOffset Late)>(request.Late.Count);
        if (request.Late.Count == 0) return late;
        var scope = window.Scope;
        var windows = request.Late.DistinctBy(l => (l.Offset, l.WindowStart)).ToLookup(l => l.Offset);
        foreach (var row in scope.Sound(window.Selected, _spare).Span)
        {
            foreach (var item in windows[scope.Raw.Offsets[row]]) late.Add((row, item));
        }

        foreach (var (row, _) in late) scope.Mark([row], RowFate.Late);
        return late;
    }

    private SinkRequest? Feed(SinkFeed feed)
    {
        var from = feed.Sink.From;
        switch (from.Output)
        {
            case StepOutput.Late:
                return null;
            case StepOutput.Quarantined:
                var refused = Refused(from.Step);
                if (refused.Count == 0) return null;
                var (columns, rows) = SideRows.Refused(refused, _scope);
                return feed.Build(columns, rows, _scope);
            default:
                if (!_byId.TryGetValue(from.Step, out var node)) return null;
                var scope = node.Scope;
                var selected = scope.Sound(RowsOf(node, feed.Sink), _spare);
                if (from.Output != StepOutput.Duplicates) scope.Mark(selected.Span, RowFate.Absorbed);
                return feed.Build(from.Output == StepOutput.Routed ? ((QualityNode)node).RoutedColumns : node.Block.Columns, selected, scope);
        }
    }

    private static Selection RowsOf(RowNode node, SinkPlan sink) => sink.From.Output switch
    {
        StepOutput.Main => node.Selected,
        StepOutput.Duplicates => ((DedupNode)node).Duplicates,
        StepOutput.Routed => ((QualityNode)node).Routed[sink.Id],
        _ => throw new InvalidOperationException($"Sink '{sink.Id}' reads an output that no step has."),
    };

    private List<(RowError Error, string Place)> Refused(string step)
    {
        var refused = new List<(RowError Error, string Place)>();
        if (step is InputRef.AnyStep or "") AddRefused(refused, _source);
        foreach (var node in _nodes)
        {
            if (step is InputRef.AnyStep || step == node.Id) AddRefused(refused, node);
        }

        refused.Sort(static (a, b) => a.Error.Row.CompareTo(b.Error.Row));
        return refused;
    }

    private void AddRefused(List<(RowError Error, string Place)> refused, RowNode node)
    {
        for (var i = node.Faults.From; i < node.Faults.To; i++)
        {
            var error = _scope.Errors.Items[i];
            refused.Add((error, node == _source ? $"source.{error.Place}" : error.Place));
        }
    }

    private QuarantineRequest Quarantine()
    {
        var raw = _scope.Raw;
        var records = new List<QuarantineRecord>(_scope.Errors.Count);
        foreach (var (error, place) in Refused(InputRef.AnyStep))
        {
            records.Add(new QuarantineRecord(
                _plan.Name, _version, place, error.Code, error.Message, raw.Topic, raw.Partition,
                    raw.Offsets[error.Row],
                raw.Timestamps[error.Row], raw.KeyLength[error.Row] < 0 ? null : raw.Key(error.Row).ToArray(),
                raw.ValueLength[error.Row] < 0 ? null : raw.Value(error.Row).ToArray(), raw.HeadersOf(error.Row)));
        }

        return new QuarantineRequest { Records = records };
    }

    private void Count()
    {
        long absorbed = 0, duplicate = 0, late = 0, filtered = 0;
        if (_deletes) _scope.Mark(_scope.Tombstones.Span, RowFate.Absorbed);
        var anyRefused = _scope.Errors.Count != 0;
        for (var row = 0; row < _scope.Count; row++)
        {
            if (anyRefused && _scope.Errors.Contains(row)) continue;
            var fate = _scope.Fates[row];
            if ((fate & RowFate.Late) != 0) late++;
            else if ((fate & RowFate.Absorbed) != 0) absorbed++;
            else if ((fate & RowFate.Duplicate) != 0) duplicate++;
            else filtered++;
        }

        Counts = new BatchCounts(_scope.Count, absorbed, duplicate, late, filtered, _scope.Errors.Count);
    }
}
