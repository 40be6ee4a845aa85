using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Proof;

/// <summary>How far the pipeline had come when the proof was begun.</summary>
/// <param name="DueUpTo">Windows whose end plus lateness is at or before this can change no more, ms.</param>
/// <param name="UnknownUpTo">Windows that end at or before this are not known: the scan begins in the middle; <see cref="long.MinValue"/>: all are.</param>
/// <param name="WithheldBelow">Windows that begin before this are withheld since a reset; <see cref="long.MinValue"/>: none.</param>
public sealed record StepProgress(long DueUpTo, long UnknownUpTo, long WithheldBelow);

/// <summary>Makes what tables must hold of what the scans noted, and keeps it in the file.</summary>
public sealed class Expectations(PipelinePlan plan, IProofFile file, ScanRange range)
{
    /// <summary>Why nothing can be said of sessions that grew to their longest.</summary>
    internal const string CutSession = "a session reached maxLength, and which record begins the next one does not follow from the log";

    private const string Middle = "the scan begins in the middle of the log, too close to it";
    private const string Withheld = "windows of that time are withheld since a reset of offsets";

    private readonly List<(string Step, byte[] Key, long From, long To)> _cut = [];

    /// <summary>True when a row of a session lies where sessions were cut.</summary>
    internal bool IsCut(string step, byte[] groupKey, long start) =>
        _cut.Exists(c => c.Step == step && start >= c.From && start <= c.To && c.Key.AsSpan().SequenceEqual(groupKey));

    /// <summary>Makes the rows of all sinks of a window step.</summary>
    public void MakeWindows(WindowPlan step, StepProgress progress)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(progress);
        var sinks = plan.Sinks.Where(s => s.FromWindow && s.From.Step == step.Id).ToList();
        if (sinks.Count == 0) return;
        Group? group = null;
        foreach (var entry in file.Windows(step.Id))
        {
            if (group is null || !group.Takes(entry))
            {
                Make(group, step, sinks, progress);
                group = new Group(step.Window, entry);
            }

            group.Add(entry);
        }

        Make(group, step, sinks, progress);
    }

    /// <summary>Makes the rows of a sink of records.</summary>
    public void MakeRows(SinkPlan sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        RowFold? fold = null;
        foreach (var entry in file.Rows(sink.Id))
        {
            if (fold is not null && !fold.Key.AsSpan().SequenceEqual(entry.Key))
            {
                Make(sink, fold);
                fold = null;
            }

            (fold ??= new RowFold(sink, entry)).Add(entry);
        }

        if (fold is not null) Make(sink, fold);
    }

    private void Make(Group? group, WindowPlan step, List<SinkPlan> sinks, StepProgress progress)
    {
        if (group is null) return;
        var (start, end) = (group.Start, group.End);
        var isTotals = step.Window.Window is RunningTotals;
        if (!isTotals && (start < range.Since || end > range.Until)) return;
        var doubt = group.Doubt;
        if (group.IsCut)
        {
            doubt = CutSession;
            _cut.Add((step.Id, group.Key, start, group.Last));
        }

        if (!isTotals && end <= progress.UnknownUpTo) doubt ??= Middle;
        if (!isTotals && start < progress.WithheldBelow) doubt ??= Withheld;
        var isDue = isTotals || (Int128)end + step.Window.AllowedLateness <= progress.DueUpTo;
        var output = group.Output(step);
        foreach (var sink in sinks)
        {
            var values = sink.Source.Select(s => s >= 0 ? output[s] : AnyValue.Instance).ToArray();
            file.Expect(sink.Id, new ExpectedRow(ProofValues.Encode([.. TableColumns.Keys(sink).Select(k => values[k])]), ProofValues.Encode(values))
            {
                Doubt = doubt, IsOpen = group.IsAhead || !isDue,
            });
        }
    }

    private void Make(SinkPlan sink, RowFold fold)
    {
        // A row without a value in a key column is refused by the database.
        if (ProofValues.Decode(fold.Key).Contains(null)) return;
        file.Expect(sink.Id, new ExpectedRow(fold.Key, fold.Values) { Doubt = fold.Doubt, IsOpen = fold.IsAhead });
    }

    /// <summary>What a table's rule makes of the rows of one key, which come by partition and offset.</summary>
    private sealed class RowFold(SinkPlan sink, RowEntry first)
    {
        private readonly int _revision = TableColumns.Revision(sink);
        private object? _stored;
        private int _source = -1;

        public byte[] Key => first.Key;

        public byte[]? Values { get; private set; }

        public string? Doubt { get; private set; }

        public bool IsAhead { get; private set; }

        public void Add(RowEntry entry)
        {
            Doubt ??= entry.Doubt;
            IsAhead |= entry.IsAhead;
            if (sink.Spec.Mode == SinkMode.Append) Append(entry);
            else Upsert(entry);
        }

        private void Append(RowEntry entry)
        {
            Values ??= entry.Values;
            if (entry.Source != first.Source && !entry.Values.AsSpan().SequenceEqual(Values))
                Doubt ??= "its key comes from several partitions, and the first that is read stays";
        }

        private void Upsert(RowEntry entry)
        {
            var isOther = entry.Source != first.Source;
            if (isOther && (_revision < 0 || entry.Deletes)) Doubt ??= "its key comes from several partitions, and the last that is read stays";
            if (entry.Deletes)
            {
                (Values, _stored) = (null, null);
                return;
            }

            var next = _revision < 0 ? null : ProofValues.Decode(entry.Values)[_revision];
            var order = Compare(next, _stored);
            if (Values is not null && _revision >= 0 && order < 0) return;
            if (Values is not null && _source != entry.Source && order == 0) Doubt ??= "two partitions bring its key with one revision";
            (Values, _stored, _source) = (entry.Values, next, entry.Source);
        }
    }

    private static int Compare(object? a, object? b) => (a, b) switch
    {
        (null, null) => 0,
        (null, _) => -1,
        (_, null) => 1,
        (string x, string y) => System.Text.Encoding.UTF8.GetBytes(x).AsSpan().SequenceCompareTo(System.Text.Encoding.UTF8.GetBytes(y)),
        _ => Comparer<object>.Default.Compare(a, b),
    };

    /// <summary>A window or session as its entries come, ordered by time.</summary>
    private sealed class Group
    {
        private readonly WindowStepSpec _spec;
        private readonly NaiveAggregate[] _aggregates;
        private readonly WindowEntry _first;

        public Group(WindowStepSpec spec, WindowEntry first)
        {
            _spec = spec;
            _first = first;
            _aggregates = [.. spec.Aggregates.Select(a => new NaiveAggregate(a))];
            Last = first.Time;
        }

        public byte[] Key => _first.Key;

        public long Start => _spec.Window is SessionWindow ? _first.Time : _first.Start;

        public long End => _spec.Window is SessionWindow session ? Last + session.Gap : _first.End;

        public long Last { get; private set; }

        public bool IsAhead { get; private set; }

        public string? Doubt { get; private set; }

        /// <summary>The records of a session reach further than one may.</summary>
        public bool IsCut => _spec.Window is SessionWindow session && (Int128)Last - _first.Time + session.Gap > session.MaxLength;

        public bool Takes(WindowEntry entry)
        {
            if (!entry.Key.AsSpan().SequenceEqual(Key)) return false;
            return _spec.Window is SessionWindow session ? (Int128)entry.Time - Last < session.Gap : entry.Start == _first.Start;
        }

        public void Add(WindowEntry entry)
        {
            Last = entry.Time;
            IsAhead |= entry.IsAhead;
            Doubt ??= entry.Doubt;
            var values = ProofValues.Decode(entry.Values);
            for (var i = 0; i < _aggregates.Length; i++)
            {
                var input = _spec.Aggregates[i].Input;
                _aggregates[i].Add(input < 0 ? null : values[input]);
            }
        }

        /// <summary>The fields of the step's output; the revision is not compared.</summary>
        public object?[] Output(WindowPlan step)
        {
            var key = _spec.Key.Fields.Select(f => Column.Create(f.Type, 1)).ToArray();
            GroupKeyCodec.Decode(Key, _spec.Key, key, 0);
            var output = new List<object?>(key.Select(c => ProofValues.Of(c, 0)));
            if (_spec.Window is not RunningTotals)
            {
                output.Add(WindowTime.ToTimestamp(Start));
                output.Add(WindowTime.ToTimestamp(End));
            }

            output.AddRange(_aggregates.Select(a => a.Result()));
            while (output.Count < step.Schema.Count) output.Add(AnyValue.Instance);
            return [.. output];
        }
    }
}

/// <summary>Of which windows a proof is, ms: those that begin at or after the one and end at or before the other.</summary>
public readonly record struct ScanRange(long Since, long Until)
{
    /// <summary>All windows.</summary>
    public static ScanRange All { get; } = new(long.MinValue, long.MaxValue);

    /// <summary>True for all windows.</summary>
    public bool IsAll => this == All;
}
