using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Protocol.Cells;

/// <summary>How many parts a step's cells spread their state over; fixed, since stored states depend on it.</summary>
internal static class WindowParts
{
    /// <summary>Cells of groups hold many keys: they save only the parts that changed.</summary>
    public const int Group = 64;

    public static int Of(WindowPlan plan) => plan.GrainPer.Groups > 0 ? Group : 1;
}
