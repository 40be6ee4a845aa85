namespace KafkaOracleOrleans.Client;

/// <summary>How a cluster is reached.</summary>
public sealed class KorClientOptions
{
    /// <summary>The silos' <c>Kor:Cluster:ClusterId</c>. Default: <c>kor</c>.</summary>
    public string ClusterId { get; set; } = "kor";

    /// <summary>The silos' <c>Kor:Cluster:ServiceId</c>. Default: <c>kor</c>.</summary>
    public string ServiceId { get; set; } = "kor";

    /// <summary>
    /// Gateways as <c>host:port</c> (the silos' <c>Kor:Cluster:GatewayPort</c>, which is off unless it is set). One is enough to begin with; more make a lost silo harmless.
    /// Default: <c>127.0.0.1:30000</c>. Not used when <see cref="ConfigureClustering"/> is set.
    /// </summary>
    public IList<string> Gateways { get; set; } = ["127.0.0.1:30000"];

    /// <summary>
    /// Finds gateways another way, such as <c>client => client.UseAdoNetClustering(...)</c> on the database the silos share, which follows silos
    /// that come and go.
    /// </summary>
    public Action<IClientBuilder>? ConfigureClustering { get; set; }

    /// <summary>TLS, when the silos have it (<c>Kor:Cluster:Tls</c>). Default: none; such a cluster then refuses the connection.</summary>
    public KorClientTls? Tls { get; set; }

    /// <summary>
    /// A file with the secret of the silos (their <c>Kor:Cluster:SecretFile</c>), read again for every connection. It is proved, never sent. Default: none;
    /// silos that have one then refuse the connection.
    /// </summary>
    public string? SecretFile { get; set; }

    /// <summary>How long the start of the host waits for a gateway. Default: 30 s.</summary>
    public TimeSpan ConnectWithin { get; set; } = TimeSpan.FromSeconds(30);
}
