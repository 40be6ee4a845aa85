using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>Sets, renames and drops fields; what stays as it is shares the input's columns.</summary>
internal sealed class MapNode : RowNode
{
    private readonly MapPlan _plan;
    private readonly RowBlock _scratch;
    private readonly string[] _places;
    private readonly Selection _sound = new();

    private MapNode(MapPlan plan, RowNode input, RowBlock scratch, RowBlock output) : base(plan.Id, input, output)
    {
        _plan = plan;
        _scratch = scratch;
        _places = [.. plan.Set.Select(s => $"{plan.Id}.{plan.ScratchSchema[s.Scratch].Name}")];
    }

    public static MapNode Create(MapPlan plan, RowNode input)
    {
        var fields = plan.ScratchSchema;
        var scratch = new Column[fields.Count];
        input.Block.Columns.CopyTo(scratch, 0);
        for (var i = input.Block.Columns.Length; i < scratch.Length; i++) scratch[i] = Column.Create(fields[i].Type);
        var output = new Column[plan.Schema.Count];
        for (var i = 0; i < output.Length; i++)
        {
            if (plan.Source[i] >= 0) output[i] = input.Block.Columns[plan.Source[i]];
        }

        foreach (var (place, at, _) in plan.Set)
        {
            if (place >= 0) output[place] = scratch[at];
        }

        return new MapNode(plan, input, new RowBlock(fields, scratch, 0), new RowBlock(plan.Schema, output, 0));
    }

    public override void Reset(int rows)
    {
        base.Reset(rows);
        _scratch.Count = rows;
        foreach (var (_, at, _) in _plan.Set) Reset(_scratch.Columns[at], rows);
    }

    public override PartitionRequest? Advance(BatchScope scope)
    {
        Selected = Input.Selected;
        for (var i = 0; i < _plan.Set.Count; i++)
        {
            var (_, at, expression) = _plan.Set[i];
            expression.Evaluate(_scratch, Selected, _scratch.Columns[at], scope.Context(_places[i]));
        }

        Selected = scope.Sound(Selected, _sound);
        return null;
    }
}

/// <summary>Keeps rows for which a condition is true.</summary>
internal sealed class FilterNode(FilterPlan plan, RowNode input)
    : RowNode(plan.Id, input, new RowBlock(plan.Schema, input.Block.Columns, 0))
{
    public override PartitionRequest? Advance(BatchScope scope)
    {
        plan.Where.Filter(Block, Input.Selected, Selected, null, scope.Context(Id));
        return null;
    }
}
