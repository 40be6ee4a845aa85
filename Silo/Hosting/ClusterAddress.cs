using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>Turns <c>Kor:Cluster:Address</c> into the address the silo listens on and tells others.</summary>
internal static class ClusterAddress
{
    /// <summary>The word for "this machine's own address", for containers, whose address nobody knows beforehand.</summary>
    public const string Auto = "auto";

    /// <summary>The address; null and a fault with its remedy when there is none.</summary>
    /// <param name="text">An IP address, a host name that resolves to one of this machine's, or <see cref="Auto"/>.</param>
    public static IPAddress? Resolve(string text, out string? fault)
    {
        fault = null;
        if (IPAddress.TryParse(text, out var address))
        {
            if (!address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)) return address;
            fault = $"Kor:Cluster:Address is {text}, but other silos need an address they can reach; give this machine's, or '{Auto}'.";
            return null;
        }

        var found = text.Equals(Auto, StringComparison.OrdinalIgnoreCase) ? OwnAddresses() : Lookup(text);
        if (found.FirstOrDefault() is { } first) return first;
        fault = text.Equals(Auto, StringComparison.OrdinalIgnoreCase)
            ? $"Kor:Cluster:Address is '{Auto}', but no network interface of this machine has an IPv4 address besides loopback; give one."
            : $"Kor:Cluster:Address is '{text}', which is neither an IP address nor a name that resolves to one; or use '{Auto}'.";
        return null;
    }

    private static IEnumerable<IPAddress> OwnAddresses() => NetworkInterface.GetAllNetworkInterfaces()
        .Where(n => n.OperationalStatus == OperationalStatus.Up && n.NetworkInterfaceType != NetworkInterfaceType.Loopback)
        .SelectMany(n => n.GetIPProperties().UnicastAddresses)
        .Select(a => a.Address)
        .Where(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));

    private static IPAddress[] Lookup(string name)
    {
        try
        {
            return Dns.GetHostAddresses(name, AddressFamily.InterNetwork);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return [];
        }
    }
}
