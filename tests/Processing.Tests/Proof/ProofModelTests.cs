using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Proof;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Proof;

/// <summary>
/// The naive model against the engine over random pipelines and logs: nothing is called wrong that is right, and every fault that is planted in a table is found,
/// and nothing else.
/// </summary>
public sealed class ProofModelTests
{
    private const int Seeds = 40;
    private const int PlantedSeeds = 16;
    private static readonly string[] Windows =
    [
        "{ tumbling: 1m }", "{ hopping: 3m, every: 1m }", "{ tumbling: 1m, offset: 7s }", "{ session: 40s }", "{ calendar: hour, zone: Europe/Vienna }",
        "{ calendar: day, zone: America/New_York }",
    ];

    [Fact]
    public void Engine_and_model_agree_over_random_pipelines()
    {
        var undecidable = 0L;
        var matched = 0L;
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var stage = Stage.Of(seed);
            var tables = stage.Compare();
            foreach (var (sink, table) in tables)
            {
                Assert.True(!table.Differs, $"seed {seed}, {sink}:\n{stage.Text}\n{string.Join('\n', table.Examples)}");
                undecidable += table.Count(RowVerdict.Undecidable);
                matched += table.Count(RowVerdict.Matched);
            }

            if (stage.File.Doubts.Count == 0) Assert.Equal(stage.Engine, stage.Model);
        }

        // A model that knows nothing would be right too.
        Assert.True(matched > 10 * undecidable && matched > 5_000, $"{matched} matched, {undecidable} undecidable");
    }

    [Fact]
    public void Each_planted_fault_is_found_and_nothing_else()
    {
        var planted = 0;
        for (var seed = 1; seed <= PlantedSeeds; seed++)
        {
            var random = new Random(seed);
            var stage = Stage.Of(seed);
            foreach (var sink in stage.Plan.Sinks)
            {
                foreach (var fault in (RowVerdict[])[RowVerdict.Missing, RowVerdict.Extra, RowVerdict.Wrong])
                {
                    var before = stage.Compare()[sink.Id];
                    var found = stage.Tables[sink.Id];
                    // A row of which nothing is known proves nothing when it is gone.
                    var sure = stage.Matched(sink);
                    if (sure.Count == 0) continue;
                    var at = sure[random.Next(sure.Count)];
                    var row = found[at];
                    switch (fault)
                    {
                        case RowVerdict.Missing: found.RemoveAt(at); break;
                        case RowVerdict.Extra: found.Add(row); break;
                        default: found[at] = Changed(sink, row); break;
                    }

                    var after = stage.Compare();
                    stage.Tables[sink.Id] = stage.TableOf(sink);
                    planted++;
                    Assert.Equal(1, after[sink.Id].Count(fault));
                    Assert.Equal(before.Count(RowVerdict.Matched) - (fault == RowVerdict.Extra ? 0 : 1), after[sink.Id].Count(RowVerdict.Matched));
                    Assert.Single(after[sink.Id].Examples, e => e.Verdict == fault);
                    Assert.All(after, t => Assert.True(t.Key == sink.Id || !t.Value.Differs));
                    Assert.Equal(1, after[sink.Id].Count(RowVerdict.Missing) + after[sink.Id].Count(RowVerdict.Extra) + after[sink.Id].Count(RowVerdict.Wrong));
                }
            }
        }

        Assert.True(planted > 80, $"{planted} planted");
    }

    [Fact]
    public void A_row_under_a_key_that_no_record_has_is_found()
    {
        var stage = Stage.Of(3);
        var sink = stage.Plan.Sinks[0];
        var row = (object?[])stage.Tables[sink.Id][0].Clone();
        row[TableColumns.Keys(sink)[0]] = "nobody";
        stage.Tables[sink.Id].Add(row);
        var table = stage.Compare()[sink.Id];
        Assert.Equal((0, 1, 0), (table.Count(RowVerdict.Missing), table.Count(RowVerdict.Extra), table.Count(RowVerdict.Wrong)));
    }

    [Fact]
    public void A_version_that_never_was_and_an_older_one_are_told()
    {
        var stage = Enumerable.Range(1, 20).Select(seed => Stage.Of(seed, metadata: true)).First(s => s.Matched(s.Plan.Sinks[1]).Count >= 2);
        var sink = stage.Plan.Sinks[1];
        var version = TableColumns.Of(sink, MetadataColumn.PipelineVersion);
        var sum = TableColumns.Of(sink, "s");
        Assert.True(version >= 0 && sum >= 0);
        var sure = stage.Matched(sink);
        stage.Tables[sink.Id][sure[0]][version] = 9L;
        stage.Tables[sink.Id][sure[1]][version] = 1L;
        stage.Tables[sink.Id][sure[1]][sum] = (decimal)stage.Tables[sink.Id][sure[1]][sum]! + 1;
        var table = stage.Compare(version: 2)[sink.Id];
        Assert.Equal(2, table.Count(RowVerdict.Wrong));
        Assert.Contains(table.Examples, e => e.Reason.Contains("version 9", StringComparison.Ordinal));
        Assert.Contains(table.Examples, e => e.Reason.Contains("version 1 of the pipeline wrote it", StringComparison.Ordinal));
    }

    [Fact]
    public void Windows_that_are_not_due_are_neither_missing_nor_extra()
    {
        var stage = Stage.Of(2);
        var sink = stage.Plan.Sinks[0];
        stage.Tables[sink.Id].RemoveRange(0, 2);
        var table = stage.Compare(due: long.MinValue)[sink.Id];
        Assert.False(table.Differs);
        Assert.Equal(0, table.Count(RowVerdict.Matched));
        Assert.True(table.Count(RowVerdict.Open) > 0);
    }

    [Fact]
    public void A_scan_that_was_interrupted_and_one_that_keeps_few_ids_in_memory_find_the_same()
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var whole = Stage.Of(seed).Compare().ToDictionary(t => t.Key, t => Counts(t.Value));
            var broken = Stage.Of(seed, breakAt: 50);
            Assert.Equal(whole, broken.Compare().ToDictionary(t => t.Key, t => Counts(t.Value)));
            var small = Stage.Of(seed, idsInMemory: 5);
            Assert.True(small.File.Moved > 0);
            Assert.Equal(whole, small.Compare().ToDictionary(t => t.Key, t => Counts(t.Value)));
        }
    }

    [Fact]
    public void Ids_that_came_more_than_once_across_partitions_are_undecidable_and_never_wrong()
    {
        var undecidable = 0L;
        for (var seed = 1; seed <= 20; seed++)
        {
            var stage = Stage.Of(seed, scope: "global");
            foreach (var (sink, table) in stage.Compare())
            {
                Assert.True(!table.Differs, $"seed {seed}, {sink}: {string.Join('\n', table.Examples)}");
                undecidable += table.Count(RowVerdict.Undecidable);
            }
        }

        Assert.True(undecidable > 0);
    }

    private static string Counts(TableComparison table) => string.Join(' ', Enum.GetValues<RowVerdict>().Select(v => $"{v}:{table.Count(v)}"));

    private static object?[] Changed(SinkPlan sink, object?[] row)
    {
        var changed = (object?[])row.Clone();
        var at = TableColumns.Of(sink, sink.FromWindow ? "s" : "amount");
        changed[at] = (decimal)(row[at] ?? 0m) + 0.01m;
        return changed;
    }

    /// <summary>A random pipeline with its log, the tables the engine made of it, and the scans of it.</summary>
    private sealed class Stage
    {
        private PipelineSession _session = null!;

        public required PipelinePlan Plan { get; init; }

        public required string Text { get; init; }

        public required MemoryProofFile File { get; init; }

        public Dictionary<string, List<object?[]>> Tables { get; } = new(StringComparer.Ordinal);

        public string Engine { get; private set; } = "";

        public string Model { get; private set; } = "";

        public static Stage Of(int seed, bool metadata = false, string scope = "partition", int? breakAt = null, int idsInMemory = 1_000_000)
        {
            var random = new Random(seed);
            var text = Pipeline(random, metadata, scope);
            var stage = new Stage { Plan = PlanOf(text), Text = text, File = new MemoryProofFile() };
            var logs = Logs(random);
            stage.Play(random, logs);
            stage.Scan(logs, breakAt, idsInMemory);
            foreach (var sink in stage.Plan.Sinks) stage.Tables.Add(sink.Id, stage.TableOf(sink));
            return stage;
        }

        public List<object?[]> TableOf(SinkPlan sink) => [.. _session.Tables[sink.Id].Rows.Select(r => r.Select(Value).ToArray())];

        /// <summary>Rows of a sink's table that are matched, by their places.</summary>
        public List<int> Matched(SinkPlan sink)
        {
            var keep = Tables[sink.Id];
            var sure = new List<int>();
            for (var i = 0; i < keep.Count && sure.Count < 3; i++)
            {
                Tables[sink.Id] = [keep[i]];
                if (Compare()[sink.Id].Count(RowVerdict.Matched) == 1) sure.Add(i);
            }

            Tables[sink.Id] = keep;
            return sure;
        }

        public Dictionary<string, TableComparison> Compare(long due = long.MaxValue, int version = int.MaxValue)
        {
            File.ForgetFound();
            foreach (var sink in Plan.Sinks)
            {
                var keys = TableColumns.Keys(sink);
                foreach (var row in Tables[sink.Id])
                    File.Found(sink.Id, new FoundRow(ProofValues.Encode([.. keys.Select(k => row[k])]), ProofValues.Encode(row), 0));
            }

            var progress = new StepProgress(due, long.MinValue, long.MinValue);
            var expectations = new Expectations(Plan, File, ScanRange.All);
            File.ForgetExpected();
            foreach (var step in Plan.Steps.OfType<WindowPlan>()) expectations.MakeWindows(step, progress);
            foreach (var sink in Plan.Sinks.Where(s => !s.FromWindow)) expectations.MakeRows(sink);
            var scope = ProofScope.Of(Plan);
            return Plan.Sinks.ToDictionary(s => s.Id, s =>
            {
                var table = new TableComparison(Plan, s, scope, expectations, new ComparisonContext(progress) { Version = version }, 5);
                foreach (var pair in File.Pairs(s.Id)) table.Take(pair);
                return table;
            });
        }

        private static string Pipeline(Random random, bool metadata, string scope) => string.Create(CultureInfo.InvariantCulture, $$"""
            apiVersion: kor/v1
            name: p
            source:
              kafka: { connection: main, topics: [t] }
              format: json
              fields: { id: string, g: string, amount: "decimal(12,2)", ratio: double, at: { type: timestamp, pattern: epoch_ms } }
              eventTime: { field: at, maxOutOfOrder: {{random.Next(5, 60)}}s, idleAfter: 10s }
            steps:
              - { id: some, type: filter, where: "amount <> 7" }
              - { id: good, type: quality, rules: { positive: amount > 0 }, onFail: quarantine }
              - { id: unique, type: dedup, key: [id], within: {{random.Next(1, 60)}}m, scope: {{scope}} }
              - id: w
                type: window
                window: {{Windows[random.Next(Windows.Length)]}}
                allowedLateness: {{random.Next(0, 90)}}s
                groupBy: [g]
                aggregates: { n: count(), s: sum(amount), a: avg(amount), least: min(amount), most: max(id), v: variance(ratio), f: first(amount), l: last(id),
                              d: count_distinct(g), r: sum(ratio), p: "percentile(ratio, 0.5)" }
              - { id: totals, type: aggregate, from: unique, groupBy: [g], aggregates: { n: count(), s: sum(amount) } }
            sinks:
              - { id: windows, from: w, connection: dwh, table: W, mode: upsert, create: true }
              - { id: sums, from: totals, connection: dwh, table: S, mode: upsert, create: true, metadata: {{(metadata ? "true" : "false")}} }
              - { id: rows, from: unique, connection: dwh, table: R, mode: upsert, keys: [id], create: true }
            """);

        /// <summary>Records of up to three partitions: copies, late ones, bad ones, and times far ahead.</summary>
        private static List<List<RawRecord>> Logs(Random random)
        {
            var logs = new List<List<RawRecord>>();
            for (var p = random.Next(1, 4); p > 0; p--)
            {
                var log = new List<RawRecord>();
                var seen = new List<string>();
                var time = 1_774_650_000_000L;
                for (var i = 0; i < 150; i++)
                {
                    time += random.Next(0, 20_000);
                    if (random.Next(60) == 0) time += random.Next(0, 7_200_000);
                    var at = time - (random.Next(4) == 0 ? random.Next(0, 90_000) : 0) - (random.Next(25) == 0 ? random.Next(0, 7_200_000) : 0);
                    var id = $"{p}-{i}";
                    var value = string.Create(
                        CultureInfo.InvariantCulture,
                        $"{{\"id\":\"{id}\",\"g\":\"g{random.Next(3)}\",\"amount\":{random.Next(-1, 40)}.{random.Next(100):D2},\"ratio\":{random.Next(1000) / 7.0:R},\"at\":{at}}}");
                    if (seen.Count != 0 && random.Next(8) == 0) value = seen[random.Next(Math.Max(0, seen.Count - 40), seen.Count)];
                    else seen.Add(value);
                    if (random.Next(40) == 0) value = value[..20];
                    log.Add(new RawRecord(Encoding.UTF8.GetBytes(value), null, time, i));
                }

                logs.Add(log);
            }

            return logs;
        }

        private void Play(Random random, List<List<RawRecord>> logs)
        {
            _session = new PipelineSession(Plan, new Dictionary<string, LookupRows>(), logs.Select((_, p) => ("t", p)), 1_774_650_000_000);
            var positions = new int[logs.Count];
            while (positions.Where((at, p) => at < logs[p].Count).Any())
            {
                var p = random.Next(logs.Count);
                var count = Math.Min(random.Next(1, 40), logs[p].Count - positions[p]);
                if (count == 0) continue;
                Assert.Empty(_session.Take(RawRecords.Batch("t", p, positions[p], logs[p].GetRange(positions[p], count))));
                positions[p] += count;
            }

            _session.Close();
            _session.Flush();
            Engine = _session.Counts.ToString();
        }

        private void Scan(List<List<RawRecord>> logs, int? breakAt, int idsInMemory)
        {
            var scope = new List<PartitionScan>();
            for (var p = 0; p < logs.Count; p++)
            {
                var of = new ScanOf(Plan, p, "t", p) { IdsInMemory = idsInMemory };
                var scan = new PartitionScan(of, File);
                for (var at = 0; at < logs[p].Count; at += 10)
                {
                    if (at == breakAt)
                    {
                        var state = scan.Save();
                        scan = new PartitionScan(of, File);
                        scan.Restore(state);
                    }

                    Assert.Empty(scan.Take(RawRecords.Batch("t", p, at, logs[p].GetRange(at, Math.Min(10, logs[p].Count - at))), 0, false));
                }

                scope.Add(scan);
            }

            if (Plan.Steps.OfType<DedupPlan>().Any(d => d.Global)) File.DoubtSharedIds("its id came more than once");
            var sum = scope.Select(s => s.Counts).Aggregate((a, b) => new BatchCounts(
                a.Consumed + b.Consumed, a.Absorbed + b.Absorbed, a.Duplicate + b.Duplicate, a.Late + b.Late, a.Filtered + b.Filtered, a.Quarantined + b.Quarantined));
            Model = sum.ToString();
        }

        private static object? Value(object? value) => value switch
        {
            DateTime time => (time - DateTime.UnixEpoch).Ticks / 10,
            DateOnly day => (long)(day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber),
            _ => value,
        };
    }
}
