using System.Security.Cryptography;
using System.Text;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Runtime;
using Microsoft.Extensions.Logging;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Grains.Pipelines;

/// <summary>
/// What happened to the pipeline: kept here for who listens, and handed to its durable log by the clockwork. While the log cannot be written, what is not in it
/// yet waits here, the newest of it.
/// </summary>
internal sealed partial class PipelineGrain
{
    private const int KeptEvents = 200;
    private static readonly TimeSpan LogWithin = TimeSpan.FromSeconds(5);
    private readonly LinkedList<PipelineEvent> _events = new();
    private readonly Queue<PipelineEvent> _unsaved = new();
    private readonly Queue<DefinitionVersion> _unsavedVersions = new();
    private long _restarts;
    private long _savedRestarts;
    private long? _allRestarts;
    private string? _logProblem;

    /// <summary>Parts that started over by themselves: ever, once the log could be read; until then since this activation.</summary>
    private long Restarts => (_allRestarts ?? 0) + _restarts - (_allRestarts is null ? 0 : _savedRestarts);

    private void Note(string kind, string text, LogLevel level = LogLevel.Information)
    {
        var at = time.GetUtcNow();
        // Events of one moment keep their order, and a copy of one is known by its time.
        if (_events.First is { } last && at <= last.Value.At) at = last.Value.At.AddTicks(1);
        var noted = new PipelineEvent(at, kind, text);
        _events.AddFirst(noted);
        if (_events.Count > KeptEvents) _events.RemoveLast();
        _unsaved.Enqueue(noted);
        if (_unsaved.Count > KeptEvents) _unsaved.Dequeue();
        LogEvent(level, Name, kind, text);
    }

    /// <summary>A definition came into force.</summary>
    private void NoteVersion(PipelineText definition)
    {
        var sha = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(definition.Text)));
        _unsavedVersions.Enqueue(new DefinitionVersion(
            state.State.Version, time.GetUtcNow(), definition.Origin, Path.GetFileName(definition.FileName), sha, definition.Text));
    }

    /// <summary>Hands on what the log does not have yet. A log that cannot be had does not hold the pipeline up; the next tick tries again.</summary>
    private async Task SaveLogAsync()
    {
        if (_unsaved.Count == 0 && _unsavedVersions.Count == 0 && _restarts == _savedRestarts && _allRestarts is not null) return;
        var (events, versions, restarts) = (_unsaved.ToArray(), _unsavedVersions.ToArray(), _restarts);
        try
        {
            var all = await GrainFactory.GetGrain<IPipelineLogGrain>(Name)
                .AppendAsync(new PipelineLogEntries(events, versions, restarts - _savedRestarts)).WaitAsync(LogWithin, time);
            (_allRestarts, _savedRestarts) = (all, restarts);
            // More may have come meanwhile.
            while (_unsaved.TryPeek(out var first) && Array.IndexOf(events, first) >= 0) _unsaved.Dequeue();
            foreach (var _ in versions) _unsavedVersions.Dequeue();
            _logProblem = null;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException or Processing.Ports.StoreUnavailableException)
        {
            if (_logProblem != e.Message) LogNotKept(Name, e.Message);
            _logProblem = e.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pipeline {Pipeline}: its events cannot be written to the state database for now. {Reason}")]
    private partial void LogNotKept(string pipeline, string reason);
}
