using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds which rows of a key a lookup takes: several, in which order, and those of the record's time.</summary>
internal sealed class LookupRowsBinder(BindingContext context, LookupStepDefinition lookup)
{
    private static readonly FieldType Time = FieldType.Timestamp;

    public OnMultiple OnMultiple => lookup.OnMultiple is { Faulty: false } said ? said.Value : OnMultiple.Quarantine;

    /// <summary>What is asked of the database: the added columns, and behind them those of the time.</summary>
    public LookupSpec Spec(IReadOnlyList<Field> added)
    {
        string[] times = lookup.AsOf is not { } asOf ? [] : asOf.To is { } to ? [asOf.From.Value, to.Value] : [asOf.From.Value];
        return new LookupSpec(
            lookup.Connection.Value, lookup.Table.Value, [.. lookup.On.Select(o => o.Name.Value)],
            [.. lookup.Add.Select(a => a.Value.Column.Value), .. times], [.. added.Select(f => f.Type), .. times.Select(_ => Time)])
        {
            Several = lookup.AsOf is not null || OnMultiple != OnMultiple.Quarantine,
        };
    }

    public AsOfColumns? AsOf(int added) => lookup.AsOf is { } asOf ? new AsOfColumns(added, asOf.To is null ? -1 : added + 1) : null;

    /// <summary>The rows behind the step. With <c>all</c> a record has several.</summary>
    public Flow Output(Flow flow, Flow output)
    {
        if (OnMultiple != OnMultiple.All) return output;
        if (flow.IsExploded)
            Fault(lookup.OnMultiple!.Node, "the rows here are several of one record already, and 'onMultiple: all' would need a place of its own in their keys; look up before the step that makes them, or say 'onMultiple: first'");
        return output with { IsExploded = true };
    }

    /// <summary>Places among the added fields; null: there are faults.</summary>
    public IReadOnlyList<(int Value, bool Descending)>? Order()
    {
        if (lookup.OrderBy.Count != 0 && OnMultiple == OnMultiple.Quarantine)
            Fault(lookup.OrderBy[0].Node, "'orderBy' says which of several rows is first, and several are refused here; say 'onMultiple: first' or 'all', or leave 'orderBy' out");
        var order = new List<(int, bool)>();
        var names = lookup.Add.Select(a => a.Name.Value).ToList();
        var sound = true;
        foreach (var item in lookup.OrderBy)
        {
            if (item.Faulty)
            {
                sound = false;
                continue;
            }

            var words = item.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var place = words.Length is 1 or 2 ? names.IndexOf(words[0]) : -1;
            var descending = words.Length == 2 && words[1].Equals("desc", StringComparison.OrdinalIgnoreCase);
            if (place < 0 || (words.Length == 2 && !descending && !words[1].Equals("asc", StringComparison.OrdinalIgnoreCase)))
            {
                context.Diagnostics.Error(
                    "KOR2075", item.Node, $"'{item.Value}' is no added field with 'asc' or 'desc' behind it; the step adds {string.Join(", ", names)}",
                    words.Length == 0 || place >= 0 ? null : Suggestions.Nearest(words[0], names));
                sound = false;
                continue;
            }

            order.Add((place, descending));
        }

        return sound ? order : null;
    }

    private void Fault(TextNode at, string message) => context.Diagnostics.Error("KOR2075", at, message);
}
