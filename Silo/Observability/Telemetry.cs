using System.Diagnostics.Metrics;
using System.Reflection;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage;
using KafkaOracleOrleans.Storage.Connections;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace KafkaOracleOrleans.Silo.Observability;

/// <summary>
/// Metrics at <c>/metrics</c>, and metrics, traces and logs by OTLP when the standard <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set.
/// </summary>
internal static class Telemetry
{
    // Meter and activity source alike.
    private const string Streams = "KafkaOracleOrleans.Streams.Kafka";
    private const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    // One millisecond to a minute, as the documentation says: dashboards rely on the bounds.
    private static readonly double[] Seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    private static readonly double[] Counts = [1, 5, 10, 50, 100, 500, 1_000, 2_000, 5_000, 10_000, 20_000];
    private static readonly Meter Build = new("KafkaOracleOrleans.Build");

    private static readonly ObservableGauge<int> BuildInfo = Build.CreateObservableGauge(
        "kor.build.info",
        () => new Measurement<int>(1, new("version", Version().Number), new("commit", Version().Commit)),
        description: "The build that runs; always 1.");

    public static void Add(WebApplicationBuilder builder, KorOptions options)
    {
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(r => r.AddService("kor", serviceVersion: Version().Number, serviceInstanceId: Environment.MachineName))
            .WithMetrics(metrics => AddMetrics(metrics, options.Metrics));
        if (!IsExporting(builder.Configuration)) return;
        telemetry
            .WithTracing(traces => traces
                .AddSource(EngineTraces.SourceName, Streams, DatabaseTelemetry.SourceName, "Microsoft.Orleans.Runtime", "Microsoft.Orleans.Application")
                .SetSampler(CellSampler.From(builder.Configuration)))
            .WithLogging()
            .UseOtlpExporter();
    }

    /// <summary>
    /// Whether traces leave the process at all. Where they do not, nothing may listen: a span per call of a grain costs more than most calls.
    /// </summary>
    public static bool IsExporting(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[EndpointVariable]);

    private static void AddMetrics(MeterProviderBuilder metrics, MetricsOptions options)
    {
        metrics.AddMeter(
            EngineMetrics.MeterName, StorageMetrics.MeterName, Streams, SiloMetrics.MeterName, BuildInfo.Meter.Name, "Microsoft.Orleans",
            "System.Runtime");
        if (options.KafkaExporterCompat) metrics.AddMeter(EngineMetrics.CompatMeterName);
        if (!options.PerPartition)
        {
            foreach (var name in EngineMetrics.PerPartitionInstruments) metrics.AddView(name, MetricStreamConfiguration.Drop);
        }

        metrics.AddView(instrument => instrument is { Unit: "s" } && IsHistogram(instrument) ? new ExplicitBucketHistogramConfiguration { Boundaries = Seconds } : null);
        metrics.AddView(instrument => instrument.Unit?.StartsWith('{') == true && IsHistogram(instrument)
            ? new ExplicitBucketHistogramConfiguration { Boundaries = Counts }
            : null);
        metrics.AddPrometheusExporter(o => o.ScopeInfoEnabled = false);
    }

    private static bool IsHistogram(Instrument instrument) =>
        instrument.Meter.Name.StartsWith("KafkaOracleOrleans", StringComparison.Ordinal)
        && instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>);

    /// <summary>Log lines on the console, in the form the configuration asks for.</summary>
    public static void AddLogs(WebApplicationBuilder builder)
    {
        var options = (KorOptions)builder.Services.Last(s => s.ServiceType == typeof(KorOptions)).ImplementationInstance!;
        AddLogs(builder.Logging, options.Logs);
    }

    private static void AddLogs(ILoggingBuilder logging, LogsOptions options)
    {
        if (options.Format == LogFormat.Json)
        {
            logging.AddJsonConsole(o =>
            {
                o.IncludeScopes = false;
                o.UseUtcTimestamp = true;
                o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
            return;
        }

        logging.AddConsoleFormatter<TextFormatter, ConsoleFormatterOptions>();
        logging.AddConsole(o => o.FormatterName = TextFormatter.FormatterName);
    }

    /// <summary>The build's version and commit.</summary>
    internal static (string Number, string Commit) Version()
    {
        var text = typeof(Telemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0.0.0";
        var plus = text.IndexOf('+', StringComparison.Ordinal);
        return plus < 0 ? (text, "unknown") : (text[..plus], text[(plus + 1)..]);
    }
}
