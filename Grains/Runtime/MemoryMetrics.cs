using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>The memory of this process's silos, and what is done about it.</summary>
internal static class MemoryMetrics
{
    private static readonly ConcurrentDictionary<MemoryWatch, byte> Watches = new();

    private static readonly Counter<long> Evicted = EngineMetrics.Meter.CreateCounter<long>(
        "kor.cell.evicted", "{cell}", "Cells that were let go because the cells of the silo took more memory than Kor:Engine:CellBytes; read again when they are called.");

    static MemoryMetrics()
    {
        EngineMetrics.Meter.CreateObservableGauge(
            "kor.memory.used", () => Watches.Keys.Select(w => w.Used).DefaultIfEmpty().Max(), "By", "Heap of this process that was used after the last collection.");
        EngineMetrics.Meter.CreateObservableGauge(
            "kor.memory.limit", () => Watches.Keys.Select(w => w.Limit).DefaultIfEmpty().Max(), "By",
            "Heap this process may use: Kor:Engine:MemoryLimitBytes, or what the runtime says (75 % of a container's memory).");
        EngineMetrics.Meter.CreateObservableGauge(
            "kor.memory.tight", () => Watches.Keys.Any(w => w.IsTight) ? 1 : 0, null,
            "1 while 80 % of kor.memory.limit are used (until it is below 70 %): reading waits and cells are let go.");
        EngineMetrics.Meter.CreateObservableGauge(
            "kor.cell.held", () => Watches.Keys.Sum(w => w.Cells.Bytes), "By", "Memory that the cells in memory take, about; above Kor:Engine:CellBytes the coldest are let go.");
    }

    public static void Add(MemoryWatch watch) => Watches[watch] = 0;

    public static void Remove(MemoryWatch watch) => Watches.TryRemove(watch, out _);

    public static void LetGo(string pipeline, string step, int cells) =>
        Evicted.Add(cells, new KeyValuePair<string, object?>("pipeline", pipeline), new KeyValuePair<string, object?>("step", step));
}
