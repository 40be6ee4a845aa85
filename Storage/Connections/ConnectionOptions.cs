namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>The databases that can be written to.</summary>
public enum DatabaseProvider
{
    /// <summary>SQLite 3.35 or later, a file on this machine.</summary>
    Sqlite,

    /// <summary>PostgreSQL 13 or later.</summary>
    PostgreSql,

    /// <summary>Oracle Database 19c or later, through Oracle.ManagedDataAccess.Core.</summary>
    Oracle,
}

/// <summary>
/// One named database connection of the host's configuration. Either <see cref="ConnectionString"/> or the single parts
/// are given; parts complete a connection string. No password appears in <see cref="ToString"/>, logs or errors.
/// </summary>
public sealed class ConnectionOptions
{
    /// <summary>Which database: <c>oracle</c>, <c>postgresql</c> or <c>sqlite</c>.</summary>
    public DatabaseProvider Provider { get; set; }

    /// <summary>
    /// The provider's own connection string. For Oracle its <c>Data Source</c> may be a TNS alias, a full connect
    /// descriptor or EZConnect Plus (<c>tcps://host:2484/service?wallet_location=/wallet</c>).
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>The server's name or address.</summary>
    public string? Host { get; set; }

    /// <summary>The server's port; default 5432 (PostgreSQL), 1521 or, with <see cref="Tls"/>, 2484 (Oracle).</summary>
    public int? Port { get; set; }

    /// <summary>The database (PostgreSQL), the service (Oracle) or the file's path (SQLite).</summary>
    public string? Database { get; set; }

    /// <summary>The user.</summary>
    public string? User { get; set; }

    /// <summary>The password. Prefer <see cref="PasswordFile"/>.</summary>
    public string? Password { get; set; }

    /// <summary>
    /// A file that holds the password (a mounted secret); read again for each new connection, so it can be rotated.
    /// </summary>
    public string? PasswordFile { get; set; }

    /// <summary>
    /// Encrypt and verify: TCPS to <see cref="Host"/> (Oracle), <c>SSL Mode=VerifyFull</c> unless the connection string
    /// asks for more or other verification (PostgreSQL). Default: false.
    /// </summary>
    public bool Tls { get; set; }

    /// <summary>Oracle: the folder of the wallet (<c>cwallet.sso</c>) for TCPS.</summary>
    public string? WalletLocation { get; set; }

    /// <summary>Oracle: the folder of <c>tnsnames.ora</c>.</summary>
    public string? TnsAdmin { get; set; }

    /// <summary>The longest time a statement may take; 1 s to 1 h, default 60 s.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest time opening a connection may take; 1 s to 5 min, default 15 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The most connections kept; 1 to 1,000, default 32.</summary>
    public int MaxPoolSize { get; set; } = 32;

    /// <summary>Rows of one statement; 1 to 10,000, default 1,000.</summary>
    public int RowsPerStatement { get; set; } = 1000;

    /// <summary>Retry of conflicts and of an unavailable database.</summary>
    public RetryOptions Retry { get; set; } = new();

    /// <summary>The circuit breaker.</summary>
    public BreakerOptions Breaker { get; set; } = new();

    /// <summary>Says what is wrong with the options, every fault at once; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        Check(CommandTimeout >= TimeSpan.FromSeconds(1) && CommandTimeout <= TimeSpan.FromHours(1),
            "commandTimeout must be between 1 second and 1 hour");
        Check(ConnectTimeout >= TimeSpan.FromSeconds(1) && ConnectTimeout <= TimeSpan.FromMinutes(5),
            "connectTimeout must be between 1 second and 5 minutes");
        Check(MaxPoolSize is >= 1 and <= 1000, "maxPoolSize must be between 1 and 1,000");
        Check(RowsPerStatement is >= 1 and <= 10_000, "rowsPerStatement must be between 1 and 10,000");
        Check(Password is null || PasswordFile is null, "give either password or passwordFile, not both");
        Check(ConnectionString is not null || Database is not null,
            Provider == DatabaseProvider.Sqlite
                ? "database (the file's path) or connectionString is missing"
                : "database or connectionString is missing");
        Check(Provider == DatabaseProvider.Sqlite || ConnectionString is not null || Host is not null,
            "host or connectionString is missing");
        Check(!Tls || Provider != DatabaseProvider.Oracle || Host is not null,
            "tls needs host; in a connection string say tcps:// in its Data Source");
        Check(Port is null or (>= 1 and <= 65535), "port must be between 1 and 65535");
        Retry.Validate(Check);
        Breaker.Validate(Check);
        return faults;

        void Check(bool holds, string fault)
        {
            if (!holds) faults.Add(fault);
        }
    }

    /// <summary>The target without secrets, e.g. <c>postgresql://db:5432/orders</c>.</summary>
    public override string ToString() => Provider switch
    {
        DatabaseProvider.Sqlite => $"sqlite:{Database ?? "(connection string)"}",
        _ when Host is null => $"{Provider.ToText()}:(connection string)",
        _ => $"{Provider.ToText()}://{Host}:{Port ?? DefaultPort}/{Database}",
    };

    internal int DefaultPort => Provider == DatabaseProvider.Oracle ? (Tls ? 2484 : 1521) : 5432;
}

/// <summary>Back-off between attempts: it doubles from the first delay to the last, with full jitter.</summary>
public sealed class RetryOptions
{
    /// <summary>The first delay; 1 ms to 1 min, default 200 ms.</summary>
    public TimeSpan FirstDelay { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest delay; up to 10 min, default 30 s.</summary>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Attempts at a transaction that lost a conflict (deadlock, lock, serialization); 1 to 100, default 8.
    /// </summary>
    public int ConflictAttempts { get; set; } = 8;

    /// <summary>
    /// How long a sink tries a row again that depends on other rows (a foreign key without its parent, a unique value that is taken) before the row goes
    /// to quarantine. Waits in vain halve it, down to 1 s; one that helped restores it. 0 to 10 min, default 30 s.
    /// </summary>
    public TimeSpan OtherRowsWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a sink tries a write again that the database refuses with a code of unknown meaning, when none of its rows goes in and so nothing shows
    /// that it is the rows' fault; then they go to quarantine. 0 (default): for ever, and the sink is blocked meanwhile. Up to 7 days.
    /// </summary>
    public TimeSpan UnknownErrorWait { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// The delay before attempt <paramref name="attempt"/> (from 1), given a random number in [0, 1).
    /// </summary>
    public TimeSpan Delay(int attempt, double random)
    {
        var ceiling = Math.Min(MaxDelay.TotalMilliseconds,
            FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 30) - 1));
        return TimeSpan.FromMilliseconds(1 + (ceiling * random));
    }

    internal void Validate(Action<bool, string> check)
    {
        check(FirstDelay >= TimeSpan.FromMilliseconds(1) && FirstDelay <= TimeSpan.FromMinutes(1),
            "retry.firstDelay must be between 1 ms and 1 minute");
        check(MaxDelay >= FirstDelay && MaxDelay <= TimeSpan.FromMinutes(10),
            "retry.maxDelay must be between retry.firstDelay and 10 minutes");
        check(OtherRowsWait >= TimeSpan.Zero && OtherRowsWait <= TimeSpan.FromMinutes(10),
            "retry.otherRowsWait must be between 0 and 10 minutes");
        check(UnknownErrorWait >= TimeSpan.Zero && UnknownErrorWait <= TimeSpan.FromDays(7),
            "retry.unknownErrorWait must be between 0 and 7 days");
        check(ConflictAttempts is >= 1 and <= 100, "retry.conflictAttempts must be between 1 and 100");
    }
}

/// <summary>When a connection stops being tried for a while.</summary>
public sealed class BreakerOptions
{
    /// <summary>
    /// Attempts within <see cref="Window"/>, half of them failed, that open the circuit; 2 to 1,000, default 5.
    /// </summary>
    public int Failures { get; set; } = 5;

    /// <summary>The time over which failures count; 1 s to 10 min, default 30 s.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long the circuit stays open before one attempt is let through; 500 ms to 10 min, default 2 s.
    /// </summary>
    public TimeSpan Break { get; set; } = TimeSpan.FromSeconds(2);

    internal void Validate(Action<bool, string> check)
    {
        check(Failures is >= 2 and <= 1000, "breaker.failures must be between 2 and 1,000");
        check(Window >= TimeSpan.FromSeconds(1) && Window <= TimeSpan.FromMinutes(10),
            "breaker.window must be between 1 second and 10 minutes");
        check(Break >= TimeSpan.FromMilliseconds(500) && Break <= TimeSpan.FromMinutes(10),
            "breaker.break must be between 500 ms and 10 minutes");
    }
}

/// <summary>Names of providers.</summary>
public static class DatabaseProviderText
{
    /// <summary>
    /// The name in configuration and in deploy/sql: <c>sqlite</c>, <c>postgresql</c> or <c>oracle</c>.
    /// </summary>
    public static string ToText(this DatabaseProvider provider) => provider switch
    {
        DatabaseProvider.Sqlite => "sqlite",
        DatabaseProvider.PostgreSql => "postgresql",
        DatabaseProvider.Oracle => "oracle",
        _ => throw new ArgumentOutOfRangeException(nameof(provider), provider, "There is no such provider."),
    };

    /// <summary>Reads a provider's name; null when there is none of that name.</summary>
    public static DatabaseProvider? Parse(string text) => text.ToUpperInvariant() switch
    {
        "SQLITE" => DatabaseProvider.Sqlite,
        "POSTGRESQL" or "POSTGRES" => DatabaseProvider.PostgreSql,
        "ORACLE" => DatabaseProvider.Oracle,
        _ => null,
    };
}
