using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Storage.Audit;
using KafkaOracleOrleans.Storage.Connections;
using Orleans.Runtime;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>Puts on record what changes of the pipeline folder did: nobody asked for them over the API, so the silo is who did it.</summary>
internal sealed partial class FolderAudit(AuditStore audit, ISiloStatusOracle silos, TimeProvider time, ILogger<FolderAudit> log)
{
    /// <summary>A file was applied. Of one that says what was in force already there is nothing to tell.</summary>
    public Task AppliedAsync(string name, string path, PipelineText? before, string text, int version)
    {
        if (before is not null && before.Text == text) return Task.CompletedTask;
        return AddAsync(before is null ? "folder: added" : "folder: changed", name, path, Text(before), $"version {version}, {AuditTrail.Hash(text)}");
    }

    /// <summary>A pipeline's file is gone, and so is the pipeline.</summary>
    public Task RemovedAsync(PipelineText text) => AddAsync("folder: removed", text.Name, text.FileName, Text(text), "no such pipeline");

    private static string Text(PipelineText? text) => text is null ? "no such pipeline" : $"version {text.Version}, {AuditTrail.Hash(text.Text)}";

    private async Task AddAsync(string action, string name, string path, string before, string after)
    {
        var now = time.GetUtcNow();
        var entry = new AuditEntry
        {
            Id = Guid.CreateVersion7(now).ToString("N"),
            At = now,
            Actor = "silo " + silos.SiloAddress.Endpoint,
            Role = "silo",
            Action = action,
            Target = $"{name} ({Path.GetFileName(path)})",
            Before = before,
            After = after,
        };
        try
        {
            await audit.AddAsync(entry, CancellationToken.None);
        }
        catch (DatabaseException e)
        {
            // It is in force: the file is the truth, and the log has it.
            LogUnwritten(action, entry.Target, after, e);
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "The audit trail could not take: {Action} {Target}, {After}.")]
    private partial void LogUnwritten(string action, string target, string after, Exception reason);
}
