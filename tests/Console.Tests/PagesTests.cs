using System.Net;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.WebConsole.Tests.Support;
using Microsoft.Playwright;

namespace KafkaOracleOrleans.WebConsole.Tests;

/// <summary>One silo with keys and one browser, for everything that can be looked at.</summary>
public sealed class PagesFixture : IAsyncLifetime
{
    internal const string Evil = "k<img src=x onerror=document.title='owned'>";
    private TestSilo? _silo;
    private Browser? _browser;

    public TestSilo Silo => _silo!;

    internal Browser Browser => _browser!;

    public async ValueTask InitializeAsync()
    {
        if (Browser.IsMissing) return;
        _silo = await TestSilo.StartAsync(
            o =>
            {
                o.Http.RequestBurst = 2_000;
                o.Http.RequestsPerSecond = 2_000;
            },
            pipeline: TestSilo.Yaml.Replace("groupBy: []", "groupBy: [id]", StringComparison.Ordinal));
        _silo.Produce(200);
        _silo.Send(0, Evil, $$"""{"id":"{{Evil}}","amount":"<script>document.title='owned'</script>"}""");
        _silo.Send(1, "slash", $$"""{"id":"a/b%c {{Evil}}","amount":1}""");
        await _silo.WaitForRecordsAsync(202);
        _browser = await Browser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        if (_silo is not null) await _silo.DisposeAsync();
    }
}

public sealed class PagesTests(PagesFixture fixture) : IClassFixture<PagesFixture>
{
    private readonly List<string> _faults = [];

    private TestSilo Silo
    {
        get
        {
            Assert.SkipWhen(Browser.IsMissing, "There is no /usr/bin/chromium (Debian's package chromium).");
            return fixture.Silo;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Screens => new()
    {
        { "overview", "/", "Needs attention" },
        { "pipelines", "/pipelines?sort=lag", "events" },
        { "flow", "/pipelines/events", "What became of" },
        { "partitions", "/pipelines/events/partitions", "events/1" },
        { "windows", "/pipelines/events/windows", "Closed lately" },
        { "keys", "/pipelines/events/keys?step=totals&key=7", "What it reflects" },
        { "quarantine", "/pipelines/events/quarantine", "quality.positive" },
        { "node", "/pipelines/events?node=quality", "Defined by" },
        { "quality", "/pipelines/events/quality", "amount > 0" },
        { "edit", "/pipelines/events/definition?view=edit", "Difference to what runs" },
        { "playground", "/pipelines/events/definition?view=playground", "Try a change on records" },
        { "history", "/pipelines/events/definition?view=history&version=1", "It is the text that runs." },
        { "sinks", "/pipelines/events/sinks", "Lanes" },
        { "definition", "/pipelines/events/definition", "apiVersion: kor/v1" },
        { "events", "/pipelines/events/events", "newest first" },
        { "connections", "/connections", "sqlite" },
        { "cluster", "/cluster", "Versions" },
    };

    [Theory]
    [MemberData(nameof(Screens))]
    public async Task Every_screen_opens_by_its_address_without_a_fault(string name, string address, string text)
    {
        var page = await SignedInAsync(TestSilo.Operator, address);

        await Assertions.Expect(page.Locator("#content")).ToContainTextAsync(text);
        await LiveAsync(page);
        await Browser.PictureAsync(page, name);
        await page.GetByRole(AriaRole.Button, new() { Name = "Dark theme" }).ClickAsync();
        await page.Locator("html[data-theme=dark]").WaitForAsync();
        await Browser.PictureAsync(page, name + "-dark");
        await page.SetViewportSizeAsync(420, 900);
        await Browser.PictureAsync(page, name + "-narrow");

        Assert.DoesNotContain("NaN", await page.InnerTextAsync("body"), StringComparison.Ordinal);
        Assert.Equal(0, await page.EvaluateAsync<int>("document.querySelectorAll('button:not([aria-label]):empty, a:empty, input:not([aria-label]):not([id])').length"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), "it is wider than a narrow window");
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task Who_has_not_signed_in_is_led_there_and_back()
    {
        var page = await fixture.Browser.PageAsync(Silo.Url, _faults);
        await page.GotoAsync("/pipelines/events/sinks");
        await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/login\\?return="));
        await page.FillAsync("#key", "kor_wrong_0123456789abcdef");
        await page.PressAsync("#key", "Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("This key is not known here.");
        await Browser.PictureAsync(page, "login");
        // The browser tells of the 401 in its console.
        Assert.All(_faults, f => Assert.Contains("401", f, StringComparison.Ordinal));
        await page.FillAsync("#key", TestSilo.Viewer);
        await page.PressAsync("#key", "Enter");
        await Assertions.Expect(page).ToHaveURLAsync(Silo.Url + "/pipelines/events/sinks");

        var cookie = Assert.Single(await page.Context.CookiesAsync(), c => c.Name == "kor-session");
        Assert.Equal((true, SameSiteAttribute.Strict), (cookie.HttpOnly, cookie.SameSite));
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(Silo.Url + "/login");
        await page.GotoAsync("/");
        await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("/login"));
        using var client = Silo.Client(TestSilo.Admin);
        var audit = await client.GetStringAsync("/api/v1/audit", Cancel);
        Assert.Contains("sign-in refused", audit, StringComparison.Ordinal);
        Assert.Contains("\"sign-in\"", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_operator_pauses_and_resumes_by_click_and_the_audit_trail_has_it()
    {
        var page = await SignedInAsync(TestSilo.Operator, "/pipelines/events");
        await LiveAsync(page);
        await page.ClickAsync("[data-action=pause]");
        await Silo.WaitForAsync(s => s.GetProperty("desired").GetString() == "Paused");
        // The page follows without being loaded again.
        await Assertions.Expect(page.Locator(".head .chip")).ToContainTextAsync("PAUSED");
        await page.ClickAsync("[data-action=resume]");
        await Silo.WaitForAsync(s => s.GetProperty("condition").GetString() == "Running");
        await Assertions.Expect(page.Locator(".head .chip")).ToContainTextAsync("RUNNING");

        using var client = Silo.Client(TestSilo.Admin);
        var audit = JsonSerializer.Deserialize<JsonElement>(await client.GetStringAsync("/api/v1/audit", Cancel));
        var entry = Entries(audit).First(e => e.GetProperty("action").GetString()!.EndsWith("/pause", StringComparison.Ordinal));
        Assert.Equal(("otto", "operator", "127.0.0.1"), (Text(entry, "actor"), Text(entry, "role"), Text(entry, "origin")));
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task A_viewer_reads_and_cannot_act_nor_look_into_quarantine()
    {
        var page = await SignedInAsync(TestSilo.Viewer, "/pipelines/events");
        await LiveAsync(page);
        await Assertions.Expect(page.Locator("[data-action=pause]")).ToBeDisabledAsync();
        await page.GotoAsync("/pipelines/events/quarantine");
        await Assertions.Expect(page.Locator("#content")).ToContainTextAsync("needs the role operator");
        // The server refuses it, too, whatever the page shows.
        var answer = await page.APIRequest.PutAsync(Silo.Url + "/api/v1/pipelines/events/pause");
        Assert.Equal(403, answer.Status);
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task A_refused_record_is_shown_with_its_bytes_as_text_and_is_tried_again_by_click()
    {
        var page = await SignedInAsync(TestSilo.Operator, "/pipelines/events/quarantine?step=source");
        await LiveAsync(page);
        await page.Locator("table.rows tbody a").First.ClickAsync();
        await Assertions.Expect(page.Locator(".detail")).ToContainTextAsync(PagesFixture.Evil);
        await Assertions.Expect(page.Locator(".detail")).ToContainTextAsync("000000  7b 22");
        await page.ClickAsync("[data-action=dry-run]");
        await Assertions.Expect(page.Locator("[data-report]")).ToContainTextAsync("would be refused again");
        await Assertions.Expect(page.Locator("[data-action=drop]")).ToBeDisabledAsync();
        await Browser.PictureAsync(page, "quarantine-detail");
        Assert.Equal(0, await page.Locator("img[onerror], #content script").CountAsync());
        Assert.NotEqual("owned", await page.TitleAsync());
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task A_key_with_slashes_and_markup_is_found_and_shown_as_text()
    {
        var page = await SignedInAsync(TestSilo.Viewer, "/pipelines/events/keys?step=totals");
        await LiveAsync(page);
        await page.FillAsync("input[data-filter]", "a/b%c " + PagesFixture.Evil);
        await page.GetByRole(AriaRole.Button, new() { Name = "Inspect" }).ClickAsync();
        await Assertions.Expect(page.Locator("#content h2 .mono")).ToHaveTextAsync("a~2Fb~25c~20k~3Cimg~20src~3Dx~20onerror~3Ddocument.title~3D~27owned~27~3E");
        Assert.Equal(0, await page.Locator("img[onerror]").CountAsync());
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task A_faulty_definition_is_told_with_its_line()
    {
        var page = await SignedInAsync(TestSilo.Operator, "/pipelines/events/definition?view=edit");
        await LiveAsync(page);
        // Nothing is clicked: what is typed is checked.
        await page.FillAsync("#draft", TestSilo.Yaml.Replace("type: dedup", "type: dedupe", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator("#content table")).ToContainTextAsync("dedup");
        await Assertions.Expect(page.Locator(".gutter .err")).ToHaveTextAsync("✕ 10");
        await page.FillAsync("#draft", TestSilo.Yaml.Replace("amount > 0", "amount > 1", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator("#content")).ToContainTextAsync("The server would take it");
        await Assertions.Expect(page.Locator(".diff .plus").First).ToContainTextAsync("amount > 1");
        await page.ClickAsync("[data-action=plan]");
        await Assertions.Expect(page.Locator("[data-plan]")).ToContainTextAsync("EVENTS");
        await Assertions.Expect(page.Locator("[data-action=apply]")).ToBeDisabledAsync();
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task An_admin_applies_a_draft_and_rolls_it_back_by_click()
    {
        var text = TestSilo.Yaml.Replace("name: events", "name: mine", StringComparison.Ordinal).Replace("EVENTS", "MINE", StringComparison.Ordinal).Replace("TOTALS", "MINE_SUMS", StringComparison.Ordinal);
        using var client = Silo.Client(TestSilo.Admin);
        using (var made = await client.PostAsync("/api/v1/pipelines?initialState=stopped", new StringContent(text, System.Text.Encoding.UTF8, "application/yaml"), Cancel))
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var page = await SignedInAsync(TestSilo.Admin, "/pipelines/mine/definition?view=edit");
        await LiveAsync(page);
        await page.FillAsync("#draft", text.Replace("create: true }", "create: true, flush: { rows: 7 } }", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator("#content")).ToContainTextAsync("The server would take it");
        await page.ClickAsync("[data-action=apply]");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Apply" }).ClickAsync();
        await Assertions.Expect(page.Locator(".subtabs")).ToContainTextAsync("version 2");
        Assert.Contains("flush: { rows: 7 }", await client.GetStringAsync("/api/v1/pipelines/mine/config", Cancel), StringComparison.Ordinal);
        // The pipeline's clockwork hands versions to the log.
        while (!(await client.GetStringAsync("/api/v1/pipelines/mine/history", Cancel)).Contains("\"version\":2", StringComparison.Ordinal)) await Task.Delay(100, Cancel);

        await page.GotoAsync("/pipelines/mine/definition?view=history&version=1");
        await LiveAsync(page);
        await Assertions.Expect(page.Locator(".diff .minus").First).ToContainTextAsync("flush: { rows: 7 }");
        await page.ClickAsync("[data-action=rollback]");
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Roll back" }).ClickAsync();
        await Assertions.Expect(page.Locator(".subtabs")).ToContainTextAsync("version 3");
        Assert.DoesNotContain("flush: { rows: 7 }", await client.GetStringAsync("/api/v1/pipelines/mine/config", Cancel), StringComparison.Ordinal);
        var audit = await client.GetStringAsync("/api/v1/audit", Cancel);
        Assert.Contains("rolled back 'mine' from version 2 to the text of version 1", audit.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
        using (await client.DeleteAsync("/api/v1/pipelines/mine", Cancel))
        {
            Assert.Empty(_faults);
        }
    }

    [Fact]
    public async Task Records_are_tried_in_the_playground_and_shown_as_text()
    {
        var page = await SignedInAsync(TestSilo.Operator, "/pipelines/events/definition?view=playground");
        await LiveAsync(page);
        await page.FillAsync("#play-records", $$"""
            {"id":"{{PagesFixture.Evil}}","amount":4}
            {"id":"b","amount":-1}
            no json
            """);
        await page.ClickAsync("[data-action=try]");
        await Assertions.Expect(page.Locator("[data-result]")).ToContainTextAsync("1 absorbed, 0 duplicate, 0 late, 0 filtered, 2 quarantined");
        await Assertions.Expect(page.Locator("[data-result]")).ToContainTextAsync(PagesFixture.Evil);
        await Assertions.Expect(page.Locator("[data-result]")).ToContainTextAsync("quality.positive");
        Assert.Equal(0, await page.Locator("img[onerror]").CountAsync());
        await page.ClickAsync("[data-action=take]");
        await Assertions.Expect(page.Locator("#play-records")).ToHaveValueAsync(new System.Text.RegularExpressions.Regex("\"amount\""));
        await Browser.PictureAsync(page, "playground-result");
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task Records_of_a_part_are_shown_as_they_pass_and_the_audit_trail_knows_who_looked()
    {
        var page = await SignedInAsync(TestSilo.Operator, "/pipelines/events");
        await LiveAsync(page);
        // By keyboard: the part is a link.
        await page.FocusAsync("[data-node=quality]");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(Silo.Url + "/pipelines/events?node=quality");
        await page.ClickAsync("[data-action=tap]");
        await Assertions.Expect(page.GetByText("Waits for the next record.")).ToBeVisibleAsync();
        using var client = Silo.Client(TestSilo.Admin);
        while (!(await client.GetStringAsync("/api/v1/audit", Cancel)).Contains("/tap", StringComparison.Ordinal)) await Task.Delay(50, Cancel);
        for (var i = 0; i < 40 && await page.Locator("table.records tbody tr").CountAsync() == 0; i++)
        {
            Silo.Send(0, "tap", $$"""{"id":"tap-{{i}}","amount":5}""");
            await Task.Delay(250, Cancel);
        }

        await Assertions.Expect(page.Locator("table.records tbody tr").First).ToContainTextAsync("\"amount\":5");
        await Browser.PictureAsync(page, "tap");
        await page.ClickAsync("[data-action=untap]");
        await page.Locator("section.panel").FocusAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page).ToHaveURLAsync(Silo.Url + "/pipelines/events");
        Assert.Empty(_faults);
    }

    [Fact]
    public async Task Other_sites_pages_do_not_get_the_live_connection_and_pages_allow_no_inline_script()
    {
        using var client = Silo.Client(TestSilo.Admin);
        using var foreign = new HttpRequestMessage(HttpMethod.Get, "/_blazor?id=x");
        foreign.Headers.Add("Origin", "https://evil.example");
        using var refused = await client.SendAsync(foreign, Cancel);
        using var negotiate = new HttpRequestMessage(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1");
        negotiate.Headers.Add("Sec-Fetch-Site", "cross-site");
        using var refusedToo = await client.SendAsync(negotiate, Cancel);
        using var page = await client.GetAsync("/", Cancel);
        using var anonymous = await Silo.Http.GetAsync("/_blazor?id=x", Cancel);

        Assert.Equal(
            (HttpStatusCode.Forbidden, HttpStatusCode.Forbidden, HttpStatusCode.OK, HttpStatusCode.Unauthorized),
            (refused.StatusCode, refusedToo.StatusCode, page.StatusCode, anonymous.StatusCode));
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
    }

    private async Task<IPage> SignedInAsync(string key, string address)
    {
        var page = await fixture.Browser.PageAsync(Silo.Url, _faults);
        await page.GotoAsync("/login?return=" + Uri.EscapeDataString(address));
        await page.FillAsync("#key", key);
        await page.PressAsync("#key", "Enter");
        await Assertions.Expect(page).ToHaveURLAsync(Silo.Url + address);
        return page;
    }

    /// <summary>Until the page's connection is there: what is clicked before does nothing.</summary>
    private static Task LiveAsync(IPage page) => page.Locator("html:not([data-theme=auto])").WaitForAsync();

    private static List<JsonElement> Entries(JsonElement audit) =>
        [.. (audit.ValueKind == JsonValueKind.Array ? audit : audit.EnumerateObject().First(p => p.Value.ValueKind == JsonValueKind.Array).Value).EnumerateArray()];

    private static string? Text(JsonElement entry, string name) => entry.GetProperty(name).GetString();
}
