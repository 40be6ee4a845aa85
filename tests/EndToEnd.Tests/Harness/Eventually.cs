namespace KafkaOracleOrleans.EndToEnd.Tests.Harness;

/// <summary>Waiting for a condition with a deadline.</summary>
public static class Eventually
{
    public static async Task<T> GetAsync<T>(Func<Task<T>> read, Func<T, bool> holds, TimeSpan deadline, Func<T?, string> describe)
    {
        var until = DateTime.UtcNow + deadline;
        T? last = default;
        while (DateTime.UtcNow < until)
        {
            last = await read();
            if (holds(last)) return last;
            await Task.Delay(200);
        }

        Assert.Fail($"Not within {deadline}: {describe(last)}");
        return last!;
    }
}
