using KafkaOracleOrleans.Processing.Diagnostics;
using KafkaOracleOrleans.Storage.Connections;

namespace KafkaOracleOrleans.Storage.Diagnosis;

/// <summary>The database drivers of this build.</summary>
public static class DatabaseDrivers
{
    /// <summary>What the stand-in for Oracle's driver must never be taken for.</summary>
    public const string StandInNote =
        "a STAND-IN over PostgreSQL, loaded for tests: it is not Oracle's driver, and what runs on it says nothing about an Oracle database";

    /// <summary>What a host without cultures must know before it goes live with Oracle; null when it has them.</summary>
    public static (string Text, string Remedy)? WithoutCultures() => WithoutCultures(AppContext.TryGetSwitch("System.Globalization.Invariant", out var invariant) && invariant);

    internal static (string Text, string Remedy)? WithoutCultures(bool invariant) => invariant
        ? ("This host runs without cultures (InvariantGlobalization), and Oracle's driver takes the settings of its sessions from .NET's culture at login; what it does then is not documented.",
            "Build the host with <InvariantGlobalization>false</InvariantGlobalization>, which -p:WithOracleDriver=true does for the silo, and have libicu on the machine.")
        : null;

    private const string AddOracle =
        "not part of this build. Add it with: dotnet publish Silo -c Release -p:WithOracleDriver=true";

    /// <summary>All drivers, present or not.</summary>
    public static IReadOnlyList<DriverInfo> All() => [Oracle(), PostgreSql(), Sqlite()];

    /// <summary>Oracle's driver.</summary>
    public static DriverInfo Oracle()
    {
        try
        {
            var driver = OracleDriver.Instance;
            return new DriverInfo("oracle", "Oracle.ManagedDataAccess", driver.Version, driver.StandIn ? StandInNote : null, driver.StandIn);
        }
        catch (ConnectionConfigurationException missing)
        {
            var note = missing.InnerException is null ? missing.Message : AddOracle;
            return new DriverInfo("oracle", "Oracle.ManagedDataAccess", null, note, false);
        }
    }

    private static DriverInfo PostgreSql() => new("postgresql", "Npgsql", VersionOf(typeof(Npgsql.NpgsqlConnection)), null, false);

    private static DriverInfo Sqlite()
    {
        // Asked of the driver, which loads the library first: nothing else in the process may have done so.
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection();
        return new DriverInfo(
            "sqlite", "Microsoft.Data.Sqlite", VersionOf(typeof(Microsoft.Data.Sqlite.SqliteConnection)), $"SQLite {connection.ServerVersion}", false);
    }

    private static string VersionOf(Type type) => type.Assembly.GetName().Version?.ToString(3) ?? "unknown";
}
