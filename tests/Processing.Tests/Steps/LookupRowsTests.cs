using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Tests.Records;

namespace KafkaOracleOrleans.Processing.Tests.Steps;

/// <summary>Lookups in tables with several rows for a key: which rows count, whatever order they come in, asked for or read whole.</summary>
public sealed class LookupRowsTests
{
    private static readonly (string Key, string? Value, long? Rank, string? From, string? To)[] Table =
    [
        ("a", "x", 1, null, "2026-01-10T00:00:00Z"), ("a", "y", 2, "2026-01-10T00:00:00Z", "2026-01-20T00:00:00Z"), ("a", "z", null, "2026-01-20T00:00:00Z", null),
        ("b", "n", 5, "2026-01-01T00:00:00Z", null), ("b", "m", 5, "2026-01-15T00:00:00Z", null),
    ];

    /// <summary>Options, and what each key finds at the 5th, the 12th and the 25th: values, ! refused, - nothing.</summary>
    [Theory]
    [InlineData("onMultiple: first", "a: x x x; b: m m m; c: - - -")]
    [InlineData("onMultiple: first, orderBy: [rank desc]", "a: y y y; b: m m m; c: - - -")]
    [InlineData("onMultiple: first, orderBy: [value desc]", "a: z z z; b: n n n; c: - - -")]
    [InlineData("onMultiple: all", "a: xyz xyz xyz; b: mn mn mn; c: - - -")]
    [InlineData("onMultiple: all, orderBy: [rank desc, value asc]", "a: yxz yxz yxz; b: mn mn mn; c: - - -")]
    [InlineData("asOf: { from: VALID_FROM, to: VALID_TO }", "a: x y z; b: n n !; c: - - -")]
    [InlineData("asOf: { from: VALID_FROM }", "a: x y z; b: n n m; c: - - -")]
    [InlineData("asOf: { from: VALID_FROM, to: VALID_TO }, onMultiple: first", "a: x y z; b: n n m; c: - - -")]
    [InlineData("asOf: { from: VALID_FROM, to: VALID_TO }, onMultiple: first, orderBy: [value desc]", "a: x y z; b: n n n; c: - - -")]
    [InlineData("asOf: { from: VALID_FROM, to: VALID_TO }, onMultiple: all", "a: x y z; b: n n mn; c: - - -")]
    [InlineData("onMultiple: quarantine", "a: ! ! !; b: ! ! !; c: - - -")]
    public void Rows_are_chosen_by_the_step_and_never_by_chance(string options, string expected)
    {
        foreach (var preload in new[] { false, true })
        {
            foreach (var table in new[] { Table, [.. Table.Reverse()] })
            {
                foreach (var size in new[] { 1, 9 })
                {
                    var found = Run(options + (preload ? ", preload: true" : ""), table, size);
                    Assert.Equal(expected, string.Join("; ", found.Select(f => $"{f.Key}: {string.Join(' ', f.Value)}")));
                }
            }
        }
    }

    [Fact]
    public void Of_more_rows_than_are_read_none_counts()
    {
        (string, string?, long?, string?, string?)[] many = [.. Enumerable.Range(0, LookupSpec.MaxRowsPerKey + 1).Select(i => ("a", (string?)$"v{i}", (long?)i, (string?)null, (string?)null))];
        Assert.Equal(["!", "!", "!"], Run("onMultiple: first, preload: true", many, 9)["a"]);
        Assert.Equal(["v0", "v0", "v0"], Run("onMultiple: first, preload: true, orderBy: [rank]", many[..^1], 9)["a"]);
    }

    private static SortedDictionary<string, List<string>> Run(string options, (string Key, string? Value, long? Rank, string? From, string? To)[] table, int size)
    {
        var compilation = PipelineCompiler.Compile($$"""
            apiVersion: kor/v1
            name: p
            source:
              kafka: { connection: main, topics: [t] }
              format: json
              fields: { id: string, at: timestamp }
              eventTime: { field: at, maxOutOfOrder: 29d }
            steps:
              - id: found
                type: lookup
                connection: dwh
                table: T
                on: { ID: id }
                add: { value: V, rank: { column: RANK, type: integer } }
                {{options.Replace(", preload", "\n    preload", StringComparison.Ordinal).Replace(", onMultiple", "\n    onMultiple", StringComparison.Ordinal).Replace(", orderBy", "\n    orderBy", StringComparison.Ordinal)}}
            sinks:
              - { id: rows, from: found, connection: dwh, table: R, mode: append, create: true }
            """, "test.yaml");
        Assert.True(compilation.Succeeded, string.Join('\n', compilation.Diagnostics));
        var pipeline = new PartitionPipeline(compilation.Plan!, 7);
        var found = new SortedDictionary<string, List<string>>(StringComparer.Ordinal);
        string[] days = ["05", "12", "25"];
        (string Key, string Day)[] records = [.. new[] { "a", "b", "c" }.SelectMany(k => days.Select(d => (k, d)))];
        var offset = 0L;
        foreach (var chunk in records.Chunk(size))
        {
            var answers = chunk.ToDictionary(c => c, _ => "");
            var raw = RawBatches.Of([.. chunk.Select(c => ((byte[]?)null, (byte[]?)System.Text.Encoding.UTF8.GetBytes($$"""{"id":"{{c.Key}}","at":"2026-01-{{c.Day}}T00:00:00Z"}""")))], offset,
                [.. chunk.Select(c => DateTimeOffset.Parse($"2026-01-{c.Day}T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds())]);
            pipeline.Begin(raw, 1_769_000_000_000);
            while (pipeline.Next() is { } request)
            {
                if (request is LookupRequest lookup) Answer(lookup, table);
                else if (request is QuarantineRequest refused)
                {
                    foreach (var record in refused.Records) answers[chunk[record.Offset - offset]] = record.Code == "KOR4051" ? "!" : record.Code;
                }
                else if (request is SinkRequest sink)
                {
                    for (var row = 0; row < sink.Rows.Count; row++)
                        answers[chunk[(int)(sink.Offsets[row] - offset)]] += Text(sink.Rows.Columns[IndexOf(sink.Rows.Schema, "value")], row) ?? "-";
                }
            }

            foreach (var ((key, _), answer) in answers)
            {
                if (!found.TryGetValue(key, out var list)) found.Add(key, list = []);
                list.Add(answer);
            }

            offset += chunk.Length;
        }

        return found;
    }

    private static int IndexOf(Schema schema, string name) =>
        schema.Fields.ToList().FindIndex(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static void Answer(LookupRequest request, (string Key, string? Value, long? Rank, string? From, string? To)[] table)
    {
        var spec = request.Step.Lookup;
        var values = new RowBlock(new Schema([.. spec.ValueTypes.Select((t, i) => new Field($"v{i}", t))]), table.Length) { Count = table.Length };
        for (var row = 0; row < table.Length; row++) Fill(values.Columns, row, table[row]);
        if (request.Preload)
        {
            var keys = Column.Create(FieldType.String, table.Length);
            for (var row = 0; row < table.Length; row++) Set(keys, row, table[row].Key);
            request.Table = new LookupTableRows(new RowBlock(
                new Schema([new Field("k", FieldType.String), .. values.Schema.Fields]), [keys, .. values.Columns], table.Length));
            return;
        }

        var asked = Enumerable.Range(0, request.Keys.Count).Select(i => Text(request.Keys.Columns[0], i)).ToArray();
        var rows = asked.Select(k => Enumerable.Range(0, table.Length).Where(r => table[r].Key == k).ToList()).ToArray();
        if (spec.Several)
        {
            request.Result = new LookupResult(values, [.. rows.Select(r => r.Count != 0)]) { Rows = rows };
            return;
        }

        request.Result = new LookupResult(new RowBlock(values.Schema, asked.Length) { Count = asked.Length }, new bool[asked.Length])
        {
            Faults = [.. Enumerable.Range(0, asked.Length).Where(i => rows[i].Count > 1).Select(i => LookupFault.Several(i, spec.Table, spec.KeyColumns))],
        };
        foreach (var column in request.Result.Values.Columns)
        {
            for (var i = 0; i < asked.Length; i++) column.SetNull(i);
        }
    }

    private static void Fill(Column[] columns, int row, (string Key, string? Value, long? Rank, string? From, string? To) record)
    {
        Set(columns[0], row, record.Value);
        Set(columns[1], row, record.Rank);
        if (columns.Length > 2) Set(columns[2], row, Micros(record.From));
        if (columns.Length > 3) Set(columns[3], row, Micros(record.To));
    }

    private static long? Micros(string? text) =>
        text is null ? null : DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture).ToUnixTimeMilliseconds() * 1000;

    private static void Set(Column column, int row, object? value)
    {
        column.EnsureCapacity(row + 1);
        switch (value)
        {
            case string text: ((BinaryColumn)column).Set(row, System.Text.Encoding.UTF8.GetBytes(text)); break;
            case long number: ((LongColumn)column).Set(row, number); break;
            default: column.SetNull(row); break;
        }
    }

    private static string? Text(Column column, int row) => column.IsNull[row] ? null : System.Text.Encoding.UTF8.GetString(((BinaryColumn)column).Span(row));
}
