using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Silo.Tests.Support;
using KafkaOracleOrleans.Storage.Audit;
using Microsoft.Extensions.DependencyInjection;

namespace KafkaOracleOrleans.Silo.Tests;

/// <summary>A silo whose audit trail is looked at.</summary>
public sealed class AuditedSilo : IAsyncLifetime
{
    public TestSilo Silo { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Silo = await TestSilo.StartAsync(o => o.Http.RequestBurst = 2000);
        Silo.Produce(20);
        await Silo.WaitForRecordsAsync(20);
    }

    public ValueTask DisposeAsync() => Silo.DisposeAsync();
}

/// <summary>The audit trail says what was done: which text, which offsets, what was looked at, what the folder did, who was refused.</summary>
public sealed class AuditTests(AuditedSilo audited) : IClassFixture<AuditedSilo>
{
    private const string Root = $"/api/v1/pipelines/{TestSilo.Pipeline}";

    private TestSilo Silo => audited.Silo;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Definitions_are_told_by_their_hash_before_and_after()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        var one = Definition("hashed", "amount > 0");
        var two = Definition("hashed", "amount > 1");
        Assert.Equal(HttpStatusCode.Created, await SendAsync(admin, "POST", "/api/v1/pipelines", one));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(admin, "PUT", "/api/v1/pipelines/hashed", two));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, await SendAsync(admin, "PUT", "/api/v1/pipelines/hashed", "nonsense"));
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(admin, "DELETE", "/api/v1/pipelines/hashed", ""));

        var created = await EntryAsync(e => e.Action == "POST /api/v1/pipelines/" || e.Action == "POST /api/v1/pipelines");
        Assert.Contains($"given {Hash(one)}", created.After, StringComparison.Ordinal);
        Assert.Contains("created 'hashed', version 1", created.After, StringComparison.Ordinal);
        var replaced = await EntryAsync(e => e.Action == "PUT /api/v1/pipelines/{name}" && e.Status == 200);
        Assert.Contains(Hash(one), replaced.Before, StringComparison.Ordinal);
        Assert.EndsWith($"version 2, {Hash(two)}", replaced.After, StringComparison.Ordinal);
        var refused = await EntryAsync(e => e.Action == "PUT /api/v1/pipelines/{name}" && e.Status == 422);
        Assert.StartsWith($"given {Hash("nonsense")}; ", refused.After, StringComparison.Ordinal);
        Assert.EndsWith(Hash(two), refused.After, StringComparison.Ordinal);
        Assert.EndsWith("no such pipeline", (await EntryAsync(e => e.Action == "DELETE /api/v1/pipelines/{name}")).After, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offsets_that_are_moved_and_records_that_are_replayed_are_told()
    {
        using var admin = Silo.Client(TestSilo.Admin);
        using (await admin.PostAsJsonAsync($"{Root}/quarantine/replay?dryRun=true", new { }, Cancel))
        using (await admin.PutAsync($"{Root}/stop", null, Cancel))
        {
            await Silo.WaitForAsync(s => s.GetProperty("state").GetString() == "Stopped");
        }

        using (var moved = await admin.PatchAsJsonAsync($"{Root}/offsets", new { to = "earliest" }, Cancel)) Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
        using (await admin.PutAsync($"{Root}/start", null, Cancel)) await Silo.WaitForAsync(s => s.GetProperty("state").GetString() == "Running");

        var entry = await EntryAsync(e => e.Action == "PATCH /api/v1/pipelines/{name}/offsets");
        Assert.Matches(@"^moved events/0: \d+ -> 0, events/1: \d+ -> 0; ", entry.After);
        Assert.Matches(@"tried \d+ records: passed \d+, refused \d+", (await EntryAsync(e => e.Action.EndsWith("/quarantine/replay", StringComparison.Ordinal))).After);
    }

    [Fact]
    public async Task Previews_plans_taps_and_looks_at_topics_are_told()
    {
        using var operators = Silo.Client(TestSilo.Operator);
        Assert.Equal(HttpStatusCode.OK, await SendAsync(operators, "POST", "/api/v1/preview", TestSilo.Yaml));
        using (await operators.PostAsJsonAsync("/api/v1/plan", new { file = "p.yaml", text = TestSilo.Yaml }, Cancel))
        using (await operators.GetAsync("/api/v1/topics/events/records?limit=3", Cancel))
        {
        }

        foreach (var action in (string[])["POST /api/v1/preview", "POST /api/v1/plan"])
        {
            var tried = await EntryAsync(e => e.Action == action);
            Assert.Contains($"tried 'events', {Hash(TestSilo.Yaml)}: topics main: events; lookups none; sinks dwh.EVENTS, dwh.TOTALS", tried.After, StringComparison.Ordinal);
            Assert.Equal("otto", tried.Actor);
        }

        Assert.Matches(@"^\d+ records of topic 'events' of Kafka connection 'main' shown", (await EntryAsync(e => e.Action.EndsWith("/records", StringComparison.Ordinal))).After);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        var tap = operators.GetStringAsync($"{Root}/tap?limit=1&where=amount%20%3E%20-1", limit.Token);
        for (var i = 0; !tap.IsCompleted; i++)
        {
            Silo.Send(0, "k", string.Create(CultureInfo.InvariantCulture, $$"""{"id":"tap-{{i}}","amount":1}"""));
            await Task.WhenAny(tap, Task.Delay(200, limit.Token));
        }

        await tap;
        var tapped = await EntryAsync(e => e.Action.EndsWith("/tap", StringComparison.Ordinal) && e.After?.Contains("records shown", StringComparison.Ordinal) == true);
        Assert.StartsWith("1 records shown; ", tapped.After, StringComparison.Ordinal);
        Assert.Contains("where=amount", tapped.Target, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_folder_adds_changes_and_removes_is_told_once_each()
    {
        var file = Path.Combine(Silo.Folder, "pipelines", "filed.yaml");
        var one = Definition("filed", "amount > 0");
        var two = Definition("filed", "amount > 2");
        await File.WriteAllTextAsync(file, one, Cancel);
        var added = await EntryAsync(e => e.Action == "folder: added" && e.Target == "filed (filed.yaml)");
        Assert.Equal($"version 1, {Hash(one)}", added.After);
        Assert.StartsWith("silo ", added.Actor, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, two, Cancel);
        var changed = await EntryAsync(e => e.Action == "folder: changed" && e.Target == "filed (filed.yaml)");
        Assert.Equal(($"version 1, {Hash(one)}", $"version 2, {Hash(two)}"), (changed.Before, changed.After));
        File.Delete(file);
        var removed = await EntryAsync(e => e.Action == "folder: removed" && e.Target == "filed (filed.yaml)");
        Assert.Equal($"version 2, {Hash(two)}", removed.Before);
        Assert.Single(await EntriesAsync(), e => e.Action == "folder: added" && e.Target.StartsWith("filed ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refused_sign_ins_are_told_with_address_and_path_and_a_flood_does_not_fill_the_table()
    {
        using var stranger = Silo.Client("kor_stranger_0123456789abcdef0123456789abcdef");
        for (var i = 0; i < 40; i++)
        {
            using var refused = await stranger.GetAsync($"/api/v1/pipelines/{i}", Cancel);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        var entries = (await EntriesAsync()).Where(e => e.Action == "sign-in refused").ToList();
        Assert.InRange(entries.Count, 1, RefusalAudit.PerMinute * 2);
        Assert.All(entries, e => Assert.Equal(("127.0.0.1", 401, "anonymous"), (e.Origin, e.Status, e.Actor)));
        Assert.Contains(entries, e => e.Target.StartsWith("GET /api/v1/pipelines/", StringComparison.Ordinal));
        Assert.DoesNotContain("kor_stranger", JsonSerializer.Serialize(entries), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Old_entries_are_deleted_and_younger_ones_stay()
    {
        var store = Silo.App.Services.GetRequiredService<AuditStore>();
        var now = DateTimeOffset.UtcNow;
        foreach (var days in (int[])[900, 500, 366, 364])
        {
            var at = now.AddDays(-days);
            await store.AddAsync(
                new AuditEntry { Id = Guid.CreateVersion7(at).ToString("N"), At = at, Actor = "old", Role = "admin", Action = "test", Target = days.ToString(CultureInfo.InvariantCulture) }, Cancel);
        }

        Assert.Equal(TimeSpan.FromDays(365), new Hosting.KorOptions().Http.AuditKeepFor);
        Assert.Equal(3, await store.PurgeAsync(now.AddDays(-365), Cancel));
        Assert.Equal("364", Assert.Single(await store.ListAsync(1000, null, Cancel), e => e.Actor == "old").Target);
    }

    private static string Hash(string text) => "sha256 " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string Definition(string name, string rule) => TestSilo.Yaml
        .Replace("name: events", $"name: {name}", StringComparison.Ordinal).Replace("amount > 0", rule, StringComparison.Ordinal)
        .Replace("table: EVENTS", $"table: EVENTS_{name}", StringComparison.Ordinal).Replace("table: TOTALS", $"table: TOTALS_{name}", StringComparison.Ordinal);

    private static async Task<HttpStatusCode> SendAsync(HttpClient client, string method, string path, string text)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(text, Encoding.UTF8, "application/yaml") };
        using var answer = await client.SendAsync(request, Cancel);
        return answer.StatusCode;
    }

    private async Task<AuditEntry> EntryAsync(Func<AuditEntry, bool> match)
    {
        AuditEntry? found = null;
        await Silo.WaitAsync(
            async () => (found = (await EntriesAsync()).FirstOrDefault(e => match(e) && (e.Status is not null || e.Role == "silo"))) is not null,
            () => "an entry of the audit trail");
        return found!;
    }

    private async Task<IReadOnlyList<AuditEntry>> EntriesAsync() => await Silo.App.Services.GetRequiredService<AuditStore>().ListAsync(1000, null, Cancel);
}
