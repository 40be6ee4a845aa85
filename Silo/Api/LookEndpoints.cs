using System.Security.Claims;
using System.Text;
using Confluent.Kafka;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Testing;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Pipelines;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using static KafkaOracleOrleans.Silo.Api.ApiProblems;

namespace KafkaOracleOrleans.Silo.Api;

/// <summary>What a pipeline would do with records that are there now.</summary>
/// <param name="Stopped">Why a stop rule would stop it, or null.</param>
/// <param name="Rules">Failed records by <c>step.rule</c>.</param>
public sealed record PreviewReport(
    string Pipeline, IReadOnlyList<PreviewSource> Sources, RecordCounts Counts, string? Stopped, IReadOnlyDictionary<string, long> Rules,
    IReadOnlyList<TrialTable> Sinks, IReadOnlyList<TrialRefusal> Quarantined);

/// <summary>What was read of a partition.</summary>
public sealed record PreviewSource(string Partition, long From, int Records);

/// <summary>A pipeline and records to try it on.</summary>
/// <param name="Text">The pipeline's text.</param>
/// <param name="Records">The values of 1 to 1000 records, each as its text; they are one partition's, with offsets from 0 and the present time.</param>
/// <param name="File">The file name for messages. Default: <c>pipeline.yaml</c>.</param>
public sealed record TryRequest(string Text, IReadOnlyList<string> Records, string? File = null);

/// <summary>Looking into topics. Nothing is written, no group is joined, nothing is committed.</summary>
public static class LookEndpoints
{
    private const int MaxRows = 1000;

    // Rows shown of each sink, and refused records, of a try.
    private const int MaxTried = 100;

    internal static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/preview", PreviewAsync).RequireAuthorization(KorPolicies.Operator).ChangesNothing().Audited().WithSummary("What a pipeline would write of what its topics hold now")
            .Accepts<string>("application/yaml", "application/json");
        api.MapPost("/try", TryTextAsync).RequireAuthorization(KorPolicies.Operator).ChangesNothing().Audited().WithSummary("What a pipeline's text would write of records that are given with it")
            .WithDescription("Nothing is read from Kafka and nothing is written; lookups ask their tables. Windows are shown as if their time had come.");
        api.MapGet("/topics/{topic}/records", RecordsAsync).RequireAuthorization(KorPolicies.Operator).Audited()
            .WithSummary("Records of a topic: the newest, from an offset, or since a time")
            .WithDescription(
                "partition: only this one. offset: from there on, of 'partition'. since: from the first record of this time or later. contains: a text in key or value. where: an expression over the "
                + "fields of JSON records, guessed from those looked at. With a condition up to 10,000 records are looked at.");
    }

    private static async Task<Results<Ok<PreviewReport>, ProblemHttpResult>> PreviewAsync(
        HttpRequest request, HostPipelineCompiler compiler, IKafkaLogs logs, TopicReader reader, ILookupSource lookups, ISchemaRegistries registries,
        IEnumerable<IRecordTransform> transforms, TimeProvider time, FieldMask masks, ClaimsPrincipal user, TrialGate gate, HttpContext http, KnownSources sources,
        CancellationToken cancellation, string? file = null, int limit = 200, DateTimeOffset? since = null, int rows = 20)
    {
        if (limit is < 1 or > TopicReader.MaxRecords) return Bad("Bad limit", "limit must be from 1 to 10000.");
        if (rows is < 0 or > MaxRows) return Bad("Bad rows", "rows must be from 0 to 1000.");
        if (await AuthoringEndpoints.TextAsync(request, cancellation) is not { } text) return AuthoringEndpoints.NoText();
        var trail = request.HttpContext.Features.Get<AuditTrail>();
        trail?.Tried(text, null);
        var compilation = compiler.Check(text, AuthoringEndpoints.FileName(request, file), DefinitionOrigin.Api);
        if (compilation.Plan is not { } plan)
        {
            return Invalid(
                "Not a valid pipeline", compilation.Diagnostics[0].ToString(), [.. compilation.Diagnostics.Select(DiagnosticItem.Of)]);
        }

        if (compiler.Refusal(plan) is { } refusal) return Invalid("Not a pipeline for this server", refusal, []);
        try
        {
            var partitions = await logs.ListPartitionsAsync(plan.Source, cancellation);
            var topics = partitions.Select(p => p[..p.LastIndexOf('/')]).Distinct().ToList();
            trail?.Tried(text, plan);
            if (topics.Find(IsInternal) is { } @internal) return Internal(@internal);
            var known = await sources.PlansAsync();
            if (!user.IsInRole(KorRoles.Admin) && await sources.RefusalAsync(plan, topics, known, cancellation) is { } foreign)
                return Problem(StatusCodes.Status403Forbidden, "Not allowed", foreign);
            var (report, refused) = await gate.RunAsync(http, "preview", TrialGate.MaxPreviewSeconds, async (budget, end) =>
            {
                var slices = await reader.ReadAsync(plan.Source.Connection, topics, limit, since, plan.Source.ReadCommitted, end);
                return await TryAsync(plan, slices, lookups, registries, new TransformRunner(transforms), time, rows, budget, end);
            });
            if (report is null) return refused!;
            trail?.Did($"{report.Counts.Consumed} records tried");
            return TypedResults.Ok(PlanMask.Of(masks.For(user), plan, known) is { } mask ? Masked(report, mask) : report);
        }
        catch (Exception e) when (e is KafkaException or KafkaSourceException or KeyNotFoundException or StoreUnavailableException or SinkConfigurationException or SchemaRegistryException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "Its surroundings are not ready", e.Message);
        }
    }

    private static async Task<Results<Ok<PreviewReport>, ProblemHttpResult>> TryTextAsync(
        TryRequest request, HostPipelineCompiler compiler, ILookupSource lookups, ISchemaRegistries registries, IEnumerable<IRecordTransform> transforms, TimeProvider time, FieldMask masks,
        TrialGate gate, HttpContext http, KnownSources sources)
    {
        // A body without these members is JSON all the same.
        if ((string?)request.Text is null || (IReadOnlyList<string>?)request.Records is null) return Bad("No text", "The body needs 'text', a pipeline, and 'records', the values of records as texts.");
        if (request.Records.Count is 0 or > MaxRows) return Bad("No records", "Give 1 to 1000 records.");
        var compilation = compiler.Check(request.Text, request.File ?? "pipeline.yaml", DefinitionOrigin.Api);
        http.Features.Get<AuditTrail>()?.Tried(request.Text, compilation.Plan);
        if (compilation.Plan is not { } plan)
            return Invalid("Not a valid pipeline", compilation.Diagnostics[0].ToString(), [.. compilation.Diagnostics.Select(DiagnosticItem.Of)]);
        if (compiler.Refusal(plan) is { } refusal) return Invalid("Not a pipeline for this server", refusal, []);
        var known = await sources.PlansAsync();
        if (!http.User.IsInRole(KorRoles.Admin) && KnownSources.Tables(plan, known) is { } foreign) return Problem(StatusCodes.Status403Forbidden, "Not allowed", foreign);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        List<RawRecord> records = [.. request.Records.Select((r, i) => new RawRecord(Encoding.UTF8.GetBytes(r), null, now, i))];
        // A topic of the pipeline's own, where it names one: fields may be taken from it.
        var slice = new TopicSlice(plan.Source.Topics.FirstOrDefault(t => !t.StartsWith('^')) ?? "sample", 0, 0, records);
        try
        {
            var (report, refused) = await gate.RunAsync(
                http, "try", TrialGate.MaxSeconds, (budget, end) => TryAsync(plan, [slice], lookups, registries, new TransformRunner(transforms), time, MaxTried, budget, end));
            if (report is null) return refused!;
            return TypedResults.Ok(PlanMask.Of(masks.For(http.User), plan, known) is { } mask ? Masked(report, mask) : report);
        }
        catch (Exception e) when (e is KeyNotFoundException or StoreUnavailableException or SinkConfigurationException or SchemaRegistryException)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "Its surroundings are not ready", e.Message);
        }
    }

    private static async Task<PreviewReport> TryAsync(
        PipelinePlan plan, IReadOnlyList<TopicSlice> slices, ILookupSource lookups, ISchemaRegistries registries, TransformRunner transforms, TimeProvider time, int rows,
        WorkBudget budget, CancellationToken cancellation)
    {
        var read = slices.Where(s => s.Records.Count != 0).ToList();
        var trial = new PipelineTrial(plan, read.Select(s => (s.Topic, s.Partition)), time.GetUtcNow().ToUnixTimeMilliseconds(), budget);
        foreach (var slice in read)
        {
            foreach (var request in trial.Take(RawRecords.Batch(slice.Topic, slice.Partition, slice.From, slice.Records)))
            {
                if (request is SchemaRequest schemas) await SchemaAnswers.AnswerAsync(schemas, plan, registries, cancellation);
                else if (request is LookupRequest lookup) await LookupAnswers.AnswerAsync(lookup, lookups, cancellation);
                else if (request is CustomRequest custom) transforms.Answer(custom);
            }
        }

        // What stands open is shown as if its time had come: a preview without its windows would show half of what is meant.
        trial.Close();
        var c = trial.Counts;
        return new PreviewReport(
            plan.Name, [.. read.Select(s => new PreviewSource($"{s.Topic}/{s.Partition}", s.From, s.Records.Count))],
            new RecordCounts(c.Consumed, c.Absorbed, c.Duplicate, c.Late, c.Filtered, c.Quarantined), trial.Stopped, trial.Rules,
            trial.Tables(rows), [.. trial.Refused.Take(rows)]);
    }

    private static PreviewReport Masked(PreviewReport report, PlanMask mask)
    {
        foreach (var sink in report.Sinks)
        {
            foreach (var row in sink.Rows) mask.ApplySink(sink.Sink, row);
        }

        return report with { Quarantined = [.. report.Quarantined.Select(q => mask.HidesReason(q.Place) ? q with { Reason = FieldMask.Hidden } : q)] };
    }

    private static async Task<Results<Ok<TopicRecords>, ProblemHttpResult>> RecordsAsync(
        string topic, KorOptions options, TopicReader reader, FieldMask masks, HttpContext http, TrialGate gate, TimeProvider time, CancellationToken cancellation,
        string? connection = null, int limit = 500, int? partition = null, long? offset = null, DateTimeOffset? since = null, string? contains = null, string? where = null)
    {
        if (limit is < 1 or > MaxRows) return Bad("Bad limit", "limit must be from 1 to 1000.");
        if (offset is not null && (partition is null || offset < 0)) return Bad("Bad offset", "'offset' is one of a 'partition', and at least 0.");
        if (offset is not null && since is not null) return Bad("Bad offset", "Give 'offset' or 'since', not both.");
        if (connection is null && options.Kafka.Count != 1)
            return Bad("Which connection", $"Say one with 'connection': {string.Join(", ", options.Kafka.Keys.Order(StringComparer.Ordinal))}.");
        connection ??= options.Kafka.Keys.First();
        if (!options.Kafka.ContainsKey(connection)) return NoConnection(connection, options);
        if (IsInternal(topic)) return Internal(topic);
        var mask = masks.For(http.User);
        var filtered = contains is not null || where is not null;
        if (filtered && mask is not null)
        {
            return Problem(
                StatusCodes.Status403Forbidden, "Not allowed", "Fields of records are seen by admins only (Kor:Http:MaskFields); which records meet a condition would tell them. Ask without it.");
        }

        try
        {
            var look = new TopicLook(filtered ? TopicReader.MaxRecords : limit) { Partition = partition, Offset = offset, Since = since };
            var slices = await reader.ReadAsync(connection, [topic], look, true, cancellation);
            var all = slices.SelectMany(s => s.Records.Select(r => (s.Partition, Record: r))).OrderBy(r => r.Record.Timestamp).ToList();
            var looked = all.Count;
            if (contains is not null) all = [.. all.Where(r => Contains(r.Record, contains))];
            if (where is not null)
            {
                var (chosen, refused) = await gate.ComputeAsync<object>(
                    http, "eval", budget => RecordFilter.Where(where, [.. all.Select(r => r.Record.Value ?? [])], time.GetUtcNow().ToUnixTimeMilliseconds(), budget));
                if ((refused ?? chosen as ProblemHttpResult) is { } fault) return fault;
                all = [.. ((IReadOnlyList<int>)chosen!).Select(i => all[i])];
            }

            // From a place on, the first; of the newest, the newest.
            var shown = offset is not null || since is not null ? all.Take(limit) : all.TakeLast(limit);
            List<TopicRecord> records = [.. shown.Select(r => RecordOf(r.Partition, r.Record, mask))];
            http.Features.Get<AuditTrail>()?.Did($"{records.Count} records of topic '{topic}' of Kafka connection '{connection}' shown");
            return TypedResults.Ok(new TopicRecords(topic, connection, slices.Count, records) { Looked = looked });
        }
        catch (KeyNotFoundException e)
        {
            return Problem(StatusCodes.Status404NotFound, "No such topic", e.Message);
        }
        catch (KafkaException e)
        {
            return Problem(StatusCodes.Status503ServiceUnavailable, "Kafka does not answer", e.Error.Reason);
        }
    }

    internal static ProblemHttpResult NoConnection(string connection, KorOptions options) => Problem(
        StatusCodes.Status404NotFound, "No such connection",
        $"There is no Kafka connection '{connection}'; there are {string.Join(", ", options.Kafka.Keys.Order(StringComparer.Ordinal))}.");

    private static bool Contains(RawRecord record, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return record.Value.AsSpan().IndexOf(bytes) >= 0 || record.Key.AsSpan().IndexOf(bytes) >= 0;
    }

    /// <summary>Topics of Kafka's own hold positions and secrets of others, in formats of their own.</summary>
    private static bool IsInternal(string topic) => topic.StartsWith("__", StringComparison.Ordinal);

    private static ProblemHttpResult Internal(string topic) =>
        Problem(StatusCodes.Status403Forbidden, "Not allowed", $"'{topic}' is a topic of Kafka's own; its records are not shown.");

    private static TopicRecord RecordOf(int partition, RawRecord record, FieldMask? mask)
    {
        var (key, keyIsText) = Text(record.Key);
        var (value, valueIsText) = Text(record.Value);
        if (mask is not null) (key, value, keyIsText, valueIsText) = (mask.Key(key), valueIsText ? mask.Value(value) : FieldMask.Hidden, true, true);
        var text = keyIsText && valueIsText;
        return new TopicRecord(
            partition, record.Offset, record.Timestamp < 0 ? null : Times.Of(record.Timestamp),
            text ? key : Base64(record.Key), text ? value : Base64(record.Value), text ? "utf8" : "base64");
    }

    private static string? Base64(byte[]? bytes) => bytes is null ? null : Convert.ToBase64String(bytes);

    private static (string? Text, bool IsText) Text(byte[]? bytes)
    {
        if (bytes is null) return (null, true);
        try
        {
            return (new UTF8Encoding(false, true).GetString(bytes), true);
        }
        catch (DecoderFallbackException)
        {
            return (null, false);
        }
    }
}
