using KafkaOracleOrleans.Silo.Security;
using KafkaOracleOrleans.WebConsole.Data;
using KafkaOracleOrleans.WebConsole.Hosting;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace KafkaOracleOrleans.Silo.ConsoleHost;

/// <summary>The console in a silo's host.</summary>
internal static class ConsoleHosting
{
    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<InProcessApi>();
        services.AddSingleton<IConsoleApi>(sp => sp.GetRequiredService<InProcessApi>());
        services.AddKorConsole();
        services.Replace(ServiceDescriptor.Singleton<IDataProtectionProvider, OwnDataProtection>());
    }

    public static void Map(WebApplication app)
    {
        app.Services.GetRequiredService<InProcessApi>().Build(app);
        SignIn.Map(app).WithMetadata(new ConsoleEndpoint());
        app.MapKorConsole()
            .WithMetadata(new ConsoleEndpoint())
            // The live connection stays for as long as its page.
            .WithMetadata(new DisableRequestTimeoutAttribute())
            .RequireAuthorization(KorPolicies.Viewer);
    }
}
