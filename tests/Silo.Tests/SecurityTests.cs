using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Quarantine;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Silo.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo with keys and a masked field, shared by the attacks on it.</summary>
public sealed class GuardedSilo : IAsyncLifetime
{
    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Silo = await TestSilo.StartAsync(o => (o.Http.MaskFields, o.Http.RequestBurst) = (["amount"], 5000));

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>What must not be had from outside: each test tries a whole kind, every endpoint of it.</summary>
public sealed class SecurityTests(GuardedSilo guarded) : IClassFixture<GuardedSilo>
{
    private const string Secret = "canary-9f86d081884c";

    private TestSilo Silo => guarded.Silo;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_text_that_comes_over_HTTP_sees_the_environment()
    {
        Environment.SetEnvironmentVariable("SECURITY_TESTS_SECRET", Secret);
        Environment.SetEnvironmentVariable("KOR_VAR_SECURITY_TESTS", Secret);
        try
        {
            using var admin = Silo.Client(TestSilo.Admin);
            foreach (var name in (string[])["SECURITY_TESTS_SECRET", "KOR_VAR_SECURITY_TESTS"])
            {
                foreach (var text in Texts(name))
                {
                    foreach (var (method, path) in ((string, string)[])[("POST", "pipelines/validate"), ("POST", "preview"), ("POST", "pipelines"), ("PUT", "pipelines/events")])
                        await AssertSilentAsync(admin, method, path, new StringContent(text, Encoding.UTF8, "application/yaml"));
                    await AssertSilentAsync(admin, "POST", "plan", JsonContent.Create(new { file = "p.yaml", text }));
                    await AssertSilentAsync(admin, "POST", "test", JsonContent.Create(new { test = $"pipeline: ${{{name}}}\ntests: [ {{ name: '${{{name}}}', given: [], expect: {{}} }} ]" }));
                }
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("SECURITY_TESTS_SECRET", null);
            Environment.SetEnvironmentVariable("KOR_VAR_SECURITY_TESTS", null);
        }

        Assert.DoesNotContain(Secret, Silo.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tries_that_burn_are_few_and_end_with_their_time_their_size_or_their_client()
    {
        using var viewer = Silo.Client(TestSilo.Viewer);
        var burning = new
        {
            expression = string.Join(" || ", Enumerable.Repeat("left(sha256(rpad('a', n)), 1)", 150)),
            records = Enumerable.Repeat(new { n = 1_000_000 }, 1_000).ToArray(),
        };
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var running = Enumerable.Range(0, TrialGate.AtOnce + 1).Select(_ => BurnAsync(viewer, burning, leave.Token)).ToList();
        foreach (var (path, body) in ((string, object)[])[("eval", new { expression = "1 + 1" }), ("test", new { test = "pipeline: p.yaml" })])
        {
            using var busy = await UntilAsync(() => viewer.PostAsJsonAsync($"/api/v1/{path}", body, Cancel), a => a.StatusCode == HttpStatusCode.TooManyRequests);
            Assert.True(busy.Headers.RetryAfter?.Delta >= TimeSpan.FromSeconds(1));
        }

        // When the clients have left, their work ends inside the record it is at.
        leave.Cancel();
        await Task.WhenAll(running);
        using var free = await UntilAsync(
            () => viewer.PostAsJsonAsync("/api/v1/eval", new { expression = "1 + 1" }, Cancel), a => a.StatusCode == HttpStatusCode.OK);

        using var late = await viewer.PostAsJsonAsync("/api/v1/eval", burning, Cancel);
        await AssertTooMuchAsync(late, "10 s");
        using var large = await viewer.PostAsJsonAsync(
            "/api/v1/eval", new { expression = "rpad('a', n)", records = Enumerable.Repeat(new { n = 1_000_000 }, 1_000) }, Cancel);
        await AssertTooMuchAsync(large, "bytes");
        using var many = await viewer.PostAsJsonAsync("/api/v1/test", new { test = ManyWindows(), pipelines = new Dictionary<string, string> { ["p.yaml"] = HoppingPipeline } }, Cancel);
        await AssertTooMuchAsync(many, "rows");
    }

    /// <summary>Keeps asking, so that every place is taken again as soon as one is free.</summary>
    private static async Task BurnAsync(HttpClient client, object body, CancellationToken leave)
    {
        try
        {
            while (true)
            {
                using var answer = await client.PostAsJsonAsync("/api/v1/eval", body, leave);
                await Task.Delay(20, leave);
            }
        }
        catch (OperationCanceledException) when (leave.IsCancellationRequested)
        {
            // It has left.
        }
    }

    private static async Task AssertTooMuchAsync(HttpResponseMessage answer, string limit)
    {
        var text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.StatusCode == HttpStatusCode.UnprocessableEntity, $"{answer.StatusCode}: {text}");
        Assert.Contains("Too much for a try", text, StringComparison.Ordinal);
        Assert.Contains(limit, text, StringComparison.Ordinal);
    }

    private static async Task<HttpResponseMessage> UntilAsync(Func<Task<HttpResponseMessage>> ask, Func<HttpResponseMessage, bool> wanted)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var answer = await ask();
            if (wanted(answer)) return answer;
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(40), $"{answer.StatusCode}");
            answer.Dispose();
            await Task.Delay(50, Cancel);
        }
    }

    private const string HoppingPipeline = """
        apiVersion: kor/v1
        name: many
        source:
          kafka: { connection: main, topics: [t], start: earliest }
          format: json
          fields: { id: string, at: timestamp }
          eventTime: { field: at, maxAhead: 0s }
        steps:
          - { id: w, type: window, window: { hopping: 10000s, every: 1s }, groupBy: [id], aggregates: { n: count() } }
        sinks:
          - { id: out, from: w, connection: dwh, table: OUT, mode: upsert }
        """;

    private static string ManyWindows() => "pipeline: p.yaml\ntests:\n- name: many\n  given:\n"
        + string.Concat(Enumerable.Range(0, 3_000).Select(i => $"    - value: {{ id: k{i}, at: 2026-01-01T00:00:00Z }}\n"))
        + "    - close: true\n  expect: { counts: { late: 0 } }\n";

    [Fact]
    public async Task Other_sites_pages_get_nothing_done()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        foreach (var operation in (await Operation.ReadAsync(Silo.Http)).Where(o => o.Method != "GET"))
        {
            foreach (var origin in (string[])["https://evil.example", "null", "http://127.0.0.1:1", "https://kor.evil.example"])
            {
                using var request = Request(operation, "application/json");
                request.Headers.Add("Origin", origin);
                using var refused = await admin.SendAsync(request, Cancel);
                Assert.True(refused.StatusCode == HttpStatusCode.Forbidden, $"{operation} from {origin}: {refused.StatusCode}");
            }

            if (operation.Method != "POST") continue;
            foreach (var type in (string[])["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
            {
                using var form = Request(operation, type);
                using var refused = await admin.SendAsync(form, Cancel);
                Assert.True(refused.StatusCode == HttpStatusCode.UnsupportedMediaType, $"{operation} as '{type}': {refused.StatusCode}");
            }
        }
    }

    [Fact]
    public async Task The_servers_own_pages_may_ask()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/eval") { Content = JsonContent.Create(new { expression = "1 + 1" }) };
        request.Headers.Add("Origin", Silo.Url);
        using var answer = await admin.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_record_with_a_property_twice_is_shown_like_any_other_and_masked()
    {
        Silo.Send(0, "k", """{"id":"twice","id":"twice","amount":12345,"amount":67890,"in":{"a":1,"a":2}}""");
        Silo.Send(0, "k", """{"id":"twice2","amount":-12345,"amount":-67890}""");
        using var operators = Silo.Client(TestSilo.Operator);
        await Silo.WaitAsync(
            async () => (await operators.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine", Cancel)).Contains("\"id\"", StringComparison.Ordinal),
            () => "the refused record");
        var records = await operators.GetStringAsync("/api/v1/topics/events/records", Cancel);
        Assert.Contains("twice", records, StringComparison.Ordinal);
        var list = JsonSerializer.Deserialize<JsonElement>(await operators.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine", Cancel));
        foreach (var item in list.GetProperty("items").EnumerateArray())
        {
            var one = await operators.GetStringAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine/{item.GetProperty("id").GetString()}", Cancel);
            records += one;
        }

        foreach (var value in (string[])["12345", "67890"]) Assert.DoesNotContain(value, records, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topics_of_Kafkas_own_are_not_shown_and_only_admins_destroy_quarantine()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        using var positions = await admin.GetAsync("/api/v1/topics/__consumer_offsets/records", Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, positions.StatusCode);
        using var operators = Silo.Client(TestSilo.Operator);
        using var drop = await operators.DeleteAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/quarantine", Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, drop.StatusCode);
    }

    [Fact]
    public async Task Whoever_looks_at_records_is_on_record()
    {
        using var operators = Silo.Client(TestSilo.Operator);
        _ = await operators.GetStringAsync("/api/v1/topics/events/records?limit=7", Cancel);
        using var admin = Silo.Client(TestSilo.Admin);
        var audit = await admin.GetStringAsync("/api/v1/audit", Cancel);
        Assert.Contains("/api/v1/topics/events/records?limit=7", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_answer_tells_browsers_what_they_may_do_with_it()
    {
        foreach (var path in (string[])["/api/v1/pipelines", "/health", "/metrics", "/openapi/v1.json", "/api/docs/", "/nothing"])
        {
            using var answer = await Silo.Http.GetAsync(path, Cancel);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
            Assert.Equal("DENY", Assert.Single(answer.Headers.GetValues("X-Frame-Options")));
            Assert.Contains("frame-ancestors 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
            Assert.NotNull(answer.Headers.CacheControl);
        }
    }

    [Fact]
    public async Task A_refused_sign_in_is_logged_with_address_and_path_and_cannot_write_lines_of_its_own()
    {
        using var stranger = Silo.Client("kor_nobody_0123456789abcdef0123456789");
        using var answer = await stranger.GetAsync("/api/v1/pipelines/a%0Afake%20line", Cancel);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("unknown API key from 127.0.0.1, GET /api/v1/pipelines/a%0Afake%20line", Silo.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("kor_nobody", Silo.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_id_of_any_path_query_or_body_has_a_control_character()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        var tried = 0;
        foreach (var operation in await Operation.ReadAsync(Silo.Http))
        {
            // Kestrel itself refuses a NUL in a path; keys are unescaped once more, so there it may come in twice escaped.
            foreach (var bad in (string[])["%2500", "a%01b", "a%0Ab", "a%1Bb", "a%7Fb"])
            {
                foreach (var parameter in System.Text.RegularExpressions.Regex.Matches(operation.Path, @"\{[^}]+\}").Select(m => m.Value).Where(p => p != "{partition}"))
                {
                    var path = operation.Path.Replace(parameter, bad, StringComparison.Ordinal).Replace("{name}", TestSilo.Pipeline, StringComparison.Ordinal);
                    path = System.Text.RegularExpressions.Regex.Replace(path.Replace("{partition}", "0", StringComparison.Ordinal), @"\{[^}]+\}", "x");
                    tried++;
                    await AssertRefusedAsync(admin, operation.Method, path, "{}", bad == "%2500" ? "U+0000" : "U+00");
                }
            }
        }

        Assert.True(tried > 50, $"only {tried}");
        foreach (var path in (string[])[
            "quarantine?step=a%00b", "quarantine?topic=%00", "quarantine?id=%00", "quarantine?code=a%0Ab", "quarantine?after=%00", "windows?step=%00", "tap?step=%00",
            "tap?where=%00"])
            await AssertRefusedAsync(admin, "GET", $"/api/v1/pipelines/{TestSilo.Pipeline}/{path}", null, "U+00");
        await AssertRefusedAsync(admin, "GET", "/api/v1/topics/events/records?connection=%00", null, "U+0000");
        await AssertRefusedAsync(admin, "POST", "/api/v1/pipelines/validate?file=%00", "{}", "U+0000");
        await AssertRefusedAsync(admin, "POST", $"/api/v1/pipelines/{TestSilo.Pipeline}/reset", """{"target":"Offsets","timestampMs":0,"offsets":{"ev\u0000ents/0":1},"execute":true}""", "U+0000");
        await AssertRefusedAsync(admin, "PATCH", $"/api/v1/pipelines/{TestSilo.Pipeline}/offsets", """{"offsets":{"ev\u0000ents/0":1}}""", "U+0000");
        await AssertRefusedAsync(admin, "PATCH", $"/api/v1/pipelines/{TestSilo.Pipeline}/offsets", """{"to":"ear\u0000liest"}""", "U+0000");
        await AssertRefusedAsync(admin, "POST", "/api/v1/plan", """{"file":"a\u0000.yaml","text":""}""", "U+0000");
        await AssertRefusedAsync(admin, "POST", "/api/v1/plan", """{"file":"a.yaml","text":"name: a\u0000"}""", "U+0000");
        await AssertRefusedAsync(admin, "POST", "/api/v1/eval", """{"expression":"1","pipeline":"a\u0000"}""", "U+0000");
        await AssertRefusedAsync(admin, "POST", "/api/v1/test", """{"test":"a: b","file":"\u0000"}""", "U+0000");
        foreach (var path in (string[])["pipelines", "pipelines/validate", "preview"]) await AssertRefusedAsync(admin, "POST", $"/api/v1/{path}", "name: a\0b", "U+0000");
    }

    [Theory]
    [InlineData("name: events", "name: \"a\\0b\"")]
    [InlineData("topics: [events]", "topics: [\"a\\0b\"]")]
    [InlineData("table: EVENTS", "table: \"a\\0b\"")]
    [InlineData("connection: dwh", "connection: \"a\\0b\"")]
    [InlineData("connection: main", "connection: \"a\\0b\"")]
    [InlineData("key: [id]", "key: [\"a\\0b\"]")]
    [InlineData("- { id: unique", "- { id: \"a\\0b\"")]
    public async Task A_control_character_that_a_definition_escapes_is_a_fault_of_the_definition(string part, string bad)
    {
        using var admin = Silo.Client(TestSilo.Admin);
        var text = TestSilo.Yaml.Replace(part, bad, StringComparison.Ordinal);
        foreach (var path in (string[])["/api/v1/preview", "/api/v1/pipelines"])
        {
            using var answer = await admin.PostAsync(path, new StringContent(text, Encoding.UTF8, "application/yaml"), Cancel);
            Assert.True(answer.StatusCode is HttpStatusCode.UnprocessableEntity or HttpStatusCode.BadRequest, $"{path} {bad}: {answer.StatusCode} {await answer.Content.ReadAsStringAsync(Cancel)}");
        }
    }

    [Fact]
    public async Task A_key_that_escapes_a_NUL_is_a_key_that_was_never_seen()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        using var answer = await admin.GetAsync($"/api/v1/pipelines/{TestSilo.Pipeline}/keys/totals/~00", Cancel);
        Assert.True((int)answer.StatusCode < 500, $"{answer.StatusCode}");
    }

    [Fact]
    public void A_record_cannot_say_itself_why_it_was_refused()
    {
        var record = new QuarantineRecord(
            "p", 1, "quality.rule", "KOR4042", "the reason", "t", 0, 1, 2, null, null,
            [KeyValuePair.Create("kor.reason", (byte[]?)"forged"u8.ToArray()), KeyValuePair.Create("KOR.id", (byte[]?)"forged"u8.ToArray()), KeyValuePair.Create("trace", (byte[]?)"kept"u8.ToArray())]);
        var headers = KafkaQuarantineTopic.Message("the id", record).Headers;
        Assert.Equal(["the reason"], headers.Where(h => h.Key == "kor.reason").Select(h => Encoding.UTF8.GetString(h.GetValueBytes())));
        Assert.DoesNotContain(headers, h => h.Key.StartsWith("kor.", StringComparison.OrdinalIgnoreCase) && Encoding.UTF8.GetString(h.GetValueBytes()) == "forged");
        Assert.Equal(["original.kor.reason", "original.KOR.id", "trace"], headers.Take(3).Select(h => h.Key));
    }

    [Fact]
    public async Task Every_endpoint_that_shows_or_changes_records_leaves_an_entry_with_the_role_that_asked()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        using var operators = Silo.Client(TestSilo.Operator);
        var asked = new List<string>();
        foreach (var operation in await Operation.ReadAsync(Silo.Http))
        {
            var looks = operation.Path.Contains("/quarantine", StringComparison.Ordinal) || operation.Path.EndsWith("/records", StringComparison.Ordinal)
                || operation.Path.EndsWith("/tap", StringComparison.Ordinal) || operation.Path is "/api/v1/preview" or "/api/v1/plan";
            if (!operation.IsChange && !looks) continue;
            using var request = Request(operation, "application/json");
            using var answer = await (operation.Role == "admin" ? admin : operators).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
            asked.Add($"{operation.Method} {operation.Path}");
        }

        Assert.True(asked.Count > 12, $"only {asked.Count}");
        var trail = JsonSerializer.Deserialize<JsonElement>(await admin.GetStringAsync("/api/v1/audit?limit=1000", Cancel)).EnumerateArray()
            .Select(e => (Action: Plain(e.GetProperty("action").GetString()!), Role: e.GetProperty("role").GetString())).ToList();
        foreach (var one in asked)
            Assert.True(trail.Any(t => t.Action == Plain(one) && t.Role is "admin" or "operator"), $"{one} is not on record; there are {string.Join(", ", trail.Select(t => t.Action).Distinct())}");

        static string Plain(string action) => action.Replace(":int}", "}", StringComparison.Ordinal).TrimEnd('/');
    }

    [Fact]
    public void A_key_in_a_mounted_secret_is_exchanged_with_its_content_whatever_its_times_say()
    {
        var folder = Directory.CreateTempSubdirectory("kor-key-").FullName;
        try
        {
            // As Kubernetes mounts it: a link to a file below a link, which is turned to another folder.
            var link = Path.Combine(folder, "key");
            var time = new FakeTimeProvider();
            string Write(string name)
            {
                var (key, _) = ApiKeyRing.Create();
                var file = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, name)).FullName, "key");
                File.WriteAllText(file, key);
                File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
                File.Delete(Path.Combine(folder, "data"));
                Directory.CreateSymbolicLink(Path.Combine(folder, "data"), name);
                return key;
            }

            var first = Write("one");
            File.CreateSymbolicLink(link, Path.Combine("data", "key"));
            var options = new KorOptions();
            options.Http.ApiKeys["anna"] = new ApiKeyOptions { File = link, Role = "admin" };
            var ring = new ApiKeyRing(options, time);
            Assert.NotNull(ring.Find(first));
            var second = Write("two");
            time.Advance(TimeSpan.FromSeconds(6));
            Assert.Null(ring.Find(first));
            Assert.NotNull(ring.Find(second));

            File.WriteAllText(Path.Combine(folder, "two", "key"), new string('k', 31));
            Assert.Contains("fewer than 32", Assert.Single(ApiKeyRing.Validate("anna", options.Http.ApiKeys["anna"])), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [Theory]
    [InlineData("X-Forwarded-For")]
    [InlineData("Forwarded")]
    [InlineData("X-Real-IP")]
    public async Task Without_authentication_nothing_comes_through_a_proxy(string header)
    {
        await using var open = await TestSilo.StartAsync(withKeys: false);
        using var direct = await open.Http.GetAsync("/api/v1/pipelines", Cancel);
        Assert.Equal(HttpStatusCode.OK, direct.StatusCode);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/pipelines");
        request.Headers.Add(header, "203.0.113.9");
        using var forwarded = await open.Http.SendAsync(request, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, forwarded.StatusCode);
    }

    private static async Task AssertRefusedAsync(HttpClient client, string method, string path, string? body, string character)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null && method != "GET") request.Content = new StringContent(body, Encoding.UTF8, body.StartsWith('{') ? "application/json" : "application/yaml");
        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        var text = answer.StatusCode == HttpStatusCode.OK ? "" : await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(
            answer.StatusCode == HttpStatusCode.BadRequest && text.Contains("control character", StringComparison.Ordinal) && text.Contains(character, StringComparison.Ordinal),
            $"{method} {path}: {answer.StatusCode} {text}");
    }

    private static HttpRequestMessage Request(Operation operation, string type)
    {
        var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Sample) { Content = new ByteArrayContent("{}"u8.ToArray()) };
        if (type.Length != 0) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return request;
    }

    private static async Task AssertSilentAsync(HttpClient client, string method, string path, HttpContent content)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), "/api/v1/" + path) { Content = content };
        using var answer = await client.SendAsync(request, Cancel);
        Assert.DoesNotContain(Secret, await answer.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
    }

    /// <summary>Pipelines with a variable in the places where a value is quoted or used.</summary>
    private static IEnumerable<string> Texts(string name)
    {
        var value = $"${{{name}}}";
        yield return TestSilo.Yaml.Replace("name: events", $"name: '{value}'", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("table: EVENTS", $"table: '{value}'", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("amount > 0", $"amount > {value}", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("amount: integer", $"amount: '{value}'", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("within: 1h", $"within: '{value}'", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("topics: [events]", $"topics: ['{value}']", StringComparison.Ordinal);
        yield return TestSilo.Yaml.Replace("connection: dwh", $"connection: '{value}'", StringComparison.Ordinal);
    }
}
