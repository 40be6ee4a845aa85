using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Silo.Observability;

namespace KafkaOracleOrleans.Silo;

/// <summary>The product's own host: what any host can have, with its log lines.</summary>
internal static class SiloHost
{
    public static WebApplicationBuilder CreateBuilder(string[] args, Action<KorOptions>? configure)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = args,
            ContentRootPath = AppContext.BaseDirectory,
        });
        builder.Logging.ClearProviders();
        builder.AddKor(configure);
        Telemetry.AddLogs(builder);
        return builder;
    }

    public static WebApplication Build(WebApplicationBuilder builder) => builder.Build().MapKor();
}
