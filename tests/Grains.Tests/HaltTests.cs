using KafkaOracleOrleans.Grains.Contracts;
using KafkaOracleOrleans.Grains.Runtime;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>
/// For a second after a pipeline was stopped its reader still asks where partitions stand and hands batches over. None of that may make it run again.
/// </summary>
public sealed class HaltTests
{
    [Fact]
    public async Task A_stopped_pipeline_is_not_begun_again_by_its_reader()
    {
        await using var stage = await Stage.StartAsync(51, "group(2)");
        stage.Model.Send(100);
        await stage.WaitForRowsAsync();
        await stage.Pipeline.StopAsync();
        var before = await EpochsAsync(stage);
        for (var partition = 0; partition < Stage.Partitions; partition++)
            await Assert.ThrowsAnyAsync<Exception>(() => stage.PartitionGrain(partition).GetPositionAsync());
        Assert.Equal(before, await EpochsAsync(stage));

        stage.Model.Send(100);
        await stage.Pipeline.StartAsync();
        stage.Model.Close();
        await stage.AssertCompleteAsync();
    }

    [Fact]
    public async Task A_new_definition_is_in_force_everywhere_though_the_reader_asks_meanwhile()
    {
        await using var stage = await Stage.StartAsync(52, "group(2)");
        stage.Model.Send(100);
        await stage.WaitForRowsAsync();
        var asked = 0;
        // Between the end of the parts and the new definition's being in force.
        stage.BeforeSave = async () =>
        {
            stage.BeforeSave = null;
            for (var p = 0; p < Stage.Partitions; p++, asked++) await AskAsync(stage.PartitionGrain(p));
        };
        await stage.ApplyAsync(TestPipeline.Text("group(2)").Replace("table: SALES,", "table: SALES_2,", StringComparison.Ordinal));
        Assert.Equal(Stage.Partitions, asked);

        var before = stage.Model.Rows.Count;
        stage.Model.Send(100);
        await stage.WaitAsync(() => Task.FromResult(stage.CountOf("SALES_2") == stage.Model.Rows.Count - before));
    }

    private static async Task AskAsync(IPartitionGrain partition)
    {
        try
        {
            await partition.GetPositionAsync();
        }
        catch (PipelineChangedException)
        {
            // As it should be; the rows tell whether it was.
        }
    }

    private static async Task<long[]> EpochsAsync(Stage stage) => await Task.WhenAll(stage.Owners().Select(stage.EpochAsync));
}
