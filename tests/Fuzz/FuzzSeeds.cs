using System.Text;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Watermarks;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Fuzz;

/// <summary>What targets start from.</summary>
internal static class FuzzSeeds
{
    private static readonly (string Name, FieldType Type)[] Kinds =
    [
        ("b", FieldType.Boolean), ("i", FieldType.Integer), ("d", FieldType.Decimal(12, 3)), ("f", FieldType.Double),
        ("s", FieldType.String), ("t", FieldType.Timestamp), ("a", FieldType.Date), ("x", FieldType.Bytes), ("j",
            FieldType.Json),
    ];

    /// <summary>A field of every kind.</summary>
    public static Schema Fields { get; } = new([.. Kinds.Select(k => new Field(k.Name, k.Type))]);

    public static SourceFormatSpec Spec(SourceFormatKind format)
    {
        var fields = new List<SourceFieldSpec>();
        foreach (var (name, type) in Kinds)
        {
            fields.Add(new SourceFieldSpec
            {
                Name = name, Type = type, Path = format == SourceFormatKind.Json ? [name] : [],
                Column = format == SourceFormatKind.Csv ? fields.Count : -1,
            });
            if (format == SourceFormatKind.String) fields[^1] = fields[^1] with { Type = FieldType.String };
        }

        if (format == SourceFormatKind.Json)
        {
            fields.Add(new SourceFieldSpec { Name = "deep", Type = FieldType.String, Path = ["j", "a", "b"] });
            fields.Add(new SourceFieldSpec
            {
                Name = "ms", Type = FieldType.Timestamp, Path = ["ms"], Encoding = TimeEncoding.EpochMilliseconds,
            });
        }

        return new SourceFormatSpec
        {
            Format = format, Fields = fields, Schema = new Schema([.. fields.Select(f => new Field(f.Name, f.Type))]),
        };
    }

    /// <summary>A JSON source most of whose fields come from the key, as a whole and by path.</summary>
    public static SourceFormatSpec KeySpec()
    {
        var fields = new List<SourceFieldSpec> { new() { Name = "i", Type = FieldType.Integer, Path = ["i"] } };
        fields.Add(new() { Name = "whole", Type = FieldType.String, From = FieldOrigin.Key, Path = [] });
        foreach (var (name, type) in Kinds)
            fields.Add(new() { Name = "k_" + name, Type = type, From = FieldOrigin.Key, Path = ["k", name] });
        return new SourceFormatSpec
        {
            Format = SourceFormatKind.Json, Fields = fields, Schema = new Schema([.. fields.Select(f => new Field(f.Name, f.Type))]),
            Tombstones = TombstonePolicy.Delete,
        };
    }

    public static RawBatch Raw(byte[]? value, byte[]? key = null) => new()
    {
        Topic = "t", Partition = 0, From = 0, To = 1, Count = 1, Buffer = [.. key ?? [], .. value ?? []], KeyStart = [0],
        KeyLength = [key?.Length ?? -1], ValueStart = [key?.Length ?? 0], ValueLength = [value?.Length ?? -1], Offsets = [0], Timestamps = [0],
    };

    /// <summary>Rows of every kind, with NULLs and extremes.</summary>
    public static RowBlock Rows()
    {
        var decoder = RecordDecoderFactory.Create(Spec(SourceFormatKind.Csv));
        var block = new RowBlock(Fields, 4) { Count = 4 };
        string[] lines =
        [
            "true,1,2.5,3.25,text,2026-01-31T10:30:00Z,2026-01-31,AP8=,\"{\"\"a\"\":1}\"", ",,,,,,,,",
            "0,-9223372036854775808,-999999999.999,1e308,\"\",0001-01-01,0001-01-01,,[]",
            "1,9223372036854775807,999999999.999,-1e308,ß😀%_,9999-12-31T23:59:59.999999Z,9999-12-31,AA==,null",
        ];
        for (var row = 0; row < lines.Length; row++)
        {
            var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema) };
            batch.Reset(Raw(Encoding.UTF8.GetBytes(lines[row])));
            decoder.Decode(batch);
            for (var i = 0; i < block.Columns.Length; i++) block.Columns[i].CopyFrom(batch.Rows.Columns[i], 0, row);
        }

        return block;
    }

    public static IReadOnlyList<byte[]> For(string target) => target switch
    {
        "json" => Utf8(
            """{"b":true,"i":42,"d":12.345,"f":1.5e3,"s":"text é 😀 \u0041\n","t":"2026-01-31T10:30:00.123+01:00","a":"2026-01-31"}""",
            """ { "x" : "AP8=" , "j" : { "a" : { "b" : "deep" } , "c" : [ 1 , null , true ] } , "ms" : 1767225600123 } """,
            """{"i":1,"i":2,"\u0069":3,"s":"\ud83d\ude00","j":{"a":1,"a":{"b":"x"}},"u":[[[{}]]],"f":-0.0}""",
            """{"d":"12.50","i":1e3,"f":0.30000000000000004,"s":"","t":null,"j":"\\\"\/"}"""),
        "json-key" => Utf8(
            """{"k":{"b":true,"i":42,"d":12.345,"f":1.5e3,"s":"text","t":"2026-01-31T10:30:00Z","a":"2026-01-31","x":"AP8=","j":[1]}}""",
            """{"k":{"i":1,"i":2},"k":{"s":"\ud83d\ude00"}}""", "plain", ""),
        "csv" => Utf8("true,1,2.5,3.25,text,2026-01-31T10:30:00Z,2026-01-31,AP8=,\"{\"\"a\"\":1}\"",
            "\"1\",\"2\",,,\"a,\"\"b\"\"\n\",,,,\r\n"),
        "text" => Utf8("text", "é😀"),
        "expression" => Utf8(
            "i + 1 > 2 AND (d * 0.1 <= 5 OR s LIKE 'a%' ESCAPE '!')",
                "CASE WHEN b THEN upper(s) ELSE coalesce(s, 'x') || 'y' END",
            "CAST(f AS decimal(12,2)) BETWEEN -1e3 AND 7 % 3", "s IN ('a', 'b''c', NULL) IS NOT NULL",
                "round(d / i, 2) -- c",
            "substring(s, 1, 2) = left(s, 3)", "CAST('2026-01-31T10:30:00Z' AS timestamp) < t",
                "json_value(j, '$.a[0].b')"),
        "pipeline" => [.. Files("*.yaml")],
        "pipeline-json" => Utf8(
            """{"apiVersion":"kor/v1","name":"p","source":{"kafka":{"connection":"m","topics":["t"]},"format":"json","fields":{"a":"integer"}},"sinks":[{"id":"s","connection":"d","table":"T","mode":"append"}]}"""),
        "group-key" => [Key()],
        "group-key-text" => Utf8(GroupKeyCodec.ToText(Key(), Fields), "~n,~n,~n,~n,~n,~n,~n,~n,~n",
            "true,-1,0.5,1e5,~e,@5,@-7,AP8,~7B~7D"),
        "row-block" => [RowBlockCodec.Encode(Rows()), RowBlockCodec.Encode(new RowBlock(Schema.Empty))],
        "shard-watermark" => [Shard()],
        "window-part" => StateTargets.Parts("window-tumbling"),
        "dedup-part" or "dedup-sealed" => DedupParts(),
        "dedup-shard" => [StateTargets.ShardHeader],
        "dedup-source" => [StateTargets.ShardSource],
        "dedup-seen" => [StateTargets.SeenOffsets],
        "field-list" => Utf8("a:decimal(10,2), b:string", "\"odd name\":timestamp,c : integer"),
        "test-file" => [.. Files("*.test.yaml")],
        _ when StateTargets.Steps.ContainsKey(target) => StateTargets.Parts(target),
        _ => throw new ArgumentException($"The target '{target}' has no seeds."),
    };

    private static List<byte[]> Utf8(params string[] texts) => [.. texts.Select(Encoding.UTF8.GetBytes)];

    /// <summary>The text of a sample pipeline by its file name, or null.</summary>
    public static string? PipelineText(string name) => PipelineTexts.GetValueOrDefault(name);

    private static readonly Dictionary<string, string> PipelineTexts = Directory
        .EnumerateFiles(PipelineFolder(), "*.yaml", SearchOption.AllDirectories)
        .DistinctBy(Path.GetFileName).ToDictionary(f => Path.GetFileName(f), File.ReadAllText);

    private static string PipelineFolder()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null
            && !Directory.Exists(Path.Combine(directory.FullName, "pipelines"))) directory = directory.Parent;
        return Path.Combine((directory ?? throw new InvalidOperationException("The folder 'pipelines' was not found.")).FullName, "pipelines");
    }

    private static IEnumerable<byte[]> Files(string pattern) =>
        Directory.EnumerateFiles(PipelineFolder(), pattern, SearchOption.AllDirectories).Select(File.ReadAllBytes);

    private static byte[] Key()
    {
        var writer = default(ByteWriter);
        GroupKeyCodec.Append(Rows().Columns, 0, ref writer);
        return writer.ToArray();
    }

    private static byte[] Shard()
    {
        var shard = new ShardWatermark();
        shard.Observe("orders/0", 1_767_225_600_000, 0);
        shard.Observe("orders/1", -5, 0);
        return shard.Encode();
    }

    private static List<byte[]> DedupParts()
    {
        var cell = new KafkaOracleOrleans.Processing.Dedup.DedupCell(3_600_000);
        var counts = default(KafkaOracleOrleans.Processing.Dedup.DedupCounts);
        UInt128[] ids = [1, 2, 3];
        cell.Claim(3, ids, [7, 8, 9], [1000, 2000, 3000], [10, 11, 12], [0, 1, 2], new bool[3], ref counts);
        return [.. cell.CollectDirty().Select(p => p.Payload!)];
    }
}
