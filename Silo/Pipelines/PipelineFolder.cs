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
    private readonly Dictionary<string, WatchedFile> _files = new(StringComparer.Ordinal);

    private sealed class WatchedFile
    {
        public string? Text { get; set; }

        /// <summary>The pipeline that is in force by this file.</summary>
        public string? Name { get; set; }

        /// <summary>True when the text needs no further try: it is in force, or refused for what it says.</summary>
        public bool Done { get; set; }

        /// <summary>Why the engine refused the text, as logged.</summary>
        public string? Refusal { get; set; }

        /// <summary>The file that has the pipeline's name.</summary>
        public string? Rival { get; set; }
    }

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
            var file = _files.GetValueOrDefault(path) ?? (_files[path] = new WatchedFile());
            if (file.Text == text && file.Done) continue;
            if (file.Text != text) file.Refusal = null;
            file.Text = text;
            file.Done = false;
            try
            {
                file.Done = await ApplyAsync(path, file);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                // The other files do not wait for this one; the next turn tries again.
                LogProblem(path, e);
            }
        }

        // What was renamed stands under its new name already and stays.
        foreach (var path in _files.Keys.Except(present, StringComparer.Ordinal).ToList())
        {
            var file = _files[path];
            if (file.Name is { } name) await RemoveAsync(name, path);
            _files.Remove(path);
            LogRemoved(path);
            // A file that was refused because of this one gets its chance.
            foreach (var other in _files.Values.Where(f => f.Rival == path)) other.Done = false;
        }
    }

    private async Task RemoveAsync(string name, string path)
    {
        if (_files.Any(f => f.Key != path && f.Value.Name == name)) return;
        await grains.GetGrain<IPipelineGrain>(name).RemoveAsync();
    }

    /// <summary>False when a further try may end otherwise: what is stored may be reset, and then the text goes.</summary>
    private async Task<bool> ApplyAsync(string path, WatchedFile file)
    {
        file.Rival = null;
        var compiled = compiler.Compile(file.Text!, path);
        if (compiled.Plan is null)
        {
            LogRefused(path, string.Join(Environment.NewLine, compiled.Diagnostics));
            return true;
        }

        var name = compiled.Plan.Name;
        var rival = _files.FirstOrDefault(f => f.Key != path && f.Value.Name == name && File.Exists(f.Key)).Key;
        if (rival is not null)
        {
            file.Rival = rival;
            LogRefused(path, $"{rival} defines the pipeline '{name}' already; give one of them another name.");
            return true;
        }

        var outcome = await grains.GetGrain<IPipelineGrain>(name).ApplyAsync(new PipelineText(name, file.Text!, path, 0));
        if (!outcome.Accepted)
        {
            var refusal = string.Join(Environment.NewLine, outcome.Diagnostics);
            if (file.Refusal != refusal) LogRefused(path, refusal);
            file.Refusal = refusal;
            return false;
        }

        file.Refusal = null;

        var before = file.Name;
        file.Name = name;
        if (before is not null && before != name) await RemoveAsync(before, path);
        LogApplied(path, name, outcome.Version);
        return true;
    }

    /// <summary>True for a file that is a pipeline by its name.</summary>
    internal static bool IsPipeline(string path)
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} could not be applied; trying again.")]
    private partial void LogProblem(string path, Exception reason);
}
