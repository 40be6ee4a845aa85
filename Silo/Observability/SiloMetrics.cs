using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using KafkaOracleOrleans.Grains.Interfaces;

namespace KafkaOracleOrleans.Silo.Observability;

/// <summary>What the host itself measures.</summary>
internal static class SiloMetrics
{
    public const string MeterName = "KafkaOracleOrleans.Silo";

    private static readonly Meter Meter = new(MeterName);
    private static readonly ConcurrentDictionary<string, long> Pending = new(StringComparer.Ordinal);

    private static readonly UpDownCounter<int> Taps = Meter.CreateUpDownCounter<int>(
        "kor.tap.clients", "{client}", "Readers of taps that are connected to this silo.");

    private static readonly ObservableGauge<long> Waiting = Meter.CreateObservableGauge(
        "kor.quarantine.pending",
        () => Pending.Select(p => new Measurement<long>(p.Value, new KeyValuePair<string, object?>("pipeline", p.Key))),
        "{record}",
        "Records in quarantine, counted every Kor:Metrics:QuarantineInterval; on the silo of the pipeline's grain.");

    private static readonly ConcurrentDictionary<string, DefinitionRefusal> Refusals = new(StringComparer.Ordinal);

    private static readonly ObservableGauge<int> RefusedDefinitions = Meter.CreateObservableGauge(
        "kor.definition.refused",
        () => Refusals.Values.Select(r => new Measurement<int>(
            1, new KeyValuePair<string, object?>("pipeline", r.Name), new KeyValuePair<string, object?>("file", r.File))),
        description: "1 for every file of this silo's pipeline folder that was refused; what ran before goes on.");

    private static readonly Counter<long> Trials = Meter.CreateCounter<long>(
        "kor.http.trials", "{request}", "Requests that tried an expression, a test or a preview, by how they ended: done, or turned away (busy), or over a limit of time or size, or left by the client.");

    public static void Tried(string kind, string outcome) =>
        Trials.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));

    public static void Refused(string path, DefinitionRefusal refusal) => Refusals[path] = refusal;

    public static void NoLongerRefused(string path) => Refusals.TryRemove(path, out _);

    public static void TapOpened(string pipeline) => Taps.Add(1, new KeyValuePair<string, object?>("pipeline", pipeline));

    public static void TapClosed(string pipeline) => Taps.Add(-1, new KeyValuePair<string, object?>("pipeline", pipeline));

    public static void SetPending(string pipeline, long records) => Pending[pipeline] = records;

    /// <summary>Nothing is shown rather than what was true once.</summary>
    public static void ForgetPending(string pipeline) => Pending.TryRemove(pipeline, out _);

    public static IEnumerable<string> PendingOf => Pending.Keys;
}
