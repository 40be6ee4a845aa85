using System.Collections.Concurrent;
using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Silo.Observability;

namespace KafkaOracleOrleans.Silo.Pipelines;

/// <summary>The pipeline files of this silo's folder that are not in force, with the reasons. Safe for concurrent use.</summary>
internal sealed class RefusedFiles(TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, DefinitionRefusal> _files = new(StringComparer.Ordinal);
    private int _changed;

    /// <summary>All of them, by path.</summary>
    public IReadOnlyList<DefinitionRefusal> All => [.. _files.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => f.Value)];

    /// <summary>Notes a refusal; true when it is news.</summary>
    public bool Set(string path, string text, string? name, IReadOnlyList<string> diagnostics)
    {
        var known = _files.GetValueOrDefault(path);
        if (known is not null && known.Diagnostics.SequenceEqual(diagnostics)) return false;
        var refusal = new DefinitionRefusal(name ?? NameOf(path, text), Path.GetFileName(path), [.. diagnostics], known?.Since ?? time.GetUtcNow());
        if (known is not null && known.Name != refusal.Name) SiloMetrics.NoLongerRefused(path);
        _files[path] = refusal;
        SiloMetrics.Refused(path, refusal);
        Interlocked.Exchange(ref _changed, 1);
        return true;
    }

    /// <summary>The file is in force, or gone.</summary>
    public void Clear(string path)
    {
        if (!_files.TryRemove(path, out _)) return;
        SiloMetrics.NoLongerRefused(path);
        Interlocked.Exchange(ref _changed, 1);
    }

    /// <summary>Whether anything has changed since the last call.</summary>
    public bool TakeChange() => Interlocked.Exchange(ref _changed, 0) == 1;

    public void Dispose()
    {
        foreach (var path in _files.Keys) SiloMetrics.NoLongerRefused(path);
    }

    /// <summary>The name a text gives its pipeline, also when the rest of it cannot be read; else that of its file.</summary>
    internal static string NameOf(string path, string text) => FolderFile.NameIn(text) ?? Path.GetFileNameWithoutExtension(path);
}
