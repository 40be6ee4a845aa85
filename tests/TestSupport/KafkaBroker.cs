using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>One Apache Kafka node (KRaft) on loopback, with its own data folder, both removed at the end.</summary>
public sealed class KafkaBroker : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private readonly string _home;
    private readonly string _directory;
    private readonly int _port;
    private readonly string[] _settings;
    private readonly Queue<string> _output = new();
    private Process? _process;

    private KafkaBroker(string home, string directory, int port, string[] settings, string? saslServers = null)
    {
        _home = home;
        SaslBootstrapServers = saslServers;
        _directory = directory;
        _port = port;
        _settings = settings;
    }

    /// <summary>Null when a broker can be started here, else why not: the reason to skip a test with.</summary>
    public static string? SkipReason
    {
        get
        {
            if (RepoPaths.KafkaHome is null)
                return "KAFKA_HOME is not set, so there is no Apache Kafka to test on.";
            return FindJava() is null ? "Java is not installed, so Apache Kafka can't be started." : null;
        }
    }

    /// <summary>What clients connect to.</summary>
    public string BootstrapServers => $"127.0.0.1:{_port}";

    /// <summary>What clients with SASL PLAIN connect to; null unless asked for.</summary>
    public string? SaslBootstrapServers { get; }

    /// <summary>Starts a broker with a second listener that wants SASL PLAIN (without TLS).</summary>
    public static async Task<KafkaBroker> StartWithSaslAsync(string user, string password)
    {
        var port = FreePorts.Next(2);
        var sasl = FreePorts.Next(2);
        return await StartAsync(
            port,
            $"127.0.0.1:{sasl}",
            [
                $"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}," +
                $"SASL_PLAINTEXT://127.0.0.1:{sasl}",
                $"advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl}",
                "sasl.enabled.mechanisms=PLAIN",
                "listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain." +
                $"PlainLoginModule required user_{user}=\"{password}\";",
            ]);
    }

    /// <summary>Starts a broker and waits until it answers.</summary>
    /// <param name="settings">Server properties, <c>key=value</c>.</param>
    public static Task<KafkaBroker> StartAsync(params string[] settings) => StartAsync(2, _ => settings);

    /// <summary>Starts a broker whose settings name ports.</summary>
    /// <param name="ports">How many ports in a row it takes; the first two are its own.</param>
    /// <param name="settings">Server properties, given the first port.</param>
    public static async Task<KafkaBroker> StartAsync(int ports, Func<int, string[]> settings)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var port = FreePorts.Next(ports);
                return await StartAsync(port, null, settings(port));
            }
            catch (InvalidOperationException e) when (attempt < 5 && IsPortTaken(e))
            {
                // Another process took the port between the look and the broker's own start.
            }
        }
    }

    private static bool IsPortTaken(InvalidOperationException e) =>
        e.Message.Contains("Address already in use", StringComparison.Ordinal)
        || e.Message.Contains("openServerSocket", StringComparison.Ordinal);

    private static async Task<KafkaBroker> StartAsync(int port, string? saslServers, string[] settings)
    {
        var home = RepoPaths.KafkaHome ?? throw new InvalidOperationException(SkipReason);
        var directory = Directory.CreateTempSubdirectory("kafka-").FullName;
        var broker = new KafkaBroker(home, directory, port, settings, saslServers);
        try
        {
            await broker.RestartAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        if (_process is not { } process)
            return;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        _process = null;
    }

    /// <summary>Starts it (again) on the same port and data and waits until it answers.</summary>
    public async Task RestartAsync()
    {
        await KillAsync();
        var start = new ProcessStartInfo(Path.Combine(_home, "bin", "broker.sh"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(_directory);
        start.ArgumentList.Add(_port.ToString(CultureInfo.InvariantCulture));
        foreach (var setting in _settings)
            start.ArgumentList.Add(setting);
        var process = Process.Start(start) ?? throw new InvalidOperationException("broker.sh did not start.");
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        await WaitUntilReadyAsync(process);
    }

    /// <summary>Creates a topic and waits until its partitions have leaders.</summary>
    public async Task CreateTopicAsync(string topic, int partitions, params (string Key, string Value)[] config)
    {
        using var admin = CreateAdmin();
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = topic,
                NumPartitions = partitions,
                ReplicationFactor = 1,
                Configs = config.ToDictionary(c => c.Key, c => c.Value),
            },
        ]);
        await WaitForLeadersAsync(admin, topic, partitions);
    }

    /// <summary>Deletes a topic and waits until it is gone.</summary>
    public async Task DeleteTopicAsync(string topic)
    {
        using var admin = CreateAdmin();
        await admin.DeleteTopicsAsync([topic]);
        await WaitAsync(
            () => admin.GetMetadata(TimeSpan.FromSeconds(10)).Topics.All(t => t.Topic != topic), $"{topic} be gone");
    }

    /// <summary>Raises the number of partitions.</summary>
    public async Task AddPartitionsAsync(string topic, int total)
    {
        using var admin = CreateAdmin();
        await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = topic, IncreaseTo = total }]);
        await WaitForLeadersAsync(admin, topic, total);
    }

    /// <summary>Removes the records below an offset.</summary>
    public async Task DeleteRecordsAsync(string topic, int partition, long before)
    {
        using var admin = CreateAdmin();
        await admin.DeleteRecordsAsync([new TopicPartitionOffset(topic, partition, before)]);
    }

    /// <summary>Runs a tool of Kafka, for example <c>kafka-consumer-groups</c>, and returns what it printed.</summary>
    public async Task<string> RunToolAsync(string tool, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(_home, "bin", tool + ".sh"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("--bootstrap-server");
        start.ArgumentList.Add(BootstrapServers);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{tool} did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var text = await output + await error;
        return process.ExitCode == 0 ? text : throw new InvalidOperationException($"{tool} failed: {text}");
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static string? FindJava()
    {
        var home = Environment.GetEnvironmentVariable("JAVA_HOME");
        if (!string.IsNullOrEmpty(home) && File.Exists(Path.Combine(home, "bin", "java")))
            return home;
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(Path.PathSeparator).FirstOrDefault(p => File.Exists(Path.Combine(p, "java")));
    }

    /// <summary>The broker takes a port and, for its controller, the one after.</summary>
    private static Task WaitForLeadersAsync(IAdminClient admin, string topic, int partitions) => WaitAsync(
        () => admin.GetMetadata(topic, TimeSpan.FromSeconds(10)).Topics[0].Partitions.Count(p => p.Leader >= 0)
            == partitions,
        $"{topic} have {partitions} partitions with leaders");

    private static async Task WaitAsync(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > StartLimit)
                throw new TimeoutException($"Waited in vain for {what}.");
            await Task.Delay(50);
        }
    }

    private async Task WaitUntilReadyAsync(Process process)
    {
        using var admin = CreateAdmin();
        var clock = Stopwatch.StartNew();
        while (!Answers(admin))
        {
            if (process.HasExited || clock.Elapsed > StartLimit)
                throw new InvalidOperationException($"Kafka did not come up: {Output()}");
            await Task.Delay(100);
        }
    }

    private static bool Answers(IAdminClient admin)
    {
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(2)).Brokers.Count > 0;
        }
        catch (KafkaException)
        {
            return false;
        }
    }

    private IAdminClient CreateAdmin() => new AdminClientBuilder(new AdminClientConfig
    {
        BootstrapServers = BootstrapServers,
        ReconnectBackoffMaxMs = 200,
    }).SetLogHandler((_, _) => { }).Build();

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.Enqueue(line.Data ?? "");
            if (_output.Count > 40)
                _output.Dequeue();
        }
    }

    private string Output()
    {
        lock (_output)
            return string.Join('\n', _output);
    }
}
