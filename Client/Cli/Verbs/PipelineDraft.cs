using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>A pipeline and its test, drafted from records of a topic.</summary>
/// <param name="Pipeline">The pipeline's text.</param>
/// <param name="Test">The test's text.</param>
/// <param name="Used">How many records the fields were guessed from.</param>
/// <param name="Fields">The fields in words.</param>
internal sealed partial record PipelineDraft(string Pipeline, string Test, int Used, string Fields)
{
    /// <summary>Drafts them. Throws <see cref="CliException"/> when the records are no JSON objects.</summary>
    public static PipelineDraft Of(string name, TopicRecords topic, string sink)
    {
        var objects = topic.Records.Where(r => r.Encoding == "utf8" && r.Value is not null && IsObject(r.Value)).Select(r => r.Value!).ToList();
        if (objects.Count == 0)
        {
            throw new CliException(ExitCodes.Failed, topic.Records.Count == 0
                ? $"Topic '{topic.Topic}' holds no records to guess fields from."
                : $"No record of topic '{topic.Topic}' is a JSON object; write the fields by hand (format csv, string or raw).");
        }

        var schema = FieldList.Infer(objects.Select(Encoding.UTF8.GetBytes));
        var sample = objects[^1];
        var key = Key(schema, objects);
        var time = schema.Fields.FirstOrDefault(f => f.Type.Kind == FieldKind.Timestamp && FieldName().IsMatch(f.Name))?.Name;
        return new PipelineDraft(
            PipelineText(name, topic, schema, sink, key, time, objects.Count), TestText(name, sample, schema), objects.Count,
            string.Join(", ", schema.Fields.Select(f => $"{f.Name}:{f.Type}")));
    }

    private static string PipelineText(
        string name, TopicRecords topic, Schema schema, string sink, string? key, string? time, int records)
    {
        var text = new StringBuilder();
        Line(text, "# yaml-language-server: $schema=pipeline.schema.json");
        Line(text, string.Create(CultureInfo.InvariantCulture, $"# Drafted from {records} records of topic {topic.Topic}: check types, key and event time."));
        Line(text, "apiVersion: kor/v1");
        Line(text, $"name: {name}");
        Line(text, "source:");
        Line(text, $"  kafka: {{ connection: {Quote(topic.Connection)}, topics: [{Quote(topic.Topic)}], start: earliest }}");
        Line(text, "  format: json");
        Line(text, "  fields:");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var field in schema.Fields)
        {
            var own = Own(field.Name, names);
            var required = field.Name == key ? ", required: true" : "";
            if (own == field.Name) Line(text, required.Length == 0 ? $"    {own}: {Type(field)}" : $"    {own}: {{ type: {Quoted(field)}{required} }}");
            else Line(text, $"    {own}: {{ type: {Quoted(field)}, path: [{Quote(field.Name)}]{required} }}");
        }

        if (time is not null) Line(text, $"  eventTime: {{ field: {time}, maxOutOfOrder: 30s, idleAfter: 30s }}");
        if (key is not null)
        {
            Line(text, "steps:");
            Line(text, "  - id: quality");
            Line(text, "    type: quality");
            Line(text, $"    rules: {{ has_{key}: {key} IS NOT NULL }}");
            Line(text, "    onFail: quarantine");
            Line(text, $"  - {{ id: unique, type: dedup, key: [{key}], within: 1h, scope: global }}");
        }

        Line(text, "sinks:");
        Line(text, $"  - {{ id: rows, from: {(key is null ? "source" : "unique")}, connection: {Quote(sink)}, table: {Table(topic.Topic)}, mode: append, create: true }}");
        return text.ToString();
    }

    private static string TestText(string name, string sample, Schema schema)
    {
        var text = new StringBuilder();
        Line(text, $"pipeline: {name}.yaml");
        Line(text, "tests:");
        Line(text, "  - name: a record of the topic is written");
        Line(text, "    given:");
        Line(text, $"      - raw: {Quote(sample)}");
        Line(text, "    expect:");
        Line(text, "      rows: { rows: 1 }");
        Line(text, "      counts: { consumed: 1, absorbed: 1 }");
        return schema.Count == 0 ? "" : text.ToString();
    }

    /// <summary>The field that is in every record and looks like an id; the id of the record itself before ids of others.</summary>
    private static string? Key(Schema schema, List<string> objects)
    {
        var everywhere = schema.Fields.Where(f => FieldName().IsMatch(f.Name) && f.Type.Kind is FieldKind.String or FieldKind.Integer)
            .Where(f => objects.TrueForAll(o => Has(o, f.Name))).ToList();
        return (everywhere.Find(f => f.Name.Equals("id", StringComparison.OrdinalIgnoreCase))
            ?? everywhere.Find(f => f.Name.EndsWith("id", StringComparison.OrdinalIgnoreCase) || f.Name.EndsWith("uuid", StringComparison.OrdinalIgnoreCase)))?.Name;
    }

    private static bool Has(string json, string name)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;
    }

    private static bool IsObject(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>A name expressions can use.</summary>
    private static string Own(string name, HashSet<string> taken)
    {
        var own = NoField().Replace(name, "_");
        if (own.Length == 0 || char.IsAsciiDigit(own[0])) own = "_" + own;
        if (own.Length > 100) own = own[..100];
        var free = own;
        for (var n = 2; !taken.Add(free); n++) free = string.Create(CultureInfo.InvariantCulture, $"{own}_{n}");
        return free;
    }

    private static string Table(string topic)
    {
        var name = NoField().Replace(topic, "_").Trim('_').ToUpperInvariant();
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) name = "T_" + name;
        return (name.Length > 120 ? name[..120] : name) + "_ROWS";
    }

    private static string Type(Field field) => field.Type.ToString();

    // A comma inside a flow mapping would end the value.
    private static string Quoted(Field field) => field.Type.Kind == FieldKind.Decimal ? $"\"{field.Type}\"" : field.Type.ToString();

    private static string Quote(string text) =>
        PlainText().IsMatch(text) ? text : JsonSerializer.Serialize(text, JsonText.Compact);

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex FieldName();

    [GeneratedRegex("[^A-Za-z0-9_]")]
    private static partial Regex NoField();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_.-]*$")]
    private static partial Regex PlainText();
}
