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
