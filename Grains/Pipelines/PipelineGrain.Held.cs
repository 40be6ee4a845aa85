using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Processing.Plan;
using KafkaOracleOrleans.Processing.Ports;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// A change that a table does not fit is held: the version in force goes on, the status says what is missing with the statement, and the change takes effect by
/// itself once the table fits. It used to replace what ran, and the pipeline then FAILED until a DBA was found.
/// </summary>
internal sealed partial class PipelineGrain
{
    private static readonly TimeSpan HeldLook = TimeSpan.FromSeconds(10);
    private (string Hash, string? Misfit, long At)? _looked;

    /// <summary>What tables lack for a plan that is to replace a running one; null when they fit, or cannot be looked at now.</summary>
    private async Task<string?> MisfitAsync(PipelinePlan plan)
    {
        // A first version, and one of a stopped pipeline, replaces nothing that runs.
        if (state.State.Hash is null || state.State.Desired == DesiredState.Stopped) return null;
        // Folders bring their file again every two seconds; tables are not looked at that often.
        if (_looked is { Misfit: { } known } last && last.Hash == plan.DefinitionHash && time.GetElapsedTime(last.At) < HeldLook) return known;
        var found = await Task.WhenAll(plan.Sinks.Select(s => tables.MisfitAsync(s.Spec, CancellationToken.None)));
        var text = string.Join('\n', found.OfType<string>());
        _looked = (plan.DefinitionHash, text.Length == 0 ? null : text, time.GetTimestamp());
        return _looked.Value.Misfit;
    }

    private async Task<ApplyOutcome> HoldAsync(PipelineText definition, string misfit)
    {
        var text = $"{Path.GetFileName(definition.FileName)} is held and version {state.State.Version} goes on, since a table does not fit it. {misfit}\n"
            + "The tables are looked at again every 10 s; the change takes effect by itself once they fit.";
        if (state.State.Held?.Text != definition.Text || state.State.Held.Reason != text)
        {
            // Only over HTTP nobody brings it again.
            if (state.State.Held?.Text != definition.Text) Note("held", text);
            state.State.Held = new HeldDefinition(definition.Text, definition.FileName, definition.Origin, text, state.State.Held?.Text == definition.Text ? state.State.Held.Since : time.GetUtcNow());
            await SaveAsync();
        }

        return new ApplyOutcome(false, state.State.Version, [text]) { Held = true };
    }

    private async Task LetGoAsync()
    {
        _looked = null;
        if (state.State.Held is null) return;
        state.State.Held = null;
        await SaveAsync();
    }

    /// <summary>Tries what is held once more.</summary>
    private async Task TryHeldAsync()
    {
        if (state.State.Held is not { } held || (_looked is { } last && time.GetElapsedTime(last.At) < HeldLook)) return;
        await ApplyAsync(new PipelineText(Name, held.Text, held.FileName, 0) { Origin = held.Origin });
    }
}

/// <summary>A definition that waits for a table.</summary>
[GenerateSerializer, Immutable, Alias("kor.HeldDefinition")]
internal sealed record HeldDefinition(
    [property: Id(0)] string Text, [property: Id(1)] string FileName, [property: Id(2)] DefinitionOrigin Origin, [property: Id(3)] string Reason,
    [property: Id(4)] DateTimeOffset Since);
