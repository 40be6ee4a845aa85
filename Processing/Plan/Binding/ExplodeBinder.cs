using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds an explode step: what is exploded, and which fields its items have.</summary>
internal sealed class ExplodeBinder(BindingContext context, StepNode node, ExplodeStepDefinition step)
{
    private readonly List<SourceFieldSpec> _items = [];
    private readonly List<(Field Field, int Source, int Item)> _output = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public (StepPlan? Plan, Flow Output) Bind()
    {
        var flow = node.InputFlow;
        var before = context.Diagnostics.ErrorCount;
        var field = context.Field(step.Field, flow);
        if (field >= 0) CheckField(flow, field);
        var isFaulty = context.Diagnostics.ErrorCount > before;
        if (flow.IsExploded)
            Fault(step.Head.Node, "the rows here are items already, and a second explode step would need a place of its own in their keys; explode the inner array as a json field with its own 'from', or have it flattened before");
        if (step.Fields.Count == 0 && step.Item is null)
            Fault(step.Head.Node, "an explode step needs 'fields' of its items, or 'item' for the whole item");
        if (step.ItemType is not null && step.Item is null) Fault(step.ItemType.Node, "'itemType' is the type of 'item', which is missing");
        for (var i = 0; i < flow.Schema.Count; i++)
        {
            if (i == field) continue;
            _names.Add(flow.Schema[i].Name);
            _output.Add((flow.Schema[i], i, -1));
        }

        foreach (var item in step.Fields) AddItem(item);
        if (step.Item is { Faulty: false } whole) AddItem(new Named<FieldDefinition>(whole, new FieldDefinition(
            step.ItemType ?? new Located<FieldType>(FieldType.Json, whole.Node), FieldOrigin.Value, [], null, false, null)));
        var key = Extra(step.Key, FieldType.String);
        var position = Extra(step.Position, FieldType.Integer);
        var output = flow with
        {
            Schema = new Schema([.. _output.Select(o => o.Field)]),
            // Who names the field after a step that could not take it is not at fault.
            Unknown = flow.Unknown.Where(u => u != step.Field.Value).Concat(isFaulty ? [step.Field.Value] : Array.Empty<string>()).ToHashSet(),
            FromKey = flow.FromKey.Where(f => f != step.Field.Value).ToHashSet(),
            WholeKey = flow.WholeKey.Where(f => f != step.Field.Value).ToHashSet(),
            IsExploded = true,
        };
        if (flow.IsOpaque || field < 0 || context.Diagnostics.HasErrors) return (null, output);
        return (PlanOf(flow, output, field, key, position), output);
    }

    private ExplodePlan PlanOf(Flow flow, Flow output, int field, int key, int position) => new()
    {
        Id = node.Id,
        Input = StepBinder.InputOf(node),
        InputSchema = flow.Schema,
        Schema = output.Schema,
        Field = field,
        Path = [.. step.Path.Select(p => p.Value)],
        IsMap = step.Key is not null,
        Lines = step.Lines is { Faulty: false, Value: true },
        Items = new SourceFormatSpec
        {
            Format = SourceFormatKind.Json,
            Fields = _items,
            Schema = new Schema([.. _items.Select(i => new Field(i.Name, i.Type))]),
            MaxValueBytes = int.MaxValue,
            MaxDepth = 1000,
        },
        Source = [.. _output.Select(o => o.Source)],
        ItemField = [.. _output.Select(o => o.Item)],
        KeyField = key,
        PositionField = position,
        KeepEmpty = step.KeepEmpty,
        MaxItems = step.MaxItems,
    };

    private void CheckField(Flow flow, int field)
    {
        var type = flow.Schema[field].Type;
        var lines = step.Lines is { Faulty: false, Value: true };
        if (lines && type.Kind != FieldKind.String)
            Fault(step.Lines!.Node, $"'split: lines' is for strings; '{step.Field.Value}' is {type}");
        else if (!lines && type.Kind != FieldKind.Json)
            Fault(step.Field.Node, $"'{step.Field.Value}' is {type}; explode a field of type json{(type.Kind == FieldKind.String ? ", or say 'split: lines' where each line is JSON" : "")}");
        if (lines && (step.Path.Count != 0 || step.Key is not null))
            Fault(step.Lines!.Node, "'path' and 'key' look into JSON, and 'split: lines' into a text; use one of them");
    }

    private void AddItem(Named<FieldDefinition> item)
    {
        var (name, definition) = (item.Name, item.Value);
        if (name.Faulty || definition.Type.Faulty) return;
        if (definition.Source is { Faulty: false } source && source.Value.Origin != FieldOrigin.Value)
        {
            Fault(source.Node, "a field of an item comes from the item; declare fields of the record in the source");
            return;
        }

        var before = context.Diagnostics.ErrorCount;
        var spec = SourceBinder.ItemField(context, item, definition.Path is { Count: 0 } ? [] : null);
        if (!Take(name, spec.Type, nullable: !spec.Required || step.KeepEmpty, item: _items.Count)) return;
        _items.Add(spec);
        if (context.Diagnostics.ErrorCount > before) return;
        try
        {
            _ = new Records.Decoding.FieldSlot(spec, 0);
        }
        catch (ArgumentException fault)
        {
            context.Diagnostics.Error("KOR2027", name.Node, fault.Message);
        }
    }

    private int Extra(Located<string>? name, FieldType type) =>
        name is { Faulty: false } given && Take(given, type, step.KeepEmpty, -1) ? _output.Count - 1 : -1;

    private bool Take(Located<string> name, FieldType type, bool nullable, int item)
    {
        if (SideOutputs.IsReserved(name.Value))
        {
            context.Diagnostics.Error("KOR2009", name.Node, $"the field name '{name.Value}' is reserved");
            return false;
        }

        if (!_names.Add(name.Value))
        {
            context.Diagnostics.Error("KOR2008", name.Node, $"the field '{name.Value}' exists already");
            return false;
        }

        _output.Add((new Field(name.Value, type, nullable), -1, item));
        return true;
    }

    private void Fault(TextNode at, string message) => context.Diagnostics.Error("KOR2065", at, message);
}
