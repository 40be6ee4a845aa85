using System.CommandLine;
using System.Globalization;

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
        var untilEnd = new Option<bool>("--until-end") { Description = "Stop with exit code 0 when all that the topics held at the start is durable in the sinks." };
        var close = new Option<bool>("--close-windows") { Description = "With --until-end: write the windows that are open at the end. Always so without --state." };
        var within = new Option<TimeSpan>("--within")
        {
            Description = "With --until-end: how long it may take, e.g. 30m; then it ends with 1. Default: as long as it takes.",
            HelpName = "SPAN",
            CustomParser = GlobalOptions.ParseDuration,
        };
        kor.Add(
            new Command("run", "Runs one pipeline in a process of its own, with the server's configuration and the real topics and tables.") { file, state, untilEnd, close, within },
            async (context, cancellation) =>
            {
                var path = context.Host.FullPath(context.Args.GetValue(file)!);
                var toEnd = context.Args.GetValue(untilEnd);
                if (!toEnd && context.Args.GetValue(close)) throw new CliException(ExitCodes.Usage, "--close-windows goes with --until-end only.");
                if (!toEnd && context.Args.GetResult(within) is { Implicit: false }) throw new CliException(ExitCodes.Usage, "--within goes with --until-end only.");
                // Every fault of the file, before a process is started for it.
                PipelineFiles.Load(context, path, context.Host.Variable);
                List<string> arguments = ["run-file", path];
                if (context.Args.GetValue(state) is { } kept) arguments.AddRange(["--state", context.Host.FullPath(kept)]);
                if (context.Args.GetResult(context.Globals.Url) is { Implicit: false }) arguments.AddRange(["--url", context.Url.ToString()]);
                if (toEnd) arguments.Add("--until-end");
                if (context.Args.GetValue(close)) arguments.Add("--close-windows");
                if (toEnd && context.Args.GetValue(within) is { Ticks: > 0 } span)
                    arguments.AddRange(["--within", string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0}ms")]);
                return await SiloProgram.RunAsync(context, arguments, cancellation);
            });
    }
}
