using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>A pipeline's desired state, definition and roll-up. It moves no data.</summary>
[GrainType("kor.pipeline")]
internal sealed partial class PipelineGrain(
    [PersistentState("pipeline", PipelineGrain.Storage)] IPersistentState<PipelineState> state,
    PlanProvider plans,
    IPipelineCompiler compiler,
    IKafkaLogs logs,
    IStateStore store,
    ISinkFactory tables,
    IQuarantine quarantine,
    ISiloStatusOracle silos,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<PipelineGrain> log) : Grain, IPipelineGrain
{
    /// <summary>The name of the grain storage for control state.</summary>
    public const string Storage = "kor";

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2);

    // Of a pipeline that is at the end of its topics with all parts well, and of one that is stopped: parts see to themselves, and who asks for a status
    // gets one of that moment.
    private static readonly TimeSpan RestingTick = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Discovery = TimeSpan.FromSeconds(30);
    private const string Removed = "removed:";

    private PartGrains _parts = null!;
    private IGrainTimer? _timer;
    private bool _rests;
    private CatalogEntry? _published;
    private long _lastDiscovery;
    private bool _halting;
    private bool _changing;
    private bool _tablesClaimed;
    private string? _refusal;
    private string? _problem;
    private bool _problemNeedsOperator;

    private string Name => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _runsSince = time.GetTimestamp();
        _parts = new PartGrains(GrainFactory);
        _timer = this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    private void Pace(bool rests)
    {
        if (rests == _rests) return;
        _rests = rests;
        var tick = rests ? RestingTick : Tick;
        _timer?.Change(tick, tick);
    }

    /// <summary>The silo that takes the pipeline over shows its state from then on.</summary>
    public override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        PartMetrics.RemovePipeline(Name);
        return Task.CompletedTask;
    }

    public async Task<ApplyOutcome> ApplyAsync(PipelineText definition)
    {
        var compiled = compiler.Compile(definition.Text, definition.FileName, definition.Origin);
        if (compiled.Plan is not { } plan) return Refuse(compiled.Diagnostics);
        if (plan.Name != Name) return Refuse([$"{definition.FileName}: the pipeline is named '{plan.Name}', not '{Name}'."]);
        if (state.State.Hash is not null && state.State.Origin != definition.Origin) return Refuse([Taken()]);
        var incompatible = Incompatible(plan);
        if (state.State.Hash == plan.DefinitionHash)
        {
            // This build may go by other fingerprints than the one that stored the state; partitions take it over when they begin.
            if (incompatible.Count == 0 && TakeOver(plan)) await SaveAsync();
            await LetGoAsync();
            await ClaimTablesAsync(plan);
            await RenameAsync(definition.FileName);
            return new ApplyOutcome(true, state.State.Version, compiled.Diagnostics);
        }

        if (incompatible.Count != 0) return Refuse(incompatible);
        if (await MisfitAsync(plan) is { } misfit) return await HoldAsync(definition, misfit);
        // Should it not come into force after all, the next tick claims again what is.
        _tablesClaimed = false;
        var taken = await Catalog.ClaimTablesAsync(Name, TableClaims.Of(plan), inForce: false, definition.Replaces);
        if (taken.Count != 0) return Refuse([.. taken.Select(t => $"{definition.FileName}: error {t.Message}")]);

        if (state.State.Hash is null)
        {
            // What a removed pipeline of this name left may have been freed in part only.
            await FinishResetAsync();
            state.State.Desired = definition.Initial;
        }

        var wasRunning = state.State.Desired == DesiredState.Running;
        await ReplaceAsync(definition, plan);
        _tablesClaimed = true;
        _looked = null;
        NoteVersion(definition);
        Note("definition", $"Version {state.State.Version} of {definition.FileName} is in force.");
        await PublishAsync();
        if (wasRunning) await TickAsync(CancellationToken.None);
        return new ApplyOutcome(true, state.State.Version, compiled.Diagnostics);
    }

    private IPipelineCatalogGrain Catalog => GrainFactory.GetGrain<IPipelineCatalogGrain>(0);

    /// <summary>
    /// Says which tables the definition in force writes. One that was put in force by a version without this rule goes on, and says what it shares.
    /// </summary>
    private async Task ClaimTablesAsync(PipelinePlan plan)
    {
        if (_tablesClaimed) return;
        var shared = await Catalog.ClaimTablesAsync(Name, TableClaims.Of(plan), inForce: true, null);
        _tablesClaimed = true;
        foreach (var refusal in shared) Note("shared-table", refusal.Message);
    }

    /// <summary>The same definition in a file of another name; folders are mounted here and there and do not count.</summary>
    private async Task RenameAsync(string fileName)
    {
        if (Path.GetFileName(state.State.FileName) == Path.GetFileName(fileName)) return;
        state.State.FileName = fileName;
        await SaveAsync();
    }

    /// <summary>No part may begin between its end under the old definition and the new one's being in force: it would go on by the old one.</summary>
    private async Task ReplaceAsync(PipelineText definition, PipelinePlan plan)
    {
        _changing = true;
        try
        {
            if (state.State.Hash is not null) await HaltAsync();
            state.State.Text = definition.Text;
            state.State.FileName = definition.FileName;
            state.State.Hash = plan.DefinitionHash;
            state.State.Version++;
            TakeFingerprints(plan);
            state.State.Origin = definition.Origin;
            state.State.Sources = [];
            state.State.Held = null;
            await SaveAsync();
        }
        finally
        {
            _changing = false;
        }
    }

    public async Task RemoveAsync(DefinitionOrigin origin)
    {
        if (state.State.Hash is null || state.State.Origin != origin) return;
        // First of all: what is halted must not begin again while it is being removed.
        state.State.Desired = DesiredState.Stopped;
        await HaltAsync();
        _published = null;
        await GrainFactory.GetGrain<IPipelineCatalogGrain>(0).DropAsync(Name);
        state.State.Hash = null;
        state.State.Text = null;
        state.State.Held = null;
        await SaveAsync();
        plans.Forget(Name);
        PartMetrics.RemovePipeline(Name);
        Note("removed", "The definition was removed; state and tables stay.");
        // The clockwork has nothing to do for it any more.
        await SaveLogAsync();
    }

    public async Task StartAsync()
    {
        await FinishResetAsync();
        await FixFingerprintsAsync();
        await SetDesiredAsync(DesiredState.Running);
        await TickAsync(CancellationToken.None);
    }

    public async Task PauseAsync()
    {
        await SetDesiredAsync(DesiredState.Paused);
        await JudgeAsync();
    }

    public async Task StopAsync()
    {
        await SetDesiredAsync(DesiredState.Stopped);
        await ShowAsync(PipelineCondition.Stopping, null);
        await HaltAsync();
        await ShowAsync(PipelineCondition.Stopped, null);
    }

    public Task<PipelineText?> GetDefinitionAsync() => Task.FromResult(state.State.Text is null
        ? null
        : new PipelineText(Name, state.State.Text, Path.GetFileName(state.State.FileName) ?? Name, state.State.Version)
        {
            Generation = state.State.Generation,
            WindowsFrom = state.State.WindowsFrom,
            Origin = state.State.Origin,
            Halted = state.State.Desired == DesiredState.Stopped || _changing,
        });

    public Task<IReadOnlyList<string>> GetSourcesAsync() => Task.FromResult<IReadOnlyList<string>>([.. state.State.Sources]);

    public async Task RegisterSourceAsync(string source)
    {
        if (state.State.Sources.Contains(source)) return;
        state.State.Sources.Add(source);
        await SaveAsync();
        await TellShardsAsync();
    }

    public Task TellAsync(string kind, string text, bool restart)
    {
        if (restart) _restarts++;
        Note(kind, text);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<PipelineEvent>> GetEventsAsync() => Task.FromResult<IReadOnlyList<PipelineEvent>>([.. _events]);

    private async Task SetDesiredAsync(DesiredState desired)
    {
        if (state.State.Hash is null) throw new PipelineChangedException($"There is no pipeline '{Name}'.");
        if (desired == DesiredState.Running) _halting = false;
        Pace(rests: false);
        if (state.State.Desired == desired) return;
        _runsSince = time.GetTimestamp();
        _quarantined.Clear();
        _refusedBySinks.Clear();
        state.State.Desired = desired;
        await SaveAsync();
        _lag.Clear();
        ForgetStopped();
        await PublishAsync();
        Note("state", $"Asked to be {desired}.");
    }

    /// <summary>Makes the silos read the source, once all its partitions are known to the window steps.</summary>
    private async Task PublishAsync()
    {
        var ready = state.State.Desired != DesiredState.Running || state.State.Sources.Count != 0;
        var desired = ready ? state.State.Desired : DesiredState.Stopped;
        var entry = new CatalogEntry(Name, state.State.Version, desired) { Condition = _condition, Reason = _conditionReason };
        if (entry == _published) return;
        _published = null;
        await GrainFactory.GetGrain<IPipelineCatalogGrain>(0).PutAsync(entry);
        _published = entry;
    }

    /// <summary>Everything that must be seen to again and again while the pipeline runs.</summary>
    private async Task TickAsync(CancellationToken cancellation)
    {
        var halt = state.State.Desired == DesiredState.Stopped && _halting;
        // On a silo that stops, parts are on their way out: to ask after them would be to call them back.
        if (IsStopping()) return;
        await SaveLogAsync();
        if (state.State.Hash is null) return;
        try
        {
            await AskRefusalsAsync();
            await TryHeldAsync();
            if (state.State.Desired == DesiredState.Stopped && !halt)
            {
                await JudgeAsync();
                return;
            }

            if (halt)
            {
                await HaltAsync();
                return;
            }

            var runtime = await plans.GetAsync(Name, state.State.Version);
            await BeginAsync(runtime, cancellation);
            await DiscoverAsync(runtime, cancellation);
            if (state.State.Sources.Count == 0) return;
            await PublishAsync();
            await Task.WhenAll(ShardsOf(runtime).Select(s => s.WakeAsync()));
            await Task.WhenAll(PartitionGrains().Select(p => p.WakeAsync()));
            // Last: a catalog on a silo of an older version does not know the question, and nothing else is to wait for that.
            await ClaimTablesAsync(runtime.Plan);
            _problem = null;
            _problemNeedsOperator = false;
            await JudgeAsync();
        }
        catch (Exception e) when (e.IsLost() && IsStopping())
        {
            // The silo began to stop meanwhile: parts are on their way out, and the clockwork of the next silo asks them.
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            if (_problem != e.Message) LogProblem(Name, e);
            _problem = e.Message;
            _problemNeedsOperator = e is KafkaSourceException { NeedsOperator: true } or PipelineChangedException or StartRefusedException or SinkConfigurationException;
            await JudgeAsync();
        }
    }

    /// <summary>
    /// The silo is on its way out: its host knows first, the cluster when it was told, and who is the last one may be told that it is active when no silo is.
    /// </summary>
    private bool IsStopping() => lifetime.ApplicationStopping.IsCancellationRequested
        || silos.CurrentStatus.IsTerminating() || silos.GetApproximateSiloStatuses(onlyActive: true).Count == 0;

    private async Task DiscoverAsync(PipelineRuntime runtime, CancellationToken cancellation)
    {
        if (state.State.Sources.Count != 0 && time.GetElapsedTime(_lastDiscovery) < Discovery) return;
        var found = await logs.ListPartitionsAsync(runtime.Plan.Source, cancellation);
        _lastDiscovery = time.GetTimestamp();
        var added = found.Except(state.State.Sources, StringComparer.Ordinal).ToList();
        if (added.Count == 0) return;
        state.State.Sources.AddRange(added);
        await SaveAsync();
        Note("partitions", $"Found {string.Join(", ", added)}.");
        await TellShardsAsync();
    }

    private async Task TellShardsAsync()
    {
        var runtime = await plans.GetAsync(Name, state.State.Version);
        await Task.WhenAll(ShardsOf(runtime).Select(s => s.AddSourcesAsync([.. state.State.Sources])));
    }

    /// <summary>Stops all parts: partitions first, so that what they sent is durable when the shards go.</summary>
    private async Task HaltAsync()
    {
        // A part that does not answer now is asked again by the clockwork.
        _halting = true;
        await PublishAsync();
        await Task.WhenAll(PartitionGrains().Select(p => p.StopAsync()));
        // What does not compile here has no shards that could run.
        if (state.State.Text is not null && await TryGetRuntimeAsync() is { } runtime)
            await Task.WhenAll(ShardsOf(runtime).Select(s => s.StopAsync()));
        _halting = false;
        ForgetStopped();
    }

    private IEnumerable<IPartitionGrain> PartitionGrains() =>
        state.State.Sources.Select(PartitionOf);

    private IPartitionGrain PartitionOf(string source) => _parts.Get<IPartitionGrain>($"{Name}/{source}");

    /// <summary>What is asked of a shard, of whichever kind of step.</summary>
    private sealed record ShardPart(
        string Step,
        int Number,
        Func<Task> WakeAsync,
        Func<Task> StopAsync,
        Func<IReadOnlyList<string>, Task> AddSourcesAsync,
        Func<Task<ShardStatus>> GetStatusAsync);

    /// <summary>The shards of dedup and window steps, in the order of the steps.</summary>
    private IEnumerable<ShardPart> ShardsOf(PipelineRuntime runtime)
    {
        foreach (var step in runtime.Plan.Steps)
        {
            var shards = step switch { DedupPlan dedup => dedup.Shards, WindowPlan window => window.Shards, _ => 0 };
            for (var shard = 0; shard < shards; shard++) yield return ShardOf(step, shard);
        }
    }

    private ShardPart ShardOf(StepPlan step, int shard)
    {
        var key = Names.Shard(Name, step.Id, shard);
        if (step is DedupPlan)
        {
            var ids = _parts.Get<IDedupShardGrain>(key);
            return new ShardPart(step.Id, shard, ids.WakeAsync, ids.StopAsync, ids.AddSourcesAsync, ids.GetStatusAsync);
        }

        var windows = _parts.Get<IAggregatorGrain>(key);
        return new ShardPart(step.Id, shard, windows.WakeAsync, windows.StopAsync, windows.AddSourcesAsync, windows.GetStatusAsync);
    }

    private List<string> Incompatible(PipelinePlan plan)
    {
        var reasons = new List<string>();
        PipelinePlan? before = null;
        foreach (var (step, fingerprint) in plan.StateFingerprints)
        {
            if (!state.State.Fingerprints.TryGetValue(step, out var old) || old == fingerprint) continue;
            if (StateFingerprint.CanTakeOver(plan, step, old)) continue;
            if (old.StartsWith(Removed, StringComparison.Ordinal))
            {
                reasons.Add(
                    $"step '{step}' was taken out of this pipeline earlier, and what is stored of it is of then. Give the step a new name, or stop the " +
                    $"pipeline and run 'kor reset {Name} --to-earliest --execute' first.");
                continue;
            }

            // What is stored is of the definition in force, so that is what is compared.
            before ??= state.State.Text is { } text ? compiler.Compile(text, state.State.FileName ?? Name, state.State.Origin).Plan : null;
            var changes = before is null ? [] : StateChanges.Between(before, plan, step);
            var what = changes.Count == 0 ? "what is stored of it was written by another definition" : string.Join("; ", changes);
            reasons.Add(step == StateFingerprint.Source
                ? $"source: its positions are of other topics ({what}). Give the pipeline a new name to read beside it, or stop the pipeline and run "
                    + $"'kor reset {Name} --to-earliest --execute' first."
                : $"step '{step}': its stored state does not fit what changed ({what}). Give the step or the pipeline a new name to start fresh beside it, or stop the "
                    + $"pipeline and run 'kor reset {Name} --to-earliest --execute' first.");
        }

        return reasons;
    }

    /// <summary>True when fingerprints were replaced by those of this build.</summary>
    private bool TakeOver(PipelinePlan plan)
    {
        var known = state.State.Fingerprints;
        if (!plan.StateFingerprints.Any(f => known.TryGetValue(f.Key, out var old) && old != f.Value)) return false;
        TakeFingerprints(plan);
        return true;
    }

    private string Taken() => state.State.Origin == DefinitionOrigin.Folder
        ? $"Pipeline '{Name}' comes from the file {Path.GetFileName(state.State.FileName)} in the server's folder: change the file, or when there is no such file any more, 'kor delete {Name}' first."
        : $"Pipeline '{Name}' was made over the HTTP API: change it there, or delete it there before a file takes its place.";

    /// <summary>What stored state goes by from now on; steps that are gone leave a mark, since their state stays.</summary>
    private void TakeFingerprints(PipelinePlan plan)
    {
        var fingerprints = new Dictionary<string, string>(plan.StateFingerprints, StringComparer.Ordinal);
        foreach (var (step, old) in state.State.Fingerprints)
            fingerprints.TryAdd(step, old.StartsWith(Removed, StringComparison.Ordinal) ? old : Removed + old);
        state.State.Fingerprints = fingerprints;
    }

    /// <summary>After a reset there is no state, and any definition goes, until the pipeline is started with one.</summary>
    private async Task FixFingerprintsAsync()
    {
        if (state.State.Text is null || state.State.Fingerprints.Count != 0) return;
        TakeFingerprints((await plans.GetAsync(Name, state.State.Version)).Plan);
        await SaveAsync();
    }

    private ApplyOutcome Refuse(IReadOnlyList<string> reasons)
    {
        var text = string.Join("; ", reasons);
        if (text != _refusal) Note("refused", text);
        _refusal = text;
        return new ApplyOutcome(false, state.State.Version, reasons);
    }

    private async Task SaveAsync()
    {
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // The outcome is unknown, so memory is worth nothing: the next activation reads what is stored.
            DeactivateOnIdle();
            throw;
        }
    }

    [LoggerMessage(Message = "Pipeline {Pipeline}: {Kind}. {Text}")]
    private partial void LogEvent(LogLevel level, string pipeline, string kind, string text);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pipeline {Pipeline} waits.")]
    private partial void LogProblem(string pipeline, Exception reason);
}
