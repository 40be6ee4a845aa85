using System.Net;
using System.Net.Sockets;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>
/// Ports for servers that tests start, kill and start again. They lie below the range the kernel takes outgoing connections' ports from, so that none is
/// taken while its server is down, and each test process begins at another place.
/// </summary>
public static class FreePorts
{
    private const int First = 15_000;
    private const int Count = 15_000;
    private static int _next = (int)(Environment.ProcessId * 7919L % Count);

    /// <summary>The first of <paramref name="run"/> free ports in a row.</summary>
    public static int Next(int run = 1)
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            // The range ends where the next one begins: none is given out twice while its server has not started yet.
            var port = First + ((Interlocked.Add(ref _next, run) - run) % (Count - run));
            if (Enumerable.Range(port, run).All(IsFree)) return port;
        }

        throw new InvalidOperationException($"No {run} free ports in a row were found from {First} to {First + Count}.");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
