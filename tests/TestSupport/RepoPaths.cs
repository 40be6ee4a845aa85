namespace KafkaOracleOrleans.TestSupport;

/// <summary>Where things are in the working copy the tests were built from.</summary>
public static class RepoPaths
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A path below the root.</summary>
    public static string Under(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Kafka's home: KAFKA_HOME, else ../shared/kafka beside the working copy; null when neither exists.</summary>
    public static string? KafkaHome
    {
        get
        {
            var home = Environment.GetEnvironmentVariable("KAFKA_HOME");
            if (string.IsNullOrEmpty(home))
                home = Path.Combine(Root, "..", "shared", "kafka");
            return File.Exists(Path.Combine(home, "bin", "broker.sh")) ? Path.GetFullPath(home) : null;
        }
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KafkaOracleOrleans.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("The solution folder was not found.");
    }
}
