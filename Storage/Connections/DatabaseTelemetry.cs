using System.Diagnostics;

namespace KafkaOracleOrleans.Storage.Connections;

/// <summary>A span and a duration per query or transaction, with OpenTelemetry's names; never statements or values.</summary>
public static class DatabaseTelemetry
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "KafkaOracleOrleans.Storage";

    private static readonly ActivitySource Source = new(SourceName);

    internal static async Task<T> RunAsync<T>(Database database, string operation, Func<Task<T>> body)
    {
        using var activity = Begin(database, operation);
        var started = Stopwatch.GetTimestamp();
        string? fault = null;
        try
        {
            return await body().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            fault = e is DatabaseException failure ? failure.Error.Class.ToString() : e.GetType().Name;
            activity?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", fault);
            if (e is DatabaseException known) activity?.SetTag("db.response.status_code", known.Error.Code);
            throw;
        }
        finally
        {
            Record(database, operation, Stopwatch.GetElapsedTime(started), fault);
        }
    }

    /// <summary>The databases' names in the conventions.</summary>
    private static string SystemOf(DatabaseProvider provider) => provider switch
    {
        DatabaseProvider.PostgreSql => "postgresql",
        DatabaseProvider.Sqlite => "sqlite",
        _ => "oracle.db",
    };

    private static Activity? Begin(Database database, string operation)
    {
        if (!Source.HasListeners()) return null;
        return Source.StartActivity($"{operation} {database.Name}", ActivityKind.Client)?
            .SetTag("db.system.name", SystemOf(database.Provider))
            .SetTag("db.operation.name", operation)
            .SetTag("kor.connection", database.Name);
    }

    private static void Record(Database database, string operation, TimeSpan took, string? fault)
    {
        var tags = new TagList
        {
            { "db.system.name", SystemOf(database.Provider) }, { "db.operation.name", operation }, { "connection", database.Name },
        };
        if (fault is not null) tags.Add("error.type", fault);
        StorageMetrics.OperationSeconds.Record(took.TotalSeconds, tags);
    }
}
