using CsCheck;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Records;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

public sealed class PartitionPropertyTests
{
    private const string Pipeline = """
        apiVersion: kor/v1
        name: p
        source:
          kafka: { connection: main, topics: [t] }
          format: json
          fields: { id: string, n: integer, g: string }
          eventTime: { maxOutOfOrder: 5s }
        steps:
          - { id: tenth, type: map, set: { tenth: "100 / n" } }
          - { id: some, type: filter, where: "n <> 7" }
          - { id: unique, type: dedup, key: [id], within: 1h }
          - id: w
            type: window
            window: { tumbling: 1m }
            groupBy: [g]
            aggregates: { n: count(), s: sum(n) }
        sinks:
          - { id: rows, from: unique, connection: d, table: T, mode: append, create: true }
          - { id: twice, from: unique.duplicates, connection: d, table: U, mode: append, create: true }
        """;

    private static readonly Gen<string?> Record = Gen.Frequency(
        (8, Gen.Select(Gen.Int[0, 30], Gen.Int[0, 9], Gen.Int[0, 5]).Select((i, n, g) => (string?)$$"""{"id":"i{{i}}","n":{{n}},"g":"g{{g}}"}""")),
        (1, Gen.Const((string?)"{")),
        (1, Gen.Const((string?)null)),
        (1, Gen.Const((string?)"""{"n":3}""")));

    /// <summary>What leaves and what is counted is a matter of the records, not of how they were cut into batches.</summary>
    [Fact]
    public void Batch_boundaries_change_nothing()
    {
        Gen.Select(Record.Array[1, 60], Gen.Int[1, 20]).Sample((records, size) =>
        {
            var whole = Run(records, records.Length);
            var parts = Run(records, size);
            Assert.Equal(whole.Counts, parts.Counts);
            Assert.Equal(whole.Text, parts.Text);
            Assert.Equal(Expected(records), whole.Counts);
        }, iter: 60);
    }

    [Fact]
    public void Decoding_allocates_nothing_per_record()
    {
        var decoder = RecordDecoderFactory.Create(RawBatches.Spec("id string; n integer; d decimal(9,2); t timestamp enc=epoch_ms"));
        var raw = RawBatches.Of([.. Enumerable.Range(0, 1000).Select(i =>
            (string?)$$"""{"id":"id-{{i}}","n":{{i}},"d":{{i}}.25,"t":1767225600{{i % 1000:D3}},"other":[{{i}},"x\u0041"]}""")]);
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
        void Decode()
        {
            batch.Reset(raw);
            decoder.Decode(batch);
        }

        for (var i = 0; i < 5; i++) Decode();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Decode();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1000, batch.Alive.Count);
    }

    [Fact]
    public void The_lookup_cache_is_bounded_and_keeps_what_is_asked_for()
    {
        var cache = new LookupCache(100, 1000, 10);
        for (var i = 1; i <= 10_000; i++)
        {
            cache.Set((UInt128)i, [1], 0);
            cache.Set(0, [9], 0);
            Assert.True(cache.TryGet(0, 0, out var kept, out _) && kept![0] == 9);
            Assert.True(cache.Count <= 101, $"{cache.Count} rows");
        }

        Assert.False(cache.TryGet(1, 0, out _, out _));
        Assert.False(cache.TryGet(10_000, 1000, out _, out _));
        cache.Set(7, null, 0);
        Assert.True(cache.TryGet(7, 9, out var missing, out _) && missing is null);
        Assert.False(cache.TryGet(7, 10, out _, out _));
    }

    private static (BatchCounts Counts, string Text) Run(string?[] records, int size)
    {
        var run = new PipelineRun(Pipeline);
        var total = default(BatchCounts);
        foreach (var chunk in records.Chunk(size))
        {
            var c = run.Send(chunk);
            total = new BatchCounts(
                total.Consumed + c.Consumed, total.Absorbed + c.Absorbed, total.Duplicate + c.Duplicate, total.Late + c.Late,
                total.Filtered + c.Filtered, total.Quarantined + c.Quarantined);
        }

        var lines = run.Sinks.OrderBy(s => s.Key, StringComparer.Ordinal).SelectMany(s => s.Value.Select(r => $"{s.Key} {r}"))
            .Concat(run.Windows.SelectMany(w => w.Value.Select(r => r[..r.IndexOf(' ')] + r[r.IndexOf(':')..][^3..])))
            .Concat(run.Quarantine.Select(q => $"{q.Offset} {q.Place} {q.Code}"));
        return (total, string.Join('\n', lines));
    }

    private static BatchCounts Expected(string?[] records)
    {
        long absorbed = 0, duplicate = 0, filtered = 0, quarantined = 0;
        var seen = new HashSet<string>();
        foreach (var record in records)
        {
            if (record is null) filtered++;
            else if (record == "{" || record.Contains("\"n\":0", StringComparison.Ordinal)) quarantined++;
            else if (record.Contains("\"n\":7", StringComparison.Ordinal)) filtered++;
            else if (record.StartsWith("{\"id\"", StringComparison.Ordinal) && !seen.Add(record.Split('"')[3])) duplicate++;
            else absorbed++;
        }

        return new BatchCounts(records.Length, absorbed, duplicate, 0, filtered, quarantined);
    }
}
