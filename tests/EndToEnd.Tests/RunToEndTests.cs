using System.Diagnostics;
using System.Text;
using KafkaOracleOrleans.TestSupport;
using Microsoft.Data.Sqlite;

namespace KafkaOracleOrleans.EndToEnd.Tests;

/// <summary>
/// <c>run-file --until-end</c> on Apache Kafka: partitions that are empty, a transaction that was aborted and one that is open, windows, and a state that the next
/// run goes on with.
/// </summary>
public sealed class RunToEndTests(RunToEndTests.Broker broker) : IClassFixture<RunToEndTests.Broker>, IAsyncLifetime
{
    private static int _topics;
    private readonly string _topic = $"sales-{Interlocked.Increment(ref _topics)}";
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-to-end-").FullName;
    private KafkaBroker? _kafka;

    /// <summary>One broker for all of them; it costs more than they do.</summary>
    public sealed class Broker : IAsyncLifetime
    {
        public KafkaBroker? Kafka { get; private set; }

        public async ValueTask InitializeAsync() => Kafka = KafkaBroker.SkipReason is null ? await KafkaBroker.StartAsync() : null;

        public ValueTask DisposeAsync() => Kafka is null ? ValueTask.CompletedTask : Kafka.DisposeAsync();
    }

    private const string Template = """
        apiVersion: kor/v1
        name: sales
        source:
          kafka: { connection: main, topics: [TOPIC], start: earliest }
          format: json
          fields:
            id:     { type: string, required: true }
            amount: { type: integer, required: true }
            at:     { type: timestamp, pattern: epoch_ms }
          eventTime: { field: at, maxOutOfOrder: 0s, idleAfter: 1s }
        steps:
          - id: per_minute
            type: window
            window: { tumbling: 1m }
            shards: 2
            aggregates: { n: count(), total: sum(amount) }
        sinks:
          - { id: rows, from: source, connection: dwh, table: SALES, mode: append, create: true }
          - { id: minutes, from: per_minute, connection: dwh, table: MINUTES, mode: upsert, create: true }
        """;

    private string Pipeline => Template.Replace("TOPIC", _topic, StringComparison.Ordinal);

    private string Sink => Path.Combine(_folder, "dwh.db");

    public async ValueTask InitializeAsync()
    {
        if (broker.Kafka is null) return;
        _kafka = broker.Kafka;
        await _kafka.CreateTopicAsync(_topic, 4);
    }

    public ValueTask DisposeAsync()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_run_to_the_end_writes_what_was_there_and_a_kept_state_goes_on_with_open_windows()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        // Partition 2 is empty, partition 3 ends in records that no reader of committed ones sees.
        Send(null, (0, "a", 1, 10_000), (0, "b", 2, 70_000), (1, "c", 4, 80_000));
        using (var aborts = new KafkaTestProducer(_kafka!.BootstrapServers, "aborts"))
        {
            aborts.Inner.InitTransactions(TimeSpan.FromSeconds(30));
            Send(aborts, (3, "x", 100, 20_000));
            aborts.Inner.AbortTransaction();
        }

        using var open = new KafkaTestProducer(_kafka.BootstrapServers, "open");
        open.Inner.InitTransactions(TimeSpan.FromSeconds(30));
        Send(open, (1, "later", 8, 90_000));

        var state = Path.Combine(_folder, "state.db");
        var first = await RunAsync("--state", state);
        Assert.True(first.Code == 0, first.Output);
        Assert.Contains("3 consumed = 3 absorbed", first.Output, StringComparison.Ordinal);
        Assert.Contains("1 windows are still open and kept in the state", first.Output, StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c"], Read("SELECT ID FROM SALES ORDER BY ID"));
        // 00:01 is still open: the newest time is within it.
        Assert.Equal(["1|1"], Read("SELECT N || '|' || TOTAL FROM MINUTES ORDER BY WINDOW_START"));

        // The transaction that was open at the first start is the next run's.
        open.Inner.CommitTransaction();
        var second = await RunAsync("--state", state, "--close-windows");
        Assert.True(second.Code == 0, second.Output);
        Assert.DoesNotContain("still open", second.Output, StringComparison.Ordinal);
        Assert.Equal(["a", "b", "c", "later"], Read("SELECT ID FROM SALES ORDER BY ID"));
        Assert.Equal(["1|1", "3|14"], Read("SELECT N || '|' || TOTAL FROM MINUTES ORDER BY WINDOW_START"));

        // Nothing new: at the end at once, and nothing changes.
        var third = await RunAsync("--state", state);
        Assert.True(third.Code == 0, third.Output);
        Assert.Equal(["1|1", "3|14"], Read("SELECT N || '|' || TOTAL FROM MINUTES ORDER BY WINDOW_START"));
    }

    [Fact]
    public async Task Without_a_state_to_wait_in_open_windows_are_written()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Send(null, (0, "a", 1, 10_000), (0, "b", 2, 70_000), (1, "c", 4, 80_000));
        var run = await RunAsync();
        Assert.True(run.Code == 0, run.Output);
        Assert.Equal(["1|1", "2|6"], Read("SELECT N || '|' || TOTAL FROM MINUTES ORDER BY WINDOW_START"));
    }

    [Fact]
    public async Task What_keeps_it_from_the_end_is_another_exit_code_with_the_reason()
    {
        Assert.SkipWhen(KafkaBroker.SkipReason is not null, KafkaBroker.SkipReason ?? "");
        Send(null, (0, "a", 1, 10_000));
        var noTable = await RunTextAsync(Pipeline.Replace(", create: true", "", StringComparison.Ordinal));
        Assert.True(noTable.Code == 1, noTable.Output);
        Assert.Contains("sales has failed: ", noTable.Output, StringComparison.Ordinal);
        Assert.Contains("Sink 'rows'", noTable.Output, StringComparison.Ordinal);

        var noTopic = await RunTextAsync(Pipeline.Replace($"[{_topic}]", "[purchases]", StringComparison.Ordinal));
        Assert.True(noTopic.Code == 1, noTopic.Output);
        Assert.Contains("Topic purchases does not exist", noTopic.Output, StringComparison.Ordinal);

        var invalid = await RunTextAsync(Pipeline.Replace("sum(amount)", "sum(amuont)", StringComparison.Ordinal));
        Assert.True(invalid.Code == 78, invalid.Output);
        Assert.Contains("KOR", invalid.Output, StringComparison.Ordinal);

        var late = await RunAsync("--within", "1ms");
        Assert.True(late.Code == 1, late.Output);
        Assert.Contains("--within gives it longer", late.Output, StringComparison.Ordinal);
    }

    private void Send(KafkaTestProducer? transaction, params (int Partition, string Id, int Amount, long At)[] records)
    {
        using var plain = transaction is null ? new KafkaTestProducer(_kafka!.BootstrapServers) : null;
        transaction?.Inner.BeginTransaction();
        var producer = transaction ?? plain!;
        foreach (var (partition, id, amount, at) in records)
            producer.Send(_topic, partition, null, Encoding.UTF8.GetBytes($$"""{"id": "{{id}}", "amount": {{amount}}, "at": {{at}}}"""));
        producer.Flush();
    }

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => RunTextAsync(Pipeline, arguments);

    private async Task<(int Code, string Output)> RunTextAsync(string pipeline, params string[] arguments)
    {
        var file = Path.Combine(_folder, "sales.yaml");
        await File.WriteAllTextAsync(file, pipeline);
        var info = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "KafkaOracleOrleans.Silo.dll"), "run-file", file, "--until-end", .. arguments])
            info.ArgumentList.Add(argument);
        info.Environment["Kor__Kafka__main__BootstrapServers"] = _kafka!.BootstrapServers;
        info.Environment["Kor__Connections__dwh__Provider"] = "Sqlite";
        info.Environment["Kor__Connections__dwh__Database"] = Sink;
        using var process = Process.Start(info) ?? throw new InvalidOperationException("The program did not start.");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }

        return (process.ExitCode, await output + await error);
    }

    private List<string> Read(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Sink};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read()) rows.Add(reader.GetString(0));
        return rows;
    }
}
