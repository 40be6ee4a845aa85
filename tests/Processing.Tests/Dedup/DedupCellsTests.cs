using System.IO.Hashing;
using System.Text;
using CsCheck;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Records;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Dedup;

/// <summary>Which cell holds an id, and how ids come from one kind of cells into another.</summary>
public sealed class DedupCellsTests
{
    private const long Within = 80_000;

    [Theory]
    [InlineData(false, 8, 3, "i8-3")]
    [InlineData(true, 0, 0xfedcba9876543210, "fedcba9876543210")]
    [InlineData(true, 16, 15, "f")]
    public void Names_say_the_kind_and_the_number_of_cells(bool byMessageKey, int groups, ulong route, string name)
    {
        var cells = new DedupCells(byMessageKey, groups);
        Assert.Equal(name, cells.NameOf(route));
        Assert.True(cells.TryRoute(name, out var read));
        Assert.Equal(route, read);
    }

    [Fact]
    public void Names_of_other_cells_are_not_taken_for_their_own()
    {
        Assert.All((string[])["i16-3", "i8-8", "i8-", "i-3", "i8", "3", "f", "", "i8-3-3", "i08x-1"], n => Assert.False(new DedupCells(false, 8).TryRoute(n, out _)));
        Assert.All((string[])["i8-3", "10", "", "xyz"], n => Assert.False(new DedupCells(true, 16).TryRoute(n, out _)));
    }

    [Fact]
    public void Ids_are_spread_evenly()
    {
        var cells = new DedupCells(false, 8);
        var counts = new int[8];
        for (var i = 0; i < 80_000; i++) counts[cells.RouteOf(DedupCells.HashOf(Id(i)))]++;
        Assert.All(counts, c => Assert.InRange(c, 9_500, 10_500));
    }

    /// <summary>A cell for each of them would be as many as there are records: 400,000 filled the memory of a silo.</summary>
    [Fact]
    public void Ids_without_a_message_key_share_a_fixed_number_of_cells()
    {
        var cells = new DedupCells(true, 0);
        var routes = Enumerable.Range(0, 80_000).GroupBy(i => cells.RouteOf(cells.KeylessHash(Id(i)))).ToDictionary(g => g.Key, g => g.Count());
        Assert.Equal(DedupCells.KeylessCells, routes.Count);
        Assert.All(routes, r => Assert.True(cells.IsKeyless(r.Key) && r.Value is > 1_000 and < 1_500));
        Assert.False(cells.IsKeyless(XxHash3.HashToUInt64("a key"u8)));
        // With a number of cells they stay where they were stored.
        Assert.Equal((ulong)Id(5) % 16, new DedupCells(true, 16).RouteOf(new DedupCells(true, 16).KeylessHash(Id(5))));
    }

    [Theory]
    [InlineData("", false, 8)]
    [InlineData(", grainPer: group(5)", false, 5)]
    [InlineData(", cellBy: id, grainPer: group(5)", false, 5)]
    [InlineData(", cellBy: message_key", true, 0)]
    [InlineData(", cellBy: message_key, grainPer: key", true, 0)]
    [InlineData(", cellBy: message_key, grainPer: group(4)", true, 4)]
    public void A_step_says_how_ids_are_spread(string keys, bool byMessageKey, int groups) =>
        Assert.Equal(new DedupCells(byMessageKey, groups), StepOf(keys).Cells);

    [Fact]
    public void A_grain_per_key_is_for_ids_that_come_with_their_key()
    {
        var compiled = Compile(Base.Replace("within: 1h", "within: 1h, grainPer: key", StringComparison.Ordinal));
        var warning = Assert.Single(compiled.Diagnostics);
        Assert.Equal("KOR2060", warning.Code);
        Assert.Contains("add cellBy: message_key", warning.Message, StringComparison.Ordinal);
        Assert.Equal(DedupCells.DefaultGroups, compiled.Plan!.Steps.OfType<DedupPlan>().Single().Cells.Groups);
    }

    /// <summary>The fingerprints of version 0.1: what is stored under them is read on.</summary>
    [Fact]
    public void State_of_version_0_1_is_taken_over()
    {
        const string perKey = "43238329aeaa7de05c6eca0b0e1b8901";
        const string sixteen = "96704653e04043952cb835da2c916dd0";
        Assert.Equal(perKey, Fingerprint(", cellBy: message_key"));
        Assert.Equal(sixteen, Fingerprint(", cellBy: message_key, grainPer: group(16)"));
        Assert.NotEqual(perKey, Fingerprint(""));
        // The number of cells by id is no part of it.
        Assert.Equal(Fingerprint(""), Fingerprint(", grainPer: group(16)"));
        Assert.True(Takes("", perKey));
        Assert.True(Takes(", grainPer: group(16)", perKey));
        Assert.True(Takes(", grainPer: group(16)", sixteen));
        Assert.False(Takes("", sixteen));
        Assert.False(Takes(", cellBy: message_key", Fingerprint("")));
        Assert.False(StateFingerprint.CanTakeOver(PlanOf(With("").Replace("key: [order_id]", "key: [customer]", StringComparison.Ordinal)), "unique", perKey));
    }

    /// <summary>
    /// Ids in cells by message key, the same id in several of them, go into cells by id: what a cell that had seen everything would call a duplicate is
    /// one. Doing it again after it broke off half-way gives the same.
    /// </summary>
    [Fact]
    public void Ids_of_many_cells_come_together() => Gen.Select(
        Gen.Select(Gen.Int[0, 60], Gen.Int[0, 5], Gen.Int[0, 12_000]).Array[1, 200], Gen.Int[1, 9], Gen.Int[0, 300]).Sample((log, groups, kept) =>
    {
        var old = new Dictionary<int, DedupCell>();
        for (var i = 0; i < log.Length; i++)
        {
            if (!old.TryGetValue(log[i].Item2, out var cell)) old.Add(log[i].Item2, cell = new DedupCell(Within));
            Claim(cell, [log[i].Item1], i, log[i].Item3 + (i * 50));
        }

        var stored = old.Values.SelectMany(c => c.CollectDirty()).ToList();
        var layout = new DedupCells(false, groups);
        var first = Move(layout, stored, [], log.Length);
        // Broke off: some of what it stored is there, and the old cells still are.
        var again = Move(layout, stored, [.. first.Take(kept)], log.Length);
        Assert.Equal(Ids(layout, first), Ids(layout, again));
        var cells = Restore(layout, first);
        var last = log.Max(r => r.Item3) + (log.Length * 50);
        for (var i = 0; i < log.Length; i++)
        {
            // Asked by another offset at the time of the largest one that holds it, each id is known.
            var holder = Array.FindLastIndex(log, r => r.Item1 == log[i].Item1);
            var time = log[holder].Item3 + (holder * 50);
            if (last - time > Within) continue;
            var cell = cells[layout.RouteOf(DedupCells.HashOf(Id(log[i].Item1)))];
            Assert.True(Claim(cell, [log[i].Item1], log.Length + i, time).Single());
        }
    }, iter: 200);

    [Fact]
    public void Pages_stay_full_when_claims_come_in_no_order()
    {
        const int ids = 20_000;
        const long position = 5_000_000_000;
        var parts = new List<CellPart>();
        for (var k = 0; k < 100; k++)
        {
            var cell = new DedupCell(Within);
            for (var i = 0; i < ids / 100; i++) Claim(cell, [(i * 100) + k], position - ids + (i * 100) + k, 1000);
            parts.AddRange(cell.CollectDirty());
        }

        var moved = Move(new DedupCells(false, 2), parts, [], position);
        Assert.InRange(moved.Count, 4, 8);
        Assert.Equal(ids, Restore(new DedupCells(false, 2), moved).Values.Sum(c => c.Count));
    }

    [Fact]
    public void What_is_damaged_or_of_another_span_is_not_taken()
    {
        var cell = new DedupCell(Within);
        Claim(cell, [1, 2], 0, 0);
        var part = Assert.Single(cell.CollectDirty());
        Assert.Throws<CorruptStateException>(() => new DedupMove(new DedupCells(false, 2), Within * 2, 0, 2).Add(part.Part, part.Payload));
        part.Payload![^1] ^= 1;
        Assert.Throws<CorruptStateException>(() => new DedupMove(new DedupCells(false, 2), Within, 0, 2).Add(part.Part, part.Payload));
    }

    [Fact]
    public void An_id_with_another_message_key_is_found_by_sampling()
    {
        var check = new MessageKeyCheck();
        var found = 0;
        for (var i = 0; i < 10_000; i++)
        {
            Assert.False(check.Differs(Id(i), 1));
            Assert.False(check.Differs(Id(i), 1));
            if (check.Differs(Id(i), 2)) found++;
        }

        Assert.InRange(found, 10_000 / MessageKeyCheck.SampledOneIn / 2, 10_000 / MessageKeyCheck.SampledOneIn * 2);
    }

    [Theory]
    [InlineData(", cellBy: message_key", true)]
    [InlineData("", false)]
    public void Records_that_break_the_promise_are_counted(string keys, bool counted)
    {
        var plan = PlanOf($$"""
            apiVersion: kor/v1
            name: p
            source:
              kafka: { connection: main, topics: [t] }
              format: json
              fields: { id: integer }
            steps:
              - { id: unique, type: dedup, key: [id], within: 1h, scope: partition{{keys}} }
            sinks:
              - { id: rows, from: unique, connection: dwh, table: T }
            """);
        var pipeline = new PartitionPipeline(plan, 1);
        long Violations(string key)
        {
            var violations = 0L;
            pipeline.Begin(RawBatches.Of([.. Enumerable.Range(0, 1000).Select(i =>
                ((byte[]?)Encoding.UTF8.GetBytes($"{key}{i % 10}"), (byte[]?)Encoding.UTF8.GetBytes($$"""{"id":{{i}}}""")))], 0, new long[1000]), 0);
            while (pipeline.Next() is { } request) violations += request is DedupRequest dedup ? dedup.KeyViolations : 0;
            return violations;
        }

        Assert.Equal(0, Violations("a"));
        Assert.Equal(0, Violations("a"));
        Assert.Equal(counted, Violations("b") > 20);
    }

    private static List<(ulong Route, CellPart Part)> Move(
        DedupCells layout, IReadOnlyList<CellPart> old, IReadOnlyList<(ulong Route, CellPart Part)> kept, long position)
    {
        var move = new DedupMove(layout, Within, 0, position);
        foreach (var (route, part) in kept) move.Keep(route, part.Part, part.Payload);
        foreach (var part in old) move.Add(part.Part, part.Payload);
        var stored = kept.ToDictionary(k => (k.Route, k.Part.Part), k => k.Part);
        foreach (var (route, parts) in move.Collect())
        {
            foreach (var part in parts)
            {
                if (part.Payload is null) stored.Remove((route, part.Part));
                else stored[(route, part.Part)] = part;
            }
        }

        return [.. stored.Select(s => (s.Key.Route, s.Value)).OrderBy(s => s.Route).ThenBy(s => s.Value.Part)];
    }

    private static Dictionary<ulong, DedupCell> Restore(DedupCells layout, IEnumerable<(ulong Route, CellPart Part)> stored)
    {
        var cells = Enumerable.Range(0, layout.Groups).ToDictionary(r => (ulong)r, _ => new DedupCell(Within));
        foreach (var (route, part) in stored) cells[route].ReadPart(part.Part, part.Payload);
        return cells;
    }

    private static string Ids(DedupCells layout, IEnumerable<(ulong Route, CellPart Part)> stored) =>
        string.Join(' ', Restore(layout, stored).Select(c => $"{c.Key}:{c.Value.Count}"));

    private static string With(string keys) => Base.Replace("within: 1h", "within: 1h" + keys, StringComparison.Ordinal);

    private static DedupPlan StepOf(string keys) => PlanOf(With(keys)).Steps.OfType<DedupPlan>().Single();

    private static string Fingerprint(string keys) => PlanOf(With(keys)).StateFingerprints["unique"];

    private static bool Takes(string keys, string stored) => StateFingerprint.CanTakeOver(PlanOf(With(keys)), "unique", stored);

    private static bool[] Claim(DedupCell cell, int[] ids, long offset, long time)
    {
        var duplicate = new bool[ids.Length];
        var counts = default(DedupCounts);
        cell.Claim(
            ids.Length, [.. ids.Select(Id)], new uint[ids.Length], [.. ids.Select(_ => time)], [.. ids.Select((_, i) => offset + i)],
            [.. Enumerable.Range(0, ids.Length)], duplicate, ref counts);
        return duplicate;
    }

    private static UInt128 Id(int id) => XxHash128.HashToUInt128(BitConverter.GetBytes(id));
}
