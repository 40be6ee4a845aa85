using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Streams.Kafka;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The host's configuration cannot work; the message lists every fault with its remedy.</summary>
public sealed class KorConfigurationException(IReadOnlyList<string> faults)
    : Exception("The configuration cannot work:" + string.Concat(faults.Select(f => Environment.NewLine + "  " + f)))
{
    /// <summary>The faults.</summary>
    public IReadOnlyList<string> Faults { get; } = faults;
}

/// <summary>Checks the host's configuration as a whole, before anything starts.</summary>
internal static class KorOptionsValidation
{
    public static void Check(KorOptions options)
    {
        var faults = new List<string>(options.Unread);
        if (options.Kafka.Count == 0)
            faults.Add("Kor:Kafka names no cluster; set Kor:Kafka:main:BootstrapServers (environment: Kor__Kafka__main__BootstrapServers).");
        foreach (var (name, kafka) in options.Kafka.Where(k => string.IsNullOrWhiteSpace(k.Value.BootstrapServers)))
            faults.Add($"Kor:Kafka:{name}:BootstrapServers is empty; give host:port of at least one broker.");
        faults.AddRange(KafkaFaults(options));
        if (!options.Connections.ContainsKey(options.State.Connection))
        {
            faults.Add(
                $"Kor:State:Connection is '{options.State.Connection}', but Kor:Connections has {Known(options)}; " +
                $"add Kor:Connections:{options.State.Connection} or name one that exists.");
        }

        if (options.Cluster.Connection.Length != 0 && !options.Connections.ContainsKey(options.Cluster.Connection))
            faults.Add($"Kor:Cluster:Connection is '{options.Cluster.Connection}', but Kor:Connections has {Known(options)}.");
        else if (options.Cluster.Connection.Length != 0 && options.Connections[options.Cluster.Connection].Provider == DatabaseProvider.Sqlite)
        {
            faults.Add(
                $"Kor:Cluster:Connection '{options.Cluster.Connection}' is sqlite, which cannot hold a cluster; name a postgresql or oracle " +
                "connection, or leave it empty for a single silo.");
        }

        if (options.Cluster.Connection.Length != 0 && options.Connections.TryGetValue(options.State.Connection, out var state)
            && state.Provider == DatabaseProvider.Sqlite)
        {
            faults.Add(
                $"Kor:State:Connection '{options.State.Connection}' is sqlite, which the silos of a cluster cannot share; name a postgresql or oracle "
                + "connection, or leave Kor:Cluster:Connection empty for a single silo.");
        }

        if (options.Cluster.Connection.Length != 0 && ClusterAddress.Resolve(options.Cluster.Address, out var fault) is null) faults.Add(fault!);
        foreach (var (name, connection) in options.Connections)
        {
            faults.AddRange(connection.Validate().Select(f => $"Kor:Connections:{name}: {f}"));
            if (connection.PasswordFile is { } file && Unreadable(file) is { } why)
            {
                faults.Add(
                    $"Kor:Connections:{name}:PasswordFile is '{file}', which cannot be read ({why}); mount it, let the process's user read it, or name another.");
            }
        }

        foreach (var (name, registry) in options.Registries)
        {
            faults.AddRange(registry.Faults().Select(f => $"Kor:Registries:{name}: {f}"));
            foreach (var (setting, file) in registry.Files())
            {
                if (Unreadable(file) is { } why)
                    faults.Add($"Kor:Registries:{name}:{setting} is '{file}', which cannot be read ({why}); mount it, let the process's user read it, or name another.");
            }
        }

        var engine = options.Engine;
        Range(faults, "Kor:Engine:CheckpointInterval", engine.CheckpointInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
        Range(faults, "Kor:Engine:QueuedBatches", engine.QueuedBatches, 1, 64);
        Range(faults, "Kor:Engine:SinkBufferBytes", engine.SinkBufferBytes, 1 << 20, 1 << 30);
        Range(faults, "Kor:Engine:TotalSinkBufferBytes", engine.TotalSinkBufferBytes, 16L << 20, 64L << 30);
        if (engine.CellBytes != 0) Range(faults, "Kor:Engine:CellBytes", engine.CellBytes, 1L << 20, 1L << 40);
        if (engine.MemoryLimitBytes != 0) Range(faults, "Kor:Engine:MemoryLimitBytes", engine.MemoryLimitBytes, 64L << 20, 1L << 44);
        Range(faults, "Kor:Engine:RecentWindows", engine.RecentWindows, 0, 100_000);
        Range(faults, "Kor:Reading:Slots", options.Reading.Slots, 1, 1024);
        Range(faults, "Kor:Reading:MetadataInterval", options.Reading.MetadataInterval, TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1));
        Range(faults, "Kor:Reading:MaxBatchRecords", options.Reading.MaxBatchRecords, 1, 100_000);
        Range(faults, "Kor:Reading:MaxBufferedBytes", options.Reading.MaxBufferedBytes, 8L << 20, 64L << 30);
        Range(faults, "Kor:ShutdownTimeout", options.ShutdownTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Range(faults, "Kor:StopDelay", options.StopDelay, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        if (options.StopDelay >= options.ShutdownTimeout) faults.Add("Kor:StopDelay must be shorter than Kor:ShutdownTimeout, of which it is a part.");
        Range(faults, "Kor:Engine:MaxRepairDelay", engine.MaxRepairDelay, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Range(faults, "Kor:Engine:MoveAfter", engine.MoveAfter, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Range(faults, "Kor:Engine:MaxRestarts", engine.MaxRestarts, 0, 10_000);
        if (options.Quarantine.KeepFor != TimeSpan.Zero) Range(faults, "Kor:Quarantine:KeepFor", options.Quarantine.KeepFor, TimeSpan.FromMinutes(1), TimeSpan.FromDays(3653));
        Range(faults, "Kor:Quarantine:MaxRecords", options.Quarantine.MaxRecords, 0, 1_000_000_000);
        Range(faults, "Kor:Quarantine:MaxPerMinute", options.Quarantine.MaxPerMinute, 0, 1_000_000_000);
        Range(faults, "Kor:Metrics:QuarantineInterval", options.Metrics.QuarantineInterval, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        faults.AddRange(SiloTls.Validate(options.Cluster.Tls));
        faults.AddRange(ClusterSecret.Validate(options.Cluster));
        faults.AddRange(HttpFaults(options));
        if (faults.Count != 0) throw new KorConfigurationException(faults);
    }

    private static string? Unreadable(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file" : e.Message;
        }
    }

    private static List<string> KafkaFaults(KorOptions options)
    {
        try
        {
            KafkaLibrary.Check();
        }
        catch (KafkaLibraryException e)
        {
            return [e.Message];
        }

        var named = options.Kafka.Where(k => !string.IsNullOrWhiteSpace(k.Value.BootstrapServers));
        return [.. named.SelectMany(k => k.Value.Faults(k.Key).Select(f => $"Kor:Kafka:{k.Key}: {f}"))];
    }

    private static List<string> HttpFaults(KorOptions options)
    {
        var faults = new List<string>();
        var http = options.Http;
        Range(faults, "Kor:Http:MaxBodyBytes", http.MaxBodyBytes, 1 << 10, 64 << 20);
        Range(faults, "Kor:Http:RequestTimeout", http.RequestTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Range(faults, "Kor:Http:RequestsPerSecond", http.RequestsPerSecond, 1, 100_000);
        Range(faults, "Kor:Http:RequestBurst", http.RequestBurst, 1, 100_000);
        Range(faults, "Kor:Http:AuditKeepFor", http.AuditKeepFor, TimeSpan.FromDays(1), TimeSpan.FromDays(3660));
        foreach (var (name, key) in http.ApiKeys) faults.AddRange(ApiKeyRing.Validate(name, key));
        if (http.Oidc.Authority.Length != 0)
        {
            if (http.Oidc.Audience.Length == 0)
                faults.Add("Kor:Http:Oidc:Audience is empty; name the audience tokens must be made for, or any token of the provider would do.");
            if (!http.Oidc.AllowHttp && !http.Oidc.Authority.StartsWith("https://", StringComparison.Ordinal))
                faults.Add($"Kor:Http:Oidc:Authority is '{http.Oidc.Authority}'; it must begin with https://.");
        }

        if (!Uri.TryCreate(options.Url, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https"))
        {
            if (!IsWildcard(options.Url)) faults.Add($"Kor:Url is '{options.Url}'; write http://HOST:PORT.");
            url = null;
        }

        if (url is not { IsLoopback: true } && !Authentication.IsOn(http))
        {
            faults.Add(
                $"Kor:Url is '{options.Url}', which others can reach, and nothing says who may do what: set Kor:Http:ApiKeys:NAME:Hash and :Role "
                + "('dotnet run --project Silo -- api-key' makes a key), or Kor:Http:Oidc:Authority and :Audience, or listen on http://127.0.0.1:8080.");
        }

        return faults;
    }

    private static bool IsWildcard(string url) =>
        url.StartsWith("http://*", StringComparison.Ordinal) || url.StartsWith("http://+", StringComparison.Ordinal)
        || url.StartsWith("https://*", StringComparison.Ordinal) || url.StartsWith("https://+", StringComparison.Ordinal);

    private static string Known(KorOptions options) =>
        options.Connections.Count == 0 ? "no connections" : string.Join(", ", options.Connections.Keys.Select(k => $"'{k}'"));

    private static void Range<T>(List<string> faults, string name, T value, T min, T max)
        where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0) faults.Add($"{name} is {value}; it must be from {min} to {max}.");
    }
}
