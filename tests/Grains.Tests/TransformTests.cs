using KafkaOracleOrleans.Grains.Interfaces;
using KafkaOracleOrleans.Grains.Tests.Support;

namespace KafkaOracleOrleans.Grains.Tests;

/// <summary>C# transforms at work in a cluster.</summary>
public sealed class TransformTests
{
    [Fact]
    public async Task A_transform_adds_fields_and_what_it_refuses_or_throws_at_is_quarantined_while_the_pipeline_goes_on()
    {
        await using var stage = await Stage.StartAsync(30, text: Text());
        foreach (var customer in new[] { "thrown", "good", "refused", "dropped", "good" }) stage.Model.SendAt(customer, 0);
        await stage.WaitAsync(async () => (await stage.Pipeline.GetStatusAsync()).Counts.Consumed == stage.Model.Sent);
        await stage.WaitAsync(() => Task.FromResult(Bands(stage).Count == stage.Model.Sent - 3));

        Assert.All(Bands(stage), band => Assert.Equal("low", band));
        var status = await stage.Pipeline.GetStatusAsync();
        Assert.Equal(PartState.Running, status.State);
        Assert.Equal(new RecordCounts(stage.Model.Sent, stage.Model.Sent - 3, 0, 0, 1, 2), status.Counts);
        Assert.Equal(
            ["KOR4044 screen", "KOR4045 screen"],
            stage.Read("kor_quarantine", "SELECT code || ' ' || place FROM kor_quarantine ORDER BY 1", r => r.GetString(0)));
    }

    private static List<string> Bands(Stage stage) => stage.Read("SALES", "SELECT BAND FROM SALES", r => r.GetString(0));

    private static string Text() => TestPipeline.Text()
        .Replace(
            "steps:",
            "steps:\n  - { id: screen, type: custom, name: screening, add: { band: string } }",
            StringComparison.Ordinal);
}
