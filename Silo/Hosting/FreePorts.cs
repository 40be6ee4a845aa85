using System.Net;
using System.Net.Sockets;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Free ports of this machine.</summary>
internal static class FreePorts
{
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
