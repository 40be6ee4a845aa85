using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KafkaOracleOrleans.Tls;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;

namespace KafkaOracleOrleans.Client;

/// <summary>Adds the client to a host.</summary>
public static class KorClientExtensions
{
    /// <summary>
    /// Adds <see cref="KorClient"/>. It connects when the host starts, which fails when no gateway answers within
    /// <see cref="KorClientOptions.ConnectWithin"/>; a connection lost later is restored by itself. Throws <see cref="ArgumentException"/> for a
    /// gateway that is not <c>host:port</c>, or for files of <see cref="KorClientOptions.Tls"/> or <see cref="KorClientOptions.SecretFile"/> that cannot be used.
    /// </summary>
    public static IServiceCollection AddKorClient(this IServiceCollection services, Action<KorClientOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = new KorClientOptions();
        configure?.Invoke(options);
        var gateways = options.ConfigureClustering is null ? options.Gateways.Select(Parse).ToArray() : [];
        if (options.ConfigureClustering is null && gateways.Length == 0)
            throw new ArgumentException("There is no gateway; give KorClientOptions.Gateways at least one host:port.", nameof(configure));
        if (options.SecretFile is { } file && SharedSecret.Read(file, out var fault) is null) throw new ArgumentException($"KorClientOptions.SecretFile: {fault}", nameof(configure));
        services.AddOrleansClient(client =>
        {
            client.Configure<ClusterOptions>(o => (o.ClusterId, o.ServiceId) = (options.ClusterId, options.ServiceId));
            if (options.ConfigureClustering is { } clustering) clustering(client);
            else client.UseStaticClustering(gateways);
            options.Tls?.Use(client);
            // After TLS, and so inside it.
            if (options.SecretFile is { } secret)
                client.Configure<ClientConnectionOptions>(o => o.ConfigureConnection(connections => connections.ProveSecret(() => SharedSecret.Read(secret, out _))));
            var began = TimeProvider.System.GetTimestamp();
            client.UseConnectionRetryFilter(async (_, cancellation) =>
            {
                if (TimeProvider.System.GetElapsedTime(began) >= options.ConnectWithin) return false;
                await Task.Delay(TimeSpan.FromSeconds(1), cancellation);
                return true;
            });
        });
        services.TryAddSingleton<KorClient>();
        return services;
    }

    private static IPEndPoint Parse(string gateway)
    {
        if (IPEndPoint.TryParse(gateway, out var endpoint) && endpoint.Port != 0) return endpoint;
        var colon = gateway.LastIndexOf(':');
        if (colon < 1 || !ushort.TryParse(gateway.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0)
            throw new ArgumentException($"'{gateway}' is no gateway; write host:port, such as 10.0.0.5:30000.", nameof(gateway));
        try
        {
            var addresses = Dns.GetHostAddresses(gateway[..colon]);
            return new IPEndPoint(Array.Find(addresses, a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0], port);
        }
        catch (SocketException e)
        {
            throw new ArgumentException($"The host of gateway '{gateway}' is not known: {e.Message}", nameof(gateway), e);
        }
    }
}
