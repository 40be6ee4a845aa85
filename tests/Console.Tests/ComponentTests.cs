using Bunit;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.WebConsole.Components;
using KafkaOracleOrleans.WebConsole.Components.Pages;
using KafkaOracleOrleans.WebConsole.Components.Shared;
using KafkaOracleOrleans.WebConsole.Data;
using KafkaOracleOrleans.WebConsole.Tests.Support;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;

namespace KafkaOracleOrleans.WebConsole.Tests;

public sealed class ComponentTests : BunitContext
{
    private readonly FakeApi _api = new();

    public ComponentTests()
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddSingleton<IConsoleApi>(_api);
        Services.AddSingleton(TimeProvider.System);
        Services.AddSingleton<StatusFeed>();
        Services.AddScoped<ConsoleClient>();
        Services.AddMudServices();
        AddAuthorization().SetAuthorized("otto").SetRoles("operator");
    }

    [Fact]
    public void Without_pipelines_the_overview_says_what_to_do_next()
    {
        _api.Answers["GET pipelines"] = new List<PipelineStatus>();

        var page = Show<OverviewPage>("operator");

        Assert.Contains("No pipelines yet", page.Markup, StringComparison.Ordinal);
        Assert.Contains("kor new --from-topic", page.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public void The_overview_names_what_needs_attention_with_the_button_that_helps()
    {
        var bad = Samples.Status() with
        {
            State = PartState.Failed,
            Condition = PipelineCondition.Failed,
            Health = [new HealthIssue("sink", PartState.Failed, "Table ORDERS is gone; create it.", DateTimeOffset.UtcNow.AddMinutes(-5))],
        };
        _api.Answers["GET pipelines"] = new List<PipelineStatus> { bad, Samples.Status("well") };

        var page = Show<OverviewPage>("operator");
        var row = page.Find("section.card table tbody tr");

        Assert.Contains("Table ORDERS is gone; create it.", row.TextContent, StringComparison.Ordinal);
        Assert.Contains("5 min", row.TextContent, StringComparison.Ordinal);
        row.QuerySelector("[data-action='restart?onlyFailed=true']")!.Click();
        Assert.Contains(_api.Calls, c => c is { Method: "POST", Path: "pipelines/orders/restart?onlyFailed=true" });
    }

    [Theory]
    [InlineData("viewer", false, true, "Needs the role operator; you are viewer.")]
    [InlineData("operator", false, false, "Stop reading, keep everything in memory")]
    [InlineData("admin", true, true, "This server is read-only (Kor:Http:ReadOnly).")]
    public void Who_may_not_act_reads_why(string role, bool isReadOnly, bool disabled, string title)
    {
        var page = Render<CascadingValue<Who>>(p => p
            .Add(c => c.Value, new Who("x", role, isReadOnly))
            .AddChildContent<Actions>(a => a.Add(c => c.Pipeline, Samples.Status())));
        var button = page.Find("[data-action=pause]");

        Assert.Equal(disabled, button.HasAttribute("disabled"));
        Assert.Equal(title, button.GetAttribute("title"));
    }

    [Theory]
    [InlineData(DesiredState.Running, "restart pause stop")]
    [InlineData(DesiredState.Paused, "resume stop")]
    [InlineData(DesiredState.Stopped, "start")]
    public void Only_what_makes_sense_is_offered(DesiredState desired, string verbs)
    {
        var page = Render<Actions>(p => p.Add(a => a.Pipeline, Samples.Status(desired: desired)));

        Assert.Equal(verbs.Split(' '), page.FindAll("button").Select(b => b.GetAttribute("data-action")));
    }

    [Fact]
    public void Markup_in_keys_values_errors_and_headers_is_text()
    {
        const string Bad = Samples.Markup;
        var record = new QuarantineDetail
        {
            Id = "00ff", AddedAt = DateTimeOffset.UtcNow, Place = "source." + Bad, Code = Bad, Reason = Bad, Version = 1, Topic = "orders", Partition = 0, Offset = 7, Key = Bad, Value = Bad,
            ValueBytes = Bad.Length, Connection = Bad, Obstacle = Bad, RawValue = System.Text.Encoding.UTF8.GetBytes(Bad), Headers = [KeyValuePair.Create(Bad, (string?)Bad)],
        };
        _api.Answers["GET pipelines/orders/quarantine/00ff"] = record;
        _api.Answers["GET pipelines/orders/quarantine?"] = new QuarantinePage([record], "next", [new QuarantineGroup(record.Place, Bad, 1)], Bad);
        _api.Answers["GET pipelines/orders/config"] = new PipelineConfig("orders", 1, 0, DefinitionOrigin.Api, Bad, "name: orders\n# " + Bad);
        _api.Answers["GET pipelines/orders/events"] = new List<PipelineEvent> { new(DateTimeOffset.UtcNow, Bad, Bad) };
        _api.Answers["GET pipelines/orders/windows"] = new List<StepWindows> { new(Bad, 1, [Window(Bad)], [Window(Bad)]) };
        _api.Answers["GET pipelines/orders/flow"] = new FlowReport([new FlowNode("", "source", Bad), new FlowNode(Bad, "map", Bad)], [new FlowEdge("", Bad, Bad)]);
        Services.GetRequiredService<NavigationManager>().NavigateTo("/pipelines/orders/quarantine?id=00ff");
        var status = Samples.Status() with
        {
            Reason = Bad,
            Health = [new HealthIssue("sink", PartState.Failed, Bad, DateTimeOffset.UtcNow)],
            Warnings = [Bad],
            Rules = new Dictionary<string, long> { [Bad] = 1 },
            Sinks = [new SinkStatus { Sink = Bad, Lane = Bad, State = PartState.Failed, Reason = Bad, Written = 0, Quarantined = 0, Buffered = 0 }],
        };
        var state = new FeedState(DateTimeOffset.UtcNow, [status], new Dictionary<string, PipelineRates>(), null);

        AssertText<QuarantineTab>(status);
        AssertText<DefinitionTab>(status);
        AssertText<EventsTab>(status);
        AssertText<WindowsTab>(status);
        AssertText<SinksTab>(status, p => p.Add(t => t.State, state));
        AssertText<StatusTab>(status, p => p.Add(t => t.State, state));
        _api.Answers["GET pipelines/orders/quality"] = new List<RuleReport> { new(Bad, Bad, Bad, "error", "quarantine", 1, 1) };
        _api.Answers["GET pipelines/orders/history/1"] = new DefinitionVersion(1, DateTimeOffset.UtcNow, DefinitionOrigin.Api, Bad, "00", "name: orders\n# old " + Bad);
        _api.Answers["GET pipelines/orders/history"] = new List<DefinitionVersion> { new(1, DateTimeOffset.UtcNow, DefinitionOrigin.Api, Bad, "00", null) };
        AssertText<QualityTab>(status);
        foreach (var view in new[] { "edit", "playground", "history&version=1" })
        {
            Services.GetRequiredService<NavigationManager>().NavigateTo("/pipelines/orders/definition?view=" + view);
            AssertText<DefinitionTab>(status);
        }
    }

    [Fact]
    public async Task A_part_of_the_flow_tells_its_rates_times_and_definition_and_shows_records_as_text()
    {
        const string Bad = Samples.Markup;
        var record = System.Text.Json.JsonSerializer.Serialize(new { partition = "orders/1", offset = 7, value = new { note = Bad } });
        var refused = System.Text.Json.JsonSerializer.Serialize(new { partition = "orders/1", offset = 8, value = new { note = "bad" } });
        _api.Streams["pipelines/orders/tap?step=&side=out"] = [new ApiEvent("record", record), new ApiEvent("record", refused)];
        _api.Streams["pipelines/orders/tap?step=quality"] = [new ApiEvent("record", record)];
        var flow = new FlowReport(
            [new FlowNode("", "source", "orders"), new FlowNode("quality", "quality", "two rules"), new FlowNode("out", "sink", "to a table")],
            [new FlowEdge("", "quality", "main"), new FlowEdge("quality", "out", "main")]);
        var status = Samples.Status() with { Steps = [new StepStatus { Step = "", Busy = 0.25, P50Ms = 2, P95Ms = 5, P99Ms = 9 }, new StepStatus { Step = "quality", In = 120, Out = 100, Dropped = 20 }] };
        var rates = new PipelineRates { Steps = new Dictionary<string, StepRate> { ["quality"] = new(12, 10, 2) } };

        var page = Render<CascadingValue<Who>>(p => p.Add(c => c.Value, new Who("otto", "operator", false)).AddChildContent<NodePanel>(n => n
            .Add(c => c.Node, flow.Nodes[1]).Add(c => c.Flow, flow).Add(c => c.Pipeline, status).Add(c => c.Rates, rates)
            .Add(c => c.Definition, "name: orders\nsteps:\n  - id: quality\n    rules: { a: b > 0 }\nsinks: []\n")));

        var text = page.Find("section.panel").TextContent;
        foreach (var expected in new[] { "12 /s", "10 /s", "2 /s", "p50 2 ms, p95 5 ms, p99 9 ms", "busy 25 %", "- id: quality\n  rules: { a: b > 0 }" }) Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.DoesNotContain("sinks: []", text, StringComparison.Ordinal);
        await page.Find("[data-action=tap]").ClickAsync(new Microsoft.AspNetCore.Components.Web.MouseEventArgs());
        page.WaitForAssertion(() => Assert.Equal(2, page.FindAll("table.records tbody tr").Count));
        Assert.Contains("orders/1 @ 8", page.FindAll("table.records tbody tr")[0].TextContent, StringComparison.Ordinal);
        Assert.Empty(page.FindAll("img, script, [onerror]"));
        await page.Find("[data-action=untap]").ClickAsync(new Microsoft.AspNetCore.Components.Web.MouseEventArgs());
        Assert.NotNull(page.Find("[data-action=tap]"));
    }

    [Fact]
    public async Task A_tap_that_is_refused_says_why_and_a_viewer_has_none()
    {
        var flow = new FlowReport([new FlowNode("", "source", "orders")], []);
        _api.Streams["pipelines/orders/tap"] = [new ApiEvent(ApiEvent.Refused, """{"title":"Nothing to tap","detail":"Twenty look already."}""")];
        var page = Panel("operator");
        await page.Find("[data-action=tap]").ClickAsync(new Microsoft.AspNetCore.Components.Web.MouseEventArgs());
        page.WaitForAssertion(() => Assert.Contains("Twenty look already.", page.Markup, StringComparison.Ordinal));
        Assert.True(Panel("viewer").Find("[data-action=tap]").HasAttribute("disabled"));

        IRenderedComponent<CascadingValue<Who>> Panel(string role) => Render<CascadingValue<Who>>(p => p.Add(c => c.Value, new Who("x", role, false))
            .AddChildContent<NodePanel>(n => n.Add(c => c.Node, flow.Nodes[0]).Add(c => c.Flow, flow).Add(c => c.Pipeline, Samples.Status()).Add(c => c.Rates, PipelineRates.Unknown)));
    }

    [Fact]
    public void A_chart_shows_what_is_known_with_axes_and_what_happened()
    {
        var now = DateTimeOffset.UtcNow;
        var values = Enumerable.Repeat(float.NaN, 180).ToArray();
        for (var i = 160; i < 180; i++) values[i] = 300;
        ChartMark[] marks = [new(now.AddMinutes(-1), "R", "10:00:00 Started over."), new(now.AddMinutes(-9), "V", "before what is shown")];

        var chart = Render<Chart>(p => p.Add(c => c.Values, values).Add(c => c.Label, "Records in").Add(c => c.Unit, v => Format.Rate(v)).Add(c => c.Marks, marks).Add(c => c.Now, now));

        Assert.Contains("2 min ago", chart.Find(".axis").TextContent, StringComparison.Ordinal);
        Assert.Equal("500 /s", chart.Find(".y.top").TextContent);
        Assert.Equal("R", chart.Find(".flag").TextContent);
        Assert.Single(chart.FindAll(".flag"));
        Assert.Contains("left:50%", chart.Find(".flag").GetAttribute("style"), StringComparison.Ordinal);
        Assert.Equal("Records in, the last 2 min, from 0 to 500 /s; 10:00:00 Started over.", chart.Find("svg").GetAttribute("aria-label"));
        Assert.Contains("nothing known yet", Render<Chart>(p => p.Add(c => c.Values, [])).Markup, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(DefinitionOrigin.Api, "admin", false)]
    [InlineData(DefinitionOrigin.Api, "operator", true)]
    [InlineData(DefinitionOrigin.Folder, "admin", true)]
    public void Only_admins_apply_and_only_what_belongs_to_no_file(DefinitionOrigin origin, string role, bool isDisabled)
    {
        _api.Answers["GET pipelines/orders/config"] = new PipelineConfig("orders", 3, 0, origin, "orders.yaml", "name: orders\n");
        Services.GetRequiredService<NavigationManager>().NavigateTo("/pipelines/orders/definition?view=edit");
        var page = Render<CascadingValue<Who>>(p => p.Add(c => c.Value, new Who("x", role, false)).AddChildContent<DefinitionTab>(t => t.Add(c => c.Pipeline, Samples.Status())));

        Assert.Equal(isDisabled, page.Find("[data-action=apply]").HasAttribute("disabled"));
        page.Find("textarea").Input("name: orders\n# more\n");
        Assert.Equal("+ # more", page.Find(".diff .plus").TextContent.Trim());
    }

    private static WindowRow Window(string key) => new() { Key = key, Start = 0, End = 1000, Revision = 0, Values = [KeyValuePair.Create(key, (string?)key)] };

    private void AssertText<T>(PipelineStatus status, Action<ComponentParameterCollectionBuilder<T>>? more = null)
        where T : TabBase
    {
        var page = Render<CascadingValue<Who>>(p => p.Add(c => c.Value, new Who("anna", "admin", false)).AddChildContent<T>(t =>
        {
            t.Add(c => c.Pipeline, status);
            more?.Invoke(t);
        }));

        Assert.Empty(page.FindAll("img, script, b[onerror], [onerror]"));
        Assert.Contains("<script>document.title='owned'</script>", page.Nodes.Aggregate("", (text, node) => text + node.TextContent), StringComparison.Ordinal);
    }

    private IRenderedComponent<CascadingValue<Who>> Show<T>(string role)
        where T : IComponent => Render<CascadingValue<Who>>(p => p.Add(c => c.Value, new Who("otto", role, false)).AddChildContent<T>());
}
