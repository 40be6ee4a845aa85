using KafkaOracleOrleans.WebConsole.Components;
using KafkaOracleOrleans.WebConsole.Data;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor;
using MudBlazor.Services;

namespace KafkaOracleOrleans.WebConsole.Hosting;

/// <summary>The console for a host that has an <see cref="IConsoleApi"/>.</summary>
public static class ConsoleExtensions
{
    // A pipeline's text may have 1 MiB.
    private const int MaxMessage = (1 << 20) + (64 << 10);

    /// <summary>Adds the console's services.</summary>
    public static IServiceCollection AddKorConsole(this IServiceCollection services)
    {
        services.AddRazorComponents().AddInteractiveServerComponents(o =>
        {
            // Pages whose connection broke: what is kept of each until it comes back.
            o.DisconnectedCircuitMaxRetained = 20;
            o.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(1);
            o.DetailedErrors = false;
        }).AddHubOptions(o => o.MaximumReceiveMessageSize = MaxMessage);
        services.AddCascadingAuthenticationState();
        services.AddMudServices(o =>
        {
            o.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomRight;
            o.SnackbarConfiguration.VisibleStateDuration = 6000;
            o.SnackbarConfiguration.HideTransitionDuration = 150;
            o.SnackbarConfiguration.ShowTransitionDuration = 100;
        });
        services.AddSingleton<StatusFeed>();
        services.AddScoped<ConsoleClient>();
        return services;
    }

    /// <summary>Maps the pages at <c>/</c> and their live connection; the host says who may see them. Endpoints of the host's own at the same addresses come first.</summary>
    public static IEndpointConventionBuilder MapKorConsole(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet(ConsoleAssets.Root + "/{name}", (HttpContext http, string name) => ConsoleAssets.ServeAsync(http, name))
            .AllowAnonymous().ExcludeFromDescription();
        var pages = endpoints.MapRazorComponents<App>().AddInteractiveServerRenderMode(o => o.ContentSecurityFrameAncestorsPolicy = null);
        pages.Add(e =>
        {
            if (e is RouteEndpointBuilder route) route.Order = 1_000;
        });
        return pages;
    }
}
