namespace KafkaOracleOrleans.Silo.Hosting;

/// <summary>The host's configuration without a host: for commands that look before anything runs.</summary>
internal static class HostConfiguration
{
    /// <summary>Reads it as the silo does: appsettings.json, the environment's own file, environment variables.</summary>
    public static KorOptions Load() => Read().Options;

    /// <summary>Reads it, and returns where it was read from.</summary>
    public static (KorOptions Options, IConfigurationRoot Configuration) Read()
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        var options = new KorOptions();
        options.Unread = KorConfiguration.Read(builder.Configuration, options);
        return (options, builder.Configuration);
    }

    /// <summary>What is wrong with it; empty when a silo would start with it.</summary>
    public static IReadOnlyList<string> Faults(KorOptions options)
    {
        try
        {
            KorOptionsValidation.Check(options);
            return [];
        }
        catch (KorConfigurationException e)
        {
            return e.Faults;
        }
    }
}
