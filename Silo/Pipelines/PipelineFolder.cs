using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Hosting;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>
/// Watches the folder with pipeline files: files that are added or changed are applied, files that go away remove their pipeline. A bad file is
/// reported once per change and disturbs nothing. Polling also sees what mounted folders change by switching links.
/// </summary>
internal sealed partial class PipelineFolder(
    IGrainFactory grains, IPipelineCompiler compiler, KorOptions options, TimeProvider time, ILogger<PipelineFolder> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly Dictionary<string, (string Text, string? Name, bool Done)> _files = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (string.IsNullOrEmpty(options.Pipelines)) return;
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await SyncAsync(options.Pipelines, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogProblem(options.Pipelines, e);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task SyncAsync(string folder, CancellationToken cancellation)
    {
        if (!Directory.Exists(folder)) return;
        var present = Directory.EnumerateFiles(folder).Where(IsPipeline).Order(StringComparer.Ordinal).ToList();
        foreach (var path in present)
        {
            var text = await File.ReadAllTextAsync(path, cancellation);
            var known = _files.TryGetValue(path, out var file);
            if (known && file.Text == text && file.Done) continue;
            _files[path] = (text, file.Name, await ApplyAsync(path, text));
        }

        foreach (var path in _files.Keys.Except(present, StringComparer.Ordinal).ToList())
        {
            if (_files[path].Name is { } name) await grains.GetGrain<IPipelineGrain>(name).RemoveAsync();
            _files.Remove(path);
            LogRemoved(path);
        }
    }

    /// <summary>True when the file needs no further try: it is in force, or refused for what it says.</summary>
    private async Task<bool> ApplyAsync(string path, string text)
    {
        var compiled = compiler.Compile(text, path);
        if (compiled.Plan is null)
        {
            LogRefused(path, string.Join(Environment.NewLine, compiled.Diagnostics));
            return true;
        }

        var name = compiled.Plan.Name;
        _files[path] = (text, name, false);
        var outcome = await grains.GetGrain<IPipelineGrain>(name).ApplyAsync(new PipelineText(name, text, path, 0));
        if (outcome.Accepted) LogApplied(path, name, outcome.Version);
        else LogRefused(path, string.Join(Environment.NewLine, outcome.Diagnostics));
        return true;
    }

    private static bool IsPipeline(string path)
    {
        var name = Path.GetFileName(path);
        if (name.Contains(".test.", StringComparison.Ordinal) || name.EndsWith(".schema.json", StringComparison.Ordinal)) return false;
        return Path.GetExtension(name) is ".yaml" or ".yml" or ".json";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path}: pipeline {Pipeline} is in force, version {Version}.")]
    private partial void LogApplied(string path, string pipeline, int version);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} was refused; what ran before goes on.\n{Diagnostics}")]
    private partial void LogRefused(string path, string diagnostics);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} is gone.")]
    private partial void LogRemoved(string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The pipelines in {Folder} could not be applied; trying again.")]
    private partial void LogProblem(string folder, Exception reason);
}
