using KafkaOracleOrleans.Processing.Dedup;
using KafkaOracleOrleans.Processing.Definition;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Where a dedup step looks for an id: in one partition or in all of them, and in which cells.</summary>
internal sealed class DedupScope(BindingContext context, SourceDefinition source)
{
    /// <summary>How the ids of a partition are spread over cells; nothing for <c>scope: global</c>.</summary>
    public static DedupCells CellsOf(DedupStepDefinition dedup)
    {
        if (dedup.Global) return default;
        var groups = dedup.GrainPer is { Faulty: false } grain ? grain.Value.Groups : (int?)null;
        if (dedup.ByMessageKey is { Faulty: false, Value: true }) return new DedupCells(true, groups ?? 0);
        return new DedupCells(false, groups is null or 0 ? DedupCells.DefaultGroups : groups.Value);
    }

    /// <summary>Notes what does not go together, and a scope that nobody has chosen.</summary>
    public void Check(DedupStepDefinition dedup, IReadOnlyList<int> key, Flow flow)
    {
        var diagnostics = context.Diagnostics;
        if (dedup.Global && flow.IsExploded)
        {
            diagnostics.Error(
                "KOR2065", dedup.Scope!.Node,
                "across partitions ids are decided for whole records, and behind an explode step a record has several; put the dedup step before it, or use scope: partition");
        }

        if (dedup.Global) CheckGlobal(dedup);
        else if (dedup.Shards is { } shards)
        {
            diagnostics.Error(
                "KOR2036", shards.Node, "'shards' belongs to scope: global; with scope: partition, 'grainPer' says how ids are spread over grains");
        }
        else if (dedup is { GrainPer: { Faulty: false, Value.Groups: 0 } grain, ByMessageKey: not { Value: true } })
        {
            diagnostics.Warning(
                "KOR2060", grain.Node,
                $"a grain for each message key would not find an id that comes with another key, so ids are spread over {DedupCells.DefaultGroups} grains by the id; "
                + "add cellBy: message_key if an id always comes with the same message key, or leave 'grainPer' out");
        }

        if (dedup.Scope is not null || dedup.ByMessageKey is { Value: true } || flow.IsOpaque || key.Count < dedup.Key.Count) return;
        if (OneTopic && key.Any(k => flow.WholeKey.Contains(flow.Schema[k].Name))) return;
        var names = string.Join(", ", key.Select(k => flow.Schema[k].Name));
        var why = OneTopic ? $"nothing says that the message key is part of ({names})" : "the records come from several topics";
        diagnostics.Warning(
            "KOR2061", dedup.Head.Id.Node,
            $"an id is looked for in its own partition only, and {why}: a copy in another partition passes; add scope: global to look in all of them, "
            + "or scope: partition if the same id always comes in the same partition");
    }

    private bool OneTopic => source.Kafka.Topics.Count == 1 && !source.Kafka.Topics[0].Value.StartsWith('^');

    private void CheckGlobal(DedupStepDefinition dedup)
    {
        if (dedup.GrainPer is { } grain)
        {
            context.Diagnostics.Error(
                "KOR2036", grain.Node, "'grainPer' spreads the ids of one partition; with scope: global, 'shards' says over how many owners they are spread");
        }

        if (dedup.ByMessageKey is { } cells)
            context.Diagnostics.Error("KOR2036", cells.Node, "'cellBy' is about the ids of one partition; with scope: global they are found by the id");
    }
}
