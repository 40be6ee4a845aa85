using KafkaOracleOrleans.Silo.Demo;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>
/// One pipeline file in this process, for writing pipelines: the host's Kafka and database connections, and state of its own, so that it disturbs
/// no deployment. Changes of the file take effect while it runs.
/// </summary>
internal static class RunFile
{
    private const string StateName = "run-file-state";

    // A job waits for no interval at its end, and what it keeps is small.
    private static readonly TimeSpan JobCheckpoints = TimeSpan.FromSeconds(1);

    /// <param name="file">The pipeline file.</param>
    /// <param name="state">A SQLite file to keep state in; null: state that is gone at the end.</param>
    /// <param name="url">Where the API listens; null: the configuration's.</param>
    /// <param name="toEnd">It ends by itself where the topics ended when it began; null: it runs on.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<int> RunAsync(string file, string? state, string? url, RunToEndOptions? toEnd, CancellationToken cancellation)
    {
        var path = Path.GetFullPath(file);
        if (!File.Exists(path)) throw new KorConfigurationException([$"There is no file '{file}'; 'kor new' drafts one."]);
        var folder = Directory.CreateTempSubdirectory("kor-run-");
        try
        {
            var pipelines = folder.CreateSubdirectory("pipelines").FullName;
            // A link: the watched folder then sees what is saved to the file itself.
            File.CreateSymbolicLink(Path.Combine(pipelines, Path.GetFileName(path)), path);
            var builder = SiloHost.CreateBuilder([], options =>
            {
                options.Pipelines = pipelines;
                options.Connections[StateName] = DemoDatabases.Parse("--state", state ?? Path.Combine(folder.FullName, "state.db"));
                options.State = new StateOptions { Connection = StateName, Create = true };
                options.Cluster = new ClusterOptions { SiloPort = 0, GatewayPort = 0 };
                if (url is not null) options.Url = url;
                if (toEnd is null) return;
                // Jobs run beside servers and beside each other.
                if (url is null) options.Url = "http://127.0.0.1:0";
                if (options.Engine.CheckpointInterval > JobCheckpoints) options.Engine.CheckpointInterval = JobCheckpoints;
            });
            await using var app = SiloHost.Build(builder);
            if (toEnd is not null) return await new RunToEnd(app, path, toEnd).RunAsync(cancellation);
            await Console.Error.WriteLineAsync(
                $"Running {file}; Ctrl-C stops it. It writes to its real sinks, and commits offsets for its group: give it a name that no deployment uses.");
            StartSummary.Begin(app.Services);
            await ShutdownWatchdog.RunAsync(app, cancellation);
            return 0;
        }
        finally
        {
            folder.Delete(true);
        }
    }
}
