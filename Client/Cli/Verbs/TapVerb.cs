using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor tap</c>: live records of a step.</summary>
internal static class TapVerb
{
    private static readonly Dictionary<string, string> Sides = new(StringComparer.OrdinalIgnoreCase)
    {
        ["out"] = "out",
        ["late"] = "late",
        ["dup"] = "duplicates",
        ["duplicates"] = "duplicates",
        ["bad"] = "quarantined",
        ["quarantined"] = "quarantined",
    };

    public static void AddTo(KorCommand kor)
    {
        var target = new Argument<string>("pipeline[.step]") { Description = "A pipeline, or one of its steps; without a step, the decoded records of the source." };
        var side = new Option<string>("--side")
        {
            Description = "out (default), late, duplicates (dup) or quarantined (bad).",
            HelpName = "out|late|dup|bad",
            DefaultValueFactory = _ => "out",
        };
        side.CompletionSources.Add("out", "late", "duplicates", "quarantined");
        side.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !Sides.ContainsKey(result.Tokens[0].Value))
                result.AddError($"'{result.Tokens[0].Value}' is none of out, late, duplicates and quarantined.");
        });
        var where = new Option<string?>("--where") { Description = "Only records for which this is true, e.g. \"amount > 100\".", HelpName = "EXPR" };
        var limit = new Option<int?>("--limit", "-n") { Description = "Ends after so many records.", HelpName = "N" };
        var sample = new Option<double>("--sample")
        {
            Description = "The part of the records to show, e.g. 0.01. Default: 1.",
            HelpName = "PART",
            DefaultValueFactory = _ => 1,
        };
        kor.Add(
            new Command("tap", "Shows records of a running pipeline as they pass a step, until Ctrl-C.") { target, side, where, limit, sample },
            (context, cancellation) =>
            {
                var args = context.Args;
                var (pipeline, step) = Split(args.GetValue(target)!);
                var query = new List<string> { $"side={Sides[args.GetValue(side)!]}" };
                if (step.Length > 0) query.Add($"step={Uri.EscapeDataString(step)}");
                if (args.GetValue(where) is { } condition) query.Add($"where={Uri.EscapeDataString(condition)}");
                if (args.GetValue(limit) is { } most) query.Add(string.Create(CultureInfo.InvariantCulture, $"limit={most}"));
                if (args.GetValue(sample) is var part and not 1) query.Add(string.Create(CultureInfo.InvariantCulture, $"sample={part}"));
                return RunAsync(context, $"{KorApi.Path("pipelines", pipeline, "tap")}?{string.Join('&', query)}", cancellation);
            });
    }

    private static (string Pipeline, string Step) Split(string target)
    {
        var dot = target.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? (target, "") : (target[..dot], target[(dot + 1)..]);
    }

    private static async Task<int> RunAsync(VerbContext context, string path, CancellationToken cancellation)
    {
        using var api = new KorApi(context);
        var (seen, shown, failed) = (0L, 0L, 0L);
        string? reason = null;
        try
        {
            await foreach (var item in api.FollowAsync(path, cancellation))
            {
                using var document = JsonDocument.Parse(item.Data);
                switch (item.EventType)
                {
                    case "record":
                        shown++;
                        if (context.Output.ForPeople) Write(context.Output, document.RootElement);
                        else context.Output.Item(item.Data);
                        break;
                    case "progress":
                        seen = document.RootElement.GetProperty("seen").GetInt64();
                        failed = document.RootElement.GetProperty("failed").GetInt64();
                        break;
                    case "end":
                        reason = document.RootElement.GetProperty("reason").GetString();
                        break;
                    default:
                        // A newer server may say more.
                        break;
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how a tap ends.
        }

        var of = seen > shown ? $" of {Show.Count(seen)}" : "";
        var faults = failed == 0 ? "" : $" The condition failed for {Show.Count(failed)}.";
        context.Output.Talk($"{Show.Count(shown)}{of} records shown.{faults}{(reason is null ? "" : " " + reason)}");
        return ExitCodes.Ok;
    }

    private static void Write(CliOutput output, JsonElement record)
    {
        var time = record.GetProperty("timestamp");
        var at = time.ValueKind == JsonValueKind.String ? Show.Time(time.GetDateTimeOffset()) : "-";
        var value = record.GetProperty("value");
        var text = record.GetProperty("truncated").GetBoolean() ? value.GetString() + " ..." : JsonSerializer.Serialize(Decoded(value), JsonText.Compact);
        output.Line($"{at}  {record.GetProperty("partition").GetString()}@{record.GetProperty("offset").GetInt64()}  {TableModel.OneLine(text)}");
    }

    /// <summary>A refused record comes with its raw bytes, in base64: where they are text they are shown as that.</summary>
    private static JsonNode? Decoded(JsonElement value)
    {
        var node = JsonSerializer.SerializeToNode(value);
        if (node is not JsonObject fields) return node;
        foreach (var name in Raw)
        {
            if (fields[name] is JsonValue bytes && bytes.TryGetValue(out string? text) && Text(text) is { } decoded) fields[name] = decoded;
        }

        return fields;
    }

    private static readonly string[] Raw = ["record_key", "record_value"];

    private static string? Text(string base64)
    {
        var bytes = new byte[base64.Length];
        if (!Convert.TryFromBase64String(base64, bytes, out var length)) return null;
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
