using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Tests.Windows;

/// <summary>Rules of sessions that random logs rarely meet.</summary>
public sealed class SessionRuleTests
{
    private static readonly AggregateSpec[] Counts = [new("n", AggregateKind.Count, -1, default, FieldType.Integer)];

    /// <summary>Key, start, end, count, revision; times in microseconds.</summary>
    [Fact]
    public void Two_sessions_that_a_late_row_bridges_stay_two_when_one_would_be_too_long()
    {
        var cell = Cell(new SessionWindow(10, 30));
        var late = new LateRows();
        Apply(cell, 0, [100, 108, 116, 127, 135, 140, 120], null, long.MinValue, late);
        Assert.Equal(0, late.Count);
        Assert.Equal(["1|100000|127000|4|1", "1|127000|150000|3|1"], Closed(cell, 1_000));

        // Below the limit they are one.
        var longer = Cell(new SessionWindow(10, 41));
        Apply(longer, 0, [100, 108, 116, 127, 135, 140, 120], null, long.MinValue, late);
        Assert.Equal(["1|100000|141000|7|1"], Closed(longer, 1_000));
    }

    /// <summary>What keeps a session open for a source are its own records in it, also after the session has become part of another's.</summary>
    [Fact]
    public void A_row_within_its_own_sources_part_of_a_session_is_in_time_after_that_was_merged_into_anothers()
    {
        var cell = Cell(new SessionWindow(10, 1_000));
        var late = new LateRows();
        Apply(cell, 0, [100], [90], long.MinValue, late);
        Apply(cell, 1, [112, 119, 125], [102, 109, 115], long.MinValue, late);
        Apply(cell, 0, [106], [96], long.MinValue, late);
        // Alone it would be a session until 123, which its source has passed; the one it lies in goes on until 135.
        Apply(cell, 1, [113], [124], long.MinValue, late);
        Assert.Equal(0, late.Count);
        // The other source has nothing there.
        Apply(cell, 0, [113], [124], long.MinValue, late);
        Assert.Equal((113, 123, 1, LateReason.Watermark), (late[0].WindowStart, late[0].WindowEnd, late[0].LateBy, late[0].Reason));
        Assert.Equal(["1|100000|135000|6|1"], Closed(cell, 1_000));
    }

    [Theory]
    [InlineData("mode: upsert", true)]
    [InlineData("mode: upsert, keys: [id, window_start]", true)]
    [InlineData("mode: append", false)]
    public void A_session_that_is_no_more_is_deleted_where_its_key_tells_it_from_others(string sink, bool deletes)
    {
        var compilation = PipelineCompiler.Compile($$"""
            apiVersion: kor/v1
            name: visits
            source:
              kafka: { connection: main, topics: [t], start: earliest }
              format: json
              fields: { id: { type: string, required: true } }
              eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
            steps:
              - { id: w, type: window, window: { session: 1m }, groupBy: [id], aggregates: { n: count() } }
            sinks:
              - { id: out, from: w, connection: dwh, table: T, create: true, {{sink}} }
            """, "p.yaml", new PipelineCompilerOptions());
        Assert.True(compilation.Plan is not null, string.Join('\n', compilation.Diagnostics));
        var schema = compilation.Plan.Steps[0].Schema;
        var rows = new RowBlock(schema, 3) { Count = 3 };
        foreach (var column in rows.Columns)
        {
            for (var row = 0; row < 3; row++) column.SetNull(row);
        }

        (long Start, long End)[] sessions = [(100, 200), (300, 300), (400, 500)];
        for (var row = 0; row < 3; row++)
        {
            ((LongColumn)rows.Columns[schema.IndexOf("window_start")]).Set(row, sessions[row].Start);
            ((LongColumn)rows.Columns[schema.IndexOf("window_end")]).Set(row, sessions[row].End);
        }

        Assert.Equal(deletes ? [false, true, false] : null, WithdrawnRows.Of(rows, compilation.Plan.Sinks[0]));
    }

    private static WindowCell Cell(SessionWindow window) => new(WindowTestRows.Spec(window, 0, Counts));

    private static void Apply(WindowCell cell, int partition, long[] times, long[]? watermarks, long watermark, LateRows late)
    {
        var rows = WindowTestRows.Rows([.. times.Select((t, i) => new TestRow(1, t, 1, partition, i))]);
        var judged = new KeyedRows
        {
            Count = rows.Count, KeyHashes = rows.KeyHashes, KeyStarts = rows.KeyStarts, KeyBytes = rows.KeyBytes, EventTimes = rows.EventTimes,
            Offsets = rows.Offsets, Inputs = rows.Inputs, Watermarks = watermarks,
        };
        cell.Apply(judged, WindowTestRows.All(times.Length), partition, watermark, late);
    }

    private static List<string> Closed(WindowCell cell, long watermark)
    {
        var closed = new ClosedWindows(WindowTestRows.Spec(new SessionWindow(10, 1_000), 0, Counts));
        cell.Advance(watermark, closed);
        return WindowTestRows.Lines(closed.Rows);
    }
}
