using System.Text.Json.Serialization;
using KafkaOracleOrleans.Silo.Api;
using KafkaOracleOrleans.Silo.ConsoleHost;
using KafkaOracleOrleans.Silo.Observability;
using KafkaOracleOrleans.Silo.Security;
using Microsoft.Extensions.Options;
using Orleans.Dashboard;

namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The whole silo for a web host of one's own: <c>builder.AddKor()</c> and, once it is built, <c>app.MapKor()</c>.</summary>
public static class KorWebExtensions
{
    /// <summary>
    /// Adds the engine, its silo, the HTTP API with its authentication, probes and metrics. Configuration comes from the section
    /// <see cref="KorOptions.Section"/>; <paramref name="configure"/> has the last word. Throws <see cref="KorConfigurationException"/>. Logging is left as it is.
    /// </summary>
    public static WebApplicationBuilder AddKor(this WebApplicationBuilder builder, Action<KorOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        // A slim builder leaves certificates out; Kestrel:Certificates:Default and an https:// Kor:Url need them.
        builder.WebHost.UseKestrelHttpsConfiguration();
        HttpsCertificate.Use(builder);
        builder.AddKafkaOracleOrleans(configure);
        var options = (KorOptions)builder.Services.Last(s => s.ServiceType == typeof(KorOptions)).ImplementationInstance!;
        AddHttp(builder.Services, options);
        Health.Add(builder.Services);
        Telemetry.Add(builder, options);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = options.ShutdownTimeout);
        return builder;
    }

    /// <summary>
    /// Maps what <see cref="AddKor"/> added: the console at <c>/</c>, <c>/api/v1</c>, <c>/openapi</c>, <c>/health</c>, <c>/metrics</c>; and listens on <see cref="KorOptions.Url"/>.
    /// Endpoints of the host's own go after it: authentication, limits and the guard of loopback hold for them, too.
    /// </summary>
    public static WebApplication MapKor(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = app.Services.GetRequiredService<KorOptions>();
        app.UseMiddleware<SecurityHeaders>();
        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseMiddleware<LoopbackOnly>();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseMiddleware<ConsoleGuard>();
        app.UseAuthorization();
        app.UseRequestTimeouts();
        app.UseMiddleware<ApiGuard>();
        app.UseAntiforgery();
        app.MapKorApi();
        if (options.Http.Console) ConsoleHosting.Map(app);
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
        services.AddSingleton<TrialGate>();
        services.AddSingleton<LogLevels>();
        services.AddSingleton<IConfigureOptions<LoggerFilterOptions>>(sp => sp.GetRequiredService<LogLevels>());
        services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(sp => sp.GetRequiredService<LogLevels>());
        OpenApiDocument.Add(services);
        ConsoleHosting.Add(services);
    }
}
