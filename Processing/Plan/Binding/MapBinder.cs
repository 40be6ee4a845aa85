using System.Globalization;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// Binds a map step. Fields live in a scratch row: the input, then one field per expression. A name stands for the
/// field set last; the one it hides stays in the scratch row under a name no expression can write.
/// </summary>
internal sealed class MapBinder(BindingContext context, StepNode node, MapStepDefinition map)
{
    private readonly List<Field> _scratch = [.. node.InputFlow.Schema.Fields];
    private readonly List<(string Name, int Scratch)> _output =
        [.. node.InputFlow.Schema.Fields.Select((f, i) => (f.Name, i))];

    private readonly HashSet<string> _unknown = [.. node.InputFlow.Unknown];
    private readonly HashSet<string> _fromKey = [.. node.InputFlow.FromKey];
    private readonly HashSet<string> _wholeKey = [.. node.InputFlow.WholeKey];
    private readonly List<(int Scratch, CompiledExpression Expression)> _set = [];

    public (StepPlan? Plan, Flow Output) Bind()
    {
        var input = node.InputFlow;
        if (map.Set.Count + map.Rename.Count + map.Drop.Count == 0)
            context.Diagnostics.Error("KOR1015", map.Head.Node,
                "a map step needs at least one of set, rename and drop");
        foreach (var (name, expression) in map.Set) Set(name, expression);
        foreach (var (from, to) in map.Rename) Rename(from, to);
        foreach (var name in map.Drop) Drop(name);
        var output = input with
        {
            Schema = new Schema([.. _output.Select(o => _scratch[o.Scratch] with { Name = o.Name })]),
            Unknown = _unknown,
            FromKey = _fromKey,
            WholeKey = _wholeKey,
        };
        if (input.IsOpaque || _set.Count < map.Set.Count) return (null, output);
        return (new MapPlan
        {
            Id = node.Id,
            Input = StepBinder.InputOf(node),
            InputSchema = input.Schema,
            Schema = output.Schema,
            Source = [.. _output.Select(o => o.Scratch < input.Schema.Count ? o.Scratch : -1)],
            Set = [.. _set.Select(s => (_output.FindIndex(o => o.Scratch == s.Scratch), s.Scratch, s.Expression))],
            ScratchSchema = new Schema(_scratch),
        }, output);
    }

    private void Set(Located<string> name, Located<string> expression)
    {
        if (name.Faulty) return;
        CheckReserved(name);
        var flow = node.InputFlow with { Schema = new Schema([.. _scratch]), Unknown = _unknown };
        var compiled = context.Expression(expression, flow);
        _fromKey.Remove(name.Value);
        _wholeKey.Remove(name.Value);
        var place = _output.FindIndex(o => o.Name == name.Value);
        if (compiled is null)
        {
            _unknown.Add(name.Value);
            if (place >= 0) Hide(place, remove: true);
            return;
        }

        _unknown.Remove(name.Value);
        if (place >= 0) Hide(place, remove: false);
        _scratch.Add(new Field(name.Value, compiled.Type, compiled.Nullable));
        _set.Add((_scratch.Count - 1, compiled));
        var entry = (name.Value, _scratch.Count - 1);
        if (place >= 0) _output[place] = entry;
        else _output.Add(entry);
    }

    private void CheckReserved(Located<string> name)
    {
        if (SideOutputs.IsReserved(name.Value)) context.Diagnostics.Error("KOR2009", name.Node, $"the field name '{name.Value}' is reserved");
    }

    private void Hide(int place, bool remove)
    {
        var (name, scratch) = _output[place];
        _scratch[scratch] = _scratch[scratch] with { Name = string.Create(CultureInfo.InvariantCulture,
            $"{name}@{scratch}") };
        if (remove) _output.RemoveAt(place);
    }

    private void Rename(Located<string> from, Located<string> to)
    {
        var place = OutputOf(from);
        if (to.Faulty) return;
        CheckReserved(to);
        if (_output.FindIndex(o => o.Name == to.Value) is >= 0 and var other && other != place)
        {
            context.Diagnostics.Error("KOR2008", to.Node, $"the field '{to.Value}' exists already");
            return;
        }

        if (place >= 0) _output[place] = (to.Value, _output[place].Scratch);
        else if (_unknown.Remove(from.Value)) _unknown.Add(to.Value);
        if (_fromKey.Remove(from.Value)) _fromKey.Add(to.Value);
        if (_wholeKey.Remove(from.Value)) _wholeKey.Add(to.Value);
    }

    private void Drop(Located<string> name)
    {
        var place = OutputOf(name);
        if (place >= 0) _output.RemoveAt(place);
        _unknown.Remove(name.Value);
        _fromKey.Remove(name.Value);
        _wholeKey.Remove(name.Value);
        if (_output.Count == 0 && !node.InputFlow.IsOpaque && place >= 0)
            context.Diagnostics.Error("KOR1015", name.Node, "a map step cannot drop every field");
    }

    private int OutputOf(Located<string> name)
    {
        if (name.Faulty) return -1;
        var place = _output.FindIndex(o => o.Name == name.Value);
        if (place >= 0) return place;
        var fields = new Schema([.. _output.Select(o => _scratch[o.Scratch] with { Name = o.Name })]);
        return context.Field(name, node.InputFlow with { Schema = fields, Unknown = _unknown });
    }
}
