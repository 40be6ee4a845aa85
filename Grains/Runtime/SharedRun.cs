namespace KafkaOracleOrleans.Grains.Runtime;

/// <summary>Work that whoever needs it waits for together while it runs: beginning a reign. For one grain's scheduler; not thread-safe.</summary>
internal sealed class SharedRun(Func<Task> work)
{
    /// <summary>The run under way, or null.</summary>
    public Task? Running { get; private set; }

    /// <summary>Joins the run under way, or begins one.</summary>
    public Task RunAsync() => Running ??= RunOnceAsync();

    private async Task RunOnceAsync()
    {
        // What ends at once must not do so before it is known to run.
        await Task.Yield();
        try
        {
            await work();
        }
        finally
        {
            Running = null;
        }
    }
}
