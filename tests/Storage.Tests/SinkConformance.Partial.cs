using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Storage.Tests;

/// <content>Rows that change a part of what is there, and rows that change only what is there.</content>
public abstract partial class SinkConformance
{
    private static readonly Schema Parts = new(
        new Field("id", FieldType.String, false), new Field("a", FieldType.String), new Field("b", FieldType.Integer), new Field("rev", FieldType.Integer));

    /// <summary>With and without a revision, kept and not, made and only changed: whatever the batches, the table is that of one row after the other.</summary>
    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, false, true)]
    [InlineData(true, true, true)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    public async Task Parts_of_rows_end_alike_however_they_are_batched(bool keep, bool update, bool revised)
    {
        var spec = Spec("parts_t", Parts, SinkMode.Upsert, ["id"]) with { RevisionColumn = revised ? "rev" : null, KeepMissing = keep, UpdateOnly = update };
        await Factory.PrepareAsync(spec, Cancel);
        var random = new Random(7);
        for (var round = 0; round < 12; round++)
        {
            await ExecuteNativeAsync("DELETE FROM parts_t; INSERT INTO parts_t VALUES ('k0', 'old', 1, NULL), ('k1', NULL, NULL, 2)",
                "DELETE FROM parts_t; INSERT INTO parts_t VALUES ('k0', 'old', 1, NULL), ('k1', NULL, NULL, 2)");
            var model = new SortedDictionary<string, object?[]>(StringComparer.Ordinal) { ["k0"] = ["k0", "old", 1L, null], ["k1"] = ["k1", null, null, 2L] };
            object?[][] rows = [.. Enumerable.Range(0, 12).Select(i => (object?[])[$"k{random.Next(4)}", Maybe($"v{i}"), Maybe((long)i), Maybe((long)random.Next(4))])];
            var affected = rows.Count(row => Apply(model, row, keep, update, revised));
            await using var lane = await Factory.OpenAsync(spec, $"lane{round}", Cancel);
            await WriteInPartsAsync(lane, Parts, rows, _ => random.Next(3) == 0);
            Assert.Equal(model.Values.Select(v => string.Join('|', v.Select(x => x ?? "null"))), await ReadTextsAsync(spec));
            if (!keep) continue;

            // All of them at once, once more on what is there now: counted as the database counts them.
            affected = rows.Count(row => Apply(model, row, keep, update, revised));
            var result = await lane.WriteAsync(new SinkWrite(Rows.Block(Parts, rows), 1_000, null, null), Cancel);
            Assert.Equal((affected, rows.Length - affected), (result.Written, (int)result.Already));
        }

        object? Maybe(object value) => random.Next(2) == 0 ? null : value;
    }

    [Fact]
    public async Task A_part_changes_a_row_whose_other_columns_must_have_values()
    {
        await ExecuteNativeAsync(
            "CREATE TABLE strict_t (id varchar(10) PRIMARY KEY, a varchar(10) NOT NULL, b numeric(19) NOT NULL); INSERT INTO strict_t VALUES ('x', 'old', 1)",
            "CREATE TABLE strict_t (id TEXT NOT NULL PRIMARY KEY, a TEXT NOT NULL, b INTEGER NOT NULL); INSERT INTO strict_t VALUES ('x', 'old', 1)");
        var schema = new Schema(Parts[0], Parts[1], Parts[2]);
        var spec = Spec("strict_t", schema, SinkMode.Upsert, ["id"]) with { KeepMissing = true };
        await using var lane = await OpenAsync(spec);
        var written = await lane.WriteAsync(
            new SinkWrite(Rows.Block(schema, ["x", "new", null], ["y", null, 3L], ["z", "made", 4L], ["x", null, 5L]), 4, null, null), Cancel);
        // A row that is not there cannot be made of a part: that one is refused.
        Assert.Equal((3, 1), (written.Written, written.Quarantined));
        Assert.Equal(["x|new|5", "z|made|4"], await ReadTextsAsync(spec));

        // Columns the pipeline does not know need nothing where no row is made.
        var one = new Schema(Parts[0], Parts[1]);
        Assert.NotEmpty((await Factory.PlanAsync(Spec("strict_t", one, SinkMode.Upsert, ["id"]), Cancel)).Differences);
        var update = Spec("strict_t", one, SinkMode.Upsert, ["id"]) with { Sink = "update", UpdateOnly = true };
        Assert.Empty((await Factory.PlanAsync(update, Cancel)).Differences);
        await using var updates = await OpenAsync(update);
        Assert.Equal((1, 1), await TallyAsync(updates, one, ["x", "again"], ["nobody", "there"]));
        Assert.Equal(["x|again|5", "z|made|4"], await ReadTextsAsync(spec));
    }

    [Fact]
    public async Task A_table_is_made_with_the_types_and_indexes_that_are_declared()
    {
        var spec = Spec("typed_t", Parts, SinkMode.Upsert, ["id"]) with
        {
            ColumnTypes = new Dictionary<string, string> { ["id"] = "VARCHAR(20)", ["A"] = "VARCHAR(30) NOT NULL", ["b"] = "NUMERIC(5)" }.ToDictionary(StringComparer.OrdinalIgnoreCase),
            Indexes = [["a", "b"], ["rev"]],
        };
        Assert.Equal(3, (await Factory.PlanAsync(spec, Cancel)).Statements.Count(s => s.Contains("typed_t", StringComparison.OrdinalIgnoreCase)));
        await using var lane = await OpenAsync(spec);
        var again = await Factory.PlanAsync(spec, Cancel);
        Assert.Empty(again.Statements);
        var written = await lane.WriteAsync(new SinkWrite(Rows.Block(Parts, ["x", "a", 12345L, null], ["y", null, 1L, 1L]), 2, null, null), Cancel);
        Assert.Equal((1, 1), (written.Written, written.Quarantined));
        Assert.Equal(["x|a|12345|null"], await ReadTextsAsync(spec));
    }

    private static async Task<(int Written, int Already)> TallyAsync(ISinkLane lane, Schema schema, params object?[][] rows)
    {
        var result = await lane.WriteAsync(new SinkWrite(Rows.Block(schema, rows), 1, null, null), Cancel);
        return (result.Written, (int)result.Already);
    }

    /// <summary>One row after the other, by the rules as they are told. True when it changes or makes a row.</summary>
    private static bool Apply(SortedDictionary<string, object?[]> table, object?[] row, bool keep, bool update, bool revised)
    {
        var key = (string)row[0]!;
        if (!table.TryGetValue(key, out var old))
        {
            if (!update) table[key] = [.. row];
            return !update;
        }

        if (revised && old[3] is long before && !(row[3] is long now && now >= before)) return false;
        table[key] = [.. row.Select((v, i) => v ?? (keep ? old[i] : null))];
        return true;
    }
}
