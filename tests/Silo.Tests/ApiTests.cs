using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Tests.Support;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>One silo with keys, for everything that can be asked of it.</summary>
public sealed class ApiFixture : IAsyncLifetime
{
    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Silo = await TestSilo.StartAsync(o =>
        {
            o.Http.Dashboard = true;
            o.Http.MaxBodyBytes = 4096;
            o.Http.RequestBurst = 2_000;
            o.Http.RequestsPerSecond = 2_000;
            o.Metrics.KafkaExporterCompat = true;
        });
        Silo.Produce(200);
        await Silo.WaitForRecordsAsync(200);
    }

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

public sealed class ApiTests(ApiFixture fixture) : IClassFixture<ApiFixture>
{
    private static readonly string[] Roles = ["viewer", "operator", "admin"];

    private TestSilo Silo => fixture.Silo;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_endpoint_lets_in_whom_it_declares_and_nobody_else()
    {
        var operations = await Operation.ReadAsync(Silo.Http);
        Assert.True(operations.Count >= 10, $"only {operations.Count} operations");
        var faults = new List<string>();
        foreach (var operation in operations)
        {
            foreach (var (role, key) in new (string, string?)[]
                     { ("nobody", null), ("viewer", TestSilo.Viewer), ("operator", TestSilo.Operator), ("admin", TestSilo.Admin) })
            {
                var status = await AskAsync(operation, key);
                var allowed = operation.Role == "anyone" || Array.IndexOf(Roles, role) >= Array.IndexOf(Roles, operation.Role);
                var expected = allowed ? (HttpStatusCode?)null : role == "nobody" ? HttpStatusCode.Unauthorized : HttpStatusCode.Forbidden;
                var wrong = expected is null ? status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden : status != expected;
                if (wrong) faults.Add($"{operation} as {role}: {status}, wanted {(object?)expected ?? "in"}");
            }
        }

        Assert.Empty(faults);
    }

    [Fact]
    public async Task What_changes_something_needs_a_role_and_every_operation_says_what_it_does()
    {
        var operations = await Operation.ReadAsync(Silo.Http);
        Assert.DoesNotContain(operations, o => o.IsChange && o.Role is not ("operator" or "admin"));
        Assert.DoesNotContain(operations, o => string.IsNullOrWhiteSpace(o.Summary));
        Assert.DoesNotContain(operations, o => string.IsNullOrWhiteSpace(o.Id));
        Assert.Equal(operations.Count, operations.Select(o => o.Id).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("/metrics", "viewer")]
    [InlineData("/health", "viewer")]
    [InlineData("/orleans", "admin")]
    [InlineData("/nothing-here", "viewer")]
    public async Task What_is_outside_the_API_is_not_open_either(string path, string role)
    {
        foreach (var (name, key) in new[] { ("viewer", TestSilo.Viewer), ("admin", TestSilo.Admin) })
        {
            using var client = Silo.Client(key);
            using var answer = await client.GetAsync(path, Cancel);
            var allowed = Array.IndexOf(Roles, name) >= Array.IndexOf(Roles, role);
            Assert.Equal(allowed, answer.StatusCode is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden));
        }

        using var anonymous = await Silo.Http.GetAsync(path, Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, anonymous.StatusCode);
        await AssertProblemAsync(anonymous);
    }

    [Fact]
    public async Task The_document_is_OpenAPI_3_1_and_the_viewer_loads_nothing_from_elsewhere()
    {
        using var document = JsonDocument.Parse(await Silo.Http.GetStringAsync("/openapi/v1.json", Cancel));
        Assert.StartsWith("3.1", document.RootElement.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var page = await Silo.Http.GetStringAsync("/api/docs/", Cancel);
        Assert.DoesNotContain("https://cdn", page, StringComparison.OrdinalIgnoreCase);
        var elsewhere = System.Text.RegularExpressions.Regex.Matches(page, @"(?:src|href)=""(https?:)?//[^""]+").Select(m => m.Value);
        Assert.Empty(elsewhere);
    }

    [Fact]
    public async Task A_change_is_on_record_with_who_and_before_and_after()
    {
        using var client = Silo.Client(TestSilo.Operator);
        using var pause = await client.PutAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/pause", null, Cancel);
        Assert.True(pause.IsSuccessStatusCode, await pause.Content.ReadAsStringAsync(Cancel));
        using var resume = await client.PutAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/resume", null, Cancel);
        Assert.True(resume.IsSuccessStatusCode);

        using var admin = Silo.Client(TestSilo.Admin);
        var entries = await admin.GetFromJsonAsync<JsonElement>("/api/v1/audit?limit=500", Cancel);
        var entry = entries.EnumerateArray().First(e => e.GetProperty("target").GetString()!.EndsWith("/pause", StringComparison.Ordinal));
        Assert.Equal("otto", entry.GetProperty("actor").GetString());
        Assert.Equal("operator", entry.GetProperty("role").GetString());
        Assert.Equal("PUT /api/v1/pipelines/{name}/pause", entry.GetProperty("action").GetString());
        Assert.StartsWith("Running", entry.GetProperty("before").GetString(), StringComparison.Ordinal);
        Assert.StartsWith("Paused", entry.GetProperty("after").GetString(), StringComparison.Ordinal);
        Assert.Equal((int)pause.StatusCode, entry.GetProperty("status").GetInt32());
        Assert.Contains("otto (operator", Silo.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_audit_trail_has_pages()
    {
        using var client = Silo.Client(TestSilo.Admin);
        for (var i = 0; i < 3; i++) (await client.PutAsync("/api/v1/pipelines/none-such/stop", null, Cancel)).Dispose();
        var first = await client.GetFromJsonAsync<JsonElement>("/api/v1/audit?limit=2", Cancel);
        var ids = first.EnumerateArray().Select(e => e.GetProperty("id").GetString()!).ToList();
        Assert.Equal(2, ids.Count);
        var second = await client.GetFromJsonAsync<JsonElement>($"/api/v1/audit?limit=1&before={ids[1]}", Cancel);
        Assert.True(string.CompareOrdinal(second[0].GetProperty("id").GetString(), ids[1]) < 0);
        Assert.True(string.CompareOrdinal(ids[1], ids[0]) < 0);
    }

    [Theory]
    [InlineData("""{"target":"Earliest",}""", 400)]
    [InlineData("""{"target":"Nowhere","timestampMs":0,"execute":false}""", 400)]
    [InlineData("", 400)]
    public async Task A_bad_body_is_told_where_it_is_bad(string body, int status)
    {
        using var client = Silo.Client(TestSilo.Admin);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/reset", content, Cancel);
        Assert.Equal(status, (int)answer.StatusCode);
        var problem = await AssertProblemAsync(answer);
        if (body.Length == 0) return;
        var diagnostic = problem.GetProperty("diagnostics")[0];
        Assert.Equal("error", diagnostic.GetProperty("severity").GetString());
        Assert.True(diagnostic.GetProperty("line").GetInt32() > 0);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        using var client = Silo.Client(TestSilo.Admin);
        using var content = new StringContent("{\"x\":\"" + new string('x', 10_000) + "\"}", Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/reset", content, Cancel);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        var problem = await AssertProblemAsync(answer);
        Assert.Contains("4096", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_sites_page_cannot_change_anything()
    {
        using var client = Silo.Client(TestSilo.Admin);
        client.DefaultRequestHeaders.Add("Sec-Fetch-Site", "cross-site");
        using var answer = await client.PutAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/stop", null, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        await AssertProblemAsync(answer);
    }

    [Fact]
    public async Task A_key_works_in_each_place_a_client_can_put_it()
    {
        foreach (var header in new[]
                 {
                     ("X-Api-Key", TestSilo.Viewer),
                     ("Authorization", "Bearer " + TestSilo.Viewer),
                     ("Authorization", "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("anyone:" + TestSilo.Viewer))),
                 })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/pipelines");
            request.Headers.TryAddWithoutValidation(header.Item1, header.Item2);
            using var answer = await Silo.Http.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        using var wrong = Silo.Client(TestSilo.Viewer + "x");
        using var refused = await wrong.GetAsync("/api/v1/pipelines", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Fact]
    public async Task A_browser_is_asked_for_a_password()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/orleans");
        request.Headers.TryAddWithoutValidation("Accept", "text/html");
        using var answer = await Silo.Http.SendAsync(request, Cancel);
        Assert.Equal("Basic", answer.Headers.WwwAuthenticate.Single().Scheme);
    }

    private async Task<HttpStatusCode> AskAsync(Operation operation, string? key)
    {
        using var client = Silo.Client(key);
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Sample);
        if (operation.Method is "POST" or "PUT" or "PATCH") request.Content = new StringContent("{}", Encoding.UTF8, "application/json");
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        if ((int)answer.StatusCode >= 400) await AssertProblemAsync(answer);
        return answer.StatusCode;
    }

    internal static async Task<JsonElement> AssertProblemAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(
            answer.Content.Headers.ContentType?.MediaType == "application/problem+json",
            $"{answer.RequestMessage?.RequestUri} {answer.StatusCode}: {answer.Content.Headers.ContentType} {text}");
        var problem = JsonSerializer.Deserialize<JsonElement>(text);
        Assert.Equal((int)answer.StatusCode, problem.GetProperty("status").GetInt32());
        Assert.False(string.IsNullOrEmpty(problem.GetProperty("title").GetString()));
        Assert.Equal(JsonValueKind.Array, problem.GetProperty("diagnostics").ValueKind);
        return problem;
    }
}
