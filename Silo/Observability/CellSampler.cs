using System.Globalization;
using OpenTelemetry.Trace;

namespace KafkaOracleOrleans.Silo.Observability;

/// <summary>
/// Leaves out the calls of owners to their cells: a batch makes one per key, and a trace is one tree per batch. All else is up to the sampler the standard
/// variables <c>OTEL_TRACES_SAMPLER</c> and <c>OTEL_TRACES_SAMPLER_ARG</c> name.
/// </summary>
internal sealed class CellSampler(Sampler inner) : Sampler
{
    public static CellSampler From(IConfiguration configuration) =>
        new(Named(configuration["OTEL_TRACES_SAMPLER"], configuration["OTEL_TRACES_SAMPLER_ARG"]));

    /// <inheritdoc/>
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        IsCell(samplingParameters.Name) ? new SamplingResult(SamplingDecision.Drop) : inner.ShouldSample(samplingParameters);

    private static bool IsCell(string name) =>
        name.StartsWith("IWindowGrain/", StringComparison.Ordinal) || name.StartsWith("IDedupGrain/", StringComparison.Ordinal);

    // The names and the default are those of the OpenTelemetry specification.
    private static Sampler Named(string? name, string? argument) => name switch
    {
        "always_on" => new AlwaysOnSampler(),
        "always_off" => new AlwaysOffSampler(),
        "traceidratio" => new TraceIdRatioBasedSampler(Ratio(argument)),
        "parentbased_always_off" => new ParentBasedSampler(new AlwaysOffSampler()),
        "parentbased_traceidratio" => new ParentBasedSampler(new TraceIdRatioBasedSampler(Ratio(argument))),
        null or "" or "parentbased_always_on" => new ParentBasedSampler(new AlwaysOnSampler()),
        _ => throw new InvalidOperationException(
            $"OTEL_TRACES_SAMPLER is '{name}'; use always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio."),
    };

    private static double Ratio(string? argument)
    {
        if (string.IsNullOrEmpty(argument)) return 1;
        return double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) && ratio is >= 0 and <= 1
            ? ratio
            : throw new InvalidOperationException($"OTEL_TRACES_SAMPLER_ARG is '{argument}'; a ratio from 0 to 1 is needed.");
    }
}
