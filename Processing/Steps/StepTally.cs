using KafkaOracleOrleans.Processing.Plan;

namespace KafkaOracleOrleans.Processing.Steps;

/// <summary>What a step did with the last batch; counted once per batch.</summary>
public sealed class StepTally(StepPlan step)
{
    /// <summary>The step.</summary>
    public StepPlan Step { get; } = step;

    /// <summary>Rows that came in.</summary>
    public int In { get; internal set; }

    /// <summary>Rows of its main output. A window step's leave it from the shards, not here.</summary>
    public int Out { get; internal set; }

    /// <summary>Window steps: rows that came too late.</summary>
    public int Late { get; internal set; }

    /// <summary>Window steps: those of them whose windows were closed because their partition was taken for idle.</summary>
    public int LateByIdle { get; internal set; }

    /// <summary>Lookup steps: rows whose key the cache held, with a row of the table.</summary>
    public int CacheHits { get; internal set; }

    /// <summary>Lookup steps: rows of which the cache knew that the table has none for their key.</summary>
    public int CacheNegatives { get; internal set; }

    /// <summary>Lookup steps: rows whose key had to be asked for.</summary>
    public int CacheMisses { get; internal set; }

    /// <summary>Quality steps: how many rows failed each rule, in the order of the plan.</summary>
    public IReadOnlyList<long> RuleFailures { get; internal set; } = [];
}
