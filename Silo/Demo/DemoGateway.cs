using System.Net;
using System.Net.Sockets;
using KafkaOracleOrleans.Tls;

namespace KafkaOracleOrleans.Silo.Demo;

/// <summary>The demo's gateway for clients of the library: a fixed port, and a secret in a file that only this user can read.</summary>
/// <param name="Port">The port; 0: none.</param>
/// <param name="SecretFile">The secret's file; null: there is no gateway.</param>
/// <param name="Note">Why there is none; empty when there is one.</param>
internal sealed record DemoGateway(int Port, string? SecretFile, string Note)
{
    /// <summary>Where the demo keeps its secret, and samples look for it.</summary>
    public static string DefaultSecretFile { get; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "kor", "demo-gateway.secret");

    /// <summary>Finds out whether the port can be had, and makes the secret the first time.</summary>
    public static DemoGateway Open(int port)
    {
        if (port == 0) return new DemoGateway(0, null, "none (--gateway 0)");
        if (port is < 0 or > 65535) throw new Hosting.KorConfigurationException([$"--gateway is {port}; a port is from 1 to 65535, and 0 means none."]);
        if (IsTaken(port)) return new DemoGateway(0, null, $"none: something else listens on port {port}; --gateway PORT names another");
        try
        {
            var file = DefaultSecretFile;
            if (!Path.IsPathRooted(file)) return new DemoGateway(0, null, "none: this user has no folder to keep its secret in (HOME)");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            if (!File.Exists(file)) SharedSecret.Create(file);
            return SharedSecret.Read(file, out var fault) is null ? new DemoGateway(0, null, $"none: {fault} Delete it, and the demo makes a new one.") : new DemoGateway(port, file, "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new DemoGateway(0, null, $"none: its secret cannot be kept ({e.Message})");
        }
    }

    public override string ToString() => Port == 0 ? Note : $"127.0.0.1:{Port} (secret in {SecretFile})";

    private static bool IsTaken(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port) { ExclusiveAddressUse = true };
            listener.Start();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
