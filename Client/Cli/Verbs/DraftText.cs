using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>A field of a drafted pipeline.</summary>
/// <param name="Name">Its name in the pipeline.</param>
/// <param name="Sample">What the records have.</param>
internal sealed partial record DraftField(string Name, SampleField Sample)
{
    // What the engine adds to rows, and a word that YAML takes for nothing. KOR_ columns are the engine's.
    private static readonly string[] Taken = ["window_start", "window_end", "late_by_ms", "revision", "null"];

    /// <summary>Names that expressions and databases can use: databases do not tell them apart by case.</summary>
    public static List<DraftField> Of(IReadOnlyList<SampleField> fields)
    {
        var names = new HashSet<string>(Taken, StringComparer.OrdinalIgnoreCase);
        // An empty name has no path.
        return [.. fields.Where(f => f.Path.All(p => p.Length != 0)).Select(f => new DraftField(Own(string.Join('_', f.Path), names), f))];
    }

    private static string Own(string name, HashSet<string> taken)
    {
        var own = NoField().Replace(name, "_");
        if (own.Length == 0 || char.IsAsciiDigit(own[0])) own = "_" + own;
        if (own.StartsWith("KOR_", StringComparison.OrdinalIgnoreCase)) own = "_" + own;
        if (own.Length > 100) own = own[..100];
        var free = own;
        for (var n = 2; !taken.Add(free); n++) free = string.Create(CultureInfo.InvariantCulture, $"{own}_{n}");
        return free;
    }

    [GeneratedRegex("[^A-Za-z0-9_]")]
    private static partial Regex NoField();
}

/// <summary>The text of a drafted pipeline and of its test.</summary>
internal sealed partial class DraftText(string name, TopicRecords topic, string sink, List<TopicRecord> records, List<DraftField> fields)
{
    private readonly List<string> _leftOut = [];
    private readonly HashSet<string> _noTimes = [];

    /// <summary>The fields in words.</summary>
    public string Fields => string.Join(", ", fields.Select(f => $"{string.Join('.', f.Sample.Path)}:{f.Sample.Type}"));

    /// <summary>True when no field is left.</summary>
    public bool IsEmpty => fields.Count == 0;

    /// <summary>Makes room for a value that a field refused; false when it is no field's fault.</summary>
    public bool Give(RowError error)
    {
        var place = fields.FindIndex(f => f.Name == error.Place);
        if (place < 0) return false;
        var sample = fields[place].Sample;
        if (sample.Type.Kind == FieldKind.Json)
        {
            _leftOut.Add($"{string.Join('.', sample.Path)}: {error.Message}");
            fields.RemoveAt(place);
        }
        else
        {
            fields[place] = fields[place] with { Sample = sample with { Type = FieldType.Json, Pattern = null } };
        }

        return true;
    }

    /// <summary>Takes another field, or the Kafka timestamp, for the event time.</summary>
    public bool GiveTime(string field) => _noTimes.Add(field);

    public string Pipeline()
    {
        var text = new StringBuilder();
        var key = Key();
        Line(text, "# yaml-language-server: $schema=pipeline.schema.json");
        Line(text, string.Create(CultureInfo.InvariantCulture, $"# Drafted from {records.Count} records of topic {topic.Topic}: check types, key and event time."));
        foreach (var left in _leftOut) Line(text, $"# Left out, since no type takes every record: {Comment(left)}");
        Line(text, "apiVersion: kor/v1");
        Line(text, $"name: {name}");
        Line(text, "source:");
        Line(text, $"  kafka: {{ connection: {Quote(topic.Connection)}, topics: [{Quote(topic.Topic)}], start: earliest }}");
        Line(text, "  format: json");
        Line(text, "  fields:");
        foreach (var field in fields) Line(text, $"    {field.Name}: {Declaration(field, field == key)}");
        var times = fields.Where(f => f.Sample is { Type.Kind: FieldKind.Timestamp, Everywhere: true } && !_noTimes.Contains(f.Name)).ToList();
        var time = times.Find(f => f.Name == f.Sample.Name) ?? times.FirstOrDefault();
        if (time is not null) Line(text, $"  eventTime: {{ field: {time.Name}, maxOutOfOrder: 30s, idleAfter: 30s }}");
        if (key is not null) Steps(text, key);
        Line(text, "sinks:");
        Line(text, $"  - {{ id: rows, from: {(key is null ? "source" : "unique")}, connection: {Quote(sink)}, table: {Table(topic.Topic)}, mode: append, create: true }}");
        return text.ToString();
    }

    public string Test(string sample)
    {
        var text = new StringBuilder();
        Line(text, $"pipeline: {name}.yaml");
        Line(text, "tests:");
        Line(text, "  - name: a record of the topic is written");
        Line(text, "    given:");
        Line(text, $"      - raw: {JsonSerializer.Serialize(sample, JsonText.Compact)}");
        Line(text, "    expect:");
        Line(text, "      rows: { rows: 1 }");
        Line(text, "      counts: { consumed: 1, absorbed: 1 }");
        return text.ToString();
    }

    private void Steps(StringBuilder text, DraftField key)
    {
        // A message key that is the id sends all copies of a record to one partition; unless what was seen says otherwise.
        var scattered = Scattered(key.Sample.Name);
        var keyed = scattered is null && (topic.Partitions == 1 || records.TrueForAll(r => r.Key is not null && r.Key == IdOf(r.Value!, key.Sample.Name)));
        Line(text, "steps:");
        Line(text, "  - id: quality");
        Line(text, "    type: quality");
        Line(text, $"    rules: {{ has_{key.Name}: {key.Name} IS NOT NULL }}");
        Line(text, "    onFail: quarantine");
        Line(text, keyed
            ? topic.Partitions == 1
                ? "  # The topic has one partition. With more of them, and message keys other than the id, say scope: global."
                : "  # The message key is the id, so that copies come in the same partition."
            : scattered is not null
                ? $"  # Copies come in several partitions: {Comment(scattered)}. Only scope: global finds them."
                : "  # Copies may come in any partition. Where the message key is what the id belongs to, scope: partition costs less.");
        Line(text, $"  - {{ id: unique, type: dedup, key: [{key.Name}], within: 1h, scope: {(keyed ? "partition" : "global")} }}");
    }

    /// <summary>An id that was seen in two partitions, in words; null: none was.</summary>
    private string? Scattered(string field)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (IdOf(record.Value!, field) is not { Length: > 0 } id || seen.TryAdd(id, record.Partition) || seen[id] == record.Partition) continue;
            return string.Create(CultureInfo.InvariantCulture, $"{field} {(id.Length > 40 ? id[..40] + "..." : id)} in {seen[id]} and {record.Partition}");
        }

        return null;
    }

    /// <summary>The field that is in every record and looks like an id; the id of the record itself before ids of others.</summary>
    private DraftField? Key()
    {
        var everywhere = fields.Where(f => f.Sample is { Everywhere: true, Path.Count: 1 } && f.Name == f.Sample.Name && f.Sample.Type.Kind is FieldKind.String or FieldKind.Integer).ToList();
        return everywhere.Find(f => f.Name.Equals("id", StringComparison.OrdinalIgnoreCase))
            ?? everywhere.Find(f => f.Name.EndsWith("id", StringComparison.OrdinalIgnoreCase));
    }

    private static string? IdOf(string json, string field)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty(field, out var value) ? value.ToString() : null;
    }

    private static string Declaration(DraftField field, bool required)
    {
        var (type, pattern) = (field.Sample.Type.ToString(), field.Sample.Pattern);
        var path = field.Sample.Path is [var one] && one == field.Name ? "" : $", path: [{string.Join(", ", field.Sample.Path.Select(Quote))}]";
        if (path.Length == 0 && pattern is null && !required) return type;
        // A comma inside a flow mapping would end the value.
        if (field.Sample.Type.Kind == FieldKind.Decimal) type = $"\"{type}\"";
        return $"{{ type: {type}{(pattern is null ? "" : ", pattern: " + pattern)}{path}{(required ? ", required: true" : "")} }}";
    }

    private static string Table(string topic)
    {
        var name = NoField().Replace(topic, "_").Trim('_').ToUpperInvariant();
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) name = "T_" + name;
        return (name.Length > 120 ? name[..120] : name) + "_ROWS";
    }

    // What stands for a variable in a file is a record's own text here.
    private static string Quote(string text) => PlainText().IsMatch(text) && text is not "null"
        ? text
        : JsonSerializer.Serialize(text, JsonText.Compact).Replace("${", "$${", StringComparison.Ordinal);

    private static string Comment(string text) => NoComment().Replace(text, " ");

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    [GeneratedRegex("[^A-Za-z0-9_]")]
    private static partial Regex NoField();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_.-]*$")]
    private static partial Regex PlainText();

    [GeneratedRegex(@"[^\u0020-\u007e]+")]
    private static partial Regex NoComment();
}
