using System.Globalization;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Quarantine;
using Orleans.Concurrency;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>What operators do with quarantined records: look, try, replay, drop.</summary>
internal sealed class QuarantineDesk(
    PipelineQuarantine quarantine, PlanProvider plans, ILookupSource lookups, ISchemaRegistries registries, IEnumerable<IRecordTransform> transforms, IGrainFactory grains,
    TimeProvider time)
{
    private const int Preview = 200;

    // What one partition plays at once becomes part of its state for that time.
    private const int ReplayBytes = 4 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);

    public async Task<QuarantinePage> ListAsync(
        string pipeline, QuarantineFilter filter, int limit, string? after, FieldMask? mask, CancellationToken cancellation)
    {
        var plan = await PlanAsync(pipeline);
        var lineage = PlanMask.Of(mask, plan, [plan]);
        var (found, next) = await PageAsync(pipeline, filter, QuarantineOrder.NewestFirst, limit, after, cancellation);
        var groups = new List<QuarantineCount>();
        foreach (var store in await quarantine.StoresAsync(pipeline, cancellation))
            groups.AddRange(await store.CountAsync(filter, cancellation));
        var note = plan.Quarantine is { HasTable: false, Topic: { } topic }
            ? $"Records refused by steps go to topic '{topic.Topic}' of Kafka connection '{topic.Connection}' only and are not listed; rows refused by sinks are."
            : null;
        return new QuarantinePage(
            [.. found.Select(f => Item(QuarantineMask.Of(Detail(plan, f.Store, f.Record), mask, lineage)))], next,
            [.. groups.GroupBy(g => (g.Place, g.Code)).Select(g => new QuarantineGroup(g.Key.Place, g.Key.Code, g.Sum(c => c.Records)))
                .OrderByDescending(g => g.Records)],
            note);
    }

    /// <summary>The records whose id begins like this: one, none, or too many.</summary>
    public async Task<IReadOnlyList<QuarantineDetail>> FindAsync(string pipeline, string prefix, FieldMask? mask, CancellationToken cancellation)
    {
        var plan = await PlanAsync(pipeline);
        var lineage = PlanMask.Of(mask, plan, [plan]);
        var (found, _) = await PageAsync(pipeline, new QuarantineFilter { Pipeline = pipeline, IdPrefix = prefix }, QuarantineOrder.NewestFirst, 2, null, cancellation);
        return [.. found.Select(f => QuarantineMask.Of(Detail(plan, f.Store, f.Record), mask, lineage))];
    }

    public async Task<long> DropAsync(string pipeline, QuarantineFilter filter, bool execute, CancellationToken cancellation)
    {
        long records = 0;
        foreach (var store in await quarantine.StoresAsync(pipeline, cancellation))
        {
            records += execute
                ? await store.DropAsync(filter, cancellation)
                : (await store.CountAsync(filter, cancellation)).Sum(c => c.Records);
        }

        return records;
    }

    /// <summary>Says, or with <paramref name="execute"/> finds out, what becomes of one page of records.</summary>
    public async Task<ReplayReport> ReplayAsync(
        string pipeline, QuarantineFilter filter, int limit, string? after, bool execute, FieldMask? mask, CancellationToken cancellation)
    {
        var definition = await grains.GetGrain<IPipelineGrain>(pipeline).GetDefinitionAsync();
        var runtime = await plans.GetAsync(pipeline, definition?.Version ?? 0);
        var (found, next) = await PageAsync(pipeline, filter, QuarantineOrder.OldestFirst, limit, after, cancellation);
        var skipped = new Groups();
        var playable = new List<QuarantinedRecord>();
        foreach (var (_, record) in found)
        {
            if (Obstacle(runtime.Plan, record) is { } why) skipped.Add(record.Record.Place, "", why, record.Id);
            else playable.Add(record);
        }

        var report = new ReplayReport { Executed = execute, Records = found.Count, Passed = 0, Skipped = skipped.ToList(), Next = next };
        report = execute
            ? await ExecuteAsync(pipeline, playable, report, cancellation)
            : await TryAsync(runtime, playable, report, cancellation);
        return PlanMask.Of(mask, runtime.Plan, [runtime.Plan]) is { } hidden
            ? report with { Refused = [.. report.Refused.Select(g => hidden.HidesReason(g.Place) ? g with { Reason = FieldMask.Hidden } : g)] }
            : report;
    }

    private async Task<ReplayReport> TryAsync(
        PipelineRuntime runtime, List<QuarantinedRecord> records, ReplayReport report, CancellationToken cancellation)
    {
        var refused = new Groups();
        var custom = new TransformRunner(transforms);
        long passed = 0, atDatabase = 0;
        foreach (var part in Parts(records))
        {
            var steps = new PartitionPipeline(ReplayPlan.Of(runtime.Plan, part.Sink), runtime.Version);
            steps.Begin(ReplayPlan.Batch([.. part.Records.DistinctBy(r => r.Record.Offset).Select(r => r.Record)]), time.GetUtcNow().ToUnixTimeMilliseconds());
            var again = new Dictionary<long, QuarantineRecord>();
            while (steps.Next() is { } request)
            {
                if (request is SchemaRequest schemas) await SchemaAnswers.AnswerAsync(schemas, runtime.Plan, registries, cancellation);
                if (request is LookupRequest lookup) await LookupAnswers.AnswerAsync(lookup, lookups, cancellation);
                if (request is CustomRequest transform) custom.Answer(transform);
                if (request is QuarantineRequest failed) foreach (var record in failed.Records) again[record.Offset] = record;
            }

            foreach (var record in part.Records)
            {
                if (again.TryGetValue(record.Record.Offset, out var why)) refused.Add(why.Place, why.Code, why.Reason, record.Id);
                else passed++;
            }

            if (part.Sink is not null) atDatabase += part.Records.Count(r => !again.ContainsKey(r.Record.Offset));
        }

        return report with { Passed = passed, AtDatabase = atDatabase, Refused = refused.ToList() };
    }

    private async Task<ReplayReport> ExecuteAsync(
        string pipeline, List<QuarantinedRecord> records, ReplayReport report, CancellationToken cancellation)
    {
        var refused = new Groups();
        var skipped = new Groups(report.Skipped);
        long passed = 0, unfinished = 0;
        var started = time.GetTimestamp();
        foreach (var part in Parts(records))
        {
            var answer = await PlayAsync(pipeline, part, started, cancellation);
            if (answer.Refusal is { } why) foreach (var record in part.Records) skipped.Add(record.Record.Place, "", why, record.Id);
            else if (!answer.Done) unfinished += part.Records.Count;
            else passed += await SettleAsync(pipeline, part, refused, cancellation);
        }

        return report with { Passed = passed, Refused = refused.ToList(), Skipped = skipped.ToList(), Unfinished = unfinished };
    }

    private async Task<ReplayAnswer> PlayAsync(string pipeline, Part part, long started, CancellationToken cancellation)
    {
        var ids = part.Records.Select(r => r.Id).ToArray();
        while (true)
        {
            try
            {
                var answer = await grains.GetGrain<IReplayGrain>(pipeline)
                    .ReplayAsync(part.Topic, part.Partition, part.Sink, ids.AsImmutable()).WaitAsync(cancellation);
                if (answer.Done || answer.Refusal is not null || time.GetElapsedTime(started) > Patience) return answer;
            }
            catch (Exception e) when (e is TimeoutException or Orleans.Runtime.OrleansException && time.GetElapsedTime(started) <= Patience)
            {
                // A silo went away under it; the partition's next owner goes on with what had begun, and the same call again changes nothing.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellation);
        }
    }

    /// <summary>What is left of the records in quarantine was refused again; the rest has passed.</summary>
    private async Task<int> SettleAsync(string pipeline, Part part, Groups refused, CancellationToken cancellation)
    {
        var left = new Dictionary<long, QuarantinedRecord>();
        foreach (var store in await quarantine.StoresAsync(pipeline, cancellation))
        {
            foreach (var record in await store.FindAtAsync(
                         pipeline, part.Topic, part.Partition, [.. part.Records.Select(r => r.Record.Offset)], cancellation))
            {
                // A record that several sinks refused is one replay for each.
                if (part.Sink is null || ReplayPlan.SinkOf(record.Record.Place) == part.Sink) left[record.Record.Offset] = record;
            }
        }

        foreach (var record in left.Values) refused.Add(record.Record.Place, record.Record.Code, record.Record.Reason, record.Id);
        return part.Records.Count(r => !left.ContainsKey(r.Record.Offset));
    }

    private sealed record Part(string Topic, int Partition, string? Sink, List<QuarantinedRecord> Records);

    private static IEnumerable<Part> Parts(IEnumerable<QuarantinedRecord> records)
    {
        foreach (var group in records.GroupBy(r => (r.Record.Topic, r.Record.Partition, Sink: ReplayPlan.SinkOf(r.Record.Place))))
        {
            var part = new Part(group.Key.Topic, group.Key.Partition, group.Key.Sink, []);
            long bytes = 0;
            foreach (var record in group.OrderBy(r => r.Record.Offset))
            {
                var size = (record.Record.Value?.Length ?? 0) + (record.Record.Key?.Length ?? 0);
                if (part.Records.Count > 0 && bytes + size > ReplayBytes)
                {
                    yield return part;
                    (part, bytes) = (part with { Records = [] }, 0);
                }

                part.Records.Add(record);
                bytes += size;
            }

            yield return part;
        }
    }

    private async Task<(List<(QuarantineStore Store, QuarantinedRecord Record)> Found, string? Next)> PageAsync(
        string pipeline, QuarantineFilter filter, QuarantineOrder order, int limit, string? after, CancellationToken cancellation)
    {
        var cursor = after is null ? null : Cursor.Parse(after, order);
        var found = new List<(QuarantineStore Store, QuarantinedRecord Record)>();
        foreach (var store in await quarantine.StoresAsync(pipeline, cancellation))
            found.AddRange((await store.ListAsync(filter, order, limit, cursor, cancellation)).Select(r => (store, r)));
        var sign = order == QuarantineOrder.NewestFirst ? -1 : 1;
        found.Sort((a, b) => sign * (a.Record.AddedAt != b.Record.AddedAt
            ? a.Record.AddedAt.CompareTo(b.Record.AddedAt)
            : string.CompareOrdinal(a.Record.Id, b.Record.Id)));
        found = [.. found.DistinctBy(f => f.Record.Id)];
        if (found.Count <= limit) return (found, found.Count == limit ? Cursor.Of(found[^1].Record, order) : null);
        found.RemoveRange(limit, found.Count - limit);
        return (found, Cursor.Of(found[^1].Record, order));
    }

    private async Task<PipelinePlan> PlanAsync(string pipeline) => (await plans.GetAsync(pipeline)).Plan;

    private static string? Obstacle(PipelinePlan plan, QuarantinedRecord record) =>
        ReplayPlan.Obstacle(plan, record.Record.Place, record.Record.Topic.Length != 0);

    private static QuarantineItem Item(QuarantineDetail detail)
    {
        var value = detail.Value is { Length: > Preview } text ? text[..Preview] + "..." : detail.Value;
        return detail with { Value = value };
    }

    private static QuarantineDetail Detail(PipelinePlan plan, QuarantineStore store, QuarantinedRecord found)
    {
        var record = found.Record;
        var real = record.Topic.Length != 0;
        return new QuarantineDetail
        {
            Id = found.Id,
            AddedAt = found.AddedAt,
            Place = record.Place,
            Code = record.Code,
            Reason = record.Reason,
            Version = record.PipelineVersion,
            Topic = real ? record.Topic : null,
            Partition = real ? record.Partition : null,
            Offset = real ? record.Offset : null,
            Timestamp = real && record.Timestamp >= 0 ? Times.Of(record.Timestamp) : null,
            Key = TextOf(record.Key),
            Value = TextOf(record.Value),
            ValueBytes = record.Value?.Length,
            KeyBytes = record.Key,
            RawValue = record.Value,
            Headers = [.. record.Headers.Select(h => KeyValuePair.Create(h.Key, TextOf(h.Value)))],
            Connection = store.Connection,
            Obstacle = Obstacle(plan, found),
        };
    }

    private static string? TextOf(byte[]? bytes)
    {
        if (bytes is null) return null;
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return "base64:" + Convert.ToBase64String(bytes);
        }
    }

    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    /// <summary>Where a page ended, and in which order: a list is read from its new end, a replay from its old one.</summary>
    private static class Cursor
    {
        private const string Newest = "n";

        public static string Of(QuarantinedRecord record, QuarantineOrder order) => string.Create(
            CultureInfo.InvariantCulture, $"{(order == QuarantineOrder.NewestFirst ? Newest : "")}{record.AddedAt.UtcTicks:x}-{record.Id}");

        /// <summary>Throws <see cref="FormatException"/>.</summary>
        public static QuarantinedRecord Parse(string text, QuarantineOrder order)
        {
            var newest = text.StartsWith(Newest, StringComparison.Ordinal);
            if (newest != (order == QuarantineOrder.NewestFirst))
                throw new FormatException("'after' is not for this: what a list gave as 'next' leads on in the list, what a replay gave leads on in the replay.");
            var dash = text.IndexOf('-', StringComparison.Ordinal);
            var begin = newest ? Newest.Length : 0;
            if (dash <= begin
                || !long.TryParse(text.AsSpan(begin, dash - begin), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var ticks)
                || ticks < 0 || ticks > DateTimeOffset.MaxValue.UtcTicks)
            {
                throw new FormatException("'after' is not what a page before gave as 'next'.");
            }

            return new QuarantinedRecord(
                text[(dash + 1)..], new DateTimeOffset(ticks, TimeSpan.Zero), new QuarantineRecord("", 0, "", "", "", "", 0, 0, 0, null, null, []));
        }
    }

    /// <summary>Records by place and code, with the reason of one of them.</summary>
    private sealed class Groups
    {
        private readonly Dictionary<(string Place, string Code), ReplayGroup> _groups = [];

        public Groups(IEnumerable<ReplayGroup>? groups = null)
        {
            foreach (var group in groups ?? []) _groups[(group.Place, group.Code)] = group;
        }

        public void Add(string place, string code, string reason, string id) =>
            _groups[(place, code)] = _groups.TryGetValue((place, code), out var group)
                ? group with { Records = group.Records + 1 }
                : new ReplayGroup(place, code, reason, 1, id);

        public IReadOnlyList<ReplayGroup> ToList() => [.. _groups.Values.OrderByDescending(g => g.Records)];
    }
}
