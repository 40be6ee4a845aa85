using System.Globalization;
using System.Text.Json;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Proof;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using KafkaOracleOrleans.Storage.Proof;

namespace KafkaOracleOrleans.Silo.Proof;

/// <summary>Where the pipeline stood when a proof was begun; kept in its file, so that a proof that goes on is of the same moment.</summary>
/// <param name="Partitions">Per <c>topic/partition</c>.</param>
/// <param name="Steps">Per window step.</param>
internal sealed record ProofStart(Dictionary<string, PartitionStart> Partitions, Dictionary<string, DurableStep> Steps);

/// <summary>Where a partition stood.</summary>
/// <param name="From">Where the scan begins.</param>
/// <param name="Due">The position of the last checkpoint.</param>
/// <param name="Counts">The pipeline's counts there.</param>
/// <param name="Unseen">Records below <paramref name="From"/> that the pipeline may have read have event times below this, ms; null: there are none.</param>
/// <param name="FirstRow">Rows of records are compared from this offset on.</param>
/// <param name="EndRow">Rows of records are compared below this offset; null: all.</param>
internal sealed record PartitionStart(long From, long Due, RecordCounts Counts, long? Unseen, long FirstRow, long? EndRow)
{
    /// <summary>Records from the beginning on that the pipeline, which began later, never read.</summary>
    public long Skip { get; init; }
}

/// <summary>
/// Proves a pipeline's tables: reads its log again, computes with the naive model what must be in them, and compares. Runs on a thread of its own, one proof at a time. Nothing is
/// written but its temporary file.
/// </summary>
internal sealed class ReconcileRun(
    PipelineRuntime runtime, ReconcileRequest request, ProofFile file, ProofServices services, Action<ReconcileProgress> report, CancellationToken cancellation)
{
    /// <summary>How often the tables are compared again when something differs: rows may be on their way to them.</summary>
    private const int Comparisons = 4;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private readonly PipelinePlan _plan = runtime.Plan;
    private readonly ProofScope _scope = ProofScope.Of(runtime.Plan);
    private readonly Dictionary<string, LogScan> _scans = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private ProofStart _start = null!;
    private long _saved;

    private bool IsWhole => request.Range.IsAll;

    /// <summary>Runs it. Throws <see cref="ProofRefusedException"/>, <see cref="KafkaException"/> and what stores and sinks throw.</summary>
    public ReconcileReport Run(IReadOnlyList<string> partitions)
    {
        var began = services.Time.GetTimestamp();
        using var consumer = services.Reader.Consumer(_plan.Source.Connection, _plan.Source.ReadCommitted);
        _names.AddRange(partitions.Order(StringComparer.Ordinal));
        _start = Known() ?? Begin(consumer);
        foreach (var name in _names) _scans.Add(name, Scan(name));
        foreach (var name in _names) ReadDue(consumer, name);
        if (_plan.Steps.OfType<DedupPlan>().Any(d => d.Global))
            file.DoubtSharedIds("its id came more than once, and with scope: global which copy counts is decided by which is read first");
        var tables = Compare(consumer);
        return Report(tables, services.Time.GetElapsedTime(began));
    }

    private ProofStart? Known()
    {
        if (file.Meta("start") is not { } text) return null;
        var start = JsonSerializer.Deserialize<ProofStart>(text);
        return start is not null && _names.All(start.Partitions.ContainsKey) ? start : null;
    }

    private void Keep() => file.SetMeta("start", JsonSerializer.Serialize(_start));

    private ProofStart Begin(IConsumer<byte[]?, byte[]?> consumer)
    {
        // The steps first: what they say is due is due by records that the partitions' checkpoints have or will have.
        var steps = new Dictionary<string, DurableStep>(StringComparer.Ordinal);
        foreach (var step in _plan.Steps.OfType<WindowPlan>())
            steps.Add(step.Id, DurableProgress.OfStepAsync(services.Store, _plan.Name, step, cancellation).GetAwaiter().GetResult());
        var starts = _names.ToDictionary(n => n, n => Begin(consumer, n), StringComparer.Ordinal);
        _start = new ProofStart(starts, steps);
        Keep();
        file.Commit();
        return _start;
    }

    private PartitionStart Begin(IConsumer<byte[]?, byte[]?> consumer, string name)
    {
        var partition = PartitionOf(name);
        var durable = DurableProgress.OfPartitionAsync(services.Store, _plan.Name, partition.Topic, partition.Partition.Value, cancellation).GetAwaiter().GetResult();
        var log = consumer.QueryWatermarkOffsets(partition, Timeout);
        var (low, high) = (log.Low.Value, log.High.Value);
        var due = durable?.Position ?? low;
        var counts = durable?.Counts ?? RecordCounts.Zero;
        if (due > high) throw Refused($"The pipeline has read {name} up to offset {due:N0}, and the topic ends at {high:N0}: it is not the one that was read.");
        if (due < low) throw Refused($"The pipeline has read {name} up to offset {due:N0}, and the log begins at {low:N0}: retention has passed it.");
        if (!IsWhole) return Begin(consumer, partition, low, due, counts);
        if (counts.Consumed > due - low)
        {
            throw Refused(
                $"Retention has passed: of {name} the pipeline has read {counts.Consumed:N0} records, and the log holds {due - low:N0} offsets up to there (from {low:N0} on). "
                + "A proof of a shorter time needs less of the log: give since.");
        }

        return new PartitionStart(low, due, counts, null, low, null);
    }

    /// <summary>Where a proof of a time begins: so much earlier that whatever lies before it can change nothing of what is proved.</summary>
    private PartitionStart Begin(IConsumer<byte[]?, byte[]?> consumer, TopicPartition partition, long low, long due, RecordCounts counts)
    {
        var end = request.Until is { } until ? OffsetAt(consumer, partition, until) : null;
        if (request.Since is not { } since) return new PartitionStart(low, due, counts, null, low, end);
        if (_plan.Source is { EventTimeField: >= 0, MaxAhead: <= 0 })
            throw Refused("With maxAhead: 0s a record may have any event time, so that no part of the log can be left out. Prove it without since.");
        var ahead = _plan.Source.EventTimeField < 0 ? 0 : Math.Max(_plan.Source.MaxAhead, 3_600_000);
        var unseen = since.ToUnixTimeMilliseconds() - Reach();
        var from = OffsetAt(consumer, partition, DateTimeOffset.FromUnixTimeMilliseconds(unseen - ahead)) ?? due;
        from = Math.Min(from, due);
        var isFirst = from <= low;
        if (isFirst && low > 0 && counts.Consumed > due - low && Oldest(consumer, partition, low) is { } oldest && oldest > unseen - ahead)
        {
            throw Refused(
                $"Retention has passed: a proof since {since.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} needs the records of {partition.Topic}/{partition.Partition.Value} from "
                + $"{Time(unseen - ahead)} on, and the log begins with one of {Time(oldest)}. A later since needs less of it.");
        }

        var isWholeLog = isFirst && counts.Consumed <= due - low;
        return new PartitionStart(Math.Max(low, from), due, counts, isWholeLog ? null : unseen, OffsetAt(consumer, partition, since) ?? due, end);
    }

    /// <summary>How far back in event time what is proved may depend on, ms.</summary>
    private long Reach()
    {
        var windows = _plan.Steps.OfType<WindowPlan>().Select(w => w.Window.AllowedLateness + w.Window.Window switch
        {
            TumblingWindow t => t.Size,
            HoppingWindow h => h.Size,
            SessionWindow s => s.MaxLength + (2 * s.Gap),
            CalendarWindow => 0,
            _ => 0,
        });
        var dedups = _plan.Steps.OfType<DedupPlan>().Select(d => 3 * d.Within);
        return _plan.Source.MaxOutOfOrder + windows.Concat(dedups).DefaultIfEmpty(0).Max();
    }

    private static long? OffsetAt(IConsumer<byte[]?, byte[]?> consumer, TopicPartition partition, DateTimeOffset time)
    {
        var found = consumer.OffsetsForTimes([new TopicPartitionTimestamp(partition, new Timestamp(time))], Timeout)[0].Offset;
        return found.IsSpecial ? null : found.Value;
    }

    private static long? Oldest(IConsumer<byte[]?, byte[]?> consumer, TopicPartition partition, long low)
    {
        consumer.Assign(new TopicPartitionOffset(partition, low));
        return consumer.Consume(Timeout)?.Message.Timestamp.UnixTimestampMs;
    }

    private LogScan Scan(string name)
    {
        var start = _start.Partitions[name];
        var partition = PartitionOf(name);
        var source = _names.IndexOf(name);
        var scan = new PartitionScan(
            new ScanOf(_plan, source, partition.Topic, partition.Partition.Value)
            {
                UnseenBelow = start.Unseen ?? long.MinValue, Since = request.Range.Since, Until = request.Range.Until, FirstRow = start.FirstRow,
                EndRow = start.EndRow ?? long.MaxValue,
                IdsInMemory = Math.Max(50_000, 2_000_000 / Math.Max(1, _names.Count * Math.Max(1, _plan.Steps.OfType<DedupPlan>().Count()))),
            },
            file);
        var position = start.From;
        if (file.Scans().FirstOrDefault(s => s.Source == source) is { } saved)
        {
            scan.Restore(saved.State);
            position = saved.Position;
        }

        return new LogScan(scan, partition, services.Help(request.Rate)) { Position = position };
    }

    private void ReadDue(IConsumer<byte[]?, byte[]?> consumer, string name)
    {
        var start = _start.Partitions[name];
        var skip = _scans[name].Position == start.From ? start.Skip : 0;
        _scans[name].Read(consumer, start.Due, skip, false, () => Passed(name), cancellation);
        Save(name);
        var read = _scans[name].Scan.Counts.Consumed;
        if (read < start.Counts.Consumed && start.Unseen is null)
        {
            throw Refused(
                $"Of {name} the pipeline has read {start.Counts.Consumed:N0} records up to offset {start.Due:N0}, and the log has only {read:N0} of them left: "
                + "retention or compaction has taken the others. A proof of a shorter time needs less of the log: give since.");
        }

        if (read <= start.Counts.Consumed) return;
        // It began to read later than here: at its first start, or by a reset.
        file.ForgetScan(_names.IndexOf(name));
        _start.Partitions[name] = start with { Skip = start.Skip + read - start.Counts.Consumed };
        Keep();
        file.Commit();
        _scans[name] = Scan(name);
        ReadDue(consumer, name);
    }

    private void Passed(string name)
    {
        var done = _names.Sum(n => Math.Max(0, Math.Min(_scans[n].Position, _start.Partitions[n].Due) - _start.Partitions[n].From));
        report(new ReconcileProgress("reading the log", done, _names.Sum(n => _start.Partitions[n].Due - _start.Partitions[n].From)));
        if (_saved == 0) _saved = services.Time.GetTimestamp();
        if (services.Time.GetElapsedTime(_saved) >= SaveEvery && !_scans[name].IsSkipping) Save(name);
    }

    private void Save(string name)
    {
        file.Keep(new ScanState(_names.IndexOf(name), _scans[name].Position, _scans[name].Scan.Save()));
        file.Commit();
        _saved = services.Time.GetTimestamp();
    }

    /// <summary>Reads the tables, then what came meanwhile, and compares; again when something differs that may be on its way.</summary>
    private Dictionary<string, TableComparison> Compare(IConsumer<byte[]?, byte[]?> consumer)
    {
        for (var attempt = 1; ; attempt++)
        {
            foreach (var sink in _plan.Sinks.Where(s => WhyNot(s) is null)) ReadTable(sink);
            foreach (var name in _names)
            {
                var end = consumer.QueryWatermarkOffsets(PartitionOf(name), Timeout).High.Value;
                _scans[name].Read(consumer, end, 0, true, () => report(new ReconcileProgress("reading what came meanwhile", _scans[name].Position, end)), cancellation);
            }

            file.ForgetExpected();
            var expectations = new Expectations(_plan, file, request.Range);
            foreach (var step in _plan.Steps.OfType<WindowPlan>()) expectations.MakeWindows(step, Progress(step));
            foreach (var sink in _plan.Sinks.Where(s => !s.FromWindow && WhyNot(s) is null)) expectations.MakeRows(sink);
            var tables = _plan.Sinks.Where(s => WhyNot(s) is null).ToDictionary(s => s.Id, s => Compare(s, expectations), StringComparer.Ordinal);
            if (attempt == Comparisons || !tables.Values.Any(t => t.Differs)) return tables;
            Task.Delay(Pause, services.Time, cancellation).GetAwaiter().GetResult();
        }
    }

    private void ReadTable(SinkPlan sink)
    {
        var rows = 0L;
        var keys = TableColumns.Keys(sink);
        var revision = sink.FromWindow ? TableColumns.Revision(sink) : -1;
        services.Tables.ReadAsync(
            sink.Spec,
            () => file.ForgetFound(sink.Id),
            (block, _) =>
            {
                cancellation.ThrowIfCancellationRequested();
                var values = block.Columns.Select(c => ProofValues.Of(c, 0)).ToArray();
                var key = ProofValues.Encode([.. keys.Select(k => values[k])]);
                file.Found(sink.Id, new FoundRow(key, ProofValues.Encode(values), revision >= 0 && values[revision] is long r ? r : 0));
                if (++rows % 10_000 == 0) report(new ReconcileProgress($"reading the table of sink '{sink.Id}'", rows, 0));
            },
            cancellation).GetAwaiter().GetResult();
        file.Commit();
    }

    private TableComparison Compare(SinkPlan sink, Expectations expectations)
    {
        var comparison = new TableComparison(_plan, sink, _scope, expectations, Context(sink), request.Examples);
        var compared = 0L;
        foreach (var pair in file.Pairs(sink.Id))
        {
            comparison.Take(pair);
            if (++compared % 10_000 != 0) continue;
            cancellation.ThrowIfCancellationRequested();
            report(new ReconcileProgress($"comparing the table of sink '{sink.Id}'", compared, 0));
        }

        return comparison;
    }

    private ComparisonContext Context(SinkPlan sink) => new(sink.FromWindow ? Progress(_plan.Steps.OfType<WindowPlan>().First(w => w.Id == sink.From.Step)) : new StepProgress(long.MaxValue, long.MinValue, long.MinValue))
    {
        Range = request.Range,
        EmptyIsNull = services.Tables.EmptyIsNull(sink.Spec.Connection),
        Excuse = Excuse(sink),
        ExtraExcuse = ExtraExcuse(sink),
        Version = runtime.Version,
        Offsets = _start.Partitions.ToDictionary(p => p.Key, p => (p.Value.FirstRow, p.Value.EndRow ?? long.MaxValue, p.Value.Due), StringComparer.Ordinal),
    };

    private StepProgress Progress(WindowPlan step)
    {
        var passed = _names.Min(n => _scans[n].Scan.Watermark);
        return new StepProgress(
            Math.Max(passed, _start.Steps[step.Id].Watermark), _names.Max(n => _scans[n].Scan.UnknownUpTo), runtime.WindowsFrom ?? long.MinValue);
    }

    /// <summary>Why a sink's table cannot be compared; null: it can.</summary>
    private string? WhyNot(SinkPlan sink)
    {
        if (sink.FromWindow && sink.Spec.Mode == SinkMode.Append && TableColumns.Keys(sink).Length == 0) return "its rows have no key but the revision";
        if (IsWhole) return null;
        if (sink.FromWindow)
        {
            return TableColumns.Of(sink, SideOutputs.WindowStart) < 0
                ? "totals are of all records; prove them without since and until"
                : null;
        }

        return TableColumns.Of(sink, MetadataColumn.Offset) < 0
            ? "its rows do not say of which record they are, so that those of a time cannot be told; prove it without since and until"
            : null;
    }

    private string? Excuse(SinkPlan sink)
    {
        var refused = DurableProgress.LanesOf(runtime, sink, _names).Sum(
            lane => services.Sinks.CountsAsync(sink.Spec, lane, cancellation).GetAwaiter().GetResult()?.Quarantined ?? 0);
        if (refused > 0) return string.Create(CultureInfo.InvariantCulture, $"the database has refused {refused:N0} rows of this sink, which are in quarantine");
        if (HasReplays()) return "records were played again from quarantine, and the log does not say which";
        return sink.FromWindow ? Idle(sink.From.Step) : null;
    }

    private string? ExtraExcuse(SinkPlan sink)
    {
        if (_plan.Sinks.Any(o => o != sink && o.Spec.Connection == sink.Spec.Connection && SharedTables.MayBeOne(o.Spec.Table, sink.Spec.Table)))
            return "other sinks write the table too";
        if (HasReplays()) return "records were played again from quarantine, and the log does not say which";
        if (sink.From.Output == StepOutput.Late) return Idle(sink.From.Step);
        return sink.From.Output == StepOutput.Duplicates && file.Doubts() > 0 ? "of some records the log does not say whether they are duplicates" : null;
    }

    private string? Idle(string step) => _start.Steps.TryGetValue(step, out var known) && known.LateByIdle > 0
        ? string.Create(CultureInfo.InvariantCulture, $"{known.LateByIdle:N0} rows were late for step '{step}' because their partition was taken for idle, and the log does not say which")
        : null;

    private bool HasReplays() => _start.Steps.Values.Any(s => s.HasReplays)
        || (IsWhole && _scope.Counts is null && _names.Any(n => _start.Partitions[n].Counts.Quarantined < _scans[n].Scan.Counts.Quarantined));

    private ReconcileReport Report(Dictionary<string, TableComparison> tables, TimeSpan took)
    {
        var notes = new List<string>();
        var counted = Sum(_start.Partitions.Values.Select(p => p.Counts));
        var log = Sum(_names.Select(n => _scans[n].Scan.Counts).Select(c => new RecordCounts(c.Consumed, c.Absorbed, c.Duplicate, c.Late, c.Filtered, c.Quarantined)));
        var agree = CountsAgree(log, counted, notes);
        foreach (var (name, start) in _start.Partitions.Where(p => p.Value.Skip > 0))
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"The pipeline did not read the first {start.Skip:N0} records of {name}; they are left out."));
        var sinks = _plan.Sinks.Select(s => Line(s, tables.GetValueOrDefault(s.Id))).ToList();
        var differs = agree == false || tables.Values.Any(t => t.Differs);
        return new ReconcileReport(
            _plan.Name, runtime.Version, differs ? "different" : "equal", _scans.Values.Sum(s => s.Records), _start.Partitions.Values.Any(p => p.Unseen is not null) ? null : log, counted,
            agree, sinks, notes, took.TotalSeconds);
    }

    private bool? CountsAgree(RecordCounts log, RecordCounts counted, List<string> notes)
    {
        var why = _start.Partitions.Values.Any(p => p.Unseen is not null) ? "the scan begins in the middle of the log"
            : _scope.Counts ?? (_plan.Steps.OfType<DedupPlan>().Any(d => d.Global) ? "with scope: global which copy counts is decided by which is read first" : null)
            ?? (file.Doubts() > 0 ? "of some records the log does not say whether they are duplicates" : null)
            ?? (HasReplays() ? "records were played again from quarantine" : null)
            ?? _plan.Steps.OfType<WindowPlan>().Select(w => Idle(w.Id)).FirstOrDefault(i => i is not null);
        if (why is null) return log == counted;
        notes.Add($"The pipeline's counts are not compared: {why}.");
        return null;
    }

    private ReconcileSink Line(SinkPlan sink, TableComparison? table)
    {
        var open = new List<string>();
        var window = sink.FromWindow ? _plan.Steps.OfType<WindowPlan>().First(w => w.Id == sink.From.Step) : null;
        for (var i = 0; i < sink.Spec.Schema.Count; i++)
        {
            var source = sink.Source[i];
            var aggregate = source >= 0 ? window?.Window.Aggregates.FirstOrDefault(a => a.Name == sink.InputSchema[source].Name) : null;
            if (_scope.Columns(sink.Id)[i] || aggregate is { Kind: AggregateKind.TopK or AggregateKind.Collect } || (window is not null && i == TableColumns.Revision(sink)))
                open.Add(sink.Spec.Schema[i].Name);
        }

        long Of(RowVerdict verdict) => table?.Count(verdict) ?? 0;
        return new ReconcileSink(
            sink.Id, sink.Spec.Connection, sink.Spec.Table, Of(RowVerdict.Matched), Of(RowVerdict.Missing), Of(RowVerdict.Extra), Of(RowVerdict.Wrong),
            Of(RowVerdict.Undecidable), Of(RowVerdict.Open), WhyNot(sink), table?.Undecidable ?? [], open, table?.Examples ?? []);
    }

    private static RecordCounts Sum(IEnumerable<RecordCounts> counts) => counts.Aggregate(RecordCounts.Zero, (a, b) => new RecordCounts(
        a.Consumed + b.Consumed, a.Absorbed + b.Absorbed, a.Duplicate + b.Duplicate, a.Late + b.Late, a.Filtered + b.Filtered, a.Quarantined + b.Quarantined));

    private static TopicPartition PartitionOf(string name)
    {
        var slash = name.LastIndexOf('/');
        return new TopicPartition(name[..slash], int.Parse(name[(slash + 1)..], CultureInfo.InvariantCulture));
    }

    private static string Time(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(ms).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static ProofRefusedException Refused(FormattableString text) => new(text.ToString(CultureInfo.InvariantCulture));

    private static ProofRefusedException Refused(string text) => new(text);
}
