namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>What log lines look like. Levels are set as always in .NET, section <c>Logging</c>.</summary>
public sealed class LogsOptions
{
    /// <summary>One line of text, or one JSON object, per entry. Default: text.</summary>
    public LogFormat Format { get; set; }
}

/// <summary>Forms of log lines.</summary>
public enum LogFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>For log collectors; every value of a message is a field of its own.</summary>
    Json,
}

/// <summary>What is measured.</summary>
public sealed class MetricsOptions
{
    /// <summary>
    /// Also export <c>kafka_consumergroup_lag{consumergroup,topic,partition}</c> as kafka_exporter does, for dashboards that are there already. Default: false.
    /// </summary>
    public bool KafkaExporterCompat { get; set; }

    /// <summary>Gauges of lag per partition; without, only sums and maxima per pipeline. Default: true.</summary>
    public bool PerPartition { get; set; } = true;

    /// <summary>How often the records in quarantine are counted for <c>kor_quarantine_pending</c>; 1 s to 1 h. Default: 1 min.</summary>
    public TimeSpan QuarantineInterval { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>TLS between silos and from clients to the gateway; off while <see cref="Certificate"/> is empty.</summary>
public sealed class TlsOptions
{
    /// <summary>
    /// The certificate's file: PEM (with <see cref="Key"/>) or PKCS #12. It must allow server and client authentication, since silos are both. Empty: no TLS.
    /// </summary>
    public string Certificate { get; set; } = "";

    /// <summary>The private key's PEM file, when not in the certificate's.</summary>
    public string? Key { get; set; }

    /// <summary>A file with the password of the key.</summary>
    public string? PasswordFile { get; set; }

    /// <summary>PEM file with the authorities peers' certificates must come from. Required: the system's authorities would let any web server in.</summary>
    public string Authority { get; set; } = "";

    /// <summary>The name in the certificates of silos. Default: <c>kor</c>.</summary>
    public string TargetHost { get; set; } = "kor";
}
