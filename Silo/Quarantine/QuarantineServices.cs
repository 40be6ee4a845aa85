using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Processing.Ports;
using KafkaOracleOrleans.Silo.Hosting;
using KafkaOracleOrleans.Storage.Connections;
using KafkaOracleOrleans.Storage.Quarantine;

namespace KafkaOracleOrleans.Silo.Quarantine;

/// <summary>The quarantine's services.</summary>
internal static class QuarantineServices
{
    public static void AddQuarantine(this IServiceCollection services, KorOptions options)
    {
        services.AddSingleton<IQuarantineTopic, KafkaQuarantineTopic>();
        services.AddSingleton(sp => new PipelineQuarantine(
            sp.GetRequiredService<DatabaseConnections>(),
            new QuarantineRouting
            {
                StateConnection = options.State.Connection,
                Create = options.State.Create,
                MaxRecords = options.Quarantine.MaxRecords,
                MaxPerMinute = options.Quarantine.MaxPerMinute,
                DropWhenFull = options.Quarantine.WhenFull == WhenFull.Drop,
                Time = sp.GetRequiredService<TimeProvider>(),
                PlanOf = name => PlanOfAsync(sp.GetRequiredService<PlanProvider>(), name),
            },
            sp.GetRequiredService<IQuarantineTopic>()));
        services.AddSingleton<IQuarantine>(sp => sp.GetRequiredService<PipelineQuarantine>());
        services.AddSingleton<QuarantineDesk>();
    }

    /// <summary>What goes on by itself.</summary>
    public static void AddQuarantineWork(this IServiceCollection services)
    {
        services.AddHostedService<QuarantineSweeper>();
        services.AddHostedService<QuarantineGauge>();
    }

    private static async ValueTask<Processing.Plan.PipelinePlan?> PlanOfAsync(PlanProvider plans, string pipeline)
    {
        try
        {
            return (await plans.GetAsync(pipeline)).Plan;
        }
        catch (PipelineChangedException)
        {
            // Removed, or not compiled here: its records lie where those of any pipeline do.
            return null;
        }
    }
}
