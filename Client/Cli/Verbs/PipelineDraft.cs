using System.Globalization;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Testing;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>
/// A pipeline and its test, drafted from records of a topic. The draft is compiled and given the records it was made from: a field that does not take
/// all of them becomes json, or is left out with the reason, so that it accepts its own sample and passes its own test.
/// </summary>
/// <param name="Pipeline">The pipeline's text.</param>
/// <param name="Test">The test's text.</param>
/// <param name="Used">How many records the fields were guessed from.</param>
/// <param name="Fields">The fields in words.</param>
internal sealed record PipelineDraft(string Pipeline, string Test, int Used, string Fields)
{
    private const int MaxSample = 60_000;

    /// <summary>Drafts them. Throws <see cref="CliException"/> when the records are no JSON objects.</summary>
    public static PipelineDraft Of(string name, TopicRecords topic, string sink)
    {
        var records = topic.Records.Where(r => r.Encoding == "utf8" && r.Value is not null && IsObject(r.Value)).ToList();
        if (records.Count == 0)
        {
            throw new CliException(ExitCodes.Failed, topic.Records.Count == 0
                ? $"Topic '{topic.Topic}' holds no records to guess fields from."
                : ValueKinds.Describe(topic.Records) is { } kind
                    ? $"The values of topic '{topic.Topic}' are no JSON objects: {kind}."
                    : $"No record of topic '{topic.Topic}' is a JSON object; write the fields by hand (format csv or string).");
        }

        var values = records.ConvertAll(r => Encoding.UTF8.GetBytes(r.Value!));
        var text = new DraftText(name, topic, sink, records, DraftField.Of(SampleFields.Infer(values, times: true, nested: true)));
        while (true)
        {
            if (text.IsEmpty) throw new CliException(ExitCodes.Failed, $"The records of topic '{topic.Topic}' have no field that could be taken; write the fields by hand.");
            var pipeline = text.Pipeline();
            var compiled = PipelineCompiler.Compile(pipeline, name + ".yaml", new PipelineCompilerOptions { Variables = static _ => null });
            if (compiled.Plan is not { } plan)
            {
                throw new CliException(
                    ExitCodes.Failed, $"No valid pipeline could be drafted from topic '{topic.Topic}'; this is a fault of kor. {string.Join("; ", compiled.Diagnostics)}");
            }

            var (accepted, refused, ahead) = Try(plan, values, records);
            if ((refused is { } error && text.Give(error)) || (ahead && text.GiveTime(plan.Source.Schema[plan.Source.EventTimeField].Name))) continue;
            if (accepted < 0)
                throw new CliException(ExitCodes.Failed, $"No record of topic '{topic.Topic}' can be taken: {refused!.Value.Code}: {refused.Value.Message}");
            return new PipelineDraft(pipeline, text.Test(records[accepted].Value!), records.Count, text.Fields);
        }
    }

    /// <summary>
    /// The last record that the source takes, or -1; the first it refuses for one of its fields; and whether the event time of one lies so far beyond its
    /// Kafka timestamp that the pipeline would refuse it: the end of a contract is no time at which something happened.
    /// </summary>
    private static (int Accepted, RowError? Refused, bool Ahead) Try(PipelinePlan plan, List<byte[]> values, List<TopicRecord> records)
    {
        var decoder = plan.Source.CreateDecoder();
        var batch = new RecordBatch { Rows = new RowBlock(decoder.Schema, values.Count) };
        batch.Reset(RawRecords.Batch("samples", 0, 0, [.. values.Select((value, i) => new RawRecord(value, Offset: i))]));
        decoder.Decode(batch);
        // A test file holds values of up to 65,536 characters.
        var accepted = batch.Alive.Count == 0 ? -1 : batch.Alive.Span[^1];
        foreach (var row in batch.Alive.Span)
        {
            if (values[row].Length < MaxSample) accepted = row;
        }

        return (accepted, batch.Errors.Count == 0 ? null : batch.Errors.Items[0], IsAhead(plan, batch, records));
    }

    private static bool IsAhead(PipelinePlan plan, RecordBatch batch, List<TopicRecord> records)
    {
        if (plan.Source.EventTimeField < 0) return false;
        var times = (LongColumn)batch.Rows.Columns[plan.Source.EventTimeField];
        foreach (var row in batch.Alive.Span)
        {
            if (!times.IsNull[row] && records[row].Timestamp is { } sent && times.Values[row] / 1000 > sent.ToUnixTimeMilliseconds() + plan.Source.MaxAhead) return true;
        }

        return false;
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
}
