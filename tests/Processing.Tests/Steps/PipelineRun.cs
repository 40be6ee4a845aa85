using System.Text;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Schemas;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>
/// Runs batches through a pipeline and plays the shell: dedup by a dictionary, lookups from a table, shards that note
/// what they get.
/// </summary>
internal sealed class PipelineRun
{
    private readonly Dictionary<(string Step, UInt128 Id), long> _claims = [];
    private long _next;

    public PipelineRun(string yaml)
    {
        var compilation = PipelineCompiler.Compile(yaml, "test.yaml");
        Assert.True(compilation.Succeeded, string.Join('\n', compilation.Diagnostics));
        Plan = compilation.Plan!;
        Pipeline = new PartitionPipeline(Plan, 7);
    }

    public PipelinePlan Plan { get; }

    public PartitionPipeline Pipeline { get; }

    /// <summary>Rows may share their record's offset.</summary>
    private bool IsExploded => Plan.Steps.Any(s => s is ExplodePlan);

    public List<QuarantineRecord> Quarantine { get; } = [];

    /// <summary>Rows by sink: <c>offset: value|value</c>, with a minus for deletions.</summary>
    public Dictionary<string, List<string>> Sinks { get; } = [];

    /// <summary>Rows by window step: <c>offset@shard key time: input|input</c>.</summary>
    public Dictionary<string, List<string>> Windows { get; } = [];

    public Dictionary<string, string[]> Table { get; } = [];

    public List<string> Lookups { get; } = [];

    /// <summary>Whether the database holds keys equal that differ in case; a table read whole says so.</summary>
    public bool IgnoresCase { get; set; }

    /// <summary>Keys of <see cref="Table"/> that are there twice.</summary>
    public HashSet<string> Doubled { get; } = [];

    /// <summary>Keys of <see cref="Table"/> whose values cannot be read.</summary>
    public HashSet<string> Unfit { get; } = [];

    /// <summary>Offsets the shards call late.</summary>
    public HashSet<long> Late { get; } = [];

    /// <summary>Answers custom steps; null: they give nothing.</summary>
    public TransformRunner? Transforms { get; init; }

    /// <summary>The schemas of a registry: 1 is Avro with a string a, 2 is a JSON schema.</summary>
    public Dictionary<int, RegisteredSchema> Registry { get; } = new()
    {
        [1] = new("AVRO", """{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}""", []),
        [2] = new("JSON", "{}", []),
    };

    public long Now { get; set; } = 1_767_225_600_000;

    public BatchCounts Send(params string?[] values) => Send([.. values.Select(v => ((string?)null, v))]);

    public BatchCounts Send(params (string? Key, string? Value)[] records)
    {
        static byte[]? Bytes(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);
        return Send(RawBatches.Of([.. records.Select(r => (Bytes(r.Key), Bytes(r.Value)))], _next));
    }

    public BatchCounts Send(RawBatch raw)
    {
        Pipeline.Begin(raw, Now);
        while (Pipeline.Next() is { } request) Answer(request);
        _next = raw.To;
        var counts = Pipeline.Counts;
        Assert.Equal(raw.Count, counts.Consumed);
        Assert.Equal(
            counts.Consumed, counts.Absorbed + counts.Duplicate + counts.Late + counts.Filtered + counts.Quarantined);
        return counts;
    }

    private void Answer(PartitionRequest request)
    {
        switch (request)
        {
            case DedupRequest dedup:
                foreach (var row in dedup.Rows.Span)
                {
                    var first = _claims.TryAdd((dedup.Step.Id, dedup.Ids[row]), dedup.Offsets[row]);
                    dedup.Duplicate[row] = !first && _claims[(dedup.Step.Id, dedup.Ids[row])] != dedup.Offsets[row];
                }

                break;
            case SchemaRequest schemas:
                foreach (var id in schemas.Ids)
                {
                    if (Registry.TryGetValue(id.Number, out var schema)) schemas.Schemas[id] = schema;
                }

                break;
            case LookupRequest { Preload: true } preload:
                preload.Table = TableOf(preload.Step);
                break;
            case LookupRequest lookup:
                lookup.Result = LookUp(lookup);
                break;
            case WindowRequest window:
                Note(window);
                break;
            case SinkRequest sink:
                Note(sink);
                break;
            case QuarantineRequest refused:
                Quarantine.AddRange(refused.Records);
                break;
            case CustomRequest custom when Transforms is not null:
                Transforms.Answer(custom);
                break;
            case CustomRequest custom:
                custom.Result = new RowBlock(custom.Step.Schema, 0);
                custom.ResultRows = [];
                break;
        }
    }

    private void Note(WindowRequest request)
    {
        var rows = Windows.TryGetValue(request.Step.Id, out var list) ? list : Windows[request.Step.Id] = [];
        for (var s = 0; s < request.Shards.Length; s++)
        {
            if (request.Shards[s] is not { } shard) continue;
            for (var i = 0; i < shard.Count; i++)
            {
                Assert.Equal(GroupKeyCodec.Hash(shard.Key(i)), shard.KeyHashes[i]);
                Assert.Equal(s, GroupKeyCodec.Shard(shard.KeyHashes[i], request.Shards.Length));
                if (i > 0) Assert.True(shard.Offsets[i - 1] < shard.Offsets[i] || (IsExploded && shard.Offsets[i - 1] == shard.Offsets[i]));
                var key = GroupKeyCodec.ToText(shard.Key(i), request.Step.Window.Key);
                var inputs = string.Join('|', shard.Inputs.Select(c => RawBatches.Show(c, i)));
                rows.Add($"{shard.Offsets[i]} {key} {RawBatches.ShowTime(shard.EventTimes[i] * 1000)}: {inputs}");
                if (Late.Contains(shard.Offsets[i])) request.Late.Add(new LateOffset(shard.Offsets[i], 0, 60_000, 5));
            }
        }

        var sorted = rows.OrderBy(r => long.Parse(r[..r.IndexOf(' ')])).ToList();
        rows.Clear();
        rows.AddRange(sorted);
    }

    private void Note(SinkRequest request)
    {
        var rows = Sinks.TryGetValue(request.Sink.Id, out var list) ? list : Sinks[request.Sink.Id] = [];
        Assert.Equal(request.Rows.Count, request.Offsets.Length);
        Assert.Equal(request.Rows.Count, request.Raw.Count);
        for (var i = 0; i < request.Rows.Count; i++)
        {
            if (i > 0) Assert.True(request.Offsets[i - 1] < request.Offsets[i] || (IsExploded && request.Offsets[i - 1] == request.Offsets[i]));
            Assert.Equal(request.Offsets[i], request.Raw.Offsets[i]);
            var delete = request.Deletes is { } deletes && deletes[i] ? "-" : "";
            rows.Add($"{delete}{request.Offsets[i]}: {string.Join('|', request.Rows.Columns.Select(c => RawBatches.Show(c, i)))}");
        }
    }

    private LookupResult LookUp(LookupRequest request)
    {
        var values = new RowBlock(
            new Schema([.. request.Step.Lookup.ValueTypes.Select((t, i) => new Field($"v{i}", t))]),
                request.Keys.Count);
        values.Count = request.Keys.Count;
        var found = new bool[request.Keys.Count];
        var faults = new List<LookupFault>();
        for (var i = 0; i < found.Length; i++)
        {
            var key = RawBatches.Show(request.Keys.Columns[0], i);
            Lookups.Add(key);
            if (IgnoresCase) key = key.ToLowerInvariant();
            if (Doubled.Contains(key)) faults.Add(LookupFault.Several(i, "T", ["K"]));
            else if (Unfit.Contains(key)) faults.Add(new LookupFault(i, "KOR4052", "no such value"));
            found[i] = Table.TryGetValue(key, out var row) && !Doubled.Contains(key) && !Unfit.Contains(key);
            for (var c = 0; c < values.Columns.Length && found[i]; c++)
                ((BinaryColumn)values.Columns[c]).Set(i, Encoding.UTF8.GetBytes(row![c]));
        }

        return new LookupResult(values, found) { Faults = faults };
    }

    private LookupTableRows TableOf(LookupPlan step)
    {
        Lookups.Add("*");
        var table = Table.Concat(Table.Where(t => Doubled.Contains(t.Key))).ToList();
        var block = new RowBlock(
            new Schema([new Field("k", FieldType.String), .. step.Lookup.ValueTypes.Select((t,
                i) => new Field($"v{i}", t))]), table.Count);
        block.Count = table.Count;
        foreach (var (i, (key, row)) in table.Index())
        {
            ((BinaryColumn)block.Columns[0]).Set(i, Encoding.UTF8.GetBytes(key));
            for (var c = 0; c < row.Length; c++) ((BinaryColumn)block.Columns[c + 1]).Set(i,
                Encoding.UTF8.GetBytes(row[c]));
        }

        var unfit = table.Index().Where(t => Unfit.Contains(t.Item.Key)).Select(t => new LookupFault(t.Index, "KOR4052", "no such value"));
        return new LookupTableRows(block) { Faults = [.. unfit], AskForOthers = IgnoresCase };
    }
}
