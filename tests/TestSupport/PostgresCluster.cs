using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace KafkaOracleOrleans.TestSupport;

/// <summary>
/// A PostgreSQL server of its own in a temporary folder, on a free loopback port, with trust authentication. Disposing
/// stops it and deletes the folder. <see cref="SkipReason"/> says why there is none when the server's binaries are
/// missing.
/// </summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly string? Binaries = FindBinaries();

    private readonly string _folder;
    private readonly bool _fsync;

    private PostgresCluster(string folder, int port, bool fsync)
    {
        _folder = folder;
        _fsync = fsync;
        Port = port;
    }

    /// <summary>Null when a server can be started here.</summary>
    public static string? SkipReason =>
        Binaries is null ? "PostgreSQL's server binaries (initdb, postgres) are not installed." : null;

    /// <summary>The port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>A connection string for the database <c>postgres</c>, as its superuser.</summary>
    public string ConnectionString => For("postgres");

    /// <summary>Makes and starts a server.</summary>
    /// <param name="fsync">True for commits that survive a crash of the machine; a killed server loses nothing either
    /// way.</param>
    public static async Task<PostgresCluster> StartAsync(bool fsync = false)
    {
        if (SkipReason is { } reason) throw new InvalidOperationException(reason);
        var folder = Path.Combine("/tmp", $"kor-pg-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        if (IsRoot) await RunAsync("chown", ["postgres", folder]);
        var cluster = new PostgresCluster(folder, FreePorts.Next(), fsync);
        await RunServerToolAsync(
            "initdb", "-D", cluster.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        await cluster.StartServerAsync();
        return cluster;
    }

    /// <summary>A connection string for a database, as superuser.</summary>
    public string For(string database) =>
        string.Create(CultureInfo.InvariantCulture,
            $"Host=127.0.0.1;Port={Port};Database={database};Username=postgres;Include Error Detail=true");

    /// <summary>Makes an empty database and returns its name.</summary>
    public async Task<string> CreateDatabaseAsync(string prefix = "t")
    {
        var name = $"{prefix}_{Guid.NewGuid():N}";
        await PsqlAsync("postgres", $"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>Runs SQL with psql in a database and returns what it prints (unaligned, rows only).</summary>
    public Task<string> PsqlAsync(string database, string sql) =>
        RunAsync(
            Path.Combine(Binaries!, "psql"),
            ["-h", "127.0.0.1", "-p", PortText, "-U", "postgres", "-d", database, "-X", "-q", "-t", "-A",
                "-v", "ON_ERROR_STOP=1", "-c", sql]);

    /// <summary>Kills the server and all its processes with SIGKILL, as a power failure of the process would.</summary>
    public async Task KillAsync()
    {
        using var postmaster = Process.GetProcessById(PostmasterId());
        postmaster.Kill(entireProcessTree: true);
        await postmaster.WaitForExitAsync();
    }

    /// <summary>
    /// Starts the server again after <see cref="KillAsync"/> or <see cref="StopAsync"/>; recovery has ended when it
    /// returns.
    /// </summary>
    public async Task StartServerAsync()
    {
        var options = string.Create(CultureInfo.InvariantCulture,
            $"-p {Port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=200 ")
            + $"-c fsync={(_fsync ? "on" : "off")} -c shared_buffers=64MB -c log_min_messages=fatal -c max_wal_size=2GB";
        var clock = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await RunServerToolAsync(
                    "pg_ctl", "-D", Data, "-l", Path.Combine(_folder, "log"), "-o", options, "-w", "-t", "50", "start");
                return;
            }
            catch (InvalidOperationException) when (clock.Elapsed < Deadline)
            {
                // Shared memory of the killed server is in use until its last process is gone.
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Stops the server; sessions are cut.</summary>
    public Task StopAsync() => RunServerToolAsync("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
        {
            try
            {
                await StopAsync();
            }
            catch (InvalidOperationException)
            {
                // It was killed and not started again: there is nothing to stop.
            }
        }

        Directory.Delete(_folder, recursive: true);
    }

    private string Data => Path.Combine(_folder, "data");

    private string PortText => Port.ToString(CultureInfo.InvariantCulture);

    private static bool IsRoot => Environment.UserName == "root";

    private int PostmasterId() =>
        int.Parse(File.ReadLines(Path.Combine(Data, "postmaster.pid")).First(), CultureInfo.InvariantCulture);

    private static string? FindBinaries()
    {
        var folders = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(d => Path.Combine(d, "bin"))
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return folders.Concat(path).FirstOrDefault(d => d.Length > 0 && File.Exists(Path.Combine(d, "initdb")));
    }

    /// <summary>A port that was free a moment ago.</summary>
    private static Task<string> RunServerToolAsync(string tool, params string[] arguments)
    {
        var program = Path.Combine(Binaries!, tool);
        return IsRoot
            ? RunAsync("runuser", ["-u", "postgres", "--", program, .. arguments])
            : RunAsync(program, arguments);
    }

    private static async Task<string> RunAsync(string program, IReadOnlyList<string> arguments)
    {
        // A server started by pg_ctl inherits pipes: output goes to them only from the tool itself, never waited for.
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/tmp",
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Deadline);
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode == 0 && Path.GetFileName(program) == "psql") return (await output).Trim();
        if (process.ExitCode == 0) return "";
        throw new InvalidOperationException(
            $"{Path.GetFileName(program)} ended with {process.ExitCode}: {await errors}");
    }
}
