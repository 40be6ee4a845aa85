using System.CommandLine;
using System.Globalization;
using KafkaOracleOrleans.Client.Cli.Api;
using KafkaOracleOrleans.Client.Cli.Output;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary><c>kor quality</c>: rules and how often they failed.</summary>
internal static class QualityVerb
{
    public static void AddTo(KorCommand kor)
    {
        var pipeline = StateVerbs.Pipeline();
        kor.Add(new Command("quality", "Shows the quality rules of a pipeline and how often they failed.") { pipeline }, async (context, cancellation) =>
        {
            using var api = new KorApi(context);
            var answer = await api.GetAsync<RuleReport[]>(KorApi.Path("pipelines", context.Args.GetValue(pipeline)!, "quality"), cancellation);
            if (!context.Output.ForPeople) context.Output.Data(answer.Json);
            else if (answer.Value.Length == 0) context.Output.Talk("The pipeline has no quality step.");
            else context.Output.Table(Table(answer.Value));
            return ExitCodes.Ok;
        });
    }

    private static TableModel Table(RuleReport[] rules)
    {
        var table = new TableModel(
            new("STEP"), new("RULE"), new("SEVERITY"), new("ON FAIL"), new("FAILED", true), new("OF ALL", true), new("CONDITION", Text: true));
        foreach (var rule in rules)
        {
            var tone = rule.Failed == 0 ? Tone.Good : rule.Severity == "error" ? Tone.Bad : Tone.Warning;
            table.Add(
                rule.Step, rule.Rule, rule.Severity, rule.Action, new Cell(Show.Count(rule.Failed), tone),
                rule.Ratio?.ToString("0.00 %", CultureInfo.InvariantCulture), rule.Condition);
        }

        return table;
    }
}
