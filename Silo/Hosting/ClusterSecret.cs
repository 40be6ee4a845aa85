using System.Security.Cryptography;
using KafkaOracleOrleans.Tls;
using Orleans.Configuration;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The secret that silos, and clients of their gateway, prove to each other that they know (<c>Kor:Cluster:SecretFile</c>).</summary>
internal static class ClusterSecret
{
    public static void Use(ISiloBuilder silo, ClusterOptions cluster)
    {
        var secret = Source(cluster);
        if (secret is null) return;
        silo.Configure<SiloConnectionOptions>(options =>
        {
            options.ConfigureSiloInboundConnection(connections => connections.RequireSecret(secret));
            options.ConfigureSiloOutboundConnection(connections => connections.ProveSecret(secret));
            if (cluster.SecretFile is not null) options.ConfigureGatewayInboundConnection(connections => connections.RequireSecret(secret));
        });
    }

    /// <summary>What keeps the cluster's ports from others; nothing of any secret.</summary>
    public static IEnumerable<string> Validate(ClusterOptions cluster)
    {
        if (cluster.SecretFile is { } file && SharedSecret.Read(file, out var fault) is null) yield return $"Kor:Cluster:SecretFile: {fault}";
        if (cluster.GatewayPort is < 0 or > 65535) yield return $"Kor:Cluster:GatewayPort is {cluster.GatewayPort}; it must be from 0 (none) to 65535.";
        if (cluster.GatewayPort == 0 || cluster.SecretFile is not null || cluster.Tls.Certificate.Length != 0) yield break;
        yield return $"Kor:Cluster:GatewayPort is {cluster.GatewayPort}, where whoever reaches it could steer every pipeline without a key: set Kor:Cluster:SecretFile "
            + "('dotnet run --project Silo -- secret FILE' writes a secret, which clients name in KorClientOptions.SecretFile), or Kor:Cluster:Tls:Certificate and :Authority, or "
            + "Kor:Cluster:GatewayPort to 0 for no gateway.";
    }

    /// <summary>
    /// Where the secret comes from; null: there is none. A silo on its own has no peers, so its own port takes a secret that nobody else knows: other accounts
    /// of the machine do not get in there either.
    /// </summary>
    private static Func<byte[]?>? Source(ClusterOptions cluster)
    {
        if (cluster.SecretFile is { } file) return () => SharedSecret.Read(file, out _);
        if (cluster.Connection.Length != 0) return null;
        var own = RandomNumberGenerator.GetBytes(SharedSecret.MinLength);
        return () => own;
    }
}
