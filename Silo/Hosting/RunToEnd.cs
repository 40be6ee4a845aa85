using System.Globalization;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Pipelines;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Silo.Diagnosis;
using KafkaOracleOrleans.Silo.Pipelines;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>What a run that stops by itself is to do.</summary>
/// <param name="CloseWindows">Windows that are open at the end are closed and written.</param>
/// <param name="KeepsState">Its state outlives it, so that open windows can wait for the next run.</param>
/// <param name="Within">How long it may take; null: as long as it takes.</param>
internal sealed record RunToEndOptions(bool CloseWindows, bool KeepsState, TimeSpan? Within);

/// <summary>
/// Runs a host with one pipeline until everything that its topics held at the start is durable in the sinks: a cron job, a backfill. Databases and brokers that
/// are away are waited for.
/// </summary>
internal sealed class RunToEnd(WebApplication app, string file, RunToEndOptions run)
{
    private const int Failed = 1;
    private const int Conflict = 4;
    private const int Unreachable = 69;
    private const int Configuration = 78;
    private const int Interrupted = 130;

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    // A part may fail on its way to starting over; one that stays so needs an operator.
    private static readonly TimeSpan FailsFor = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan KafkaPatience = TimeSpan.FromSeconds(30);

    private readonly TimeProvider _time = app.Services.GetRequiredService<TimeProvider>();
    private readonly long _began = app.Services.GetRequiredService<TimeProvider>().GetTimestamp();
    private string? _missing;

    /// <summary>Runs it. Returns the exit code: 0 at the end; what else there is, is said on stderr.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        StartSummary.Begin(app.Services);
        var compiled = app.Services.GetRequiredService<IPipelineCompiler>().Compile(
            await File.ReadAllTextAsync(file, cancellation), Path.GetFileName(file), DefinitionOrigin.Folder);
        if (compiled.Plan is not { } plan) throw new CommandException(Configuration, string.Join(Environment.NewLine, compiled.Diagnostics));
        var ends = await FindEndsAsync(plan.Source, cancellation);
        var lifetime = app.Services.GetRequiredService<IHostApplicationLifetime>();
        var host = ShutdownWatchdog.RunAsync(app, cancellation);
        var watch = WatchAsync(plan.Name, ends, lifetime.ApplicationStopping);
        await Task.WhenAny(host, watch);
        lifetime.StopApplication();
        // What kept the host from starting is the cause of all that follows.
        await host;
        var (code, text) = await watch;
        await Console.Error.WriteLineAsync(text);
        return code;
    }

    /// <summary>The ends of the partitions that hold anything.</summary>
    private async Task<IReadOnlyDictionary<string, long>> FindEndsAsync(SourcePlan source, CancellationToken cancellation)
    {
        var logs = app.Services.GetRequiredService<IKafkaLogs>();
        while (true)
        {
            try
            {
                var partitions = await logs.ListPartitionsAsync(source, cancellation);
                var ends = await logs.FindReadableAsync(source, partitions, cancellation);
                var begins = await logs.ResolveAsync(source, partitions, ResetTarget.Earliest, 0, cancellation);
                return ends.Where(e => e.Value > begins[e.Key]).ToDictionary(StringComparer.Ordinal);
            }
            catch (KafkaSourceException e) when (e.NeedsOperator || _time.GetElapsedTime(_began) >= KafkaPatience)
            {
                throw new CommandException(e.NeedsOperator ? Failed : Unreachable, e.Message);
            }
            catch (KafkaSourceException e)
            {
                await Console.Error.WriteLineAsync($"{e.Message} Trying again.");
                await Task.Delay(TimeSpan.FromSeconds(1), _time, cancellation);
            }
        }
    }

    private async Task<(int Code, string Text)> WatchAsync(string name, IReadOnlyDictionary<string, long> ends, CancellationToken stopping)
    {
        try
        {
            using var timer = new PeriodicTimer(Look, _time);
            var state = app.Services.GetRequiredService<HostState>();
            while (!state.IsStarted) await timer.WaitForNextTickAsync(stopping);
            var pipeline = app.Services.GetRequiredService<IGrainFactory>().GetGrain<IPipelineGrain>(name);
            await BeginAsync(pipeline, timer, stopping);
            await ReachAsync(pipeline, timer, s => EndOfRun.Missing(s, ends), stopping);
            var time = EndOfRun.TimeOf(await pipeline.GetStatusAsync());
            await ReachAsync(pipeline, timer, s => EndOfRun.MissingTime(s, time), stopping);
            var open = await EndAsync(pipeline, timer, stopping);
            return (0, Summary(await pipeline.GetStatusAsync(), open));
        }
        catch (CommandException e)
        {
            return (e.ExitCode, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return (Interrupted, $"{name} was ended before the end of its topics{(_missing is null ? "" : $": {_missing}")}.");
        }
    }

    /// <summary>Waits until the file is in force, and starts a pipeline that its kept state says is paused or stopped: that is what this run is for.</summary>
    private async Task BeginAsync(IPipelineGrain pipeline, PeriodicTimer timer, CancellationToken stopping)
    {
        var refused = app.Services.GetRequiredService<RefusedFiles>();
        var folder = app.Services.GetRequiredService<PipelineFolder>();
        while (folder.InForce.Count == 0)
        {
            if (refused.All is { Count: not 0 } all) throw new CommandException(Configuration, string.Join(Environment.NewLine, all[0].Diagnostics));
            await WaitAsync(timer, "the pipeline is not in force yet", stopping);
        }

        if ((await pipeline.GetStatusAsync()).Desired != DesiredState.Running) await pipeline.StartAsync();
    }

    /// <summary>Waits until nothing is missing. Ends with what keeps it from getting there by itself.</summary>
    private async Task ReachAsync(IPipelineGrain pipeline, PeriodicTimer timer, Func<PipelineStatus, string?> missing, CancellationToken stopping)
    {
        long? failing = null;
        while (true)
        {
            var status = await pipeline.GetStatusAsync();
            if (status.Desired != DesiredState.Running)
                throw new CommandException(Conflict, $"{status.Name} was {status.Desired.ToString().ToLowerInvariant()} before the end of its topics: {missing(status)}.");
            if (status.State != PartState.Failed) failing = null;
            else if (_time.GetElapsedTime(failing ??= _time.GetTimestamp()) >= FailsFor)
                throw new CommandException(Failed, $"{status.Name} has failed: {status.Reason}");
            if (failing is null && missing(status) is null) return;
            await WaitAsync(timer, missing(status) ?? status.Reason ?? "a part has failed", stopping);
        }
    }

    /// <summary>Sees to the windows. Returns how many stay open.</summary>
    private async Task<int> EndAsync(IPipelineGrain pipeline, PeriodicTimer timer, CancellationToken stopping)
    {
        var outcome = await SettleAsync(pipeline, timer, false, stopping);
        // Nobody goes on with windows whose state is gone, and their records would be in no sink.
        if (outcome.Open == 0 || (run.KeepsState && !run.CloseWindows)) return outcome.Open;
        // Nothing is read any more, so that nothing comes too late for what is closed now.
        await pipeline.PauseAsync();
        while ((await pipeline.GetStatusAsync()).Partitions.Any(p => p.Checkpoint != p.Position)) await WaitAsync(timer, "the last records are not durable yet", stopping);
        await SettleAsync(pipeline, timer, true, stopping);
        // For the next run on this state.
        if (run.KeepsState) await pipeline.StartAsync();
        return 0;
    }

    private async Task<SettleOutcome> SettleAsync(IPipelineGrain pipeline, PeriodicTimer timer, bool close, CancellationToken stopping)
    {
        while (true)
        {
            var outcome = await pipeline.SettleAsync(close);
            if (outcome.Settled) return outcome;
            await WaitAsync(timer, outcome.Waits!, stopping);
        }
    }

    private async Task WaitAsync(PeriodicTimer timer, string missing, CancellationToken stopping)
    {
        _missing = missing;
        if (run.Within is { } within && _time.GetElapsedTime(_began) >= within)
            throw new CommandException(Failed, Text($"Not at the end of the topics within {within}: {missing}. --within gives it longer."));
        await timer.WaitForNextTickAsync(stopping);
    }

    private string Summary(PipelineStatus status, int open)
    {
        var counts = status.Counts;
        var text = Text(
            $"{status.Name} is at the end of its topics after {_time.GetElapsedTime(_began).TotalSeconds:0.0} s: {counts.Consumed:N0} consumed = {counts.Absorbed:N0} absorbed + {counts.Duplicate:N0} duplicate + {counts.Late:N0} late + {counts.Filtered:N0} filtered + {counts.Quarantined:N0} quarantined. All of it is durable.");
        return open == 0 ? text : text + Text($" {open:N0} windows are still open and kept in the state; the next run with it goes on with them (--close-windows writes them).");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
