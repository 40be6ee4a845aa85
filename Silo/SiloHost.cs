using System.Text.Json.Serialization;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage;
using OpenTelemetry.Metrics;

namespace KafkaOracleOrleans.Silo;

/// <summary>Puts the web application together: the engine, the API, metrics.</summary>
internal static class SiloHost
{
    public static WebApplicationBuilder CreateBuilder(string[] args, Action<KorOptions>? configure)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.AddKafkaOracleOrleans(configure);
        builder.Services.ConfigureHttpJsonOptions(o => o.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        builder.Services.AddProblemDetails();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter(EngineMetrics.MeterName, StorageMetrics.MeterName, "KafkaOracleOrleans.Streams.Kafka", "Microsoft.Orleans")
            .AddPrometheusExporter(o => o.ScopeInfoEnabled = false));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(60));
        return builder;
    }

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.MapPipelineApi();
        app.MapPrometheusScrapingEndpoint("/metrics");
        app.Urls.Add(app.Services.GetRequiredService<KorOptions>().Url);
        return app;
    }
}
