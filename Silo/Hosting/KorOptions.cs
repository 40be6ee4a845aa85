using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Registries;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The host's configuration: section <c>Kor</c> of appsettings.json, environment variables <c>Kor__...</c>.</summary>
public sealed class KorOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Kor";

    /// <summary>How silos find each other.</summary>
    public ClusterOptions Cluster { get; set; } = new();

    /// <summary>Where durable state lives.</summary>
    public StateOptions State { get; set; } = new();

    /// <summary>Databases by name; pipelines refer to these names.</summary>
    public Dictionary<string, ConnectionOptions> Connections { get; set; } = [];

    /// <summary>Kafka clusters by name; pipelines refer to these names.</summary>
    public Dictionary<string, KafkaConnection> Kafka { get; set; } = [];

    /// <summary>Schema registries by name; pipelines refer to these names.</summary>
    public Dictionary<string, RegistryOptions> Registries { get; set; } = [];

    /// <summary>Reading from Kafka.</summary>
    public ReadingOptions Reading { get; set; } = new();

    /// <summary>The engine.</summary>
    public EngineOptions Engine { get; set; } = new();

    /// <summary>Refused records.</summary>
    public QuarantineOptions Quarantine { get; set; } = new();

    /// <summary>The folder with pipeline files (<c>*.yaml</c>, <c>*.yml</c>, <c>*.json</c>); watched. Default: <c>pipelines</c>.</summary>
    public string? Pipelines { get; set; } = "pipelines";

    /// <summary>
    /// Names of environment variables that pipeline files may use as <c>${NAME}</c>, besides those that begin with <c>KOR_VAR_</c>. Never name a secret here:
    /// values become part of the pipeline. Definitions made over the HTTP API see no variable at all. Default: none.
    /// </summary>
    public IList<string> PipelineVariables { get; set; } = [];

    /// <summary>What the HTTP API listens on. Default: <c>http://127.0.0.1:8080</c>.</summary>
    public string Url { get; set; } = "http://127.0.0.1:8080";

    /// <summary>The HTTP API.</summary>
    public HttpOptions Http { get; set; } = new();

    /// <summary>The longest time the silo takes to checkpoint and hand over when it is told to stop; 1 s to 10 min. Default: 60 s.</summary>
    public TimeSpan ShutdownTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Whether a process that has not stopped by <see cref="ShutdownTimeout"/> is ended, with exit code 70, whatever hangs. False leaves that to a host of one's
    /// own. Default: true.
    /// </summary>
    public bool ForceExit { get; set; } = true;

    /// <summary>
    /// How long the silo goes on working after it is told to stop while /health/ready already says no, so that load balancers notice; 0 to 5 min, and less
    /// than <see cref="ShutdownTimeout"/>. Default: 0.
    /// </summary>
    public TimeSpan StopDelay { get; set; }

    /// <summary>Logs.</summary>
    public LogsOptions Logs { get; set; } = new();

    /// <summary>Metrics.</summary>
    public MetricsOptions Metrics { get; set; } = new();

    /// <summary>What could not be read of the configuration, in words.</summary>
    internal IReadOnlyList<string> Unread { get; set; } = [];
}

/// <summary>How silos find each other.</summary>
public sealed class ClusterOptions
{
    /// <summary>Silos with the same id form a cluster. Default: <c>kor</c>.</summary>
    public string ClusterId { get; set; } = "kor";

    /// <summary>The name durable Orleans state is kept under; never changes for a deployment. Default: <c>kor</c>.</summary>
    public string ServiceId { get; set; } = "kor";

    /// <summary>
    /// The connection (PostgreSQL or Oracle) that holds membership and reminders; control state is in the state store. Empty: one silo on its own, reminders
    /// in memory.
    /// </summary>
    public string Connection { get; set; } = "";

    /// <summary>The port other silos connect to; 0 picks a free one. Default: 11111.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>
    /// The port that clients of the library connect to, 1 to 65535; 0: none. Keys and the audit trail do not hold for it, so it needs <see cref="Tls"/> or
    /// <see cref="SecretFile"/>. Default: 0.
    /// </summary>
    public int GatewayPort { get; set; }

    /// <summary>
    /// A file (a mounted secret) of at least 32 characters; silos and clients prove to each other that they know it before they talk. Read again for every
    /// connection; the same for all silos of a cluster. Default: none.
    /// </summary>
    public string? SecretFile { get; set; }

    /// <summary>
    /// The address the silo listens on and tells others: an IP address, a name that resolves to one, or <c>auto</c> for this machine's own (in
    /// containers). Default: 127.0.0.1.
    /// </summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>TLS between silos.</summary>
    public TlsOptions Tls { get; set; } = new();
}

/// <summary>Where durable state lives.</summary>
public sealed class StateOptions
{
    /// <summary>The name of a connection. Default: <c>state</c>.</summary>
    public string Connection { get; set; } = "state";

    /// <summary>Create the tables when they are missing. Default: false: a DBA runs deploy/sql.</summary>
    public bool Create { get; set; }
}

/// <summary>What is done when a pipeline's quarantine is full, or more is refused in a minute than may be.</summary>
public enum WhenFull
{
    /// <summary>The pipeline waits, and says why, until records are replayed or dropped, or the minute is over.</summary>
    Stop,

    /// <summary>What is refused from then on is not kept, and counted (<c>kor_quarantine_dropped_total</c>).</summary>
    Drop,
}

/// <summary>Refused records in tables, of pipelines that do not say otherwise.</summary>
public sealed class QuarantineOptions
{
    /// <summary>How long refused records are kept where a pipeline has no <c>keepFor</c>; 0: until they are dropped by hand; else 1 min to 10 years. Default: 30 days.</summary>
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// The most records of a pipeline in quarantine, those not counted that a sink's database refused; 0: no limit; else 1 to 1,000,000,000. Default: 1,000,000.
    /// </summary>
    public long MaxRecords { get; set; } = 1_000_000;

    /// <summary>
    /// The most records of a pipeline that its steps may refuse in a minute, counted by each silo; 0: no limit; else 1 to 1,000,000,000. Default: 100,000.
    /// </summary>
    public long MaxPerMinute { get; set; } = 100_000;

    /// <summary>What is done when there are so many: <c>Stop</c> or <c>Drop</c>. Default: <c>Stop</c>.</summary>
    public WhenFull WhenFull { get; set; } = WhenFull.Stop;
}

/// <summary>Reading from Kafka.</summary>
public sealed class ReadingOptions
{
    /// <summary>Queues over which partitions are spread; the same on all silos. 1 to 1024. Default: 32.</summary>
    public int Slots { get; set; } = 32;

    /// <summary>How often new partitions and topics are looked for. Default: 30 s.</summary>
    public TimeSpan MetadataInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The most records of a batch. Default: 5,000.</summary>
    public int MaxBatchRecords { get; set; } = 5_000;

    /// <summary>The most bytes all partitions of this silo may have buffered. Default: 256 MiB.</summary>
    public long MaxBufferedBytes { get; set; } = 256L << 20;
}
