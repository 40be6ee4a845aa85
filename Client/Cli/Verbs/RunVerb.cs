using System.CommandLine;

namespace KafkaOracleOrleans.Client.Cli.Verbs;

/// <summary>
/// <c>kor run</c>: one pipeline in a process of its own, while it is being written. The command line does not contain the engine, so it starts the
/// server's program, which it finds by <c>KOR_SILO</c>, beside itself, or in a checkout around the working directory.
/// </summary>
internal static class RunVerb
{
    public static void AddTo(KorCommand kor)
    {
        var file = new Argument<string>("file") { Description = "A pipeline file; what is saved to it takes effect while it runs." };
        var state = new Option<string?>("--state") { Description = "A SQLite file that keeps the state. Default: state that is gone at the end." };
        kor.Add(
            new Command("run", "Runs one pipeline in a process of its own, with the server's configuration and the real topics and tables.") { file, state },
            async (context, cancellation) =>
            {
                var path = context.Host.FullPath(context.Args.GetValue(file)!);
                // Every fault of the file, before a process is started for it.
                PipelineFiles.Load(context, path, context.Host.Variable);
                List<string> arguments = ["run-file", path];
                if (context.Args.GetValue(state) is { } kept) arguments.AddRange(["--state", context.Host.FullPath(kept)]);
                if (context.Args.GetResult(context.Globals.Url) is { Implicit: false }) arguments.AddRange(["--url", context.Url.ToString()]);
                return await SiloProgram.RunAsync(context, arguments, cancellation);
            });
    }
}
