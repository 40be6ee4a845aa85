using System.Net;
using System.Net.Sockets;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>When a proxied connection is cut.</summary>
public enum CutPoint
{
    /// <summary>Before the marked request reaches the server: the server never hears of it.</summary>
    BeforeRequest,

    /// <summary>After the server has answered the marked request, before the client hears of it.</summary>
    BeforeAnswer,
}

/// <summary>
/// A TCP proxy on loopback that cuts connections around a request that contains given bytes (such as COMMIT), so that a
/// client sees an outcome it cannot know.
/// </summary>
public sealed class TcpProxy : IAsyncDisposable
{
    /// <summary>
    /// COMMIT as PostgreSQL gets it, end included: BEGIN ... READ COMMITTED, which opens every transaction, is not meant.
    /// </summary>
    public static byte[] Commit => "COMMIT\0"u8.ToArray();

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _host;
    private readonly int _port;
    private readonly byte[] _marker;
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private readonly HashSet<Pair> _pairs = [];
    private CutPoint? _armed;
    private volatile bool _refusing;
    private int _cuts;

    /// <summary>Starts the proxy.</summary>
    /// <param name="marker">The bytes of a request to watch for.</param>
    public TcpProxy(string host, int port, byte[] marker)
    {
        _host = host;
        _port = port;
        _marker = marker;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The proxy's port on 127.0.0.1.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How many connections were cut around a marked request.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>The next marked request is cut at this point.</summary>
    public void Arm(CutPoint point)
    {
        lock (_lock) _armed = point;
    }

    /// <summary>While true, new connections are closed at once and the present ones are cut.</summary>
    public void Refuse(bool refuse)
    {
        _refusing = refuse;
        if (!refuse) return;
        Pair[] pairs;
        lock (_lock) pairs = [.. _pairs];
        foreach (var pair in pairs) pair.Close();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Refuse(true);
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception end) when (end is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            if (_refusing)
                client.Close();
            else
                _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        var pair = new Pair(client, server);
        lock (_lock) _pairs.Add(pair);
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            await Task.WhenAny(RequestsAsync(pair), AnswersAsync(pair));
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Either side went away: the pair is closed below.
        }
        finally
        {
            pair.Close();
            lock (_lock) _pairs.Remove(pair);
        }
    }

    private async Task RequestsAsync(Pair pair)
    {
        var buffer = new byte[64 << 10];
        while (true)
        {
            var read = await ReadAsync(pair.Client, buffer);
            if (read == 0) return;
            if (Contains(buffer.AsSpan(0, read)) && Disarm() is { } point)
            {
                Interlocked.Increment(ref _cuts);
                if (point == CutPoint.BeforeRequest) return;
                pair.CutAnswer = true;
            }

            if (!await WriteAsync(pair.Server, buffer.AsMemory(0, read))) return;
        }
    }

    private static async Task AnswersAsync(Pair pair)
    {
        var buffer = new byte[64 << 10];
        while (true)
        {
            var read = await ReadAsync(pair.Server, buffer);
            if (read == 0 || pair.CutAnswer) return;
            if (!await WriteAsync(pair.Client, buffer.AsMemory(0, read))) return;
        }
    }

    private CutPoint? Disarm()
    {
        lock (_lock)
        {
            var armed = _armed;
            _armed = null;
            return armed;
        }
    }

    private bool Contains(ReadOnlySpan<byte> request) => request.IndexOf(_marker) >= 0;

    private static async Task<int> ReadAsync(Socket socket, byte[] buffer)
    {
        try
        {
            return await socket.ReceiveAsync(buffer);
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }

    private static async Task<bool> WriteAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
            return true;
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private sealed class Pair(Socket client, Socket server)
    {
        public Socket Client { get; } = client;

        public Socket Server { get; } = server;

        public volatile bool CutAnswer;

        private int _closed;

        public void Close()
        {
            if (Interlocked.Exchange(ref _closed, 1) == 1) return;
            // A reset, not an orderly end: that is what a failing network looks like.
            foreach (var socket in (Socket[])[Client, Server])
            {
                socket.LingerState = new LingerOption(true, 0);
                socket.Close();
            }
        }
    }
}
