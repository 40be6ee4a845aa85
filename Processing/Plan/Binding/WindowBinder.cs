using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Expressions;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>Binds window and aggregate steps.</summary>
internal sealed class WindowBinder(BindingContext context, SourceDefinition source)
{
    public (StepPlan? Plan, Flow Output) Bind(StepNode node, WindowStepDefinition step)
    {
        var flow = node.InputFlow;
        var window = step.Window.IsRunning ? new RunningTotals() : WindowOf(step);
        var key = context.KeyFields(step.GroupBy, flow, "a group key");
        var inputs = new List<CompiledExpression>();
        var aggregates = new List<AggregateSpec>();
        CheckNames(step);
        foreach (var (name, call) in step.Aggregates)
        {
            if (AggregateOf(name, call, flow, inputs) is { } aggregate) aggregates.Add(aggregate);
        }

        var complete = window is not null && key.Count == step.GroupBy.Count
            && aggregates.Count == step.Aggregates.Count;
        if (!complete || flow.IsOpaque || context.Diagnostics.HasErrors) return (null,
            PartialOutput(flow, step, key, aggregates));
        var spec = new WindowStepSpec(
            window!, step.AllowedLateness?.Value ?? 0, new Schema([.. key.Select(k => flow.Schema[k])]), aggregates,
            [.. inputs.Select(i => i.Type)]);
        var schema = ClosedWindows.SchemaOf(spec);
        return (new WindowPlan
        {
            Id = node.Id,
            Input = StepBinder.InputOf(node),
            InputSchema = flow.Schema,
            Schema = schema,
            Window = spec,
            Key = key,
            Inputs = inputs,
            Shards = (int)(step.Shards?.Value ?? WindowStepDefinition.DefaultShards),
            GrainPer = step.GrainPer,
        }, new Flow { Schema = schema });
    }

    /// <summary>
    /// What can be said of the output of a step with faults: known fields keep their names, the rest is unknown.
    /// </summary>
    private static Flow PartialOutput(Flow flow, WindowStepDefinition step, List<int> key,
        List<AggregateSpec> aggregates)
    {
        if (flow.IsOpaque) return Flow.Opaque;
        var fields = new Dictionary<string, Field>(StringComparer.Ordinal);
        foreach (var place in key) fields.TryAdd(flow.Schema[place].Name, flow.Schema[place]);
        if (!step.Window.IsRunning)
        {
            fields.TryAdd(SideOutputs.WindowStart, new Field(SideOutputs.WindowStart, FieldType.Timestamp, false));
            fields.TryAdd(SideOutputs.WindowEnd, new Field(SideOutputs.WindowEnd, FieldType.Timestamp, false));
        }

        foreach (var a in aggregates) fields.TryAdd(a.Name, new Field(a.Name, a.ResultType));
        fields.TryAdd(SideOutputs.Revision, new Field(SideOutputs.Revision, FieldType.Integer, false));
        var names = step.GroupBy.Select(g => g.Value).Concat(step.Aggregates.Select(a => a.Name.Value));
        return new Flow
        {
            Schema = new Schema([.. fields.Values]),
            Unknown = names.Where(n => !fields.ContainsKey(n)).ToHashSet(),
        };
    }

    private WindowSpec? WindowOf(WindowStepDefinition step)
    {
        var w = step.Window;
        if (source.EventTime is null && !w.Faulty)
        {
            context.Diagnostics.Error(
                "KOR2011", w.Node,
                "windows need an event time: add 'eventTime: { field: ... }' to the source, "
                + "or 'eventTime: kafka' for the Kafka timestamp");
        }

        if (w.Faulty) return null;
        var kinds = new TextNode?[] { w.Tumbling?.Node, w.Hopping?.Node, w.Session?.Node,
            w.Calendar?.Node }.OfType<TextNode>().ToArray();
        if (kinds.Length != 1)
        {
            Fault(kinds.Length == 0 ? w.Node : kinds[1],
                "a window is exactly one of tumbling, hopping, session and calendar");
            return null;
        }

        Only(w.Every, w.Hopping is not null, "every", "hopping");
        Only(w.Offset, w.Tumbling is not null || w.Hopping is not null, "offset", "tumbling and hopping");
        Only(w.MaxLength, w.Session is not null, "maxLength", "session");
        Only(w.Zone, w.Calendar is not null, "zone", "calendar");
        if (w.Tumbling is { } tumbling)
        {
            if (tumbling.Faulty) return null;
            CheckOpen(tumbling, tumbling.Value, tumbling.Value, step);
            return new TumblingWindow(tumbling.Value, OffsetOf(w, tumbling.Value));
        }

        if (w.Hopping is not null)
        {
            var hopping = HoppingOf(w);
            if (hopping is not null) CheckOpen(w.Every!, hopping.Size, hopping.Every, step);
            return hopping;
        }

        return w.Session is not null ? SessionOf(w) : CalendarOf(w);
    }

    private HoppingWindow? HoppingOf(WindowDefinition w)
    {
        if (w.Every is null)
        {
            Fault(w.Hopping!.Node, "a hopping window needs 'every': how far apart windows start");
            return null;
        }

        if (w.Every.Faulty || w.Hopping!.Faulty) return null;
        var (size, every) = (w.Hopping.Value, w.Every.Value);
        if (size % every != 0)
            Fault(w.Every.Node, $"'every' ({Durations.Format(every)}) must divide the size ({Durations.Format(size)})");
        else if (size / every > WindowLimits.MaxWindowsPerSize)
            Fault(w.Every.Node, $"a window may start at most {WindowLimits.MaxWindowsPerSize} times in its size");
        return new HoppingWindow(size, every, OffsetOf(w, every));
    }

    /// <summary>What a key may have open is kept in memory and in its row of the state, whole.</summary>
    private void CheckOpen(Located<long> place, long size, long every, WindowStepDefinition step)
    {
        var time = source.EventTime;
        var spread = size + Of(time?.MaxOutOfOrder, SourceBinder.DefaultMaxOutOfOrder) + Of(step.AllowedLateness, 0)
            + Math.Max(WindowLimits.LeastAhead, Of(time?.MaxAhead, WindowLimits.DefaultMaxAhead));
        if (spread / every <= WindowLimits.MaxOpenPerKey) return;
        Fault(
            place.Node,
            $"a key could have {spread / every} windows open (size, maxOutOfOrder, maxAhead and allowedLateness are {Durations.Format(spread)} together, and one starts every "
            + $"{Durations.Format(every)}), at most {WindowLimits.MaxOpenPerKey} may be: make the windows longer or allow less lateness");

        static long Of(Located<long>? value, long otherwise) => value is { Faulty: false } given ? given.Value : otherwise;
    }

    private SessionWindow? SessionOf(WindowDefinition w)
    {
        if (w.Session!.Faulty || w.MaxLength is { Faulty: true }) return null;
        var longest = w.MaxLength?.Value ?? Math.Max(WindowLimits.DefaultMaxSession, w.Session.Value);
        if (longest < w.Session.Value) Fault(w.MaxLength!.Node, "'maxLength' is shorter than the gap of the session");
        return new SessionWindow(w.Session.Value, longest);
    }

    private CalendarWindow? CalendarOf(WindowDefinition w)
    {
        if (w.Calendar!.Faulty || w.Zone is { Faulty: true }) return null;
        var zone = w.Zone?.Value ?? "UTC";
        if (!Text.ZoneClock.IsKnown(zone)) context.Diagnostics.Error("KOR2013", w.Zone!.Node, $"unknown time zone '{zone}'", Text.ZoneClock.Nearest(zone));

        return new CalendarWindow(w.Calendar.Value, zone);
    }

    private long OffsetOf(WindowDefinition w, long step)
    {
        if (w.Offset is not { Faulty: false } offset) return 0;
        if (offset.Value >= step) Fault(offset.Node, $"'offset' must be less than {Durations.Format(step)}");
        return offset.Value;
    }

    private void Only<T>(Located<T>? value, bool fits, string name, string kinds)
    {
        if (value is not null && !fits) Fault(value.Node, $"'{name}' is for {kinds} windows");
    }

    private void Fault(TextNode node, string message) => context.Diagnostics.Error("KOR2012", node, message);

    private void CheckNames(WindowStepDefinition step)
    {
        var reserved = step.Window.IsRunning
            ? new HashSet<string>(StringComparer.OrdinalIgnoreCase) { SideOutputs.Revision }
            : new HashSet<string>(StringComparer.OrdinalIgnoreCase)
                { SideOutputs.Revision, SideOutputs.WindowStart, SideOutputs.WindowEnd };
        var keys = step.GroupBy.Where(g => !g.Faulty).Select(g => g.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        foreach (var name in step.GroupBy.Concat(step.Aggregates.Select(a => a.Name)).Where(n =>
            reserved.Contains(n.Value)))
            context.Diagnostics.Error("KOR2009", name.Node, $"'{name.Value}' is a field the engine adds");
        foreach (var (name, _) in step.Aggregates)
        {
            if (!keys.Add(name.Value) && !name.Faulty)
                context.Diagnostics.Error("KOR2034", name.Node,
                    $"the aggregate '{name.Value}' has the name of another field of the step");
        }
    }

    private AggregateSpec? AggregateOf(Located<string> name, Located<string> text, Flow flow,
        List<CompiledExpression> inputs)
    {
        if (text.Faulty || name.Faulty) return null;
        var (call, fault) = AggregateCall.Parse(text.Value);
        fault ??= call is null ? null : ArityFault(call, text.Value);
        var parameter = 0d;
        if (fault is null) (parameter, fault) = call!.Parameter(text.Value);
        if (fault is not null)
        {
            context.Note(fault.Code, text.Node, fault.Position, fault.Length, fault.Message, fault.Suggestion);
            return null;
        }

        var info = call!.Info;
        if (info.Kind == AggregateKind.Count && (call.Arguments.Count == 0 || call.Arguments[0].Text == "*"))
            return new AggregateSpec(name.Value, AggregateKind.Count, -1, FieldType.Integer, FieldType.Integer);
        var kind = info.Kind == AggregateKind.Count ? AggregateKind.CountValues : info.Kind;
        var argument = call.Arguments[0];
        var input = context.Expression(argument.Text, argument.Start, text.Node, flow, null);
        if (input is null) return null;
        if (AggregateTyping.ResultType(kind, input.Type) is not { } result)
        {
            context.Note(
                "KOR2017", text.Node, argument.Start, argument.Text.Length,
                $"{info.Name} takes {AggregateTyping.Takes(kind)}; '{argument.Text}' is {input.Type}", null);
            return null;
        }

        var place = inputs.FindIndex(i => i.Text == input.Text);
        if (place < 0)
        {
            place = inputs.Count;
            inputs.Add(input);
        }

        return new AggregateSpec(name.Value, kind, place, input.Type, result, parameter);
    }

    private static AggregateFault? ArityFault(AggregateCall call, string text)
    {
        var info = call.Info;
        var max = info.Parameter.IsTaken ? 2 : 1;
        var min = info.Kind == AggregateKind.Count ? 0 : info.Parameter is { IsTaken: true, Default: null } ? 2 : 1;
        var count = call.Arguments.Count;
        var length = text.TrimEnd().Length;
        if (count > max || count < min)
        {
            var wanted = min == max ? $"{min}" : $"{min} or {max}";
            return new AggregateFault("KOR2018", 0, length,
                $"{info.Name} takes {wanted} argument{(max == 1 ? "" : "s")}, found {count}");
        }

        foreach (var argument in call.Arguments)
        {
            if (argument.Text.Length == 0) return new AggregateFault("KOR2018", argument.Start, 1,
                $"an argument of {info.Name} is empty");
            if (argument.Text.StartsWith("DISTINCT ", StringComparison.OrdinalIgnoreCase))
                return new AggregateFault("KOR2018", argument.Start, 8, "DISTINCT is not an argument; " + (info.Kind == AggregateKind.Count
                    ? $"write count_distinct({argument.Text[9..].Trim()})"
                    : $"{info.Name} has none: leave copies out before, in a dedup step"));
        }

        return null;
    }
}
