using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>A lookup's database that is away holds the records back; it never turns them into records without a match.</summary>
public sealed class LookupTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_outage_is_a_state_and_no_miss(bool preload)
    {
        await using var stage = await Stage.StartAsync(33, text: TestPipeline.Text("group(2)").Replace(
            "  - { id: unique,",
            "  - { id: named, type: lookup, connection: db, table: NAMES, on: { ID: customer }, add: { label: NAME }, cache: 1s, "
                + $"onMissing: quarantine, preload: {(preload ? "true" : "false")} }}\n  - {{ id: unique,",
            StringComparison.Ordinal));
        stage.Execute("CREATE TABLE NAMES (ID TEXT PRIMARY KEY, NAME TEXT)");
        foreach (var customer in Enumerable.Range(0, 20).Select(i => $"c{i}").Append(Model.Closer)) stage.Execute($"INSERT INTO NAMES VALUES ('{customer}', 'name of {customer}')");
        stage.Faults.Lookup = 1;
        stage.Model.Send(100);
        await stage.WaitAsync(async () =>
        {
            var status = await stage.Pipeline.GetStatusAsync();
            return status.Partitions.Count == Stage.Partitions && status.Partitions.All(p => p.State == PartState.Blocked && p.Reason!.Contains("is away", StringComparison.Ordinal));
        });
        Assert.Empty(stage.Rows());

        stage.Faults.End();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
        Assert.Empty(await stage.QuarantinedAsync());
        Assert.All(stage.LabelsOfRows(), r => Assert.StartsWith("name of c", r.Value, StringComparison.Ordinal));
    }
}
