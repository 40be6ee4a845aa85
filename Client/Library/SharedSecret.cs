using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Tls;

/// <summary>
/// A secret that both ends of a connection prove to each other before anything else is said. It never travels: each end sends a random number, and
/// answers with a hash over both numbers that only who knows the secret can make.
/// </summary>
internal static partial class SharedSecret
{
    /// <summary>The shortest secret, characters.</summary>
    public const int MinLength = 32;

    private const int NonceLength = 32;
    private const int MacLength = 32;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly byte[] Magic = "KORSEC1\n"u8.ToArray();

    /// <summary>Reads a file's secret; null and the fault, without anything of the secret, when there is none.</summary>
    public static byte[]? Read(string file, out string? fault)
    {
        try
        {
            var text = File.ReadAllText(file).Trim();
            fault = text.Length < MinLength ? $"{file} holds fewer than {MinLength} characters; 'dotnet run --project Silo -- secret FILE' writes a good secret." : null;
            return fault is null ? Encoding.UTF8.GetBytes(text) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"{file} cannot be read ({e.GetType().Name}); mount it, let the process's user read it, or name another.";
            return null;
        }
    }

    /// <summary>Writes a new secret into a file that only this user can read. Throws when the file is there already.</summary>
    public static void Create(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var stream = new StreamWriter(new FileStream(file, options));
        stream.Write(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
    }

    /// <summary>The end that was connected to: whoever does not know the secret is let go.</summary>
    public static void RequireSecret(this IConnectionBuilder connections, Func<byte[]?> secret) => connections.Use(next => async context =>
    {
        var log = Log(connections);
        if (await WithinAsync(context, cancellation => AcceptAsync(context.Transport, secret, cancellation)) is not { } fault) await next(context);
        else LogRefused(log, context.RemoteEndPoint?.ToString() ?? "unknown", fault);
    });

    /// <summary>The end that connects.</summary>
    public static void ProveSecret(this IConnectionBuilder connections, Func<byte[]?> secret) => connections.Use(next => async context =>
    {
        var log = Log(connections);
        if (await WithinAsync(context, cancellation => ProveAsync(context.Transport, secret, cancellation)) is not { } fault) await next(context);
        else LogFailed(log, context.RemoteEndPoint?.ToString() ?? "unknown", fault);
    });

    private static async Task<string?> AcceptAsync(IDuplexPipe pipe, Func<byte[]?> secret, CancellationToken cancellation)
    {
        var own = RandomNumberGenerator.GetBytes(NonceLength);
        await pipe.Output.WriteAsync(Join(Magic, own), cancellation);
        if (await ReadAsync(pipe.Input, Magic.Length + NonceLength + MacLength, cancellation) is not { } answer) return "it closed the connection";
        if (!answer.AsSpan(0, Magic.Length).SequenceEqual(Magic)) return "it does not say that it knows the secret";
        // Read now: a secret that was exchanged counts from the next connection on.
        if (secret() is not { } key) return "the secret cannot be read here";
        var theirs = answer.AsSpan(Magic.Length, NonceLength).ToArray();
        var proof = answer.AsSpan(Magic.Length + NonceLength);
        if (!CryptographicOperations.FixedTimeEquals(proof, Mac(key, "client"u8, own, theirs))) return "its secret is another";
        await pipe.Output.WriteAsync(Mac(key, "silo"u8, own, theirs), cancellation);
        return null;
    }

    private static async Task<string?> ProveAsync(IDuplexPipe pipe, Func<byte[]?> secret, CancellationToken cancellation)
    {
        if (await ReadAsync(pipe.Input, Magic.Length + NonceLength, cancellation) is not { } hello) return "it closed the connection";
        if (!hello.AsSpan(0, Magic.Length).SequenceEqual(Magic)) return "it does not ask for a secret (Kor:Cluster:SecretFile)";
        if (secret() is not { } key) return "the secret cannot be read here";
        var theirs = hello.AsSpan(Magic.Length).ToArray();
        var own = RandomNumberGenerator.GetBytes(NonceLength);
        await pipe.Output.WriteAsync(Join(Magic, own, Mac(key, "client"u8, theirs, own)), cancellation);
        if (await ReadAsync(pipe.Input, MacLength, cancellation) is not { } proof) return "it refuses this secret";
        return CryptographicOperations.FixedTimeEquals(proof, Mac(key, "silo"u8, theirs, own)) ? null : "it does not know the secret";
    }

    /// <summary>Exactly so many bytes; null when the connection ends before. What comes after them stays in the pipe.</summary>
    private static async Task<byte[]?> ReadAsync(PipeReader reader, int length, CancellationToken cancellation)
    {
        var result = await reader.ReadAtLeastAsync(length, cancellation);
        if (result.Buffer.Length < length)
        {
            reader.AdvanceTo(result.Buffer.End);
            return null;
        }

        var taken = result.Buffer.Slice(0, length);
        var bytes = taken.ToArray();
        reader.AdvanceTo(taken.End);
        return bytes;
    }

    private static async Task<string?> WithinAsync(ConnectionContext context, Func<CancellationToken, Task<string?>> handshake)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.ConnectionClosed);
        patience.CancelAfter(Patience);
        try
        {
            return await handshake(patience.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            return e is OperationCanceledException ? "it did not answer in time, or closed the connection" : "the connection broke";
        }
    }

    private static byte[] Mac(byte[] key, ReadOnlySpan<byte> role, byte[] first, byte[] second)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData("kor connection 1 "u8);
        hash.AppendData(role);
        hash.AppendData(first);
        hash.AppendData(second);
        return hash.GetHashAndReset();
    }

    private static byte[] Join(params byte[][] parts) => [.. parts.SelectMany(p => p)];

    private static ILogger Log(IConnectionBuilder connections) =>
        connections.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("KafkaOracleOrleans.Connections");

    [LoggerMessage(Level = LogLevel.Warning, Message = "A connection from {Address} was refused: {Fault}. Who may connect knows the cluster's secret (Kor:Cluster:SecretFile).")]
    private static partial void LogRefused(ILogger log, string address, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "The connection to {Address} was given up: {Fault}. Both ends need the same secret (silos: Kor:Cluster:SecretFile; clients: KorClientOptions.SecretFile).")]
    private static partial void LogFailed(ILogger log, string address, string fault);
}
