using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Fuzz;

/// <summary>
/// What reads bytes or text from outside. A target throws when the reader does anything but accept or refuse the input
/// in the way it promises, or when what it accepted does not hold what it promises.
/// </summary>
internal static class FuzzTargets
{
    private static readonly SourceFormatSpec Json = FuzzSeeds.Spec(SourceFormatKind.Json);
    private static readonly IRecordDecoder JsonDecoder = RecordDecoderFactory.Create(Json);
    private static readonly IRecordDecoder CsvDecoder = RecordDecoderFactory.Create(FuzzSeeds.Spec(SourceFormatKind.Csv));
    private static readonly IRecordDecoder TextDecoder = RecordDecoderFactory.Create(FuzzSeeds.Spec(SourceFormatKind.String));
    private static readonly IRecordDecoder KeyDecoder = RecordDecoderFactory.Create(FuzzSeeds.KeySpec());
    private static readonly UTF8Encoding Utf8Strict = new(false, true);

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>
    {
        ["json"] = DecodeJson,
        ["json-key"] = DecodeKey,
        ["csv"] = input => Check(CsvDecoder, input),
        ["text"] = input => Check(TextDecoder, input),
        ["expression"] = Expression,
        ["pipeline"] = input => PipelineCompiler.Compile(Encoding.UTF8.GetString(input), "fuzz.yaml"),
        ["pipeline-json"] = input => PipelineCompiler.Compile(Encoding.UTF8.GetString(input), "fuzz.json"),
        ["group-key"] = GroupKey,
        ["group-key-text"] = GroupKeyText,
        ["row-block"] = input => Refusing(() => RowBlockCodec.Encode(RowBlockCodec.Decode(input))),
        ["shard-watermark"] = input => Refusing(() => ShardWatermark.Decode(input).Encode()),
        ["window-part"] = input => Refusing(() => new WindowCell(StateTargets.Steps["window-tumbling"]).ReadPart(0, input)),
        ["window-tumbling"] = input => StateTargets.Window("window-tumbling", input),
        ["window-hopping"] = input => StateTargets.Window("window-hopping", input),
        ["window-session"] = input => StateTargets.Window("window-session", input),
        ["window-calendar"] = input => StateTargets.Window("window-calendar", input),
        ["window-totals"] = input => StateTargets.Window("window-totals", input),
        ["dedup-part"] = input => Refusing(() => new DedupCell(3_600_000).ReadPart(0, input)),
        ["dedup-sealed"] = StateTargets.Dedup,
        ["dedup-shard"] = input => Refusing(() => StateTargets.DedupShard(
            input, StateTargets.Partition(StateTargets.ShardSource, StateTargets.SeenOffsets))),
        ["dedup-source"] = input => Refusing(() => StateTargets.DedupShard(
            StateTargets.ShardHeader, StateTargets.Partition(input, StateTargets.SeenOffsets))),
        ["dedup-seen"] = input => Refusing(() => StateTargets.DedupShard(
            StateTargets.ShardHeader, StateTargets.Partition(StateTargets.ShardSource, input))),
        ["field-list"] = input => FieldList.Parse(Encoding.UTF8.GetString(input), out _),
        ["test-file"] = TestFile,
    };

    // A whole test: the pipeline file stays what it is, its test file is mutated, and the engine runs what is left of it.
    private static void TestFile(byte[] input) => PipelineTestRunner.Run(
        Encoding.UTF8.GetString(input), "fuzz.test.yaml", new TestRunnerOptions { ReadPipeline = FuzzSeeds.PipelineText });

    private static void Refusing(Action read)
    {
        try
        {
            read();
        }
        catch (CorruptStateException)
        {
            // The one way these formats refuse.
        }
    }

    // Every input twice: after another record, whose order of properties the decoder has learned, and after itself.
    private static void DecodeJson(byte[] input)
    {
        var first = Check(JsonDecoder, input);
        if (Check(JsonDecoder, input) != first)
            throw new InvalidOperationException("The second time the outcome was another one.");
        if (first == "KOR4006" && IsJson(input))
            throw new InvalidOperationException("Valid JSON was refused as invalid.");
        if (first is null && !IsJson(input)) throw new InvalidOperationException("Invalid JSON was accepted.");
    }

    // The input is the record's key, beside a sound value and beside a tombstone.
    private static void DecodeKey(byte[] input)
    {
        foreach (var value in new byte[]?[] { "{\"i\":1}"u8.ToArray(), null })
        {
            var batch = new RecordBatch { Rows = new RowBlock(KeyDecoder.Schema) };
            batch.Reset(FuzzSeeds.Raw(value, input));
            KeyDecoder.Decode(batch);
            if (batch.Errors.Count + batch.Alive.Count != 1)
                throw new InvalidOperationException("The record was neither taken nor refused.");
            if (batch.Alive.Count == 0) continue;
            foreach (var column in batch.Rows.Columns) CheckValue(column);
        }
    }

    private static bool IsJson(byte[] input)
    {
        try
        {
            if (!Utf8.IsValid(input)) return false;
            var reader = new Utf8JsonReader(input, new JsonReaderOptions { MaxDepth = Json.MaxDepth });
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? Check(IRecordDecoder decoder, byte[] input)
    {
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
        batch.Reset(FuzzSeeds.Raw(input));
        decoder.Decode(batch);
        if (batch.Errors.Count + batch.Alive.Count != 1)
            throw new InvalidOperationException("The record was neither taken nor refused.");
        if (batch.Alive.Count == 0) return batch.Errors.Items[0].Code;
        foreach (var column in batch.Rows.Columns) CheckValue(column);
        return null;
    }

    private static void CheckValue(Column column, int row = 0)
    {
        if (column.IsNull[row]) return;
        switch (column)
        {
            case DoubleColumn number when !double.IsFinite(number.Values[row]):
                throw new InvalidOperationException("A double is not finite.");
            case DecimalColumn number:
                var limit = 1m;
                for (var i = number.Type.Scale; i < number.Type.Precision; i++) limit *= 10;
                if (number.Values[row].Scale > number.Type.Scale || Math.Abs(number.Values[row]) >= limit)
                    throw new InvalidOperationException($"{number.Values[row]} is no {number.Type}.");
                break;
            case BinaryColumn { Type.Kind: FieldKind.String } text:
                if (Utf8Strict.GetString(text.Span(row)).Contains('\0'))
                    throw new InvalidOperationException("U+0000 in a string.");
                break;
            case BinaryColumn { Type.Kind: FieldKind.Json } text:
                using (JsonDocument.Parse(text.Span(row).ToArray(), new JsonDocumentOptions { MaxDepth = 70 }))
                {
                }

                break;
        }
    }

    private static void Expression(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        var result = ExpressionCompiler.Compile(text, FuzzSeeds.Fields);
        if (result.Expression is null
            && result.Errors.Count == 0) throw new InvalidOperationException("Neither an expression nor a fault.");
        foreach (var error in result.Errors)
        {
            if (error.Position < 0 || error.Position > text.Length)
                throw new InvalidOperationException($"A fault at {error.Position}.");
        }

        if (result.Expression is null) return;
        var rows = FuzzSeeds.Rows();
        var selection = new Selection();
        selection.SetAll(rows.Count);
        var output = Column.Create(result.Expression.Type, rows.Count);
        result.Expression.Evaluate(rows, selection, output, new EvaluationContext(0, new RowErrors(), "fuzz"));
        for (var row = 0; row < rows.Count; row++) CheckValue(output, row);
    }

    private static void GroupKey(byte[] input) => Refusing(() =>
    {
        var text = GroupKeyCodec.ToText(input, FuzzSeeds.Fields);
        // Bytes that are not in canonical form cannot come back, but their text must be a key.
        if (Utf8.IsValid(input) && !GroupKeyCodec.TryParse(text, FuzzSeeds.Fields, out _))
            throw new InvalidOperationException($"'{text}' is not taken back.");
    });

    private static void GroupKeyText(byte[] input)
    {
        if (!GroupKeyCodec.TryParse(Encoding.UTF8.GetString(input), FuzzSeeds.Fields, out var bytes)) return;
        var text = GroupKeyCodec.ToText(bytes, FuzzSeeds.Fields);
        if (!GroupKeyCodec.TryParse(text, FuzzSeeds.Fields, out var again) || !bytes.AsSpan().SequenceEqual(again))
            throw new InvalidOperationException($"'{text}' is another key.");
    }
}
