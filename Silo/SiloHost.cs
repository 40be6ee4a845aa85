using System.Text.Json.Serialization;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Security;
using Orleans.Dashboard;

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
        // The slim builder leaves certificates out; Kestrel:Certificates:Default and an https:// Kor:Url need them.
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.AddKafkaOracleOrleans(configure);
        var options = (KorOptions)builder.Services.Last(s => s.ServiceType == typeof(KorOptions)).ImplementationInstance!;
        AddHttp(builder.Services, options);
        Health.Add(builder.Services);
        Telemetry.Add(builder, options);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = options.ShutdownTimeout);
        return builder;
    }

    public static WebApplication Build(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        var options = app.Services.GetRequiredService<KorOptions>();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseMiddleware<LoopbackOnly>();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseRequestTimeouts();
        app.UseMiddleware<ApiGuard>();
        app.MapKorApi();
        OpenApiDocument.Map(app);
        Health.Map(app);
        var metrics = app.MapPrometheusScrapingEndpoint("/metrics");
        if (options.Http.AnonymousMetrics) metrics.AllowAnonymous();
        else metrics.RequireAuthorization(KorPolicies.Viewer);
        // It shows grains' keys: for admins only, and only where somebody asked for it.
        if (options.Http.Dashboard) app.MapOrleansDashboard("/orleans").RequireAuthorization(KorPolicies.Admin).ExcludeFromDescription();
        app.Urls.Add(options.Url);
        return app;
    }

    private static void AddHttp(IServiceCollection services, KorOptions options)
    {
        services.ConfigureHttpJsonOptions(o => o.SerializerOptions.Converters.Add(new JsonStringEnumConverter()));
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        services.AddProblemDetails();
        services.AddExceptionHandler<ApiExceptions>();
        Authentication.Add(services, options.Http);
        HttpLimits.Add(services, options.Http);
        OpenApiDocument.Add(services);
    }
}
