using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Text;
using System.Text.RegularExpressions;

namespace KafkaOracleOrleans.Processing.Plan.Binding;

/// <summary>
/// The columns of a sink and its keys. Rows of windows are keyed by groupBy and window start, updates are guarded by
/// the revision. Records without declared keys are keyed by where they came from (topic, partition, offset), which is
/// what keeps a repeated insert from counting.
/// </summary>
internal sealed partial class SinkColumns(
    BindingContext context, PipelineDefinition definition, SinkDefinition sink, InputRef input, Flow flow,
    StepNode? step)
{
    private readonly List<(Field Column, int Source, TextNode At)> _columns = [];

    private bool FromWindow => input.Output == StepOutput.Main && step is { IsWindow: true };

    public SinkPlan? Bind()
    {
        if (flow.IsOpaque) return null;
        var before = context.Diagnostics.ErrorCount;
        var verb = sink.Mode is { Faulty: false } given ? given.Value : FromWindow ? SinkVerb.Upsert : SinkVerb.Append;
        var mode = verb == SinkVerb.Append ? SinkMode.Append : SinkMode.Upsert;
        AddColumns();
        if (sink.Metadata) AddMetadata(FromWindow ? [MetadataColumn.ProcessedAt, MetadataColumn.PipelineVersion]
            : Enum.GetValues<MetadataColumn>().Where(m => m != MetadataColumn.Position || flow.IsExploded));
        var revision = FromWindow ? RevisionOfWindow() : sink.Revision is { Faulty: false } named ? RevisionOf(named) : null;
        if (FromWindow && sink.Revision is not null)
            context.Diagnostics.Error("KOR2022", sink.Revision.Node,
                "rows of windows have a revision of their own; remove 'revision'");
        else if (sink.Revision is not null && mode == SinkMode.Append)
            context.Diagnostics.Error("KOR2022", sink.Revision.Node, "'revision' is for mode upsert");
        var keys = FromWindow ? KeysOfWindow(mode, revision) : KeysOfRecords(mode);
        CheckKeys(keys);
        CheckDeletes(mode, keys);
        CheckUpdates(verb, keys);
        CheckMade();
        if (context.Diagnostics.ErrorCount > before || flow.Unknown.Count > 0) return null;
        return new SinkPlan
        {
            Id = sink.Id.Value,
            From = input,
            InputSchema = flow.Schema,
            Spec = new SinkSpec(
                definition.Name.Value, sink.Id.Value, sink.Connection.Value, sink.Table.Value, mode,
                new Schema([.. _columns.Select(c => c.Column)]), keys, mode == SinkMode.Upsert ? revision : null,
                sink.Create, sink.Evolve)
            {
                ColumnTypes = sink.Types.ToDictionary(t => t.Name.Value, t => t.Value.Value, StringComparer.OrdinalIgnoreCase),
                Indexes = [.. sink.Indexes.Select(i => i.Select(c => Find(c.Value)!.Name).ToList())],
                UpdateOnly = verb == SinkVerb.Update, KeepMissing = sink.KeepMissing?.Value ?? false,
            },
            Source = [.. _columns.Select(c => c.Source)],
            FromWindow = FromWindow,
            KeysDeclared = sink.Keys is { Count: > 0 },
            StopOnReject = sink.StopOnReject,
            DeleteOnTombstone = sink.DeleteOnTombstone?.Value ?? false,
            Flush = sink.Flush,
        };
    }

    /// <summary>What a table is made with: it becomes part of a statement, so that it is a type and nothing else.</summary>
    private void CheckMade()
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (column, type) in sink.Types)
        {
            ColumnOf(column);
            if (!seen.Add(column.Value)) context.Diagnostics.Error("KOR2008", column.Node, $"the column '{column.Value}' has two types here (databases ignore case)");
            if (!type.Faulty && !TypeText().IsMatch(type.Value))
            {
                context.Diagnostics.Error(
                    "KOR2022", type.Node,
                    $"'{type.Value}' is not a type of one or two words with its length or digits and perhaps NOT NULL, such as NUMBER(12,2), VARCHAR2(100 CHAR) NOT NULL or timestamp(3) with time zone");
            }
        }

        foreach (var column in sink.Indexes.SelectMany(i => i)) ColumnOf(column);
        if (!sink.Create && !sink.Evolve && sink.Types.Count > 0)
            context.Diagnostics.Error("KOR2022", sink.Types[0].Name.Node, "'types' are for a table or columns that are made; add create: true or evolve: add-columns");
        if (!sink.Create && sink.Indexes.Count > 0)
            context.Diagnostics.Error("KOR2022", sink.Indexes[0][0].Node, "'indexes' are made with the table; add create: true");
    }

    [GeneratedRegex(
        @"^[A-Za-z][A-Za-z0-9_]*( [A-Za-z][A-Za-z0-9_]*)?( ?\( ?[0-9]{1,6}( ?, ?-?[0-9]{1,4})?( (CHAR|BYTE))? ?\))?( (WITH|WITHOUT)( LOCAL)? TIME ZONE)?(\[\])?( NOT NULL)?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TypeText();

    private void CheckUpdates(SinkVerb verb, List<string> keys)
    {
        if (verb == SinkVerb.Append && sink.KeepMissing is { Faulty: false } missing)
            context.Diagnostics.Error("KOR2022", missing.Node, "'missing' is for mode upsert and update; rows that are there are left alone here");
        if (verb == SinkVerb.Update && keys.Count > 0 && keys.Count == _columns.Count)
            context.Diagnostics.Error("KOR2022", sink.Mode!.Node, "mode update changes the columns that are no keys, and there are none; add a column, or say append");
    }

    private void AddColumns()
    {
        if (sink.Columns is null)
        {
            for (var i = 0; i < flow.Schema.Count; i++) Add(flow.Schema[i], i, sink.Id.Node);
            return;
        }

        foreach (var (column, field) in sink.Columns)
        {
            var place = context.Field(field, flow);
            if (place >= 0 && !column.Faulty) Add(flow.Schema[place] with { Name = column.Value }, place, column.Node);
        }
    }

    private void Add(Field column, int source, TextNode at)
    {
        if (source >= 0 && column.Name.StartsWith("KOR_", StringComparison.OrdinalIgnoreCase))
            context.Diagnostics.Error("KOR2009", at,
                $"the column name '{column.Name}' is reserved; rename it with 'columns'");
        else if (Find(column.Name) is not null)
            context.Diagnostics.Error("KOR2008", at,
                $"the column '{column.Name}' exists already (databases ignore case)");
        else
            _columns.Add((column, source, at));
    }

    private void AddMetadata(IEnumerable<MetadataColumn> columns)
    {
        foreach (var column in columns)
        {
            var field = MetadataColumns.Field(column);
            if (Find(field.Name) is null) _columns.Add((field, MetadataColumns.ToSource(column), sink.Id.Node));
        }
    }

    private Field? Find(string name)
    {
        foreach (var (column, _, _) in _columns)
        {
            if (string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase)) return column;
        }

        return null;
    }

    private Field? ColumnOf(Located<string> name)
    {
        if (name.Faulty) return null;
        var column = Find(name.Value);
        if (column is not null || flow.Unknown.Contains(name.Value)) return column;
        var names = _columns.Select(c => c.Column.Name).ToArray();
        context.Diagnostics.Error(
            "KOR2022", name.Node, $"the sink has no column '{name.Value}'; it has: {string.Join(", ", names.Take(30))}",
            Suggestions.Nearest(name.Value, names));
        return null;
    }

    private string? RevisionOf(Located<string> name)
    {
        if (ColumnOf(name) is not { } column) return null;
        if (column.Type.Kind is FieldKind.Integer or FieldKind.Decimal or FieldKind.Double or FieldKind.Timestamp or FieldKind.Date
            or FieldKind.String)
        {
            return column.Name;
        }

        context.Diagnostics.Error("KOR2022", name.Node,
            $"the revision must be a number, a time or a string; the column '{column.Name}' is {column.Type}");
        return null;
    }

    /// <summary>
    /// The column of a field, added when the sink's own list leaves it out: the guard of updates is never optional.
    /// </summary>
    private string RevisionOfWindow()
    {
        var place = flow.Schema.IndexOf(SideOutputs.Revision);
        foreach (var (column, source, _) in _columns)
        {
            if (source == place) return column.Name;
        }

        Add(flow.Schema[place], place, sink.Id.Node);
        return SideOutputs.Revision;
    }

    private List<string> KeysOfWindow(SinkMode mode, string? revision)
    {
        var window = (WindowStepDefinition)step!.Definition;
        var fields = window.GroupBy.Select(g => g.Value).ToList();
        if (!window.Window.IsRunning) fields.Add(SideOutputs.WindowStart);
        var keys = new List<string>();
        foreach (var field in fields)
        {
            var place = flow.Schema.IndexOf(field);
            var at = _columns.FindIndex(c => c.Source == place);
            if (at >= 0)
            {
                keys.Add(_columns[at].Column.Name);
            }
            else if (!flow.Unknown.Contains(field))
            {
                var node = sink.Columns is { Count: > 0 } columns ? columns[0].Name.Node : sink.Id.Node;
                context.Diagnostics.Error("KOR2022", node,
                    $"the sink leaves out '{field}', which is part of the key of its rows");
            }
        }

        if (mode == SinkMode.Append) keys.Add(revision!);
        if (fields.Count == 0 && mode == SinkMode.Upsert)
            context.Diagnostics.Error("KOR2021", sink.Id.Node,
                "totals without groupBy have no key to update by; use mode: append");
        CheckDeclaredWindowKeys(keys);
        return keys;
    }

    private void CheckDeclaredWindowKeys(List<string> keys)
    {
        if (sink.Keys is null) return;
        foreach (var key in sink.Keys) ColumnOf(key);
        var declared = sink.Keys.Where(k => !k.Faulty).Select(k => k.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        if (declared.Count > 0 && !declared.SetEquals(keys))
        {
            context.Diagnostics.Error(
                "KOR2022", sink.Keys[0].Node,
                $"the key of these rows is {string.Join(", ", keys)}; leave 'keys' out, or list just these");
        }
    }

    private List<string> KeysOfRecords(SinkMode mode)
    {
        if (sink.Keys is { Count: > 0 } declared)
        {
            var keys = declared.Select(ColumnOf).OfType<Field>().Select(f => f.Name).ToList();
            if (keys.Distinct().Count() < keys.Count) context.Diagnostics.Error("KOR2008", declared[0].Node,
                "a key column is listed twice");
            return keys;
        }

        if (mode == SinkMode.Upsert)
        {
            if (sink.Keys is null) context.Diagnostics.Error("KOR2021", sink.Id.Node,
                "mode upsert or update needs keys: [COLUMN, ...]");
            return [];
        }

        MetadataColumn[] identity = flow.IsExploded
            ? [MetadataColumn.Topic, MetadataColumn.Partition, MetadataColumn.Offset, MetadataColumn.Position]
            : [MetadataColumn.Topic, MetadataColumn.Partition, MetadataColumn.Offset];
        AddMetadata(identity);
        var names = identity.Select(i => MetadataColumns.Field(i).Name).ToList();
        if (input is { Output: StepOutput.Quarantined } && Find("place") is { } place) names.Add(place.Name);
        // A record may be late for several of its windows.
        if (input is { Output: StepOutput.Late } && Find(SideOutputs.WindowStart) is { } start) names.Add(start.Name);
        return names;
    }

    private void CheckKeys(List<string> keys)
    {
        foreach (var key in keys)
        {
            var at = _columns.FindIndex(c => c.Column.Name == key);
            if (at < 0 || _columns[at].Source < 0) continue;
            var (column, _, columnNode) = _columns[at];
            var node = NodeOfKey(key) ?? columnNode;
            // Group keys of json and double were refused where they are declared.
            var isBad = FromWindow
                ? column.Type.Kind is FieldKind.Bytes
                : column.Type.Kind is FieldKind.Json or FieldKind.Bytes or FieldKind.Double;
            if (isBad)
                context.Diagnostics.Error("KOR2019", node, $"the column '{key}' of type {column.Type} cannot be a key");
            else if (column.Nullable)
            {
                context.Diagnostics.Warning(
                    "KOR2020", node,
                    $"'{column.Name}' may be NULL and is a key of '{sink.Id.Value}': such rows will be refused; "
                    + "declare the field required, check IS NOT NULL before, or use COALESCE");
            }
        }
    }

    private TextNode? NodeOfKey(string key)
    {
        var declared = sink.Keys?.FirstOrDefault(k => string.Equals(k.Value, key, StringComparison.OrdinalIgnoreCase));
        if (declared is not null) return declared.Node;
        if (step?.Definition is not WindowStepDefinition window) return null;
        var source = _columns.Find(c => c.Column.Name == key).Source;
        return source < 0 ? null : window.GroupBy.FirstOrDefault(g => g.Value == flow.Schema[source].Name)?.Node;
    }

    private void CheckDeletes(SinkMode mode, List<string> keys)
    {
        if (sink.DeleteOnTombstone is not { Faulty: false, Value: true } delete) return;
        var node = delete.Node;
        var source = definition.Source;
        var isDebezium = source.Format.Value == SourceFormatKind.Debezium;
        if (isDebezium && source.Debezium?.Deletes is { Value: not DebeziumDeletes.Delete })
            context.Diagnostics.Error("KOR2023", node, "nothing is deleted where the source says 'deletes: mark' or 'skip'; remove one of them");
        else if (!isDebezium && source.Tombstones != TombstonePolicy.Delete)
            context.Diagnostics.Error("KOR2023", node, "deletes need 'tombstones: delete' in the source");
        if (FromWindow || input.Output != StepOutput.Main)
            context.Diagnostics.Error("KOR2023", node,
                "only sinks of records can delete, not those of windows and side outputs");
        else if (flow.IsExploded)
            context.Diagnostics.Error("KOR2023", node, "a deletion has no items: a sink behind an explode step cannot delete; read a step before it");
        else if (mode != SinkMode.Upsert)
            context.Diagnostics.Error("KOR2023", node, "deletes need mode: upsert with keys");
        else
        {
            foreach (var (column, place, _) in _columns.Where(c => keys.Contains(c.Column.Name) && c.Source >= 0))
            {
                var field = flow.Schema[place].Name;
                if (flow.FromKey.Contains(field)) continue;
                context.Diagnostics.Error(
                    "KOR2023", node,
                    $"a tombstone has no value, but the key column '{column.Name}' comes from it; "
                    + $"give '{field}' 'from: key'");
            }
        }
    }
}
