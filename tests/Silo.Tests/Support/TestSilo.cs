using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;
using KafkaOracleOrleans.TestSupport;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Silo.Tests.Support;

/// <summary>A silo of this process as a user runs it: Kafka, SQLite, a pipeline, the API on a port of its own.</summary>
public sealed class TestSilo : IAsyncDisposable
{
    public const string Viewer = "kor_viewer_0123456789abcdef";
    public const string Operator = "kor_operator_0123456789abcdef";
    public const string Admin = "kor_admin_0123456789abcdef";
    public const string Topic = "events";
    public const string Pipeline = "events";

    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-silo-").FullName;
    private readonly KafkaTestProducer _producer;
    private WebApplication? _app;

    private TestSilo()
    {
        _kafka.CreateTopic(Topic, 2);
        _producer = new KafkaTestProducer(_kafka.BootstrapServers);
        Url = $"http://127.0.0.1:{TestSupport.FreePorts.Next()}";
        Http = Client(null);
    }

    public string Url { get; }

    /// <summary>A client without credentials.</summary>
    public HttpClient Http { get; }

    public string Log => Lines.ToString();

    public WebApplication App => _app ?? throw new InvalidOperationException("The silo is not running.");

    public LogCapture Lines { get; } = new();

    public string Folder => _folder;

    public static async Task<TestSilo> StartAsync(
        Action<KorOptions>? configure = null, bool withKeys = true, string? pipeline = null, params string[] settings)
    {
        var silo = new TestSilo();
        Directory.CreateDirectory(Path.Combine(silo._folder, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(silo._folder, "pipelines", Pipeline + ".yaml"), pipeline ?? Yaml);
        await silo.StartAgainAsync(options =>
        {
            if (withKeys) AddKeys(options);
            configure?.Invoke(options);
        }, settings);
        return silo;
    }

    public async Task StartAgainAsync(Action<KorOptions> configure, params string[] settings)
    {
        var builder = SiloHost.CreateBuilder(settings, options =>
        {
            options.Kafka["main"] = new KafkaConnection { BootstrapServers = _kafka.BootstrapServers };
            options.Connections["state"] = new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = Path.Combine(_folder, "state.db") };
            options.Connections["dwh"] = new ConnectionOptions { Provider = DatabaseProvider.Sqlite, Database = Path.Combine(_folder, "dwh.db") };
            options.State = new StateOptions { Connection = "state", Create = true };
            options.Cluster.SiloPort = 0;
            options.Cluster.GatewayPort = 0;
            options.Pipelines = Path.Combine(_folder, "pipelines");
            options.Url = Url;
            options.Engine.CheckpointInterval = TimeSpan.FromMilliseconds(500);
            configure(options);
        });
        builder.Logging.AddProvider(Lines);
        // Tests look at more than is shown by default.
        foreach (var category in new[] { "KafkaOracleOrleans", "KafkaOracleOrleans.Grains", "KafkaOracleOrleans.Streams.Kafka" })
            builder.Logging.AddFilter<LogCapture>(category, LogLevel.Information);
        _app = SiloHost.Build(builder);
        await _app.StartAsync();
    }

    public async Task StopAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        _app = null;
    }

    /// <summary>A client with an API key; null: without.</summary>
    public HttpClient Client(string? key)
    {
        var client = new HttpClient { BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(40) };
        if (key is not null) client.DefaultRequestHeaders.Add("X-Api-Key", key);
        return client;
    }

    public void Produce(int count, int first = 0)
    {
        for (var i = first; i < first + count; i++)
        {
            var key = Encoding.UTF8.GetBytes("k" + (i % 5).ToString(CultureInfo.InvariantCulture));
            var value = string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{i}}","amount":{{i % 7}}}""");
            _producer.Send(Topic, i % 2, key, Encoding.UTF8.GetBytes(value));
        }

        _producer.Flush();
    }

    /// <summary>Sends one record.</summary>
    public void Send(int partition, string key, string value)
    {
        _producer.Send(Topic, partition, Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value));
        _producer.Flush();
    }

    /// <summary>Sends one record as it is.</summary>
    public void Send(int partition, byte[] key, byte[] value)
    {
        _producer.Send(Topic, partition, key, value);
        _producer.Flush();
    }

    /// <summary>Waits until the pipeline's status fits.</summary>
    public async Task<JsonElement> WaitForAsync(Func<JsonElement, bool> condition, string? key = Viewer)
    {
        using var client = Client(key);
        var (status, last) = (default(JsonElement), "");
        await WaitAsync(
            async () =>
            {
                using var response = await client.GetAsync($"/api/v1/pipelines/{Pipeline}", TestContext.Current.CancellationToken);
                last = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                if (!response.IsSuccessStatusCode) return false;
                status = JsonSerializer.Deserialize<JsonElement>(last);
                return condition(status);
            },
            () => $"a status; last: {last}");
        return status;
    }

    /// <summary>Waits until something holds.</summary>
    public async Task WaitAsync(Func<Task<bool>> condition, Func<string> what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > TimeSpan.FromMinutes(2)) Assert.Fail($"Waited in vain for {what()}\n{Log}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until these are the pipelines there are, by name. A file that was refused and is all there is of its pipeline has no version and does not count.</summary>
    public async Task WaitForPipelinesAsync(params string[] names)
    {
        var last = "";
        await WaitAsync(
            async () =>
            {
                var list = await Http.GetFromJsonAsync<JsonElement>("/api/v1/pipelines", TestContext.Current.CancellationToken);
                last = string.Join(' ', list.EnumerateArray().Where(p => p.GetProperty("version").GetInt32() > 0)
                    .Select(p => p.GetProperty("name").GetString()).Order(StringComparer.Ordinal));
                return last == string.Join(' ', names);
            },
            () => $"{string.Join(' ', names)}; there are: {last}");
    }

    /// <summary>Waits until so many records have become rows.</summary>
    public Task<JsonElement> WaitForRecordsAsync(int count, string? key = Viewer) =>
        WaitForAsync(s => s.GetProperty("counts").GetProperty("consumed").GetInt64() >= count, key);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        _producer.Dispose();
        if (_app is not null) await StopAsync();
        _kafka.Dispose();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, true);
    }

    private static void AddKeys(KorOptions options)
    {
        options.Http.ApiKeys["vera"] = Key(Viewer, "viewer");
        options.Http.ApiKeys["otto"] = Key(Operator, "operator");
        options.Http.ApiKeys["anna"] = Key(Admin, "admin");
    }

    private static ApiKeyOptions Key(string key, string role) => new() { Hash = Security.ApiKeyRing.HashText(key), Role = role };

    /// <summary>The pipeline, unless a test has another.</summary>
    public const string Yaml = """
        apiVersion: kor/v1
        name: events
        source:
          kafka: { connection: main, topics: [events], start: earliest }
          format: json
          fields: { id: { type: string, required: true }, amount: integer }
          eventTime: { maxOutOfOrder: 1s, idleAfter: 1s }
        steps:
          - { id: quality, type: quality, rules: { positive: amount > 0 }, onFail: quarantine }
          - { id: unique, type: dedup, key: [id], within: 1h, grainPer: group(4) }
          - { id: totals, type: window, window: { tumbling: 1s }, groupBy: [], shards: 1, aggregates: { events: count() } }
        sinks:
          - { id: clean, from: unique, connection: dwh, table: EVENTS, mode: append, create: true }
          - { id: sums, from: totals, connection: dwh, table: TOTALS, mode: upsert, create: true }
        """;
}

/// <summary>Keeps all log lines, exceptions included.</summary>
public sealed class LogCapture : ILoggerProvider
{
    private readonly ConcurrentQueue<string> _lines = new();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    public override string ToString() => string.Join('\n', _lines);

    private sealed class Logger(LogCapture owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner._lines.Enqueue($"{logLevel} {category} {formatter(state, exception)} {exception}");
    }
}
