using System.Diagnostics;
using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Lookups;
using KafkaOracleOrleans.Storage.Quarantine;
using KafkaOracleOrleans.Storage.Sinks;
using KafkaOracleOrleans.Storage.State;
using KafkaOracleOrleans.Streams.Kafka;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Hosting;
using Orleans.Serialization;
using Orleans.Storage;
using Orleans.TestingHost;

namespace KafkaOracleOrleans.Grains.Tests.Support;

/// <summary>A Kafka cluster, a database file and silos of this process, with a pipeline between them.</summary>
internal sealed class Stage : IAsyncDisposable
{
    public const int Partitions = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly EmbeddedKafka _kafka = EmbeddedKafka.Start();
    private readonly string _folder = Directory.CreateTempSubdirectory("kor-grains-").FullName;
    private readonly ControlState _control = new();
    private readonly LogLines _log = new();
    private readonly DatabaseConnections _connections;
    private readonly short _silos;
    private readonly TimeSpan _checkpoints;
    private InProcessTestCluster? _cluster;

    private Stage(int seed, short silos, int checkpointMs)
    {
        _silos = silos;
        _checkpoints = TimeSpan.FromMilliseconds(checkpointMs);
        Faults = new Faults(seed);
        _kafka.CreateTopic(TestPipeline.Topic, Partitions);
        Model = new Model(_kafka.BootstrapServers, Partitions, seed);
        _connections = new DatabaseConnections(new Dictionary<string, ConnectionOptions>
        {
            ["db"] = new() { Provider = DatabaseProvider.Sqlite, Database = File },
        });
        Store = new AdoStateStore(_connections.Get("db"));
    }

    public Faults Faults { get; }

    /// <summary>How long a sink may take for a write, on silos that are started from now on.</summary>
    public TimeSpan WriteDeadline { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Rows that may wait for a sink before reading stops, on silos that are started from now on.</summary>
    public int SinkBufferBytes { get; set; } = new EngineOptions().SinkBufferBytes;

    /// <summary>Memory the cells of a silo may take, on silos that are started from now on; 0: the default.</summary>
    public long CellBytes { get; set; }

    /// <summary>The clock of silos that are started from now on.</summary>
    public TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>The partitions of the first silo.</summary>
    public LocalPartitions Local => _cluster!.Silos[0].ServiceProvider.GetRequiredService<LocalPartitions>();

    /// <summary>What the first silo knows of memory.</summary>
    public MemoryWatch Memory => _cluster!.Silos[0].ServiceProvider.GetRequiredService<MemoryWatch>();

    public Model Model { get; }

    /// <summary>The store without faults.</summary>
    public IStateStore Store { get; }

    public IKafkaPartitionControl Kafka => _cluster!.Silos[0].ServiceProvider.GetRequiredService<IKafkaPartitionControl>();

    public IPipelineGrain Pipeline => _cluster!.Client.GetGrain<IPipelineGrain>(TestPipeline.Name);

    /// <summary>A pipeline of another name.</summary>
    public IPipelineGrain Other(string name) => _cluster!.Client.GetGrain<IPipelineGrain>(name);

    public IPipelineLogGrain Log => LogOf(TestPipeline.Name);

    public IPipelineLogGrain LogOf(string name) => _cluster!.Client.GetGrain<IPipelineLogGrain>(name);

    public IPipelineQueryGrain Query => _cluster!.Client.GetGrain<IPipelineQueryGrain>(TestPipeline.Name);

    private string File => Path.Combine(_folder, "stage.db");

    public static async Task<Stage> StartAsync(
        int seed, string grainPer = "key", short silos = 1, string? text = null, int checkpointMs = 300, KafkaSourceException? fault = null,
        long cellBytes = 0, TimeProvider? time = null)
    {
        var stage = new Stage(seed, silos, checkpointMs) { CellBytes = cellBytes, Time = time ?? TimeProvider.System };
        stage.Faults.Source = fault;
        await StateSchema.EnsureAsync(stage._connections.Get("db"), true, CancellationToken.None);
        await new AdoQuarantine(stage._connections.Get("db")).EnsureAsync(true, CancellationToken.None);
        await stage.StartClusterAsync();
        text ??= TestPipeline.Text(grainPer);
        stage.Model.OtherKeys = !text.Contains("cellBy: message_key", StringComparison.Ordinal);
        stage.Model.Spreads = text.Contains("scope: global", StringComparison.Ordinal);
        var outcome = await stage.Pipeline.ApplyAsync(new PipelineText(TestPipeline.Name, text, "sales.yaml", 0));
        Assert.True(outcome.Accepted, string.Join('\n', outcome.Diagnostics));
        return stage;
    }

    /// <summary>Puts another version of the pipeline in force.</summary>
    public async Task ApplyAsync(string text)
    {
        var outcome = await Pipeline.ApplyAsync(new PipelineText(TestPipeline.Name, text, "sales.yaml", 0));
        Assert.True(outcome.Accepted, string.Join('\n', outcome.Diagnostics));
    }

    /// <summary>What lies in quarantine.</summary>
    public async Task<IReadOnlyList<QuarantinedRecord>> QuarantinedAsync() =>
        await new QuarantineStore(_connections.Get("db")).ListAsync(
            new QuarantineFilter { Pipeline = TestPipeline.Name }, QuarantineOrder.OldestFirst, QuarantineStore.MaxPage, null, CancellationToken.None);

    /// <summary>Plays everything in quarantine again, some records at a time; returns the calls, to be made again.</summary>
    public async Task<IReadOnlyList<Func<Task>>> ReplayAsync(int chunk = 1000)
    {
        var calls = new List<Func<Task>>();
        foreach (var group in (await QuarantinedAsync()).GroupBy(r => r.Record.Partition))
        {
            foreach (var ids in group.Select(r => r.Id).Chunk(chunk)) calls.Add(() => ReplayAsync(group.Key, ids));
        }

        await Task.WhenAll(calls.Select(c => c()));
        return calls;
    }

    /// <summary>Begins to play what lies in quarantine of one partition; ends with it, or with the cluster.</summary>
    public async Task BeginReplay()
    {
        var records = await QuarantinedAsync();
        var partition = records[0].Record.Partition;
        await ReplayAsync(partition, [.. records.Where(r => r.Record.Partition == partition).Select(r => r.Id)], tries: 1);
    }

    /// <summary>Whether a partition's state holds a replay that is not over.</summary>
    public async Task<bool> ReplayBegunAsync()
    {
        foreach (var owner in Owners().Take(Partitions))
        {
            var found = await Store.ReadCellsAsync(owner, [ReplayState.Cell], CancellationToken.None);
            if (found.Count != 0 && ReplayState.Decode(found[0].Payload, "", "", 0).Stage != ReplayStage.None) return true;
        }

        return false;
    }

    private async Task ReplayAsync(int partition, string[] ids, int tries = int.MaxValue)
    {
        var clock = Stopwatch.StartNew();
        for (var i = 1; ; i++)
        {
            try
            {
                var answer = await _cluster!.Client.GetGrain<IReplayGrain>(TestPipeline.Name).ReplayAsync(
                    TestPipeline.Topic, partition, null, new Orleans.Concurrency.Immutable<string[]>(ids));
                Assert.Null(answer.Refusal);
                if (answer.Done) return;
            }
            catch (Exception e) when (e is TimeoutException or Orleans.Runtime.OrleansException && i < tries)
            {
                // Lost on the way; the same call again changes nothing.
            }

            if (clock.Elapsed > Limit) Assert.Fail("The replay does not end: " + await DescribeAsync());
            await Task.Delay(50);
        }
    }

    /// <summary>Stops the silos in order; memory is gone.</summary>
    public async Task StopClusterAsync()
    {
        await _cluster!.StopAllSilosAsync();
        await _cluster.DisposeAsync();
        _cluster = null;
    }

    public async Task StartClusterAsync()
    {
        var builder = new InProcessTestClusterBuilder(_silos);
        builder.ConfigureSilo((_, silo) => Configure(silo));
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    /// <summary>Done before each write of control state.</summary>
    public Func<Task>? BeforeSave
    {
        get => _control.BeforeWrite;
        set => _control.BeforeWrite = value;
    }

    /// <summary>A partition, as the reader calls it.</summary>
    public Contracts.IPartitionGrain PartitionGrain(int partition) =>
        _cluster!.Client.GetGrain<Contracts.IPartitionGrain>(new KafkaStreamId(TestPipeline.Name, TestPipeline.Topic, partition).ToString());

    /// <summary>How many rows a table has; 0 while it is not there.</summary>
    public long CountOf(string table) => Read(table, $"SELECT COUNT(*) FROM {table}", r => r.GetInt64(0)).FirstOrDefault();

    /// <summary>Starts another silo.</summary>
    public Task AddSiloAsync() => _cluster!.StartAdditionalSiloAsync();

    /// <summary>Takes an owner's reign away, as an owner on a silo cut off from the others would.</summary>
    public Task RaiseEpochAsync(string owner) => Store.AcquireAsync(owner, CancellationToken.None);

    public async Task<long> EpochAsync(string owner) => (await Store.PeekAsync(owner, CancellationToken.None))!.Epoch;

    /// <summary>Runs a statement in the database.</summary>
    public void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Default Timeout=30");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public IEnumerable<string> Owners() =>
    [
        .. Enumerable.Range(0, Partitions).Select(p => Names.PartitionOwner(TestPipeline.Name, TestPipeline.Topic, p)),
        .. Enumerable.Range(0, 2).Select(s => Names.ShardOwner(TestPipeline.Name, "totals", s)),
        .. Enumerable.Range(0, Model.Spreads ? 2 : 0).Select(s => Names.DedupOwner(TestPipeline.Name, "unique", s)),
    ];

    /// <summary>Waits until the tables hold what the model says, then checks that the counts add up.</summary>
    public async Task AssertCompleteAsync()
    {
        await WaitAsync(
            () => Task.FromResult(Rows().SequenceEqual(Model.Rows) && Windows().SequenceEqual(Model.Windows)), DescribeAsync);
        await WaitAsync(async () => Problem(await Pipeline.GetStatusAsync()).Length == 0, DescribeAsync);
        // Nothing comes after.
        Assert.Equal(Model.Rows, Rows());
        Assert.Equal(Model.Windows, Windows());
    }

    /// <summary>Waits until the record sink has so many of the rows sent.</summary>
    public Task WaitForRowsAsync(double share = 1)
    {
        var wanted = (int)(Model.Rows.Count * share);
        return WaitAsync(() => Task.FromResult(Rows().Count >= wanted), DescribeAsync);
    }

    public Task WaitAsync(Func<Task<bool>> condition) => WaitAsync(condition, DescribeAsync);

    private static async Task WaitAsync(Func<Task<bool>> condition, Func<Task<string>> describe)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > Limit) Assert.Fail("Waited in vain: " + await describe());
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The table of the record sink: id to customer and amount, once per row.</summary>
    public List<KeyValuePair<string, string>> Rows() => Read(
        "SALES",
        "SELECT ID, CUSTOMER, AMOUNT FROM SALES ORDER BY ID",
        r => new KeyValuePair<string, string>(
            r.GetString(0), string.Create(CultureInfo.InvariantCulture, $"{r.GetString(1)}:{r.GetInt64(2)}")));

    /// <summary>The table of the window sink.</summary>
    public List<KeyValuePair<string, (long Count, long Sum)>> Windows(string table = "TOTALS")
    {
        var rows = Read(
            table,
            $"SELECT CUSTOMER, WINDOW_START, SALES, TOTAL FROM {table} WHERE CUSTOMER <> '{Model.Closer}'",
            r => new KeyValuePair<string, (long, long)>(
                $"{r.GetString(0)}@{Convert.ToString(r.GetValue(1), CultureInfo.InvariantCulture)!.Split('T', ' ')[1][..8]}",
                (r.GetInt64(2), Convert.ToInt64(r.GetValue(3), CultureInfo.InvariantCulture))));
        rows.Sort((a, b) => string.CompareOrdinal(a.Key, b.Key));
        return rows;
    }

    /// <summary>What the host's transform said of each sale.</summary>
    public List<KeyValuePair<string, string>> LabelsOfRows() => Read(
        "SALES", "SELECT ID, LABEL FROM SALES ORDER BY ID", r => new KeyValuePair<string, string>(r.GetString(0), r.GetString(1)));

    /// <summary>The count of sales per window of a customer, in the windows' order.</summary>
    public List<long> CountsOf(string customer) => Read(
        "TOTALS", $"SELECT SALES FROM TOTALS WHERE CUSTOMER = '{customer}' ORDER BY WINDOW_START", r => r.GetInt64(0));

    public async ValueTask DisposeAsync()
    {
        Faults.End();
        Model.Dispose();
        if (_cluster is not null) await StopClusterAsync();
        await _connections.DisposeAsync();
        SqliteConnection.ClearAllPools();
        _kafka.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Configure(ISiloBuilder silo)
    {
        var services = silo.Services;
        services.AddSingleton(Time);
        services.AddSingleton(Options.Create(new EngineOptions
        {
            CheckpointInterval = _checkpoints,
            RetryDelay = TimeSpan.FromMilliseconds(20),
            MaxRetryDelay = TimeSpan.FromMilliseconds(500),
            WriteDeadline = WriteDeadline,
            MaxRepairDelay = TimeSpan.FromSeconds(1),
            MoveAfter = TimeSpan.FromSeconds(2),
            SinkBufferBytes = SinkBufferBytes,
            CellBytes = CellBytes,
        }));
        services.AddSingleton<IStateStore>(new FaultyStore(Store, Faults));
        services.AddSingleton<ISinkFactory>(new FaultySinks(new AdoSinkFactory(_connections), Faults));
        services.AddSingleton<IQuarantine>(new AdoQuarantine(_connections.Get("db")));
        services.AddSingleton<ILookupSource>(new FaultyLookups(new AdoLookup(_connections), Faults));
        services.AddSingleton<ISchemaRegistries>(new NoRegistries());
        services.AddSingleton<IPipelineCompiler, TestPipeline>();
        services.AddSingleton<IRecordTransform, Labels>();
        services.AddSingleton<IRecordTransform, Screening>();
        services.AddSingleton<PlanProvider>();
        services.AddSingleton<LocalPartitions>();
        services.AddSingleton<MemoryWatch>();
        services.AddHostedService(sp => sp.GetRequiredService<MemoryWatch>());
        services.AddSingleton<IKafkaLogs>(new FixedLogs(Partitions, _kafka.BootstrapServers, Faults));
        services.AddSingleton<IKafkaPositionSource, GrainPositionSource>();
        services.AddHostedService<SourceKeeper>();
        services.AddKeyedSingleton("kor", (sp, _) => _control.For(sp.GetRequiredService<Serializer>()));
        silo.UseInMemoryReminderService();
        silo.AddIncomingGrainCallFilter(new FaultyCalls(Faults));
        silo.AddKafkaStreams("kafka", (KafkaStreamOptions o) =>
        {
            o.Connections["main"] = new KafkaConnection { BootstrapServers = _kafka.BootstrapServers };
            o.MetadataInterval = TimeSpan.FromMilliseconds(500);
            o.EndInterval = TimeSpan.FromMilliseconds(500);
            o.MaxBackoff = TimeSpan.FromSeconds(1);
            o.MaxBatchRecords = 20;
        });
        var control = services.Last(s => s.ServiceType == typeof(IKafkaPartitionControl) && !s.IsKeyedService).ImplementationFactory!;
        services.AddSingleton<IKafkaPartitionControl>(sp => new FaultyControl((IKafkaPartitionControl)control(sp), Faults));
        services.AddLogging(l => l.AddProvider(_log)
            .SetMinimumLevel(LogLevel.Information)
            .AddFilter("Orleans", LogLevel.Warning)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Polly", LogLevel.Warning));
    }

    /// <summary>What is not as it should be at the end; empty when all is well.</summary>
    private string Problem(PipelineStatus status)
    {
        var counts = RecordCounts.Zero;
        foreach (var partition in status.Partitions) counts += partition.Counts;
        var outcomes = counts.Absorbed + counts.Duplicate + counts.Late + counts.Filtered + counts.Quarantined;
        if (counts.Consumed != Model.Sent) return $"{counts.Consumed} records consumed of {Model.Sent}";
        if (counts.Consumed != outcomes || counts.Duplicate != Model.Duplicates || counts.Absorbed != Model.Sent - Model.Duplicates)
            return $"counts {counts} of {Model.Sent} with {Model.Duplicates} duplicates";
        if (status.Partitions.Any(p => p.Checkpoint != p.Position)) return "not all is durable";
        return "";
    }

    private async Task<string> DescribeAsync()
    {
        var status = await Pipeline.GetStatusAsync();
        var rows = Rows();
        var windows = Windows();
        var missing = Model.Windows.Except(windows).Take(5);
        var extra = windows.Except(Model.Windows).Take(5);
        return $"""
            {rows.Count} rows of {Model.Rows.Count}, {windows.Count} windows of {Model.Windows.Count}, {Faults.Injected} faults
            missing rows {string.Join(' ', Model.Rows.Except(rows).Take(5))}; extra rows {string.Join(' ', rows.Except(Model.Rows).Take(5))}
            windows wanted {string.Join(' ', missing)}; not wanted {string.Join(' ', extra)}
            {Problem(status)}; {status.State} {status.Reason}
            {string.Join('\n', status.Partitions)}
            {string.Join('\n', status.Shards)}
            {string.Join('\n', status.Sinks)}
            {_log}
            """;
    }

    public List<T> Read<T>(string table, string query, Func<SqliteDataReader, T> row)
    {
        using var connection = new SqliteConnection($"Data Source={File};Default Timeout=30");
        connection.Open();
        using var exists = connection.CreateCommand();
        exists.CommandText = $"SELECT count(*) FROM sqlite_master WHERE name = '{table}'";
        if ((long)exists.ExecuteScalar()! == 0) return [];
        using var command = connection.CreateCommand();
        command.CommandText = query;
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }
}
