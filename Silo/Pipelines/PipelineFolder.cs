using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Definition;
using KafkaOracleOrleans.Silo.Hosting;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>
/// Watches the folder with pipeline files: files that are added or changed are applied, and a pipeline whose file went away, be it while no silo ran, is
/// removed. A bad file is reported once per change and disturbs nothing: what it was before goes on. Polling also sees what mounted folders change by
/// switching links.
/// </summary>
internal sealed partial class PipelineFolder(
    IGrainFactory grains, IPipelineCompiler compiler, RefusedFiles refused, KorOptions options, ISiloStatusOracle silos, FolderAudit audit, TimeProvider time,
    ILogger<PipelineFolder> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);
    private readonly SortedDictionary<string, FolderFile> _files = new(StringComparer.Ordinal);
    private readonly HashSet<string> _madeOverApi = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _held = new(StringComparer.Ordinal);
    private Dictionary<string, PipelineText>? _known;
    private volatile IReadOnlyDictionary<string, string> _claimed = new Dictionary<string, string>();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private string? _problem;

    private string Me => silos.SiloAddress.ToParsableString();

    /// <summary>Set once every file was looked at.</summary>
    public bool WasRead { get; private set; }

    /// <summary>The pipelines that are in force by this silo's files.</summary>
    public IReadOnlyList<string> InForce { get; private set; } = [];

    /// <summary>The file in this silo's folder that defines a pipeline; null: none does.</summary>
    public string? FileOf(string pipeline) => _claimed.GetValueOrDefault(pipeline);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do await TurnAsync(stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>
    /// Before a pipeline starts: a file of it that was refused gets its chance, for a reset may have done away with the reason. Otherwise what ran
    /// before would run for a moment, and its new state would be the next reason.
    /// </summary>
    public async Task TryAgainAsync(string pipeline, CancellationToken cancellation)
    {
        if (refused.All.Any(r => r.Name == pipeline)) await TurnAsync(cancellation);
    }

    public override void Dispose()
    {
        _turn.Dispose();
        base.Dispose();
    }

    private async Task TurnAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            await SyncAsync(cancellation);
            _problem = null;
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            if (_problem != e.Message) LogProblem(options.Pipelines ?? "", e);
            _problem = e.Message;
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task SyncAsync(CancellationToken cancellation)
    {
        // Without a folder (switched off, or not mounted) this silo has no say in what is a file's: nothing ends because of it.
        var folder = string.IsNullOrEmpty(options.Pipelines) || !Directory.Exists(options.Pipelines) ? null : options.Pipelines;
        if (folder is not null)
        {
            await ReadAsync(folder, cancellation);
            _known ??= await KnownAsync();
            await ApplyAllAsync(_known, cancellation);
            // From now on this process knows by itself which file is whose.
            _known.Clear();
        }

        _claimed = _files.SelectMany(f => f.Value.Names.Select(name => (Name: name, f.Key)))
            .GroupBy(f => f.Name, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.First().Key, StringComparer.Ordinal);
        var claims = await grains.GetGrain<IPipelineCatalogGrain>(0).ClaimAsync(new FolderClaim(Me, [.. _claimed.Keys]));
        await CompareAsync(folder is not null, claims);
        InForce = [.. _files.Values.Select(f => f.InForce).OfType<string>()];
        WasRead = true;
    }

    /// <summary>Takes note of what is in the folder now.</summary>
    private async Task ReadAsync(string folder, CancellationToken cancellation)
    {
        var present = Directory.EnumerateFiles(folder).Where(IsPipeline).ToHashSet(StringComparer.Ordinal);
        foreach (var path in _files.Keys.Where(p => !present.Contains(p)).ToList())
        {
            _files.Remove(path);
            refused.Clear(path);
            LogGone(path);
            // A file that was refused because of this one gets its chance.
            foreach (var other in _files.Values.Where(f => f.Rival == path)) other.Done = false;
        }

        foreach (var path in present)
        {
            if (!_files.TryGetValue(path, out var file)) _files[path] = file = new FolderFile(path);
            try
            {
                file.Take(WithSchemas(path, await File.ReadAllTextAsync(path, cancellation)));
                file.Problem = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Whose it is cannot be told: what is in force by it goes on. The next turn tries again.
                if (file.Problem != e.Message) LogProblem(path, e);
                file.Problem = e.Message;
            }
        }
    }

    /// <summary>The text with the schemas that lie beside it: what is stored needs no file.</summary>
    internal static string WithSchemas(string path, string text) => SchemaFiles.Inline(text, path.EndsWith(".json", StringComparison.Ordinal), name =>
    {
        var beside = new FileInfo(Path.Combine(Path.GetDirectoryName(path)!, name));
        return beside.Exists && beside.Length <= SchemaFiles.MaxBytes ? File.ReadAllText(beside.FullName) : null;
    });

    private async Task ApplyAllAsync(Dictionary<string, PipelineText> known, CancellationToken cancellation)
    {
        var waiting = _files.Values.Where(f => f is { Text: not null, Done: false }).ToList();
        // Of two files with one name the one that is in force stays so, whatever the order of their names.
        foreach (var file in waiting.OrderBy(f => known.Values.Any(k => k.Name == f.Declared && IsOf(k, f)) ? 0 : 1))
        {
            try
            {
                file.Done = await ApplyAsync(file, known);
            }
            catch (Exception e) when (!cancellation.IsCancellationRequested)
            {
                // The other files do not wait for this one; the next turn tries again.
                if (file.Problem != e.Message) LogProblem(file.Path, e);
                file.Problem = e.Message;
            }
        }
    }

    /// <summary>The pipelines that came from files before this process began.</summary>
    private async Task<Dictionary<string, PipelineText>> KnownAsync()
    {
        var known = new Dictionary<string, PipelineText>(StringComparer.Ordinal);
        foreach (var entry in await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync())
        {
            if (await grains.GetGrain<IPipelineGrain>(entry.Name).GetDefinitionAsync() is { Origin: DefinitionOrigin.Folder } text) known[entry.Name] = text;
        }

        return known;
    }

    /// <summary>Folders are mounted here and there, so only the file's own name counts.</summary>
    private static bool IsOf(PipelineText text, FolderFile file) => Path.GetFileName(text.FileName) == Path.GetFileName(file.Path);

    /// <summary>False when a further try may end otherwise: what is stored may be reset, and then the text goes.</summary>
    private async Task<bool> ApplyAsync(FolderFile file, Dictionary<string, PipelineText> known)
    {
        file.Rival = null;
        var compiled = compiler.Compile(file.Text!, file.Name, DefinitionOrigin.Folder);
        if (compiled.Plan is not { } plan)
        {
            Keep(file, known);
            await RefuseAsync(file, compiled.Diagnostics);
            return true;
        }

        var name = file.Declared = plan.Name;
        if (_files.Values.FirstOrDefault(f => f != file && f.InForce == name && File.Exists(f.Path)) is { } rival)
        {
            file.Rival = rival.Path;
            await RefuseAsync(file, [$"{file.Name}: {rival.Name} defines the pipeline '{name}' already; give one of them another name."]);
            return true;
        }

        var before = await grains.GetGrain<IPipelineGrain>(name).GetDefinitionAsync();
        var outcome = await grains.GetGrain<IPipelineGrain>(name).ApplyAsync(new PipelineText(name, file.Text!, file.Name, 0) { Replaces = Former(file, name, known) });
        file.Problem = null;
        if (!outcome.Accepted)
        {
            Keep(file, known);
            await RefuseAsync(file, outcome.Diagnostics);
            return false;
        }

        refused.Clear(file.Path);
        file.InForce = name;
        await audit.AppliedAsync(name, file.Path, before, file.Text!, outcome.Version);
        // What is found at the start is told by the summary of the start.
        LogApplied(WasRead ? LogLevel.Information : LogLevel.Debug, file.Path, name, outcome.Version);
        return true;
    }

    /// <summary>The pipeline that the file defined before it got another name, and that nothing defines any more.</summary>
    private string? Former(FolderFile file, string name, Dictionary<string, PipelineText> known)
    {
        var former = file.InForce ?? known.Values.FirstOrDefault(k => IsOf(k, file))?.Name;
        return former == name || _files.Values.Any(f => f != file && f.Names.Contains(former)) ? null : former;
    }

    /// <summary>Says once per reason that a file is not in force: in the log, in the pipeline's events, and wherever the state of pipelines is shown.</summary>
    private async Task RefuseAsync(FolderFile file, IReadOnlyList<string> diagnostics)
    {
        // A text without a name that can be read is a version of what is in force by its file.
        var name = file.Declared ?? file.InForce ?? RefusedFiles.NameOf(file.Path, file.Text!);
        if (!refused.Set(file.Path, file.Text!, name, diagnostics)) return;
        var pipeline = grains.GetGrain<IPipelineGrain>(name);
        var runs = await pipeline.GetDefinitionAsync() is not null;
        LogRefused(file.Path, runs ? "what ran before goes on" : "nothing runs by it", string.Join(Environment.NewLine, diagnostics));
        await pipeline.TellAsync("refused", $"{file.Name}: {string.Join("; ", diagnostics)}", false);
    }

    /// <summary>What a refused file was before goes on, also when that was in the time of an earlier process.</summary>
    private void Keep(FolderFile file, Dictionary<string, PipelineText> known)
    {
        if (file.InForce is not null) return;
        var own = file.Declared is { } declared && known.TryGetValue(declared, out var text) ? text : known.Values.FirstOrDefault(k => IsOf(k, file));
        if (own is not null && _files.Values.All(f => f.InForce != own.Name)) file.InForce = own.Name;
    }

    /// <summary>Removes what came from a file and has none any more, on any silo.</summary>
    private async Task CompareAsync(bool hasFolder, IReadOnlyList<FolderClaim> claims)
    {
        var entries = await grains.GetGrain<IPipelineCatalogGrain>(0).ListAsync();
        foreach (var name in _held.Keys.Except(entries.Select(e => e.Name), StringComparer.Ordinal).ToList()) _held.Remove(name);
        var removals = new List<Task>();
        foreach (var entry in entries.Where(e => FileOf(e.Name) is null && !_madeOverApi.Contains(e.Name)))
        {
            var pipeline = grains.GetGrain<IPipelineGrain>(entry.Name);
            if (await pipeline.GetDefinitionAsync() is not { } text) continue;
            if (text.Origin != DefinitionOrigin.Folder)
            {
                _madeOverApi.Add(entry.Name);
                continue;
            }

            if (Holds(hasFolder) is { } reason)
            {
                Held(LogLevel.Warning, text, reason);
                continue;
            }

            if (Elsewhere(entry.Name, claims) is { } other)
            {
                Held(LogLevel.Information, text, other);
                continue;
            }

            removals.Add(RemoveAsync(pipeline, text));
        }

        // All at once: one whose sink is away takes its time to end.
        await Task.WhenAll(removals);
        _madeOverApi.IntersectWith(entries.Select(e => e.Name));
    }

    private async Task RemoveAsync(IPipelineGrain pipeline, PipelineText text)
    {
        await pipeline.RemoveAsync();
        var file = Path.GetFileName(text.FileName);
        LogRemoved(text.Name, file);
        await audit.RemovedAsync(text);
    }

    private void Held(LogLevel level, PipelineText text, string reason)
    {
        if (_held.GetValueOrDefault(text.Name) == reason) return;
        _held[text.Name] = reason;
        var file = Path.GetFileName(text.FileName);
        LogHeld(level, text.Name, file, reason);
    }

    /// <summary>Why nothing ends here for want of a file; null: what has no file may.</summary>
    private string? Holds(bool hasFolder)
    {
        if (hasFolder)
        {
            return _files.Values.FirstOrDefault(f => f.IsNobodys) is { } unclear ? $"{unclear.Path} cannot be read as a pipeline and may be its file" : null;
        }

        return string.IsNullOrEmpty(options.Pipelines)
            ? "this silo watches no folder (Kor:Pipelines is empty)"
            : $"the folder {Path.GetFullPath(options.Pipelines)} (Kor:Pipelines) is not there";
    }

    /// <summary>The silo that may have a file of the pipeline, in words; null: none.</summary>
    private string? Elsewhere(string name, IReadOnlyList<FolderClaim> claims)
    {
        foreach (var silo in silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Select(s => s.ToParsableString()).Where(s => s != Me))
        {
            if (claims.FirstOrDefault(c => c.Silo == silo) is not { } claim) return $"silo {silo} has not said yet what its folder has";
            if (claim.Pipelines.Contains(name)) return $"silo {silo} has its file";
        }

        return null;
    }

    /// <summary>True for a file that is a pipeline by its name.</summary>
    internal static bool IsPipeline(string path)
    {
        var name = Path.GetFileName(path);
        if (name.Contains(".test.", StringComparison.Ordinal) || name.EndsWith(".schema.json", StringComparison.Ordinal)) return false;
        return Path.GetExtension(name) is ".yaml" or ".yml" or ".json";
    }

    [LoggerMessage(Message = "{Path}: pipeline {Pipeline} is in force, version {Version}.")]
    private partial void LogApplied(LogLevel level, string path, string pipeline, int version);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Path} was refused; {Consequence}.\n{Diagnostics}")]
    private partial void LogRefused(string path, string consequence, string diagnostics);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Path} is gone.")]
    private partial void LogGone(string path);

    [LoggerMessage(Level = LogLevel.Information, Message = "Pipeline {Pipeline} was stopped and removed: its file {File} is gone. State and tables stay.")]
    private partial void LogRemoved(string pipeline, string file);

    [LoggerMessage(Message = "Pipeline {Pipeline} came from the file {File}, which this silo does not have. It goes on because {Reason}; 'kor delete' ends it.")]
    private partial void LogHeld(LogLevel level, string pipeline, string file, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path} could not be applied; trying again.")]
    private partial void LogProblem(string path, Exception reason);
}
