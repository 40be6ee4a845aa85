using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Partitions;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Processing.Steps;
using KafkaOracleOrleans.Processing.Windows;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>Setting a pipeline back, and what that means for what is in the tables already.</summary>
internal sealed partial class PipelineGrain
{
    // Records looked at before a new position, for their event times.
    private const int LookedAt = 1_000;

    public async Task<ResetOutcome> ResetAsync(ResetRequest request)
    {
        if (state.State.Hash is null) return new ResetOutcome(false, $"There is no pipeline '{Name}'.", []);
        if (request.Execute && state.State.Desired != DesiredState.Stopped)
        {
            return new ResetOutcome(
                false, $"Pipeline '{Name}' is {state.State.Desired}: run 'kor stop {Name}' first, then reset, then 'kor start {Name}'.", []);
        }

        var runtime = await plans.GetAsync(Name, state.State.Version);
        var partitions = await logs.ListPartitionsAsync(runtime.Plan.Source, CancellationToken.None);
        var targets = request.Target == ResetTarget.Offsets
            ? request.Offsets ?? new Dictionary<string, long>()
            : await logs.ResolveAsync(runtime.Plan.Source, partitions, request.Target, request.TimestampMs, CancellationToken.None);
        if (targets.Keys.Except(partitions, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } unknown)
        {
            return new ResetOutcome(
                false, $"The source has no partition {string.Join(", ", unknown)}; it has {string.Join(", ", partitions.Order(StringComparer.Ordinal))}.", []);
        }

        if (targets.FirstOrDefault(t => t.Value < 0) is { Key: not null } negative)
            return new ResetOutcome(false, $"{negative.Value} is no offset of {negative.Key}: offsets begin at 0.", []);
        var lines = new List<ResetLine>();
        foreach (var partition in partitions.Order(StringComparer.Ordinal))
        {
            var lease = await store.PeekAsync(OwnerOf(partition), CancellationToken.None);
            var current = lease?.Header is null ? (long?)null : PartitionHeader.Decode(lease.Header).Position;
            lines.Add(new ResetLine(partition, current, targets.TryGetValue(partition, out var target) ? target : current));
        }

        if (request is { PositionsOnly: true, Execute: false }) return new ResetOutcome(false, null, lines);
        // State goes as a whole: where a partition stays, what its open windows have is not read again either.
        var positions = lines.Where(l => l.Target is not null).ToDictionary(l => l.Partition, l => l.Target!.Value, StringComparer.Ordinal);
        var (from, totals, notes) = await MeaningAsync(runtime.Plan, partitions, positions);
        if (from is not null && partitions.Where(p => !targets.ContainsKey(p)).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } stay)
        {
            notes.Add($"{string.Join(", ", stay)} {(stay.Count == 1 ? "stays where it is" : "stay where they are")}, and windows that are open lose what they have of "
                + $"{(stay.Count == 1 ? "it" : "them")}: those windows are among the ones that are not written.");
        }

        if (totals is not null && !request.Force && request.Execute) return new ResetOutcome(false, totals, []) { Notes = notes };
        if (request.Execute) await ExecuteAsync(lines, from);
        return new ResetOutcome(request.Execute, null, lines) { Notes = notes };
    }

    /// <summary>
    /// What a reset means beyond positions. Windows that have records before what will be read again would be written with a part of them, over rows that
    /// are right: from which event time on they are complete again is found in the records just before the new positions.
    /// </summary>
    /// <returns>From which window start on rows are written (null: all), why totals stand against it (null: nothing does), and what to tell.</returns>
    private async Task<(long? From, string? Totals, List<string> Notes)> MeaningAsync(
        PipelinePlan plan, IReadOnlyList<string> partitions, IReadOnlyDictionary<string, long> targets)
    {
        var notes = new List<string>();
        foreach (var dedup in plan.Steps.OfType<DedupPlan>())
        {
            notes.Add($"Step '{dedup.Id}' forgets which ids it has seen: copies of records from before the new positions pass again. Rows of mode append are recognised only where their key is the id.");
        }

        var windows = plan.Steps.OfType<WindowPlan>().ToList();
        if (windows.Count == 0) return (null, null, notes);
        var kept = plan.Sinks.Where(s => s.FromWindow && windows.Exists(w => w.Id == s.From.Step && w.Window.Window is not RunningTotals)).Select(s => $"{s.Spec.Table} ('{s.Id}')").ToList();
        if (kept.Count != 0)
        {
            notes.Add(
                $"Rows of windows stay in {string.Join(", ", kept)}: those that are made again are written over, all others are not removed. When a change of window, offset or groupBy follows this "
                + "reset, the old windows' rows lie beside the new ones; delete them before 'kor start', or give the sink another table.");
        }

        var middle = await InTheMiddleAsync(plan, partitions, targets);
        if (middle.Count == 0) return (null, null, notes);
        var totals = windows.Where(w => w.Window.Window is RunningTotals).Select(w => $"'{w.Id}'").ToList();
        var refusal = totals.Count == 0
            ? null
            : $"Running totals of {string.Join(", ", totals)} would begin anew in the middle of the log and be written over right ones. "
                + $"'kor reset {Name} --to-earliest' counts all again; --force does it all the same.";
        if (refusal is not null) notes.Add(refusal);
        var from = await CompleteFromAsync(plan, middle);
        if (from is { } complete) notes.AddRange(windows.Where(w => w.Window.Window is not RunningTotals).Select(w => Withheld(w, complete.From, complete.Ahead)));
        return (from?.From, refusal, notes);
    }

    /// <summary>The positions before which there are records.</summary>
    private async Task<Dictionary<string, long>> InTheMiddleAsync(
        PipelinePlan plan, IReadOnlyList<string> partitions, IReadOnlyDictionary<string, long> positions)
    {
        var begins = await logs.ResolveAsync(plan.Source, partitions, ResetTarget.Earliest, 0, CancellationToken.None);
        return positions.Where(p => p.Value > begins.GetValueOrDefault(p.Key)).ToDictionary(p => p.Key, p => p.Value, StringComparer.Ordinal);
    }

    /// <summary>
    /// The event time after that of all records before the positions, as far back as records can be out of order; and by how much event times are ahead of Kafka's.
    /// </summary>
    private async Task<(long From, long Ahead)?> CompleteFromAsync(PipelinePlan plan, Dictionary<string, long> positions)
    {
        (long From, long Ahead)? found = null;
        foreach (var batch in await logs.ReadBeforeAsync(plan.Source, positions, LookedAt, CancellationToken.None))
        {
            var pipeline = new PartitionPipeline(plan, state.State.Version);
            pipeline.Begin(batch, time.GetUtcNow().ToUnixTimeMilliseconds());
            // The watermark is the newest event time less what may come out of order.
            if (pipeline.Watermark == long.MinValue) continue;
            var from = pipeline.Watermark + plan.Source.MaxOutOfOrder + 1;
            found = (Math.Max(found?.From ?? long.MinValue, from), Math.Max(found?.Ahead ?? 0, pipeline.AheadOfKafka()));
        }

        return found;
    }

    /// <summary>What is suggested is a Kafka time, as the option takes it: records whose event times are ahead of it came before their time.</summary>
    private string Withheld(WindowPlan step, long from, long ahead)
    {
        var size = step.Window.Window switch { TumblingWindow t => t.Size, HoppingWindow h => h.Every, _ => 0 };
        var offset = step.Window.Window switch { TumblingWindow t => t.Offset, HoppingWindow h => h.Offset, _ => 0 };
        var start = size == 0 ? from : from - 1 - ((((from - 1 - offset) % size) + size) % size);
        return $"Windows of step '{step.Id}' that begin before {Iso(from)} are not written: not all of their records are read again, and what the table holds of them stays. "
            + $"To have the one that begins at {Iso(start)} as well, reset to {(ahead == 0 ? "that time" : $"{Iso(start - ahead)} (event times are up to {Ago(ahead)} ahead of Kafka's)")} "
            + $"or before: 'kor reset {Name} --to-datetime {Iso(start - ahead)}'.";
    }

    private static string Ago(long ms) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ms / 1000.0:0.###} s");

    private static string Iso(long ms) => Times(ms).ToString("yyyy-MM-dd'T'HH:mm:ss.FFF'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private static DateTime Times(long ms) => DateTime.UnixEpoch.AddMilliseconds(Math.Clamp(ms, -62_135_596_800_000, 253_402_300_799_999));

    private async Task ExecuteAsync(List<ResetLine> lines, long? windowsFrom)
    {
        await HaltAsync();
        // The new generation comes first: sink lanes and revisions start a new count above the old one. Were the state gone and the
        // lanes still the old ones, they would take what is sent to them again for what they have. And where to is written down before
        // anything is erased, so that a reset which breaks off is ended by the next start.
        state.State.Generation++;
        state.State.WindowsFrom = windowsFrom;
        state.State.Version++;
        state.State.Resetting = lines.Where(l => l.Target is not null).ToDictionary(l => l.Partition, l => l.Target!.Value, StringComparer.Ordinal);
        await SaveAsync();
        await FinishResetAsync();
    }

    public async Task<string?> PurgeAsync()
    {
        if (state.State.Hash is not null)
        {
            return $"Pipeline '{Name}' has a definition. Remove that first (its file, or DELETE /api/v1/pipelines/{Name}); or, to begin anew with it, run 'kor stop {Name}' and then "
                + $"'kor reset {Name} --to-earliest --execute'.";
        }

        // As with a reset: sink lanes and revisions start a new count above the old one, and that is written down first.
        state.State.Generation++;
        (state.State.WindowsFrom, state.State.Resetting, state.State.Start) = (null, [], null);
        (state.State.Fingerprints, state.State.Sources) = ([], []);
        await SaveAsync();
        await FinishResetAsync();
        await GrainFactory.GetGrain<IPipelineLogGrain>(Name).ClearAsync();
        Note("purged", "What the removed pipeline left in the state store was freed.");
        return null;
    }

    /// <summary>Ends a reset that was begun; nothing when there is none.</summary>
    private async Task FinishResetAsync()
    {
        if (state.State.Resetting is not { } targets) return;
        await store.ResetAsync($"{Name}/", CancellationToken.None);
        foreach (var (partition, target) in targets)
        {
            var owner = OwnerOf(partition);
            var lease = await store.AcquireAsync(owner, CancellationToken.None);
            var header = new PartitionHeader { Position = target };
            await store.CommitAsync(
                new CheckpointWrite { Owner = owner, Epoch = lease.Epoch, Header = header.Encode() }, CancellationToken.None);
        }

        // What is read again is refused again, or passes: either way it does not belong to what lies there.
        foreach (var (source, target) in targets)
        {
            var (topic, partition) = Names.Partition(source);
            await quarantine.ForgetAsync(Name, topic, partition, target, CancellationToken.None);
        }

        state.State.Fingerprints = [];
        state.State.Resetting = null;
        await SaveAsync();
        ForgetStopped();
        if (state.State.Hash is null) return;
        await PublishAsync();
        Note("reset", $"Set back: {string.Join(", ", targets.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key} to {t.Value}"))}.");
    }

    private string OwnerOf(string source)
    {
        var (topic, partition) = Names.Partition(source);
        return Names.PartitionOwner(Name, topic, partition);
    }
}
