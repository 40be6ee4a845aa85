using System.Globalization;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Testing;

/// <summary>
/// A pipeline run in memory under a virtual clock: the engine's own row steps, dedup cells, window cells and watermarks, called in the engine's
/// order. Sinks are tables in memory, lookups come from the test.
/// </summary>
internal sealed class PipelineSession
{
    /// <summary>Processing time when neither the test nor a record says any: 2026-01-01T00:00:00Z.</summary>
    public const long DefaultNow = 1_767_225_600_000;

    /// <summary>The most partitions one session has: each has all the steps of its own.</summary>
    public const int MaxPartitions = 1_000;

    private const int Version = 1;

    private readonly PipelinePlan _plan;
    private readonly IReadOnlyDictionary<string, LookupRows> _lookups;
    private readonly SortedDictionary<string, Source> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ShardRun[]> _shards = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Step, string Source, ulong Route), DedupCell> _dedup = [];
    private readonly Dictionary<string, DedupShard> _shared = new(StringComparer.Ordinal);
    private readonly bool _clockFollows;
    private readonly WorkBudget? _budget;

    private sealed class Source(string topic, int partition, PartitionPipeline pipeline)
    {
        public string Topic { get; } = topic;
        public int Partition { get; } = partition;
        public PartitionPipeline Pipeline { get; } = pipeline;
        public long Position { get; set; }
        public long SilentFor { get; set; }
        public bool Idle { get; set; }
    }

    /// <summary>Makes a pipeline ready.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="lookups">The tables of lookup steps.</param>
    /// <param name="partitions">All partitions that will be given records; windows wait for every one of them.</param>
    /// <param name="nowMs">Processing time at the start; null: it follows the records' event times.</param>
    /// <param name="budget">What it may use up; null: anything.</param>
    public PipelineSession(
        PipelinePlan plan, IReadOnlyDictionary<string, LookupRows> lookups, IEnumerable<(string Topic, int Partition)> partitions,
        long? nowMs, WorkBudget? budget = null)
    {
        _plan = plan;
        _budget = budget;
        _lookups = lookups;
        _clockFollows = nowMs is null;
        Now = nowMs ?? long.MinValue;
        foreach (var (topic, partition) in partitions)
        {
            if (_sources.ContainsKey(NameOf(topic, partition))) continue;
            if (_sources.Count == MaxPartitions)
                throw new WorkBudgetException(string.Create(CultureInfo.InvariantCulture, $"The records are of more than {MaxPartitions} partitions."));
            budget?.Look();
            _sources.Add(NameOf(topic, partition), new Source(topic, partition, new PartitionPipeline(plan, Version) { Budget = budget }));
        }

        foreach (var step in plan.Steps.OfType<WindowPlan>())
            _shards.Add(step.Id, [.. Enumerable.Range(0, step.Shards).Select(_ => new ShardRun(step, _sources.Keys))]);
        foreach (var step in plan.Steps.OfType<WindowPlan>()) WindowRows.Add(step.Id, []);
        foreach (var step in plan.Steps.OfType<DedupPlan>().Where(s => s.Global)) _shared.Add(step.Id, Shared(step));
        foreach (var sinks in SharedTable.Group(plan.Sinks))
        {
            var table = new SharedTable();
            foreach (var sink in sinks) Tables.Add(sink.Id, new SinkTable(sink, table));
        }
    }

    /// <summary>Processing time, ms since the Unix epoch.</summary>
    public long Now { get; private set; }

    /// <summary>Tables by sink.</summary>
    public Dictionary<string, SinkTable> Tables { get; } = new(StringComparer.Ordinal);

    /// <summary>The rows window steps put out, by step.</summary>
    public Dictionary<string, List<object?[]>> WindowRows { get; } = new(StringComparer.Ordinal);

    /// <summary>Refused records.</summary>
    public List<QuarantineRecord> Quarantined { get; } = [];

    /// <summary>Late rows: the step, by how much (ms).</summary>
    public List<(string Step, LateOffset Late)> Late { get; } = [];

    /// <summary>Failed rows by <c>step.rule</c>.</summary>
    public Dictionary<string, long> Rules { get; } = new(StringComparer.Ordinal);

    /// <summary>What became of the records.</summary>
    public BatchCounts Counts { get; private set; }

    /// <summary>Why the pipeline stopped, or null.</summary>
    public string? Stopped { get; private set; }

    /// <summary>Takes records of one partition as one poll batch.</summary>
    public void Send(string topic, int partition, IReadOnlyList<TestRecord> records)
    {
        if (Stopped is not null) return;
        var source = _sources[NameOf(topic, partition)];
        var raw = Batch(source, records);
        if (_clockFollows) FollowClock(source, records, ref raw);
        source.SilentFor = 0;
        source.Idle = false;
        source.Pipeline.Begin(raw, Now);
        while (Next(source) is { } request) Answer(request, source);
        Account(source, raw);
    }

    /// <summary>
    /// Takes a batch as it came from a log. Gives what others must answer: lookups without a table, and C# transforms; each must have its answer
    /// before the next one is asked for.
    /// </summary>
    public IEnumerable<PartitionRequest> Take(RawBatch raw)
    {
        if (Stopped is not null) yield break;
        var source = _sources[NameOf(raw.Topic, raw.Partition)];
        source.SilentFor = 0;
        source.Idle = false;
        source.Pipeline.Begin(raw, Now);
        while (Next(source) is { } request)
        {
            var theirs = request is CustomRequest or SchemaRequest || (request is LookupRequest lookup && !_lookups.ContainsKey(lookup.Step.Id));
            if (theirs) yield return request;
            else Answer(request, source);
        }

        Account(source, raw);
    }

    private PartitionRequest? Next(Source source)
    {
        try
        {
            return source.Pipeline.Next();
        }
        catch (PipelineStopException stop)
        {
            Stopped = stop.Message;
            return null;
        }
    }

    private void Account(Source source, RawBatch raw)
    {
        if (Stopped is not null) return;
        source.Position = raw.To;
        var counts = source.Pipeline.Counts;
        Counts = new BatchCounts(
            Counts.Consumed + counts.Consumed, Counts.Absorbed + counts.Absorbed, Counts.Duplicate + counts.Duplicate,
            Counts.Late + counts.Late, Counts.Filtered + counts.Filtered, Counts.Quarantined + counts.Quarantined);
        foreach (var (rule, failed) in source.Pipeline.RuleFailures) Rules[rule] = Rules.GetValueOrDefault(rule) + failed;
    }

    /// <summary>Lets wall-clock time pass without records: silent partitions become idle, and then the watermark ticks.</summary>
    public void Advance(long ms)
    {
        if (Stopped is not null || ms <= 0) return;
        StartClock();
        var end = Now + ms;
        foreach (var source in _sources.Values.Where(s => !s.Idle).OrderBy(s => _plan.Source.IdleAfter - s.SilentFor).ToList())
        {
            var at = Math.Max(Now, end - ms + _plan.Source.IdleAfter - source.SilentFor);
            if (at > end) break;
            Now = at;
            source.Idle = true;
            ForShards((shard, closed) => shard.SetIdle(NameOf(source.Topic, source.Partition), source.Pipeline.Claimed, Now, closed));
            foreach (var shard in _shared.Values) shard.SetIdle(NameOf(source.Topic, source.Partition), true);
        }

        Now = end;
        foreach (var source in _sources.Values) source.SilentFor += ms;
        ForShards((shard, closed) => shard.Tick(Now, closed));
    }

    /// <summary>As <see cref="Advance"/>, up to a time (ms since the Unix epoch); a time that has passed changes nothing.</summary>
    public void AdvanceTo(long timeMs)
    {
        if (Now == long.MinValue) Now = timeMs;
        else Advance(timeMs - Now);
    }

    /// <summary>Lets time pass until every open window has closed and been dropped.</summary>
    public void Close()
    {
        if (_sources.Count == 0 || Stopped is not null) return;
        var silent = _sources.Values.Where(s => !s.Idle).Select(s => _plan.Source.IdleAfter - s.SilentFor).DefaultIfEmpty(0).Max();
        Advance(silent);
        while (true)
        {
            var wait = _shards.Values.SelectMany(s => s)
                .Where(s => s.NextDue is not null && s.Watermark != long.MinValue)
                .Select(s => s.NextDue!.Value - s.Watermark).DefaultIfEmpty(0).Max();
            if (wait <= 0) return;
            Advance(wait);
        }
    }

    /// <summary>Lets just the time pass in which idle partitions make sure that they have nothing unread, which is when others may pass them.</summary>
    public void Settle()
    {
        if (Stopped is null && Now != long.MinValue) ForShards((shard, closed) => shard.Tick(Now, closed));
    }

    /// <summary>Hands out the running totals that changed, as a checkpoint does.</summary>
    public void Flush()
    {
        if (Stopped is null) ForShards((shard, closed) => shard.Flush(closed));
    }

    /// <summary>How many windows of a step are open, and the smallest watermark of its shards.</summary>
    public (int Open, long Watermark) OpenWindows(string step) =>
        (_shards[step].Sum(s => s.OpenWindows), _shards[step].Min(s => s.Watermark));

    private static string NameOf(string topic, int partition) =>
        string.Create(CultureInfo.InvariantCulture, $"{topic}/{partition}");

    private void ForShards(Action<ShardRun, ClosedWindows> action)
    {
        foreach (var step in _plan.Steps.OfType<WindowPlan>())
        {
            var closed = new ClosedWindows(step.Window) { Budget = _budget };
            foreach (var shard in _shards[step.Id])
            {
                _budget?.Work(256);
                action(shard, closed);
            }

            Deliver(step, closed);
        }
    }

    private void Deliver(WindowPlan step, ClosedWindows closed)
    {
        if (closed.Count == 0) return;
        Spend(closed.Rows);
        for (var row = 0; row < closed.Count; row++)
            WindowRows[step.Id].Add([.. closed.Rows.Columns.Select(c => ColumnText.Value(c, row))]);
        foreach (var sink in _plan.Sinks.Where(s => s.FromWindow && s.From.Step == step.Id))
            Tables[sink.Id].WriteWindows(closed.Rows, Now, Version);
    }

    /// <summary>Counts the texts of rows that are about to be kept.</summary>
    private void Spend(RowBlock rows)
    {
        if (_budget is null) return;
        foreach (var column in rows.Columns)
        {
            _budget.Bytes(16L * rows.Count);
            if (column is not BinaryColumn text) continue;
            for (var row = 0; row < rows.Count; row++) _budget.Bytes(text.Span(row).Length);
        }
    }

    private void StartClock()
    {
        if (Now == long.MinValue) Now = DefaultNow;
    }

    private RawBatch Batch(Source source, IReadOnlyList<TestRecord> records)
    {
        var next = source.Position;
        var list = new List<RawRecord>(records.Count);
        foreach (var record in records)
        {
            var offset = record.Offset ?? next;
            list.Add(new RawRecord(record.Value, record.Key, record.Timestamp ?? (Now == long.MinValue ? -1 : Now), offset) { Headers = record.Headers });
            next = offset + 1;
        }

        return RawRecords.Batch(source.Topic, source.Partition, source.Position, list);
    }

    /// <summary>Moves the clock to the newest record's time, as if it had come just then.</summary>
    private void FollowClock(Source source, IReadOnlyList<TestRecord> records, ref RawBatch raw)
    {
        var decoder = _plan.Source.CreateDecoder();
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
        batch.Reset(raw);
        decoder.Decode(batch);
        var newest = records.Max(r => r.Timestamp) ?? long.MinValue;
        if (_plan.Source.EventTimeField >= 0)
        {
            var column = (LongColumn)batch.Rows.Columns[_plan.Source.EventTimeField];
            foreach (var row in batch.Alive.Span)
            {
                if (column.IsNull[row]) continue;
                var time = column.Type.Kind == FieldKind.Date ? column.Values[row] * 86_400_000 : (column.Values[row] + 999) / 1000;
                newest = Math.Max(newest, time);
            }
        }

        Now = Math.Max(Now, newest);
        StartClock();
        raw = Batch(source, records);
    }

    private void Answer(PartitionRequest request, Source source)
    {
        switch (request)
        {
            case DedupRequest { Step.Global: true } dedup:
                ClaimShared(dedup, source);
                break;
            case DedupRequest dedup:
                Claim(dedup, source);
                break;
            case WindowRequest window:
                Apply(window, source);
                break;
            case SinkRequest sink:
                _budget?.Rows(sink.Rows.Count);
                Spend(sink.Rows);
                Tables[sink.Sink.Id].Write(sink.Rows, sink.Deletes);
                break;
            case LookupRequest lookup:
                if (!_lookups.TryGetValue(lookup.Step.Id, out var table))
                    throw new TestSetupException($"the lookup '{lookup.Step.Id}' has no table; add lookups: {{ {lookup.Step.Id}: [] }}");
                table.Answer(lookup);
                break;
            case QuarantineRequest refused:
                _budget?.Rows(refused.Records.Count);
                _budget?.Bytes(refused.Records.Sum(r => 200L + (r.Value?.Length ?? 0)));
                Quarantined.AddRange(refused.Records);
                break;
            case CustomRequest custom:
                throw new TestSetupException(
                    $"the step '{custom.Step.Id}' is the C# transform '{custom.Step.Name}', which exists in its host only");
            default:
                throw new NotSupportedException($"{request.GetType().Name} is not known here.");
        }
    }

    /// <summary>The ids of a step that looks across partitions. How many shards they lie in does not show.</summary>
    private DedupShard Shared(DedupPlan step)
    {
        var shard = new DedupShard(step.Id, step.Within);
        foreach (var source in _sources.Keys) shard.AddSource(source);
        return shard;
    }

    private void ClaimShared(DedupRequest request, Source source)
    {
        var rows = request.Rows.Span.ToArray();
        var (duplicates, counts) = (new List<int>(), default(DedupCounts));
        var to = request.Count == 0 ? source.Position : request.Offsets[request.Count - 1] + 1;
        _shared[request.Step.Id].Claim(
            new DedupSpan(NameOf(source.Topic, source.Partition), null, to, source.Position, source.Pipeline.Watermark),
            request.Copy(rows), duplicates, ref counts);
        foreach (var duplicate in duplicates) request.Duplicate[rows[duplicate]] = true;
    }

    private void Claim(DedupRequest request, Source source)
    {
        var byCell = new Dictionary<DedupCell, List<int>>();
        foreach (var row in request.Rows.Span)
        {
            var name = (request.Step.Id, NameOf(source.Topic, source.Partition), request.Step.Cells.RouteOf(request.CellHashes[row]));
            if (!_dedup.TryGetValue(name, out var cell))
                _dedup.Add(name, cell = new DedupCell(request.Step.Within, _plan.Source.MaxOutOfOrder));
            if (!byCell.TryGetValue(cell, out var rows)) byCell.Add(cell, rows = []);
            rows.Add(row);
        }

        var counts = default(DedupCounts);
        foreach (var (cell, rows) in byCell)
        {
            cell.Claim(
                request.Count, request.Ids, request.Bodies, request.EventTimes, request.Offsets, rows.ToArray(), request.Duplicate,
                ref counts);
        }
    }

    private void Apply(WindowRequest request, Source source)
    {
        var closed = new ClosedWindows(request.Step.Window) { Budget = _budget };
        var shards = _shards[request.Step.Id];
        for (var i = 0; i < shards.Length; i++)
        {
            shards[i].Apply(
                NameOf(source.Topic, source.Partition), source.Partition, request.Shards[i], source.Pipeline.Watermark, Now, request.Late,
                closed);
        }

        Late.AddRange(request.Late.Select(l => (request.Step.Id, l)));
        Deliver(request.Step, closed);
    }
}

/// <summary>A test cannot be run as it is written; the text says why.</summary>
internal sealed class TestSetupException(string message) : Exception(message);
