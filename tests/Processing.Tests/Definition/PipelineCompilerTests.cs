using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Records;
using KafkaOracleOrleans.Processing.Windows;
using static KafkaOracleOrleans.Processing.Tests.Definition.PipelineTexts;

namespace KafkaOracleOrleans.Processing.Tests.Definition;

/// <summary>What plans come out of good pipeline files.</summary>
public sealed class PipelineCompilerTests
{
    [Fact]
    public void The_example_of_the_design_compiles_as_it_stands()
    {
        var plan = PlanOf(File.ReadAllText(Path.Combine(Root, "tests", "Client.Tests", "steps", "design.yaml")), "design.yaml");

        Assert.Equal("orders", plan.Name);
        Assert.Equal("kor-orders", plan.Source.GroupId);
        Assert.Equal(["enrich", "quality", "unique", "customer", "revenue_5m"], plan.Steps.Select(s => s.Id));
        Assert.Equal(4, plan.Source.EventTimeField);
        Assert.Equal((30_000, 10_000), (plan.Source.MaxOutOfOrder, plan.Source.IdleAfter));
        var map = Assert.IsType<MapPlan>(plan.Steps[0]);
        Assert.Equal(
            "order_id:string customer_id:string amount:decimal(12,2) currency:string created_at:timestamp",
            Describe(map.InputSchema));
        Assert.Equal(["tax", "total"], map.Schema.Fields.Skip(5).Select(f => f.Name));
        Assert.Equal([0, 1, 2, 3, 4, -1, -1], map.Source);
        var window = Assert.IsType<WindowPlan>(plan.Steps[4]);
        Assert.Equal(new TumblingWindow(300_000), window.Window.Window);
        Assert.Equal(120_000, window.Window.AllowedLateness);
        Assert.Equal(
            ["customer_id", "window_start", "window_end", "orders", "revenue", "average", "largest", "revision"],
            window.Schema.Fields.Select(f => f.Name));
        Assert.Equal(8, window.Shards);
    }

    [Fact]
    public void Record_sinks_without_keys_are_keyed_by_where_the_record_came_from()
    {
        var plan = PlanOf(Base);

        var sink = plan.Sinks[0];
        Assert.Equal(SinkMode.Append, sink.Spec.Mode);
        Assert.Equal(["KOR_TOPIC", "KOR_PARTITION", "KOR_OFFSET"], sink.Spec.Keys);
        Assert.Equal(
            [MetadataColumn.Topic, MetadataColumn.Partition, MetadataColumn.Offset],
            sink.Source.TakeLast(3).Select(s => MetadataColumns.FromSource(s)!.Value));
        Assert.Null(sink.Spec.RevisionColumn);
        Assert.False(sink.FromWindow);
    }

    [Fact]
    public void Window_sinks_are_upserts_by_group_key_and_window_start_guarded_by_the_revision()
    {
        var sink = PlanOf(Base).Sinks[1];

        Assert.True(sink.FromWindow);
        Assert.Equal(SinkMode.Upsert, sink.Spec.Mode);
        Assert.Equal(["customer", "window_start"], sink.Spec.Keys);
        Assert.Equal("revision", sink.Spec.RevisionColumn);
        Assert.Equal(
            "customer:string window_start:timestamp window_end:timestamp n:integer revenue:decimal(28,2) "
            + "revision:integer",
            Describe(sink.Spec.Schema));
    }

    [Theory]
    [InlineData("add-columns", true)]
    [InlineData("true", true)]
    [InlineData("none", false)]
    [InlineData("false", false)]
    public void A_sink_may_add_columns_to_its_table(string evolve, bool expected)
    {
        Assert.Equal(expected, PlanOf(Base.Replace("mode: append", "mode: append, evolve: " + evolve, StringComparison.Ordinal)).Sinks[0].Spec.AddColumns);
        Assert.False(PlanOf(Base).Sinks[0].Spec.AddColumns);
    }

    [Fact]
    public void Metadata_columns_say_where_a_row_came_from_and_when_it_was_made()
    {
        var text = Base.Replace("mode: append", "mode: append, metadata: true", StringComparison.Ordinal)
            .Replace("table: TOTALS_T", "table: TOTALS_T, metadata: true", StringComparison.Ordinal);
        var plan = PlanOf(text);

        Assert.EndsWith(
            "KOR_TOPIC:string KOR_PARTITION:integer KOR_OFFSET:integer KOR_TIMESTAMP:timestamp KOR_PROCESSED_AT:timestamp "
            + "KOR_PIPELINE_VERSION:integer",
            Describe(plan.Sinks[0].Spec.Schema), StringComparison.Ordinal);
        Assert.EndsWith(
            "revision:integer KOR_PROCESSED_AT:timestamp KOR_PIPELINE_VERSION:integer", Describe(plan.Sinks[1].Spec.Schema),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_rename_fields_and_the_revision_is_added_when_left_out()
    {
        var sink = PlanOf(Base.Replace(
            "table: TOTALS_T", "table: TOTALS_T, columns: { CUST: customer, BEGIN: window_start, REV: revenue }",
            StringComparison.Ordinal))
            .Sinks[1];

        Assert.Equal(["CUST", "BEGIN", "REV", "revision"], sink.Spec.Schema.Fields.Select(f => f.Name));
        Assert.Equal(["CUST", "BEGIN"], sink.Spec.Keys);
        Assert.Equal([0, 1, 4, 5], sink.Source);
    }

    [Fact]
    public void Side_outputs_can_be_read_by_sinks()
    {
        var plan = PlanOf(Base + """
              - { id: late, from: sums.late, connection: dwh, table: LATE_T, metadata: true }
              - { id: twice, from: unique.duplicates, connection: dwh, table: TWICE_T }
              - { id: bad, from: quarantined, connection: dwh, table: BAD_T }
              - { id: bad2, from: checks.quarantined, connection: dwh, table: BAD2_T }
              - { id: bad3, from: source.quarantined, connection: dwh, table: BAD3_T }
            """.Replace("      -", "  -", StringComparison.Ordinal));

        var froms = plan.Sinks.Skip(2).Select(s => s.From).ToArray();
        Assert.Equal(
            [
                new InputRef("sums", StepOutput.Late), new InputRef("unique", StepOutput.Duplicates),
                new InputRef("*", StepOutput.Quarantined), new InputRef("checks", StepOutput.Quarantined),
                new InputRef("", StepOutput.Quarantined),
            ],
            froms);
        Assert.EndsWith("window_start:timestamp window_end:timestamp late_by_ms:integer late_reason:string",
            Describe(plan.Sinks[2].InputSchema), StringComparison.Ordinal);
        Assert.Equal(6, plan.Sinks[2].Source.Count(s => s < 0));
        Assert.All(plan.Sinks.Skip(2), s => Assert.False(s.FromWindow));
    }

    [Fact]
    public void A_sink_that_rows_are_routed_to_needs_no_from()
    {
        var plan = PlanOf(Base.Replace("onFail: quarantine", "onFail: { route: odd }", StringComparison.Ordinal)
            + "  - { id: odd, connection: dwh, table: ODD_T }\n");

        var checks = Assert.IsType<QualityPlan>(plan.Steps[2]);
        Assert.Equal((QualityAction.Route, "odd"), (checks.Rules[0].Action, checks.Rules[0].RouteTo));
        Assert.Equal((QualityAction.Drop, null), (checks.Rules[1].Action, checks.Rules[1].RouteTo));
        Assert.Equal(new InputRef("checks", StepOutput.Routed), plan.Sinks[2].From);
        Assert.EndsWith(" failed_rules:string", Describe(plan.Sinks[2].InputSchema), StringComparison.Ordinal);
        Assert.Equal(checks.InputSchema.Count + 1, plan.Sinks[2].InputSchema.Count);
    }

    [Fact]
    public void Tag_rules_add_a_field_and_warn_rules_only_count()
    {
        var plan = PlanOf(Base.Replace("onFail: quarantine", "onFail: tag", StringComparison.Ordinal)
            .Replace("severity: error, onFail: drop", "severity: warn", StringComparison.Ordinal));

        var checks = Assert.IsType<QualityPlan>(plan.Steps[2]);
        Assert.Equal([QualityAction.Tag, QualityAction.Tag], checks.Rules.Select(r => r.Action));
        Assert.Equal(new Field("quality_paid", FieldType.Boolean, Nullable: false), checks.Schema.Fields[^2]);

        var counted = PlanOf(Base.Replace("severity: error, onFail: drop", "severity: warn", StringComparison.Ordinal));
        Assert.Equal(QualityAction.Count, ((QualityPlan)counted.Steps[2]).Rules[1].Action);
    }

    [Fact]
    public void A_field_set_twice_is_seen_as_set_last()
    {
        var plan = PlanOf(Base.Replace(
            "set: { total: amount * 2 }, drop: [weight]",
            "set: { amount: amount * 2, total: amount + 1, helper: total + 1 }, "
            + "rename: { extra: more_json }, drop: [weight, helper]",
            StringComparison.Ordinal));

        var map = Assert.IsType<MapPlan>(plan.Steps[0]);
        Assert.Equal(["order_id", "customer", "amount", "more_json", "at", "total"],
            map.Schema.Fields.Select(f => f.Name));
        Assert.Equal([0, 1, -1, 4, 5, -1], map.Source);
        Assert.Equal([(2, 6), (5, 7), (-1, 8)], map.Set.Select(s => (s.Output, s.Scratch)));
        Assert.Equal([2], map.Set[0].Expression.Fields);
        Assert.Equal([6], map.Set[1].Expression.Fields);
        Assert.Equal("amount@2", map.ScratchSchema[2].Name);
    }

    [Fact]
    public void Steps_may_be_written_in_any_order()
    {
        var plan = PlanOf(Base.Replace("id: shape, type: map,", "id: shape, type: map, from: early,",
            StringComparison.Ordinal)
            .Replace("        steps:", "steps:", StringComparison.Ordinal)
            .Replace("  - { id: big,",
                "  - { id: early, type: filter, from: source, where: amount > 0 }\n  - { id: big, from: shape,",
                StringComparison.Ordinal)
            .Replace("{ id: big, from: shape, type", "{ id: big, from: shape, type", StringComparison.Ordinal));

        Assert.Equal(["early", "shape", "big"], plan.Steps.Take(3).Select(s => s.Id));
        Assert.Equal(new InputRef("early"), plan.Steps[1].Input);
    }

    [Fact]
    public void Aggregates_that_read_the_same_share_an_input()
    {
        var plan = PlanOf(Base.Replace(
            "n: count(), revenue: sum(total)",
            "n: COUNT(*), revenue: sum(total), mean: avg(total), "
            + "p: 'percentile(total, 0.95)', top: 'top_k(order_id, 3)', d: count_distinct(order_id)",
            StringComparison.Ordinal));

        var window = ((WindowPlan)plan.Steps[^1]).Window;
        Assert.Equal([-1, 0, 0, 0, 1, 1], window.Aggregates.Select(a => a.Input));
        Assert.Equal(
            ["integer", "decimal(28,2)", "decimal(28,6)", "double", "json", "integer"],
            window.Aggregates.Select(a => a.ResultType.ToString()));
        Assert.Equal([0, 0, 0, 0.95, 3, 1000], window.Aggregates.Select(a => a.Parameter));
    }

    [Fact]
    public void All_kinds_of_windows_compile()
    {
        WindowSpec Of(string window) =>
            ((WindowPlan)PlanOf(Base.Replace("{ tumbling: 5m }", window,
                StringComparison.Ordinal)).Steps[^1]).Window.Window;

        Assert.Equal(new TumblingWindow(3_600_000, 900_000), Of("{ tumbling: 1h, offset: 15m }"));
        Assert.Equal(new HoppingWindow(300_000, 60_000), Of("{ hopping: 5m, every: 1m }"));
        Assert.Equal(new SessionWindow(1_800_000, 86_400_000), Of("{ session: 30m }"));
        Assert.Equal(new SessionWindow(1_800_000, 7_200_000), Of("{ session: 30m, maxLength: 2h }"));
        Assert.Equal(new CalendarWindow(CalendarUnit.Day, "Europe/Vienna"),
            Of("{ calendar: day, zone: Europe/Vienna }"));
        Assert.Equal(new CalendarWindow(CalendarUnit.Month, "UTC"), Of("{ calendar: month }"));
    }

    [Fact]
    public void Running_totals_have_no_window_columns()
    {
        var plan = PlanOf(Base.Replace("type: window\n    window: { tumbling: 5m }\n    allowedLateness: 1m",
            "type: aggregate\n    grainPer: group(64)\n    shards: 4", StringComparison.Ordinal));

        var totals = (WindowPlan)plan.Steps[^1];
        Assert.Equal(new RunningTotals(), totals.Window.Window);
        Assert.Equal((4, 64), (totals.Shards, totals.GrainPer.Groups));
        Assert.Equal("customer:string n:integer revenue:decimal(28,2) revision:integer", Describe(totals.Schema));
        Assert.Equal(["customer"], plan.Sinks[1].Spec.Keys);
    }

    [Fact]
    public void Tombstones_can_delete_rows_by_fields_of_the_key()
    {
        var plan = PlanOf(Base
            .Replace("order_id: { type: string, required: true }",
                "order_id: { type: string, required: true, from: key }", StringComparison.Ordinal)
            .Replace("  format: json", "  format: json\n  tombstones: delete", StringComparison.Ordinal)
            .Replace("mode: append", "mode: upsert, keys: [order_id], deleteOnTombstone: true",
                StringComparison.Ordinal));

        Assert.True(plan.Sinks[0].DeleteOnTombstone);
        Assert.Equal(TombstonePolicy.Delete, plan.Source.Format!.Tombstones);
        Assert.Equal(FieldOrigin.Key, plan.Source.Format.Fields[0].From);
    }

    /// <summary>A topic of refused records that the source's own pattern reads would come round for ever.</summary>
    [Theory]
    [InlineData("'^dlqloop.*'", "dlqloop-bad", true)]
    [InlineData("'^.*-bad$'", "dlqloop-bad", true)]
    [InlineData("'^dlq'", "dlqloop-bad", true)]
    [InlineData("orders, '^dlqloop.*'", "dlqloop-bad", true)]
    [InlineData("dlqloop-bad", "dlqloop-bad", true)]
    [InlineData("'^dlqloop$'", "dlqloop-bad", false)]
    [InlineData("'^dlqloop-(in|out)$'", "dlqloop-bad", false)]
    [InlineData("orders", "orders-bad", false)]
    public void A_quarantine_topic_is_not_read_by_its_own_source(string topics, string quarantine, bool loops)
    {
        var text = Base.Replace("topics: [orders]", $"topics: [{topics}]", StringComparison.Ordinal)
            .Replace("sinks:\n", $"quarantine: {{ kafka: {{ connection: main, topic: {quarantine} }} }}\nsinks:\n", StringComparison.Ordinal);
        Assert.Equal(loops ? ["KOR2035"] : [], Compile(text).Errors().Select(e => e.Code));
        Assert.DoesNotContain(Compile(text.Replace("quarantine: { kafka: { connection: main", "quarantine: { kafka: { connection: other", StringComparison.Ordinal)).Errors(), e => e.Code == "KOR2035");
    }

    [Fact]
    public void Csv_fields_find_their_columns_by_name()
    {
        var plan = PlanOf(Base
            .Replace("  format: json",
                "  format: csv\n  csv: { delimiter: ';', columns: [at, cust, amount, weight, extra, order_id] }",
                StringComparison.Ordinal)
            .Replace("path: customer.id", "path: cust", StringComparison.Ordinal));

        Assert.Equal([5, 1, 2, 3, 4, 0], plan.Source.Format!.Fields.Select(f => f.Column));
        Assert.Equal(';', plan.Source.Format.Csv.Delimiter);
    }

    [Fact]
    public void State_depends_on_keys_windows_and_aggregates_and_not_on_the_rest()
    {
        var before = PlanOf(Base);

        string[] Changed(string from, string to)
        {
            var after = PlanOf(Base.Replace(from, to, StringComparison.Ordinal));
            Assert.NotEqual(before.DefinitionHash, after.DefinitionHash);
            return [.. before.StateFingerprints.Where(f => after.StateFingerprints[f.Key] != f.Value).Select(f =>
                f.Key)];
        }

        Assert.Equal(["source", "sums", "unique"], before.StateFingerprints.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([], Changed("allowedLateness: 1m", "allowedLateness: 2m"));
        Assert.Equal([], Changed("total > 0", "total > 1"));
        Assert.Equal(["sums"], Changed("tumbling: 5m", "tumbling: 6m"));
        Assert.Equal(["sums"], Changed("sum(total)", "sum(amount)"));
        Assert.Equal(["unique"], Changed("key: [order_id]", "key: [order_id, customer]"));
        Assert.Equal(["unique"], Changed("within: 1h", "within: 2h"));
        Assert.Equal(["source"], Changed("topics: [orders]", "topics: [orders, orders2]"));
    }

    [Fact]
    public void Comments_blanks_quotes_and_the_order_of_known_keys_do_not_change_the_hash()
    {
        var changed = Base.Replace("amount > 0\n", "'amount > 0'   # must be paid\n\n", StringComparison.Ordinal)
            .Replace("{ tumbling: 5m }", "\n      tumbling: \"5m\"", StringComparison.Ordinal)
            .Replace("id: big, type: filter,", "type: filter, id: big,", StringComparison.Ordinal);

        Assert.Equal(PlanOf(Base).DefinitionHash, PlanOf(changed).DefinitionHash);
    }

    [Fact]
    public void The_canonical_json_compiles_to_the_same_pipeline()
    {
        foreach (var text in (string[])[Base, File.ReadAllText(Path.Combine(Root, "pipelines", "orders.yaml"))])
        {
            var yaml = Compile(text);
            var json = Compile(yaml.CanonicalJson!, "p.json");

            Assert.True(json.Succeeded, string.Join('\n', json.Diagnostics));
            Assert.Equal(yaml.CanonicalJson, json.CanonicalJson);
            Assert.Equal(yaml.Plan!.DefinitionHash, json.Plan!.DefinitionHash);
            Assert.Equal(yaml.Plan.StateFingerprints, json.Plan.StateFingerprints);
        }
    }

    private static string Describe(Schema schema) => string.Join(' ', schema.Fields.Select(f => $"{f.Name}:{f.Type}"));
}
