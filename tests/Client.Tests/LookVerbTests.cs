using KafkaOracleOrleans.Client.Cli;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Client.Tests;

/// <summary>Looking into running pipelines and topics: tap, quality, preview, restart, offsets, cluster, version.</summary>
public sealed class LookVerbTests : IAsyncDisposable
{
    private readonly Kor _kor = new();
    private readonly FakeSilo _silo = new();

    public LookVerbTests() => _kor.Set("KOR_URL", _silo.Url);

    public async ValueTask DisposeAsync()
    {
        _kor.Dispose();
        await _silo.DisposeAsync();
    }

    [Fact]
    public async Task A_tap_shows_records_and_says_of_how_many()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/tap?side=duplicates&step=unique&where=total%20%3E%204&limit=2&sample=0.5", """
            event: record
            data: {"partition":"orders/2","offset":11,"timestamp":"2026-01-31T10:00:00+00:00","truncated":false,"value":{"order_id":"o1","note":"a\nb"}}

            event: progress
            data: {"seen":1204,"shown":1,"failed":3}

            event: record
            data: {"partition":"orders/0","offset":12,"timestamp":null,"truncated":true,"value":"{\"order_id\":\"o"}

            event: end
            data: {"reason":"The limit is reached."}


            """.ReplaceLineEndings("\n"));
        string[] args = ["tap", "orders.unique", "--side", "dup", "--where", "total > 4", "--limit", "2", "--sample", "0.5"];
        var result = await _kor.RunAsync(args);
        Assert.Equal(
            [
                """2026-01-31T10:00:00Z  orders/2@11  {"order_id":"o1","note":"a\nb"}""",
                """-  orders/0@12  {"order_id":"o ...""",
            ],
            result.Lines);
        Assert.Equal("2 of 1,204 records shown. The condition failed for 3. The limit is reached.\n", result.Error);
        Assert.Equal(ExitCodes.Ok, result.Code);
        Assert.StartsWith("{\"partition\":\"orders/2\",\"offset\":11,", (await _kor.RunAsync([.. args, "-o", "json"])).Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tap_that_cannot_be_is_refused_with_the_servers_words()
    {
        _silo.Refuse("GET /api/v1/pipelines/orders/tap?side=late", 400, "Nothing to tap", "There are no late records of the source.");
        var result = await _kor.RunAsync("tap", "orders", "--side", "late");
        Assert.Equal("kor: Nothing to tap: There are no late records of the source.\n", result.Error);
        Assert.Equal(ExitCodes.Usage, result.Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("tap", "orders", "--side", "left")).Code);
    }

    [Fact]
    public async Task Quality_rules_are_listed()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/quality", new[] { new RuleReport("quality", "valid_amount", "amount > 0", "error", "quarantine", 1500, 0.015) });
        var result = await _kor.RunAsync("quality", "orders");
        Assert.Equal(
            [
                "STEP     RULE          SEVERITY  ON FAIL     FAILED  OF ALL  CONDITION",
                "quality  valid_amount  error     quarantine   1,500  1.50 %  amount > 0",
            ],
            result.Lines);
    }

    [Fact]
    public async Task Parts_are_restarted()
    {
        _silo.Answer("POST /api/v1/pipelines/orders/restart?onlyFailed=true", new RestartOutcome(null, ["orders/1", "revenue/3"]), 202);
        Assert.Equal("orders: Started over from their checkpoints: orders/1, revenue/3.\n", (await _kor.RunAsync("restart", "orders", "--only-failed")).Error);
        _silo.Answer("POST /api/v1/pipelines/orders/partitions/a-b/7/restart", new RestartOutcome(null, ["a-b/7"]), 202);
        Assert.Equal(ExitCodes.Ok, (await _kor.RunAsync("restart", "orders", "--partition", "a-b/7")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("restart", "orders", "--partition", "seven")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("restart", "orders", "--partition", "a/7", "--only-failed")).Code);
    }

    [Fact]
    public async Task Offsets_are_shown()
    {
        _silo.Answer("GET /api/v1/pipelines/orders/offsets", new[] { new PartitionOffsets("orders/0", 1000, 5, 1200, 200), new PartitionOffsets("orders/1", null, 0, 7, null) });
        var result = await _kor.RunAsync("offsets", "show", "orders");
        Assert.Equal(["PARTITION  CHECKPOINT  BEGIN    END  LAG", "orders/0        1,000      5  1,200  200", "orders/1            -      0      7    -"], result.Lines);
    }

    [Fact]
    public async Task A_preview_sends_the_file_and_shows_the_rows()
    {
        _kor.Write("p.yaml", "name: p\n");
        _silo.Answer("POST /api/v1/preview?limit=50&rows=10&file=p.yaml", """
            {"pipeline":"p","sources":[{"partition":"t/0","from":3,"records":50}],
             "counts":{"consumed":50,"absorbed":48,"duplicate":1,"late":0,"filtered":0,"quarantined":1},"stopped":null,"rules":{"q.r":1},
             "sinks":[{"sink":"out","connection":"dwh","table":"T","total":48,"rows":[{"ID":"a","N":1.50},{"ID":null,"N":2}]}],
             "quarantined":[{"place":"q.r","code":"KOR4101","reason":"bad","partition":"t/0","offset":9}]}
            """);
        var result = await _kor.RunAsync("preview", "p.yaml", "--limit", "50");
        Assert.Equal("p: 50 records of 1 partitions", result.Lines[0]);
        Assert.Contains("Sink out would write 48 rows into T (dwh), the first 2", result.Lines);
        Assert.Contains("a     1.50", result.Lines);
        Assert.Contains("NULL     2", result.Lines);
        Assert.Contains("t/0@9   q.r    KOR4101  bad", result.Lines);
        Assert.Equal("name: p\n", _silo.Requests.Single().Body);
        Assert.Equal(ExitCodes.NotFound, (await _kor.RunAsync("preview", "nowhere.yaml")).Code);
        Assert.Equal(ExitCodes.Usage, (await _kor.RunAsync("preview", "p.yaml", "--since", "soon")).Code);
    }

    [Fact]
    public async Task Silos_are_listed()
    {
        var silo = new SiloReport("S1", "silo-a", "host-a", "Active", DateTimeOffset.UtcNow.AddMinutes(-5), null, 4);
        _silo.Answer("GET /api/v1/cluster", new ClusterReport("kor", "kor", 1, [silo]));
        var result = await _kor.RunAsync("cluster");
        Assert.Equal("Cluster kor, service kor: 1 active silos", result.Lines[0]);
        Assert.Contains(result.Lines, l => l.StartsWith("S1    silo-a  host-a  Active", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_version_is_known_without_a_server()
    {
        _silo.Answer("GET /api/v1/version", new VersionReport("KafkaOracleOrleans", "0.1.0", ".NET 10", "10.4.2", "Linux", "v1"));
        Assert.Equal("server  0.1.0, Orleans 10.4.2, .NET 10, Linux", (await _kor.RunAsync("version")).Lines[1]);
        var away = await _kor.RunAsync("version", "--url", $"http://127.0.0.1:{FakeSilo.FreePort()}");
        Assert.Equal("server  -", away.Lines[1]);
        Assert.Equal(ExitCodes.Ok, away.Code);
    }

    [Fact]
    public void A_verdict_is_a_word_and_a_sentence()
    {
        PipelineStatus Of(PipelineCondition condition, long? lag, double rate, int buffered = 0) => new()
        {
            Name = "p", Version = 1, Desired = DesiredState.Running, State = PartState.Running, Condition = condition, Counts = RecordCounts.Zero, RecordsPerSecond = rate, Lag = lag,
            Partitions = [], Shards = [], Rules = new Dictionary<string, long>(),
            Sinks = [new SinkStatus { Sink = "out", Lane = "t/0", State = PartState.Running, Written = 0, Quarantined = 0, Buffered = buffered }],
        };

        const PipelineCondition Runs = PipelineCondition.Running;
        Assert.Equal(new Verdict("RUNNING", "It is at the end of its topics.", null), Verdict.Of(Of(Runs, 0, 0)));
        Assert.Equal("It is 500 records behind, 5.0 s at the present rate.", Verdict.Of(Of(Runs, 500, 100)).Sentence);
        Assert.False(Verdict.Of(Of(Runs, 500, 100)).Lags);
        Assert.True(Verdict.Of(Of(Runs, 61_000, 1000)) is { Word: "RUNNING", Lags: true });
        Assert.True(Verdict.Of(Of(Runs, 1, 0)) is { Word: "RUNNING", Lags: true, Sentence: "1 records wait and none was taken in the last seconds." });
        Assert.Equal("sink out (20,000 rows wait to be written)", Verdict.Of(Of(Runs, 61_000, 1000, 20_000)).Bottleneck);
        var busy = Of(Runs, 61_000, 1000) with { Steps = [new StepStatus { Step = "", Busy = 0.1 }, new StepStatus { Step = "customer", Busy = 0.81 }, new StepStatus { Step = "out", Blocked = 0.4 }] };
        Assert.Equal("step customer (busy 81 % of the time)", Verdict.Of(busy).Bottleneck);
        // Records that do not wait have no bottleneck, and a step that is idle most of the time is none.
        Assert.Null(Verdict.Of(busy with { Lag = 0 }).Bottleneck);
        Assert.Null(Verdict.Of(busy with { Steps = [new StepStatus { Step = "customer", Busy = 0.69 }] }).Bottleneck);
        Assert.Equal("sink out (waited for 90 % of the time)", Verdict.Of(busy with { Steps = [new StepStatus { Step = "out", Blocked = 0.9 }] }).Bottleneck);
        Assert.Equal("the row steps (decode, map, filter, quality) (busy 95 % of the time)", Verdict.Of(busy with { Steps = [new StepStatus { Step = "", Busy = 0.95 }] }).Bottleneck);
        Assert.Equal("FAILED", Verdict.Of(Of(PipelineCondition.Failed, null, 0)).Word);
        Assert.Equal("STOPPED", Verdict.Of(Of(PipelineCondition.Stopped, null, 0)).Word);
        // A sink that has nothing to write is not behind, however old what it holds is: windows are open.
        var open = Of(Runs, 0, 0) with { Sinks = [new SinkStatus { Sink = "out", Lane = "w/0", State = PartState.Running, Written = 0, Quarantined = 0, Buffered = 0, FreshnessSeconds = 600 }] };
        Assert.False(Verdict.Of(open).Lags);
    }

    [Fact]
    public void The_verdict_names_the_partition_that_holds_the_watermark_back()
    {
        PartitionStatus Part(int n, long? watermark, bool idle = false, long unread = 0) => new()
        {
            Partition = $"t/{n}", State = PartState.Running, Position = 10, Checkpoint = 10, End = 10 + unread, Watermark = watermark, Idle = idle,
            Counts = RecordCounts.Zero, Epoch = 1, RecordsPerSecond = 0, Rules = new Dictionary<string, long>(),
            WatermarkSince = new DateTimeOffset(2026, 1, 31, 10, 0, 0, TimeSpan.Zero),
        };
        PipelineStatus Of(params PartitionStatus[] parts) => new()
        {
            Name = "p", Version = 1, Desired = DesiredState.Running, State = PartState.Running, Condition = PipelineCondition.Running, Counts = RecordCounts.Zero,
            RecordsPerSecond = 0, Lag = 0, Partitions = parts, Shards = [], Sinks = [], Rules = new Dictionary<string, long>(), WindowSteps = ["w"],
        };

        var hold = WatermarkHold.Of(Of(Part(0, 1_000_000), Part(1, 600_000, unread: 1_200), Part(2, 100, idle: true)))!;
        Assert.Equal(("t/1", 400d, true), (hold.Partition, hold.BehindSeconds, hold.HoldsBack));
        Assert.Equal(
            "partition t/1: its watermark is 1970-01-01T00:10:00Z, 6 m 40 s behind the furthest, not moved since 2026-01-31T10:00:00Z. 1,200 of its records are not worked off yet.",
            hold.Sentence);
        var verdict = Verdict.Of(Of(Part(0, 1_000_000), Part(1, 600_000, unread: 1_200)));
        Assert.Contains("Windows wait for partition t/1: ", verdict.Sentence, StringComparison.Ordinal);
        Assert.Equal("partition t/1 (windows wait for it, 6 m 40 s behind)", verdict.Bottleneck);
        // One that never had a record holds all back; small differences and idle partitions hold nothing.
        Assert.True(WatermarkHold.Of(Of(Part(0, 1_000_000), Part(1, null))) is { Partition: "t/1", HoldsBack: true, Watermark: null });
        Assert.True(WatermarkHold.Of(Of(Part(0, 1_000_000), Part(1, 990_000))) is { Partition: "t/1", HoldsBack: false });
        Assert.Null(WatermarkHold.Of(Of(Part(0, 1_000_000, idle: true), Part(1, null, idle: true))));
        Assert.Null(WatermarkHold.Of(Of(Part(0, 1_000_000), Part(1, null)) with { WindowSteps = [] }));
    }
}
